//! Progress of what is read from its first byte to its last.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::screen::Screen;
use crate::args;

/// So often is anything said.
const OFTEN_ENOUGH: Duration = Duration::from_millis(200);

/// Something that is being read. Its end is its drop.
pub(crate) struct Reading {
    what: String,
    total: u64,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    /// The bytes so far, and when that was last said.
    Json(Screen, Mutex<(u64, Instant)>),
    Nothing,
}

/// A line of `--progress json`.
#[derive(Serialize)]
struct Event<'a> {
    event: &'static str,
    data_id: &'a str,
    bytes: u64,
    total: u64,
}

impl Reading {
    pub(crate) fn begin(kind: args::Progress, screen: &Screen, what: &str, total: u64) -> Self {
        let shown = match kind {
            args::Progress::Auto if std::io::stderr().is_terminal() => {
                let style = ProgressStyle::with_template(
                    "{prefix}  {wide_bar} {bytes} of {total_bytes}  {bytes_per_sec}  {eta}",
                )
                .unwrap_or_else(|_| ProgressStyle::default_bar());
                let bar = screen.add(ProgressBar::new(total));
                bar.set_style(style);
                bar.set_prefix(what.to_owned());
                Shown::Bar(bar)
            }
            args::Progress::Json => {
                let state = Mutex::new((0, Instant::now()));
                Shown::Json(screen.clone(), state)
            }
            // It is over before a line would help.
            args::Progress::Auto | args::Progress::Plain | args::Progress::None => Shown::Nothing,
        };
        let reading = Self {
            what: what.to_owned(),
            total,
            shown,
        };
        reading.say("reading", 0);
        reading
    }

    pub(crate) fn advance(&self, bytes: u64) {
        match &self.shown {
            Shown::Bar(bar) => bar.inc(bytes),
            Shown::Json(_, state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.0 += bytes;
                if state.1.elapsed() >= OFTEN_ENOUGH {
                    state.1 = Instant::now();
                    self.say("reading", state.0);
                }
            }
            Shown::Nothing => {}
        }
    }

    fn say(&self, event: &'static str, bytes: u64) {
        let Shown::Json(screen, _) = &self.shown else {
            return;
        };
        let event = Event {
            event,
            data_id: &self.what,
            bytes,
            total: self.total,
        };
        if let Ok(line) = serde_json::to_string(&event) {
            screen.line(&line);
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Shown::Json(_, state) = &self.shown {
            let bytes = state.lock().unwrap_or_else(PoisonError::into_inner).0;
            self.say("read", bytes);
        }
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
