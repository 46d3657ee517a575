//! The program's arguments.

use std::path::PathBuf;
use std::time::Duration;

use clms_sim::{HABIT_FLAGS, Habits, QueueTimes, parse_duration};

/// What the program was asked to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Print this text.
    Help(String),
    /// Serve.
    Serve(Box<Settings>),
}

/// How to serve.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) packages: Option<PathBuf>,
    pub(crate) credentials_out: Option<PathBuf>,
    pub(crate) queue: QueueTimes,
    pub(crate) habits: Habits,
}

/// Reads the arguments behind the program's name.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let queue = QueueTimes {
        queued: Duration::from_millis(500),
        running: Duration::from_secs(1),
    };
    let mut settings = Settings {
        queue,
        ..Settings::default()
    };
    while let Some(argument) = arguments.next() {
        let (option, attached) = match argument.split_once('=') {
            Some((option, value)) if option.starts_with("--") => {
                (option.to_owned(), Some(value.to_owned()))
            }
            _ => (argument, None),
        };
        if option == "--help" || option == "-h" {
            return Ok(Command::Help(help()));
        }
        let known = [
            "--port",
            "--packages",
            "--credentials-out",
            "--queued",
            "--running",
            "--habit",
            "--bandwidth",
        ];
        if !known.contains(&option.as_str()) {
            return Err(format!("unknown argument `{option}`; --help lists them"));
        }
        let value = attached
            .or_else(|| arguments.next())
            .ok_or_else(|| format!("{option} needs a value"))?;
        let wrong = |wanted: &str| format!("{option} takes {wanted}, not `{value}`");
        let duration =
            || parse_duration(&value).ok_or_else(|| wrong("a duration such as 500ms or 2s"));
        match option.as_str() {
            "--port" => settings.port = value.parse().map_err(|_| wrong("a port"))?,
            "--packages" => settings.packages = Some(value.into()),
            "--credentials-out" => settings.credentials_out = Some(value.into()),
            "--queued" => settings.queue.queued = duration()?,
            "--running" => settings.queue.running = duration()?,
            "--bandwidth" => {
                settings.habits.bandwidth =
                    Some(value.parse().map_err(|_| wrong("bytes per second"))?);
            }
            _ => settings
                .habits
                .set(&value)
                .map_err(|error| format!("{error}; --help lists the habits"))?,
        }
    }
    Ok(Command::Serve(settings.into()))
}

fn help() -> String {
    let mut text = String::from(
        "The CLMS portal and its download host, simulated on loopback.

Usage: clms-sim [OPTIONS]

  --port N                  port on 127.0.0.1 (0: a free one, the default)
  --packages DIR            <DIR>/<file>.zip is served for tasks of that file
  --credentials-out FILE    where to write the service key
  --queued DURATION         how long tasks stay queued (500ms)
  --running DURATION        how long tasks then run (1s)
  --bandwidth BYTES         bytes per second of each download
  --habit NAME[=VALUE]      a bad habit of the service; may be repeated
  -h, --help                this text

DURATION is 200ms, 15s, 2m or 24h. WHEN is always, never, first:N, every:N or N (the first N).
ENDPOINT is @search, @@oauth2-token, ..., `results` for download links, or * for all.

Habits:
",
    );
    for flag in HABIT_FLAGS {
        let name = if flag.value.is_empty() {
            flag.name.to_owned()
        } else {
            format!("{}={}", flag.name, flag.value)
        };
        text += &format!("  {name}\n      {}\n", flag.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn all_options_are_read() {
        let line = [
            "--port",
            "8080",
            "--packages=/p",
            "--credentials-out",
            "/c",
            "--queued",
            "2s",
            "--running=1m",
            "--habit",
            "dead-link=first:2",
            "--habit=naive-times",
            "--bandwidth",
            "1000",
        ];
        let Ok(Command::Serve(settings)) = parsed(&line) else {
            panic!("not read")
        };
        assert_eq!(settings.port, 8080);
        assert_eq!(settings.packages, Some("/p".into()));
        assert_eq!(settings.credentials_out, Some("/c".into()));
        assert_eq!(settings.queue.queued, Duration::from_secs(2));
        assert_eq!(settings.queue.running, Duration::from_secs(60));
        assert_eq!(settings.habits.dead_links, clms_sim::When::First(2));
        assert!(settings.habits.naive_times);
        assert_eq!(settings.habits.bandwidth, Some(1000));
    }

    #[test]
    fn mistakes_are_told() {
        for (line, part) in [
            (vec!["--prot", "1"], "unknown argument `--prot`"),
            (vec!["--port"], "--port needs a value"),
            (vec!["--port", "x"], "takes a port"),
            (vec!["--queued", "5"], "a duration"),
            (vec!["--habit", "sleepy"], "no habit `sleepy`"),
        ] {
            assert!(parsed(&line).unwrap_err().contains(part), "{line:?}");
        }
    }

    #[test]
    fn help_lists_every_habit() {
        let Ok(Command::Help(text)) = parsed(&["--port", "1", "-h"]) else {
            panic!("no help")
        };
        for flag in HABIT_FLAGS {
            assert!(text.contains(flag.name), "{}", flag.name);
        }
    }
}
