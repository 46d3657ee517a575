//! What came of giving a job up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{JobId, Problem, TaskId, TaskStatus};

/// How far a cancellation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelScope {
    /// Here and on the server.
    Everywhere,
    /// Only here.
    LocalOnly,
}

/// What came of a cancellation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CancelReport {
    /// The job. It is given up here, unless it was finished.
    pub job: JobId,
    /// True if the cube was there already: then nothing was done.
    pub was_finished: bool,
    /// What came of each of the job's tasks on the server.
    pub tasks: Vec<TaskCancellation>,
}

/// What came of cancelling a task on the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskCancellation {
    /// The task.
    pub task: TaskId,
    /// What the server's own list shows of it.
    pub verdict: CancelVerdict,
    /// The last word of the server on the task.
    #[serde(default)]
    pub status: Option<TaskStatus>,
    /// Why the server did not take the cancellation, or why it is not known what came of it.
    #[serde(default)]
    pub problem: Option<Problem>,
}

/// What became of a task that the server was asked to cancel, as its list shows it afterwards: its answer proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CancelVerdict {
    /// The list shows it as cancelled, or no longer at all.
    Confirmed,
    /// It had ended before.
    AlreadyOver,
    /// The server refused, and the task goes on.
    Refused,
    /// The server said yes, and the task goes on.
    Swallowed,
    /// Nobody knows: the server's list could not be seen.
    Unconfirmed,
}

impl CancelVerdict {
    /// True if the server works on the task no more.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Confirmed | Self::AlreadyOver)
    }
}
