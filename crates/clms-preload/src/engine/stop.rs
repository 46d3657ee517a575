//! Whether and why jobs are to stop.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{JobId, machine::Event};

/// Whether and why a run, or one job of it, is to stop.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) token: CancellationToken,
    timed_out: Arc<OnceLock<Duration>>,
    given_up: Arc<AtomicBool>,
}

impl Stop {
    pub(super) fn new(cancel: &CancellationToken) -> Self {
        Self {
            token: cancel.child_token(),
            timed_out: Arc::default(),
            given_up: Arc::default(),
        }
    }

    /// For one job: stops with all the others, or alone.
    pub(super) fn for_job(&self) -> Self {
        Self {
            token: self.token.child_token(),
            timed_out: Arc::clone(&self.timed_out),
            given_up: Arc::default(),
        }
    }

    pub(super) fn time_out(&self, after: Duration) {
        if !self.token.is_cancelled() {
            // Only the first one counts.
            let _ = self.timed_out.set(after);
            self.token.cancel();
        }
    }

    /// The job is not wanted any more.
    pub(super) fn give_up(&self) {
        if !self.token.is_cancelled() {
            self.given_up.store(true, Ordering::SeqCst);
            self.token.cancel();
        }
    }

    /// What happens to a job that stops.
    pub(super) fn event(&self) -> Event {
        match self.timed_out.get() {
            _ if self.given_up.load(Ordering::SeqCst) => Event::Cancelled,
            Some(after) => Event::TimedOut {
                seconds: after.as_secs(),
            },
            None => Event::Interrupted,
        }
    }
}

/// The jobs that an engine works on, each of which can be stopped.
#[derive(Debug, Default)]
pub(super) struct Working(Arc<Mutex<HashMap<JobId, Stop>>>);

impl Working {
    /// The job is worked on until the guard is dropped.
    pub(super) fn enter(&self, job: JobId, stop: Stop) -> AtWork {
        lock(&self.0).insert(job.clone(), stop);
        AtWork {
            job,
            all: Arc::clone(&self.0),
        }
    }

    /// How a job can be stopped, if it is worked on here.
    pub(super) fn stop_of(&self, job: &JobId) -> Option<Stop> {
        lock(&self.0).get(job).cloned()
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }
}

/// See [`Working::enter`].
#[derive(Debug)]
pub(super) struct AtWork {
    job: JobId,
    all: Arc<Mutex<HashMap<JobId, Stop>>>,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.job);
    }
}

fn lock(all: &Mutex<HashMap<JobId, Stop>>) -> std::sync::MutexGuard<'_, HashMap<JobId, Stop>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}
