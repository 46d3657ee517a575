//! The project's own commands, run as `cargo xtask <command>`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod demo;
mod gdal;
mod process;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  demo [--scale demo|full|WxH] [--dir DIR]
             a whole preload in front of your eyes: builds `clms` and the simulated service, makes
             packages as CLMS makes them, and takes them from catalogue to cube to map on loopback
  test [--all]
             all that must be true before a commit lands; --all adds the long ones
  sim [ARGS] the simulated service on its own, such as `cargo xtask sim --port 8080`; `sim --help`
  setup      only makes sure that GDAL and its headers are there
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let result = match command.as_str() {
        "demo" => demo::run(&rest),
        "test" => test::run(&rest),
        "sim" => sim(&rest),
        "setup" => gdal::ensure().map(|version| println!("GDAL {version} is there")),
        "help" | "--help" | "-h" | "" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no command {other:?}\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn sim(args: &[String]) -> process::Result {
    process::cargo(["run", "--quiet", "--package", "clms-sim", "--"])
        .args(args)
        .run()
}
