//! Installs the servers, or runs one for as long as somebody wants it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

use std::{io, process::ExitCode};

use clms_servers::{Server, installed};

const HELP: &str = "\
clms-servers install                        installs what the servers are made of, if it isn't there
clms-servers s3 | plain-s3 | azure | google runs one until the standard input ends, and prints how to reach it
";

fn main() -> ExitCode {
    let server = match std::env::args().nth(1).as_deref() {
        Some("install") => {
            installed::all();
            return ExitCode::SUCCESS;
        }
        Some("s3") => Server::s3(),
        Some("plain-s3") => Server::plain_s3(),
        Some("azure") => Server::azure(),
        Some("google") => Server::google(),
        _ => {
            eprint!("{HELP}");
            return ExitCode::FAILURE;
        }
    };
    for (name, value) in server.environment() {
        println!("export {name}='{value}'");
    }
    println!("# {}", server.url("prefix"));
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    ExitCode::SUCCESS
}
