//! The simulated CLMS service as a program.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

mod args;

use std::io::Write as _;
use std::process::ExitCode;

use args::{Command, Settings};
use clms_sim::Sim;

fn main() -> ExitCode {
    match args::parse(std::env::args().skip(1)) {
        Ok(Command::Help(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Command::Serve(settings)) => match serve(*settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string(), 1),
        },
        Err(message) => fail(&message, 2),
    }
}

fn fail(message: &str, code: u8) -> ExitCode {
    eprintln!("clms-sim: {message}");
    ExitCode::from(code)
}

/// Serves until the process is killed.
fn serve(settings: Settings) -> std::io::Result<()> {
    let mut builder = Sim::builder()
        .port(settings.port)
        .queue(settings.queue)
        .habits(settings.habits);
    if let Some(packages) = settings.packages {
        builder = builder.packages(packages);
    }
    let sim = builder.start()?;
    if let Some(path) = settings.credentials_out {
        sim.write_service_key(&path)?;
    }
    // Written whole and at once, because programs wait for this line.
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on {}", sim.api_url())?;
    stdout.flush()?;
    loop {
        std::thread::park();
    }
}
