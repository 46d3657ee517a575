//! What the simulated service knows, and its clock.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::access::Tokens;
use crate::catalogue::Catalogue;
use crate::datarequest::Tasks;
use crate::habits::{Habits, When};
use crate::package::Packages;
use crate::service_keys::ServiceKeys;

/// How long tasks stay in the queue and in the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueTimes {
    /// From the post to In_progress. FMETaskId appears at half of it, and so
    /// do the tasks of CDSE requests.
    pub queued: Duration,
    /// From In_progress to the end.
    pub running: Duration,
}

impl Default for QueueTimes {
    /// As quick as can still be seen: 50 ms and 100 ms.
    fn default() -> Self {
        Self {
            queued: Duration::from_millis(50),
            running: Duration::from_millis(100),
        }
    }
}

/// The time so much later, or the end of time.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// One request that the sim has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path as sent, without the query.
    pub path: String,
    /// The query as sent, without `?`.
    pub query: String,
    /// The time of the sim's clock.
    pub when: Timestamp,
    /// The status of the answer; 0 if the connection was closed unanswered.
    pub status: u16,
    /// The request's `User-Agent`.
    pub user_agent: Option<String>,
    /// The request's `Range`.
    pub range: Option<String>,
    /// Whether an `Authorization` header was sent.
    pub authorized: bool,
}

/// Everything behind the handlers.
pub(crate) struct App {
    pub(crate) base_url: String,
    pub(crate) packages: Packages,
    state: Mutex<State>,
}

/// What changes while the sim runs.
pub(crate) struct State {
    pub(crate) catalogue: Catalogue,
    pub(crate) habits: Habits,
    pub(crate) queue: QueueTimes,
    pub(crate) keys: ServiceKeys,
    pub(crate) tokens: Tokens,
    pub(crate) tasks: Tasks,
    pub(crate) requests: Vec<RequestRecord>,
    pub(crate) counts: Counts,
    clock_ahead: Duration,
}

impl App {
    pub(crate) fn new(
        base_url: String,
        packages: Packages,
        keys: ServiceKeys,
        catalogue: Catalogue,
        queue: QueueTimes,
    ) -> Self {
        let state = State {
            catalogue,
            habits: Habits::default(),
            queue,
            keys,
            tokens: Tokens::default(),
            tasks: Tasks::default(),
            requests: Vec::new(),
            counts: Counts::default(),
            clock_ahead: Duration::ZERO,
        };
        Self {
            base_url,
            packages,
            state: Mutex::new(state),
        }
    }

    /// The state, for a short time: nobody awaits while holding it.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the habits, starts all counts anew and makes the tasks they speak of.
    pub(crate) fn set_habits(&self, change: impl FnOnce(&mut Habits)) {
        let mut state = self.state();
        change(&mut state.habits);
        state.counts = Counts::default();
        state.make_tasks_of_habits();
    }
}

impl State {
    /// The time of the sim's clock.
    pub(crate) fn now(&self) -> Timestamp {
        later(Timestamp::now(), self.clock_ahead)
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        self.clock_ahead = self.clock_ahead.saturating_add(time);
    }
}

/// How often things have happened, for habits that strike some of them.
#[derive(Debug, Default)]
pub(crate) struct Counts(HashMap<String, u32>);

impl Counts {
    /// Counts `what` once more and says whether `when` strikes it.
    pub(crate) fn strikes(&mut self, when: When, what: impl Into<String>) -> bool {
        let count = self.0.entry(what.into()).or_default();
        *count += 1;
        when.strikes(*count)
    }
}
