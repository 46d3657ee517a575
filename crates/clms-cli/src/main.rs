//! The program `clms`: land data of the Copernicus Land Monitoring Service, from catalogue to cube in one command.

mod args;
mod commands;
mod cover;
mod exit;
mod failure;
mod log;
mod map;
mod mistyped;
mod paste;
mod png_bytes;
mod printer;
mod progress;
mod report;
mod request_file;
mod settings;
mod signals;
mod store_parameters;
mod terminal;
mod text;
mod whole_file;

use std::process::ExitCode;

use clap::FromArgMatches as _;

use crate::{
    args::{Cli, Command, Config, Jobs, StoreCommand},
    commands::{Context, Done, Stop},
    failure::Failure,
    printer::{Closed, Printer},
    progress::Screen,
    settings::Settings,
    signals::Signals,
};

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2 and clap's explanation.
    let matches = match mistyped::matches() {
        Ok(matches) => matches,
        Err(code) => return code.into(),
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|why| why.exit());
    let (output, colour) = (cli.global.output, cli.global.color);
    let settings = match Settings::resolve(cli.global) {
        Ok(settings) => settings,
        Err(failure) => {
            let printer = Printer::new(
                output.unwrap_or_default(),
                false,
                colour.unwrap_or_default(),
            );
            return ended(&printer, Err(Stop::Failure(failure)), exit::FAILED).into();
        }
    };
    let printer = Printer::new(
        settings.output.value,
        settings.quiet.value,
        settings.color.value,
    );
    let code = match cli.command {
        Command::Config(Config::Show) => ended(
            &printer,
            commands::config::show(&settings, &printer),
            exit::FAILED,
        ),
        Command::Completions { shell } => ended(
            &printer,
            commands::shell::completions(shell, &printer),
            exit::FAILED,
        ),
        Command::Man { folder } => ended(
            &printer,
            commands::shell::manual(&folder, &printer),
            exit::FAILED,
        ),
        Command::OfStore(command) => exit::now(with_runtime(&settings, command, printer)),
    };
    code.into()
}

fn with_runtime(settings: &Settings, command: StoreCommand, printer: Printer) -> u8 {
    let screen = Screen::new();
    log::start(
        settings.verbose.value,
        settings.quiet.value,
        &printer,
        &screen,
    );
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(why) => {
            printer.failure(&Failure::io("start", &why));
            return exit::FAILED;
        }
    };
    let code = runtime.block_on(run(settings, command, printer, screen));
    // Whatever still blocks a thread must not keep the program from ending.
    runtime.shutdown_background();
    code
}

async fn run(settings: &Settings, command: StoreCommand, printer: Printer, screen: Screen) -> u8 {
    let signals = Signals::listen();
    // Only preloading has something to bring to safety before it stops, and exporting something to take away.
    let stops_by_itself = matches!(
        command,
        StoreCommand::Preload(_)
            | StoreCommand::Export(_)
            | StoreCommand::Jobs {
                jobs: Some(Jobs::Wait(_) | Jobs::Resume(_))
            }
    );
    let done = async {
        let context = Context::new(settings, printer, screen, signals.stop())?;
        let work = commands::run(&context, command);
        if stops_by_itself {
            return work.await;
        }
        tokio::select! {
            done = work => done,
            () = context.stop.cancelled() => Err(Stop::Code(signals.code())),
        }
    };
    let done = done.await;
    ended(&printer, done, signals.code())
}

/// The exit code of a command, with a word on why it failed if that is still to be said. `stopped` is the code for one that a signal stopped.
fn ended(printer: &Printer, done: Done, stopped: u8) -> u8 {
    match done {
        Ok(()) | Err(Stop::Closed(Closed::Quietly)) => exit::DONE,
        Err(Stop::Code(exit::INTERRUPTED)) => stopped,
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
