//! What a job tells while it works.
//!
//! # Grammar
//! The events of one job in one run come in this order (`*` any number); events of different jobs interleave,
//! but jobs start in the order in which they were asked for:
//!
//! ```text
//! job_started ( stage_entered told* )* job_ended
//! ```
//!
//! The first stage is `checking`; which one may follow which is in the [diagram of the machine](crate::machine). What is told within a stage:
//!
//! | event | in the stages |
//! |---|---|
//! | `amount` | `downloading` and `unpacking` (bytes), `building` (chunks) |
//! | `task_seen`, `task_chosen`, `task_stuck` | `finding`, `posting`, `waiting` |
//! | `task_abandoned` | `finding`, `waiting`, `downloading`, `unpacking` |
//! | `retrying` | all but the last one |
//!
//! * Within one `stage_entered`, `done` of `amount` never falls, except that a download which had to begin anew starts again.
//! * Before `job_ended`, the stage is `completed`, `cached`, `failed`, `interrupted` or `cancelled` and fits the status; a detached job ends
//!   ([`Requested`](JobStatus::Requested)) wherever nothing more is to be asked of the server.
//! * [`NextPoll`](ProgressEvent::NextPoll) belongs to no job: it tells when the server will be looked at again on behalf of all.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Clock, JobId, JobStatus, Problem, StageName, SystemClock, TaskId, TaskStatus, clock::elapsed,
};

/// A listener to all jobs of an engine.
///
/// Called from the work itself, on any thread and often: it must return at once (put the event into a channel, drop it if that is full).
pub trait Progress: fmt::Debug + Send + Sync + 'static {
    /// Something happened.
    fn event(&self, event: &ProgressEvent);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn event(&self, _: &ProgressEvent) {}
}

/// Something that happened to a job; see the [grammar](self).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProgressEvent {
    /// A job begins, or goes on after an interruption.
    JobStarted {
        /// The job.
        job: JobId,
        /// What it is for.
        data_id: String,
    },
    /// A job enters a stage.
    StageEntered {
        /// The job.
        job: JobId,
        /// The stage.
        stage: StageName,
    },
    /// So much of a stage's work is done.
    Amount {
        /// The job.
        job: JobId,
        /// The stage.
        stage: StageName,
        /// What is counted.
        unit: Unit,
        /// How many are done.
        done: u64,
        /// Of how many, if known.
        total: Option<u64>,
        /// How many in a second, over the last seconds; absent while that is unknown.
        #[serde(skip_serializing_if = "Option::is_none")]
        rate: Option<f64>,
    },
    /// The server showed a new status of the task that the job waits for.
    TaskSeen {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskId,
        /// The server's word on it.
        status: TaskStatus,
        /// Since when the server has it; if it doesn't say so, since when the job has it.
        since: Timestamp,
    },
    /// The job has a task now.
    TaskChosen {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskId,
        /// False if the job has just ordered it, true if it was there already.
        adopted: bool,
    },
    /// A task is queued for too long: it is to be cancelled, and ordered anew as soon as it is gone.
    TaskStuck {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskId,
        /// For how long.
        problem: Problem,
    },
    /// The job gave up a task and will order anew, if it may.
    TaskAbandoned {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskId,
        /// Why.
        problem: Problem,
    },
    /// Something failed and is tried again after a pause.
    Retrying {
        /// The job.
        job: JobId,
        /// What failed.
        problem: Problem,
        /// The pause, in seconds.
        #[serde(serialize_with = "seconds")]
        #[schemars(with = "f64")]
        pause: Duration,
    },
    /// The server will be looked at again, on behalf of all jobs that wait.
    NextPoll {
        /// After this time, in seconds.
        #[serde(serialize_with = "seconds")]
        #[schemars(with = "f64")]
        pause: Duration,
    },
    /// A job ended.
    JobEnded {
        /// The job.
        job: JobId,
        /// How.
        status: JobStatus,
        /// Why, if not well.
        error: Option<Problem>,
    },
}

