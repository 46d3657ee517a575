//! Progress as one line per product that changes in place.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use clms_store::progress::{JobId, JobStatus, Progress, ProgressEvent, StageName, Unit};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    screen::Screen,
    story::{Story, doing, job_of, seconds},
};

/// Data ids are shortened to this many characters, from their middle.
const NAME: usize = 44;
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
    Chunks,
    Ended,
}

impl Shape {
    fn template(self) -> &'static str {
        match self {
            Self::Waiting => "{prefix:44} {spinner} {wide_msg} {elapsed:>4}",
            Self::Bytes => {
                "{prefix:44} {msg:12} {wide_bar} {bytes:>10}/{total_bytes:10} {bytes_per_sec:>12} {eta:>4}"
            }
            Self::Chunks => "{prefix:44} {msg:12} {wide_bar} {percent:>3} % {eta:>4}",
            Self::Ended => "{prefix:44} {wide_msg}",
        }
    }

    fn style(self) -> ProgressStyle {
        ProgressStyle::with_template(self.template())
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .progress_chars("━╸─")
    }
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
        bar.set_prefix(shortened(data_id));
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
            Unit::Chunks => Shape::Chunks,
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
fn shortened(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= NAME {
        return name.to_owned();
    }
    let (head, tail) = (NAME / 2 - 1, NAME / 2);
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
        let short = shortened(name);
        assert_eq!(short.chars().count(), NAME);
        assert!(
            short.starts_with("forest-type-2015|") && short.ends_with("03035_d02_Full"),
            "{short}"
        );
        assert_eq!(shortened("clc2018|x"), "clc2018|x");
    }

    #[test]
    fn all_templates_are_valid() {
        for shape in [Shape::Waiting, Shape::Bytes, Shape::Chunks, Shape::Ended] {
            assert!(
                ProgressStyle::with_template(shape.template()).is_ok(),
                "{shape:?}"
            );
        }
    }
}
