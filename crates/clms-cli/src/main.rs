//! The program `clms`: land data of the Copernicus Land Monitoring Service, from catalogue to cube in one command.

mod args;
mod commands;
mod exit;
mod failure;
mod log;
mod map;
mod printer;
mod progress;
mod signals;
mod text;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Cli, Command, Jobs},
    commands::{Context, Stop},
    failure::Failure,
    printer::{Closed, Printer},
    progress::Screen,
    signals::Signals,
};

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2 and clap's explanation.
    let cli = Cli::parse();
    let printer = Printer::new(cli.global.output, cli.global.quiet, cli.global.color);
    let screen = Screen::new();
    log::start(cli.global.verbose, cli.global.quiet, &printer, &screen);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(why) => {
            printer.failure(&Failure::io("start", &why));
            return exit::FAILED.into();
        }
    };
    let code = runtime.block_on(run(cli, printer, screen));
    // Whatever still blocks a thread must not keep the program from ending.
    runtime.shutdown_background();
    code.into()
}

async fn run(cli: Cli, printer: Printer, screen: Screen) -> u8 {
    let signals = Signals::listen();
    // Only preloading has something to bring to safety before it stops, and exporting something to take away.
    let stops_by_itself = matches!(
        cli.command,
        Command::Preload(_)
            | Command::Export(_)
            | Command::Jobs {
                jobs: Some(Jobs::Wait(_) | Jobs::Resume(_))
            }
    );
    let done = async {
        let context = Context::new(&cli.global, printer, screen, signals.stop())?;
        let work = commands::run(&context, cli.command);
        if stops_by_itself {
            return work.await;
        }
        tokio::select! {
            done = work => done,
            () = context.stop.cancelled() => Err(Stop::Code(signals.code())),
        }
    };
    match done.await {
        Ok(()) | Err(Stop::Closed(Closed::Quietly)) => exit::DONE,
        Err(Stop::Code(exit::INTERRUPTED)) => signals.code(),
        Err(Stop::Code(code)) => code,
        Err(Stop::Failure(failure)) => {
            printer.failure(&failure);
            failure.code
        }
        Err(Stop::Closed(Closed::Badly(why))) => {
            printer.failure(&Failure::io("write to standard output", &why));
            exit::FAILED
        }
    }
}