impl ProgressEvent {
    /// The job that it is about; `None` for [`NextPoll`](Self::NextPoll).
    #[must_use]
    pub fn job(&self) -> Option<&JobId> {
        match self {
            Self::JobStarted { job, .. }
            | Self::StageEntered { job, .. }
            | Self::Amount { job, .. }
            | Self::TaskSeen { job, .. }
            | Self::TaskChosen { job, .. }
            | Self::TaskStuck { job, .. }
            | Self::TaskAbandoned { job, .. }
            | Self::Retrying { job, .. }
            | Self::JobEnded { job, .. } => Some(job),
            Self::NextPoll { .. } => None,
        }
    }
}

/// What an amount counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Chunks or shards of a cube.
    Chunks,
    /// Features of vector data.
    Features,
}

fn seconds<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64())
}

/// Where the work of one stage of one job reports how far it is. Cheap to clone; works from any thread.
#[derive(Debug, Clone)]
pub struct Meter {
    job: JobId,
    stage: StageName,
    progress: Arc<dyn Progress>,
    clock: Arc<dyn Clock>,
    pace: Arc<Mutex<Pace>>,
}

impl Meter {
    /// A meter of that job and stage.
    #[must_use]
    pub fn new(job: JobId, stage: StageName, progress: Arc<dyn Progress>) -> Self {
        Self {
            job,
            stage,
            progress,
            clock: Arc::new(SystemClock),
            pace: Arc::default(),
        }
    }

    /// The same with another clock, which its rates are measured with.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// So many bytes are done.
    pub fn bytes(&self, done: u64, total: Option<u64>) {
        self.amount(Unit::Bytes, done, total);
    }

    /// So many chunks are done.
    pub fn chunks(&self, done: u64, total: Option<u64>) {
        self.amount(Unit::Chunks, done, total);
    }

    /// So many features are done.
    pub fn features(&self, done: u64, total: Option<u64>) {
        self.amount(Unit::Features, done, total);
    }

    fn amount(&self, unit: Unit, done: u64, total: Option<u64>) {
        let rate = self
            .pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .rate(self.clock.now(), done);
        self.progress.event(&ProgressEvent::Amount {
            job: self.job.clone(),
            stage: self.stage,
            unit,
            done,
            total,
            rate,
        });
    }
}

/// How fast the work goes: measured from the beginning of the span before the present one.
#[derive(Debug, Default)]
struct Pace {
    /// Where the last span and the present one began.
    spans: Option<[(Timestamp, u64); 2]>,
}

/// Rates are measured over one to two of these.
const SPAN: Duration = Duration::from_secs(5);
/// A shorter time says nothing.
const SHORTEST: Duration = Duration::from_millis(100);

impl Pace {
    fn rate(&mut self, now: Timestamp, done: u64) -> Option<f64> {
        let here = (now, done);
        let [last, present] = self.spans.get_or_insert([here, here]);
        if done < last.1 {
            // It began anew.
            self.spans = Some([here, here]);
            return None;
        }
        if elapsed(present.0, now) >= SPAN {
            (*last, *present) = (*present, here);
        }
        let time = elapsed(last.0, now);
        (time >= SHORTEST).then(|| (done - last.1) as f64 / time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_seconds() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let mut pace = Pace::default();
        assert_eq!(pace.rate(at(0), 1000), None);
        assert_eq!(pace.rate(at(2), 1200), Some(100.0));
        assert_eq!(pace.rate(at(10), 2000), Some(100.0));
        // Slower from now on: the past is forgotten.
        assert_eq!(pace.rate(at(15), 2050), Some(10.0));
        assert_eq!(pace.rate(at(20), 2100), Some(10.0));
        assert_eq!(pace.rate(at(21), 0), None, "begun anew");
        assert_eq!(pace.rate(at(22), 7), Some(7.0));
    }
}
