//! Progress as lines: for people without a terminal, and for programs.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use clms_store::progress::{JobId, Progress, ProgressEvent, StageName};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    ProgressLine,
    screen::Screen,
    story::{Story, job_of},
};

/// A long download or build says how far it is so often.
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// A line for each change.
#[derive(Debug)]
pub(crate) struct PlainLines {
    screen: Screen,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    story: Story,
    last_line: HashMap<JobId, Instant>,
    /// What was said of each job since it last had news, so that a retry that changes nothing says nothing.
    said: HashMap<JobId, HashSet<String>>,
}

impl PlainLines {
    pub(crate) fn new(screen: Screen) -> Self {
        Self {
            screen,
            state: Mutex::default(),
        }
    }
}

impl Progress for PlainLines {
    fn event(&self, event: &ProgressEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = state.story.tell(event);
        let Some(job) = job_of(event) else { return };
        if line.is_none() && matches!(event, ProgressEvent::Amount { .. }) {
            let quiet_for = state.last_line.get(job).map(Instant::elapsed);
            if quiet_for.is_some_and(|quiet| quiet > SIGN_OF_LIFE) {
                line = state
                    .story
                    .of(job)
                    .and_then(|story| Some(story.amount?.text()));
            }
        }
        let Some(line) = line else { return };
        if matches!(
            event,
            ProgressEvent::TaskChosen { .. }
                | ProgressEvent::TaskStuck { .. }
                | ProgressEvent::TaskAbandoned { .. }
        ) {
            state.said.remove(job);
        }
        let news = line.split("; again in").next().unwrap_or_default();
        let said = state.said.entry(job.clone()).or_default();
        if !said.insert(news.to_owned()) {
            return;
        }
        let data_id = state
            .story
            .of(job)
            .map(|story| story.data_id.clone())
            .unwrap_or_default();
        state.last_line.insert(job.clone(), Instant::now());
        self.screen.line(&format!("{data_id}: {line}"));
    }
}

/// An event in JSON on each line, with the time it happened. Of amounts, which change all the time, some.
#[derive(Debug)]
pub(crate) struct JsonLines {
    screen: Screen,
    /// The last amount of each job: of which stage, how much, and when.
    amounts: Mutex<HashMap<JobId, (StageName, u64, Instant)>>,
}

/// So often does an amount make a line of JSON.
pub(super) const AMOUNTS: Duration = Duration::from_millis(200);

/// Something that happened to a job, and when.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JobEvent<'a> {
    /// When it happened (RFC 3339, UTC).
    time: Timestamp,
    #[serde(flatten)]
    event: &'a ProgressEvent,
}

impl JsonLines {
    pub(crate) fn new(screen: Screen) -> Self {
        Self {
            screen,
            amounts: Mutex::default(),
        }
    }

    /// Whether an event is worth a line: of amounts the first and the last one of a stage, and those between from time to time.
    fn is_news(&self, event: &ProgressEvent) -> bool {
        let ProgressEvent::Amount {
            job,
            stage,
            done,
            total,
            ..
        } = event
        else {
            return true;
        };
        let mut amounts = self.amounts.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_news = amounts.get(job).is_none_or(|(before, last, at)| {
            let is_new = before != stage || last != done;
            let is_end = *total == Some(*done);
            is_new && (before != stage || is_end || now.duration_since(*at) >= AMOUNTS)
        });
        if is_news {
            amounts.insert(job.clone(), (*stage, *done, now));
        }
        is_news
    }
}

impl Progress for JsonLines {
    fn event(&self, event: &ProgressEvent) {
        if !self.is_news(event) {
            return;
        }
        let line = ProgressLine::Job(JobEvent {
            time: Timestamp::now(),
            event,
        });
        // Events are plain numbers and texts, which JSON can hold.
        if let Ok(line) = serde_json::to_string(&line) {
            self.screen.line(&line);
        }
    }
}
