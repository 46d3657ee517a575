//! The project's own commands, run as `cargo xtask <command>`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod apt;
mod bench;
mod bench_s3;
mod book;
mod demo;
mod filesystems;
mod gdal;
mod node;
mod process;
mod programs;
mod python;
mod record;
mod release;
mod schemas;
mod service;
mod startup;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  demo [--scale demo|full|WxH] [--dir DIR]
             a whole preload in front of your eyes: builds `clms` and the simulated service, makes
             packages as CLMS makes them, and takes them from catalogue to cube to map on loopback
  test [--all]
             all that must be true before a commit lands; --all adds the long ones
  book       the documentation in docs/ as pages for a browser, in target/book
  sim [ARGS] the simulated service on its own, such as `cargo xtask sim --port 8080`; `sim --help`
  bench [--inputs S,T,M,X] [--runs N] [--dir DIR]
             from a downloaded package to a cube: time, memory and size beside GDAL and xarray
  bench-s3 [--data-id ID] [--scale WxH] [--runs N]
             the main job into an S3 server on this machine, beside the same onto its disk
  bench-startup [NAME=COMMAND...]
             how soon the program says something, beside an empty one that is linked with the same GDAL
  record [--mode none|once|new-episodes|all] [--against live|URL] [NAME...]
             has conversations with a portal and keeps them in tests/cassettes/sessions, without
             secrets; CLMS_CREDENTIALS names the service key
  schemas    writes the JSON Schemas of what `clms` prints to docs/schemas
  dist [--test]
             the program with its own GDAL in it, and an archive with all that belongs to it, in
             target/released; compiling GDAL takes half an hour. --test: scenario tests with it
  deb [--static]
             a Debian package for the system that it is built on, or for all with --static
  wheel      the Python package in python/ with the program of `dist` in it, in target/released
  container [ARGS]
             the image of the Containerfile; ARGS are the builder's, such as --build-arg PROGRAM=dist
  release-notes TAG
             what CHANGELOG.md tells of the version that the tag names
  setup      only makes sure that GDAL and its headers are there
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let result = match command.as_str() {
        "bench" => bench::run(&rest),
        "bench-s3" => bench_s3::run(&rest),
        "bench-startup" => startup::run(&rest),
        "book" => book::run(),
        "container" => release::container(&rest),
        "deb" => release::deb(&rest),
        "demo" => demo::run(&rest),
        "dist" => release::dist(&rest),
        "test" => test::run(&rest),
        "sim" => sim(&rest),
        "record" => record::run(&rest),
        "schemas" => schemas::run(),
        "wheel" => release::wheel(&rest),
        "release-notes" => release::notes(&rest),
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
