//! Progress as one line per product that changes in place.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use clms_store::progress::{JobId, JobStatus, Progress, ProgressEvent, StageName, Unit};
use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    screen::Screen,
    story::{Story, doing, job_of, seconds},
};

/// Data ids are shortened to this many characters or fewer, from their middle.
const WIDEST_NAME: usize = 44;
/// Narrower terminals show no bars, only percents.
const ROOMY: usize = 100;
const TICK: Duration = Duration::from_millis(120);

/// A bar for each job.
#[derive(Debug)]
pub(crate) struct Bars {
    screen: Screen,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    story: Story,
    bars: HashMap<JobId, Bar>,
}

#[derive(Debug)]
struct Bar {
    bar: ProgressBar,
    shape: Shape,
    stage: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Waiting,
    Bytes,
    Parts,
    Ended,
}

impl Shape {
    /// What is shown, after a name of this width, in a terminal of this width.
    fn template(self, name: usize, terminal: usize) -> String {
        let rest = match self {
            Self::Waiting => "{spinner} {wide_msg} {elapsed:>4}",
            Self::Ended => "{wide_msg}",
            _ if terminal < ROOMY => "{msg} {percent:>3} %",
            Self::Bytes => {
                "{msg:12} {wide_bar} {bytes:>10}/{total_bytes:10} {bytes_per_sec:>12} {eta:>4}"
            }
            Self::Parts => "{msg:12} {wide_bar} {percent:>3} % {eta:>4}",
        };
        format!("{{prefix:{name}}} {rest}")
    }

    fn style(self) -> ProgressStyle {
        let terminal = terminal_width();
        ProgressStyle::with_template(&self.template(name_width(terminal), terminal))
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .progress_chars("━╸─")
    }
}

/// Columns of the terminal.
pub(super) fn terminal_width() -> usize {
    usize::from(Term::stderr().size().1)
}

/// Columns that a data id may take.
pub(super) fn name_width(terminal: usize) -> usize {
    (terminal * 2 / 5).clamp(12, WIDEST_NAME)
}

impl Bars {
    pub(crate) fn new(screen: Screen) -> Self {
        Self {
            screen,
            state: Mutex::default(),
        }
    }
}

impl Progress for Bars {
    fn event(&self, event: &ProgressEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let line = state.story.tell(event);
        if let ProgressEvent::NextPoll { pause, .. } = event {
            for bar in state.bars.values() {
                if bar.shape == Shape::Waiting {
                    bar.next_look(*pause);
                }
            }
            return;
        }
        let Some(job) = job_of(event).cloned() else {
            return;
        };
        let State { story, bars } = &mut *state;
        let Some(known) = story.of(&job) else { return };
        let bar = bars
            .entry(job)
            .or_insert_with(|| Bar::new(&self.screen, &known.data_id));
        match event {
            ProgressEvent::StageEntered { stage, .. } => bar.enter(*stage),
            ProgressEvent::Amount {
                unit, done, total, ..
            } => bar.amount(*unit, *done, *total),
            ProgressEvent::TaskChosen { .. } | ProgressEvent::TaskSeen { .. } => {
                let task = known.task.as_deref().unwrap_or("?");
                let status = known.status.as_deref().unwrap_or("ordered");
                bar.say(format!("task {task}: {status}"));
            }
            ProgressEvent::JobEnded { status, .. } => bar.end(*status, line.unwrap_or_default()),
            ProgressEvent::TaskAbandoned { .. } | ProgressEvent::Retrying { .. } => {
                bar.say(line.unwrap_or_default());
            }
            _ => {}
        }
    }
}

impl Bar {
    fn new(screen: &Screen, data_id: &str) -> Self {
        let bar = screen.add(ProgressBar::new_spinner().with_style(Shape::Waiting.style()));
        bar.set_prefix(shortened(data_id, name_width(terminal_width())));
        bar.enable_steady_tick(TICK);
        Self {
            bar,
            shape: Shape::Waiting,
            stage: "",
        }
    }

    fn take_shape(&mut self, shape: Shape) {
        if self.shape != shape {
            self.shape = shape;
            self.bar.set_style(shape.style());
        }
    }

    fn enter(&mut self, stage: StageName) {
        if let Some(doing) = doing(stage) {
            self.stage = doing;
            self.take_shape(Shape::Waiting);
            self.bar.set_message(doing);
        }
    }

    fn say(&mut self, message: String) {
        self.take_shape(Shape::Waiting);
        self.bar.set_message(message);
    }

    fn next_look(&self, pause: Duration) {
        let message = self.bar.message();
        let what = message.split(", next look").next().unwrap_or_default();
        self.bar
            .set_message(format!("{what}, next look in {}", seconds(pause)));
    }

    fn amount(&mut self, unit: Unit, done: u64, total: Option<u64>) {
        let shape = match unit {
            Unit::Bytes => Shape::Bytes,
            Unit::Chunks | Unit::Features => Shape::Parts,
        };
        if self.shape != shape {
            self.take_shape(shape);
            self.bar.set_message(self.stage);
            self.bar.reset_eta();
        }
        self.bar.set_length(total.unwrap_or(done));
        self.bar.set_position(done);
    }

    fn end(&mut self, status: JobStatus, line: String) {
        self.take_shape(Shape::Ended);
        let mark = match status {
            JobStatus::Completed | JobStatus::Cached | JobStatus::Requested => "✔",
            _ => "✘",
        };
        self.bar.finish_with_message(format!("{mark} {line}"));
    }
}

/// The beginning and the end of a long name, which tell most about it.
pub(super) fn shortened(name: &str, width: usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= width {
        return name.to_owned();
    }
    let (head, tail) = ((width - 1) / 2, width / 2);
    let begin: String = characters[..head].iter().collect();
    let end: String = characters[characters.len() - tail..].iter().collect();
    format!("{begin}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        let name = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
        let short = shortened(name, 44);
        assert_eq!(short.chars().count(), 44);
        assert!(
            short.starts_with("forest-type-2015|") && short.ends_with("03035_d02_Full"),
            "{short}"
        );
        assert_eq!(shortened(name, 12).chars().count(), 12);
        assert_eq!(shortened("clc2018|x", 44), "clc2018|x");
    }

    #[test]
    fn all_templates_are_valid() {
        for shape in [Shape::Waiting, Shape::Bytes, Shape::Parts, Shape::Ended] {
            for terminal in [20, 80, 200] {
                let template = shape.template(name_width(terminal), terminal);
                assert!(
                    ProgressStyle::with_template(&template).is_ok(),
                    "{template}"
                );
            }
        }
    }
}
