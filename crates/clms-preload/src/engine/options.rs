//! What an engine is told and what it answers.

use std::{num::NonZeroUsize, time::Duration};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{JobId, Problem, TaskId};

/// How much is done side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineLimits {
    /// Downloads.
    pub downloads: NonZeroUsize,
    /// Packages being opened or built.
    pub builds: NonZeroUsize,
    /// Bytes of memory that all builds together may take. A build begins when what it needs is free; one that needs more than this runs alone. Has
    /// an effect with a builder that [knows what it needs](crate::CubeBuilder::memory).
    pub memory: Option<u64>,
}

impl Default for EngineLimits {
    /// Two downloads, one build.
    fn default() -> Self {
        Self {
            downloads: const { NonZeroUsize::new(2).unwrap() },
            builds: NonZeroUsize::MIN,
            memory: None,
        }
    }
}

/// How often the server is looked at while jobs wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PollPolicy {
    /// The first interval, and the one after every change.
    pub initial: Duration,
    /// The longest interval.
    pub longest: Duration,
    /// By how much the interval grows when nothing has changed.
    pub growth: f64,
    /// Intervals are random by this share, up and down.
    pub jitter: f64,
}

impl Default for PollPolicy {
    /// 15 seconds, growing by a quarter up to two minutes, give or take a tenth.
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(15),
            longest: Duration::from_secs(120),
            growth: 1.25,
            jitter: 0.1,
        }
    }
}

/// How a run is to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Stop everything after this time; jobs can go on later.
    pub timeout: Option<Duration>,
    /// Only order, and leave as soon as the server has the orders.
    pub detach: bool,
    /// Keep the packages in the scratch folder.
    pub keep_downloads: bool,
    /// Wait while another process works on the same cube, instead of failing as [`Busy`](crate::ProblemKind::Busy). If it brings the
    /// job to its end, that is the outcome; if it dies, the job is carried on here.
    pub wait_for_others: bool,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobOutcome {
    /// The job.
    pub job: JobId,
    /// What it was for.
    pub data_id: String,
    /// How it ended.
    pub status: JobStatus,
    /// Path or URL of the cube, if it is there.
    pub cube: Option<String>,
    /// The server's task, if there is one.
    pub task_id: Option<TaskId>,
    /// Size of the cube, if it is there.
    pub bytes: Option<u64>,
    /// Why there is no cube.
    pub error: Option<Problem>,
}

impl JobOutcome {
    pub(super) fn failed(job: JobId, data_id: String, problem: Problem) -> Self {
        Self {
            job,
            data_id,
            status: JobStatus::Failed,
            cube: None,
            task_id: None,
            bytes: None,
            error: Some(problem),
        }
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobStatus {
    /// The cube was made.
    Completed,
    /// The cube was there.
    Cached,
    /// It did not work.
    Failed,
    /// It was stopped, by a person or a signal.
    Cancelled,
    /// The server has the order; nobody waits for it ([`RunOptions::detach`]).
    Requested,
}
