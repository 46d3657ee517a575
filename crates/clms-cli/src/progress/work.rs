//! Progress of work that is no job: reading a cube from its first byte to its last, exporting a window.

use std::{
    fmt::Write,
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use console::Term;
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    ProgressLine,
    line::{name_width, shortened},
    lines::{AMOUNTS, SIGN_OF_LIFE},
    screen::Screen,
    story::seconds,
};
use crate::args;

/// What is done, and what its amount is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Bytes are read.
    Reading,
    /// Pixels are exported.
    Exporting,
}

impl Doing {
    /// The events of `--progress json`: while it goes on, and when it is done.
    fn events(self) -> [&'static str; 2] {
        match self {
            Self::Reading => ["reading", "read"],
            Self::Exporting => ["exporting", "exported"],
        }
    }

    fn style(self) -> ProgressStyle {
        let template = match self {
            Self::Reading => {
                "{prefix}  {wide_bar} {bytes} of {total_bytes}  {bytes_per_sec}  {eta}"
            }
            Self::Exporting => "{prefix}  {wide_bar} {percent:>3} %  {pixels_per_sec}  {eta}",
        };
        ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key(
                "pixels_per_sec",
                |state: &ProgressState, out: &mut dyn Write| {
                    // A bar that can't be drawn is not worth an error.
                    let _ = write!(out, "{} pixels/s", HumanCount(state.per_sec() as u64));
                },
            )
            .progress_chars("━╸─")
    }
}

/// Something that is being done. What ends without [`Work::done`] has failed, of which others tell.
pub(crate) struct Work {
    doing: Doing,
    data_id: String,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Plain(Screen, Mutex<Pace>),
    Json(Screen, Mutex<Pace>),
    Nothing,
}

struct Pace {
    began: Instant,
    said: Option<Instant>,
    done: u64,
    total: u64,
}

impl Pace {
    fn begin() -> Mutex<Self> {
        Mutex::new(Self {
            began: Instant::now(),
            said: None,
            done: 0,
            total: 0,
        })
    }

    /// Takes a new amount in; whether it is worth a line, which is said so often at most.
    fn is_news(&mut self, (done, total): (u64, u64), pause: Duration) -> bool {
        (self.done, self.total) = (done, total);
        let is_news = self.said.is_none_or(|said| said.elapsed() >= pause);
        if is_news {
            self.said = Some(Instant::now());
        }
        is_news
    }

    /// As in `34 %, 2m 10s left`.
    fn text(&self) -> Option<String> {
        let part = self.done as f64 / self.total.max(1) as f64;
        if part <= 0.0 {
            return None;
        }
        let left = self.began.elapsed().mul_f64((1.0 - part).max(0.0) / part);
        let left = Duration::from_secs(left.as_secs_f64().ceil() as u64);
        Some(format!("{:.0} %, {} left", part * 100.0, seconds(left)))
    }
}

impl Work {
    pub(crate) fn begin(
        doing: Doing,
        progress: args::Progress,
        screen: &Screen,
        data_id: &str,
    ) -> Self {
        let shown = match progress {
            args::Progress::Auto if std::io::stderr().is_terminal() => {
                let columns = usize::from(Term::stderr().size().1);
                let bar = screen.add(ProgressBar::no_length());
                bar.set_style(doing.style());
                bar.set_prefix(shortened(data_id, name_width(columns)));
                Shown::Bar(bar)
            }
            args::Progress::Json => Shown::Json(screen.clone(), Pace::begin()),
            args::Progress::Auto | args::Progress::Plain if doing == Doing::Exporting => {
                Shown::Plain(screen.clone(), Pace::begin())
            }
            // A cube is read before a line would help.
            args::Progress::Auto | args::Progress::Plain | args::Progress::None => Shown::Nothing,
        };
        Self {
            doing,
            data_id: data_id.to_owned(),
            shown,
        }
    }

    /// So much of it is done now, of so much in all.
    pub(crate) fn at(&self, done: u64, total: u64) {
        let [going_on, _] = self.doing.events();
        match &self.shown {
            Shown::Bar(bar) => {
                bar.set_length(total);
                bar.set_position(done);
            }
            Shown::Plain(screen, pace) => {
                let mut pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
                // What is done at once needs no line.
                if done < total && pace.is_news((done, total), SIGN_OF_LIFE) {
                    let data_id = &self.data_id;
                    match pace.text() {
                        None => screen.line(&format!("{data_id}: {going_on}")),
                        Some(amount) => screen.line(&format!("{data_id}: {going_on}, {amount}")),
                    }
                }
            }
            Shown::Json(screen, pace) => {
                let mut pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
                if pace.is_news((done, total), AMOUNTS) {
                    self.event(screen, going_on, &pace);
                }
            }
            Shown::Nothing => {}
        }
    }

    /// All of it is done.
    pub(crate) fn done(self) {
        if let Shown::Json(screen, pace) = &self.shown {
            let pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
            let [_, ended] = self.doing.events();
            self.event(screen, ended, &pace);
        }
    }

    fn event(&self, screen: &Screen, event: &'static str, pace: &Pace) {
        let amount = |doing: Doing| (self.doing == doing).then_some(pace.done);
        let line = ProgressLine::Work(WorkEvent {
            event,
            data_id: &self.data_id,
            bytes: amount(Doing::Reading),
            pixels: amount(Doing::Exporting),
            total: pace.total,
        });
        // Plain numbers and texts, which JSON can hold.
        if let Ok(line) = serde_json::to_string(&line) {
            screen.line(&line);
        }
    }
}

/// How far work is that is no job, such as exporting.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WorkEvent<'a> {
    /// `reading` or `exporting` while it goes on, `read` or `exported` when it is done.
    event: &'static str,
    /// What it is about.
    data_id: &'a str,
    /// Bytes that were read, of what is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// Pixels that were exported, of what is exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pixels: Option<u64>,
    /// Of how many.
    total: u64,
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_how_much_is_left() {
        let mut pace = Pace::begin().into_inner().unwrap();
        assert!(pace.is_news((0, 400), SIGN_OF_LIFE));
        assert_eq!(pace.text(), None);
        assert!(!pace.is_news((100, 400), SIGN_OF_LIFE));
        assert!(pace.is_news((100, 400), Duration::ZERO));
        pace.began -= Duration::from_secs(10);
        assert_eq!(pace.text().unwrap(), "25 %, 31s left");
        pace.done = 400;
        assert_eq!(pace.text().unwrap(), "100 %, 0s left");
    }
}
