//! Progress on a terminal: a line for each job at work, which changes in place; what has ended scrolls up and stays.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use clms_store::progress::{JobId, JobStatus, Progress, ProgressEvent};
use console::{Term, style};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use jiff::Timestamp;

use super::{
    line::{Line, Moment, name_width, shortened},
    screen::Screen,
    story::{Story, doing, job_of},
};

/// So often are the lines drawn anew: times run on while nothing happens.
const TICK: Duration = Duration::from_millis(250);

/// The lines of all jobs.
#[derive(Debug)]
pub(crate) struct Board {
    screen: Screen,
    /// Draws the lines that it shares with this.
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    story: Story,
    lines: Vec<(JobId, Line)>,
    ended: usize,
    next_look: Option<Instant>,
}

impl Board {
    pub(crate) fn new(screen: Screen) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let draw = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let drawn = lock(&shared).draw(Term::stderr().size());
            // What can't be drawn is not worth an error.
            let _ = out.write_str(&drawn);
        };
        let style = ProgressStyle::with_template("{lines}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("lines", draw);
        let bar = screen.add(ProgressBar::no_length().with_style(style));
        bar.enable_steady_tick(TICK);
        Self { screen, bar, state }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Board {
    fn event(&self, event: &ProgressEvent) {
        let ended = lock(&self.state).take_in(event);
        // The line above must not be drawn while the state is locked, for the bar below is drawn with it.
        if let Some(ended) = ended {
            self.screen.line(&ended);
        }
        self.bar.tick();
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// What is left to say of a job that has ended.
    fn take_in(&mut self, event: &ProgressEvent) -> Option<String> {
        let told = self.story.tell(event);
        if let ProgressEvent::NextPoll { pause, .. } = event {
            self.next_look = Some(Instant::now() + *pause);
        }
        let job = job_of(event)?.clone();
        if let ProgressEvent::JobStarted { data_id, .. } = event {
            let line = Line {
                data_id: data_id.clone(),
                doing: "begins",
                ..Line::default()
            };
            self.lines.push((job, line));
            return None;
        }
        let place = self.lines.iter().position(|(other, _)| *other == job)?;
        let line = &mut self.lines[place].1;
        match event {
            ProgressEvent::StageEntered { stage, .. } => {
                if let Some(doing) = doing(*stage) {
                    line.doing = doing;
                    (line.amount, line.trouble) = (None, None);
                }
            }
            ProgressEvent::Amount { rate, .. } => {
                line.amount = self.story.of(&job).and_then(|story| story.amount);
                (line.rate, line.trouble) = (*rate, None);
            }
            ProgressEvent::TaskChosen { task, .. } => {
                line.task = Some(task.to_string());
                (line.status, line.since, line.trouble) = (None, Some(Timestamp::now()), None);
            }
            ProgressEvent::TaskSeen {
                task,
                status,
                since,
                ..
            } => {
                line.task = Some(task.to_string());
                line.status = Some(status.to_string());
                (line.since, line.trouble) = (Some(*since), None);
            }
            ProgressEvent::TaskStuck { .. }
            | ProgressEvent::TaskAbandoned { .. }
            | ProgressEvent::Retrying { .. } => (line.amount, line.trouble) = (None, told),
            ProgressEvent::JobEnded { status, .. } => {
                let (_, line) = self.lines.remove(place);
                self.ended += 1;
                return Some(last_line(&line.data_id, *status, &told.unwrap_or_default()));
            }
            _ => {}
        }
        None
    }

    /// All lines, in a terminal of that size (rows, columns).
    fn draw(&self, (rows, columns): (u16, u16)) -> String {
        let at = Moment {
            now: Instant::now(),
            time: Timestamp::now(),
            next_look: self.next_look,
        };
        let columns = usize::from(columns).max(10);
        // One line stays free for the shell's prompt, one for what has no line of its own.
        let room = usize::from(rows).saturating_sub(2).max(1);
        let mut lines: Vec<&Line> = self.lines.iter().map(|(_, line)| line).collect();
        // Those at work come first if not all fit.
        if lines.len() > room {
            lines.sort_by_key(|line| !line.is_busy());
        }
        let shown = lines.len().min(room);
        let mut out = String::new();
        for (number, line) in lines[..shown].iter().enumerate() {
            let end = if number == 0 { "" } else { "\n" };
            let _ = write!(out, "{end}{}", line.draw(at, columns));
        }
        let rest = lines.len() - shown;
        if rest > 0 {
            let all = self.lines.len() + self.ended;
            let text = format!("… and {rest} more; {} of {all} have ended", self.ended);
            let text = shortened(&text, columns);
            let _ = write!(out, "\n{}", style(text).for_stderr().dim());
        }
        out
    }
}

fn last_line(data_id: &str, status: JobStatus, how: &str) -> String {
    let mark = match status {
        JobStatus::Completed | JobStatus::Cached | JobStatus::Requested => {
            style("✔").for_stderr().green()
        }
        _ => style("✘").for_stderr().red(),
    };
    let columns = usize::from(Term::stderr().size().1);
    let width = name_width(columns);
    format!("{:width$}  {mark} {how}", shortened(data_id, width))
}
