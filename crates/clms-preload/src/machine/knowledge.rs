//! What a job has learned; survives its process in the journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Problem, TaskCancellation, TaskId, TaskStatus};

/// What a job has learned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Knowledge {
    /// Tasks that the job ordered or adopted, the newest last.
    pub owned: Vec<OwnedTask>,
    /// Tasks that it gave up, the newest last.
    pub dead: Vec<DeadTask>,
    /// How many times the file was ordered in this run.
    pub requests: u32,
    /// Since when there may be a task on the server that the job knows nothing of.
    pub unclear_since: Option<Timestamp>,
    /// Whether the server has accepted the order of `unclear_since`, of which it names no task.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_accepted: bool,
    /// Tasks that had ended before an order of which the server names none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ended_before: Vec<TaskId>,
    /// Before this, nothing is ordered.
    pub no_order_before: Option<Timestamp>,
    /// The package, if it is on disk as a whole.
    pub downloaded: Option<DownloadedPackage>,
    /// Finished tasks that give no good package, so far. Several, lest two of them take turns for ever.
    pub troubles: Vec<Trouble>,
    /// How many lists in a row did not show the task.
    pub missing_looks: u32,
    /// Whether the server has ever shown its tasks.
    pub has_answered: bool,
    /// Looks that failed, one after the other.
    pub look_outage: Option<Outage>,
    /// Orders that came to nothing for reasons that may pass, one after the other.
    pub order_outage: Option<Outage>,
    /// Downloads that broke off without a new byte, one after the other.
    pub download_outage: Option<Outage>,
    /// Tasks that were queued for too long and that the server was asked to cancel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withdrawals: Vec<Withdrawal>,
    /// How many times in a row the cube could not be built or committed.
    pub failed_builds: u32,
    /// What came of cancelling its tasks on the server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cancellations: Vec<TaskCancellation>,
    /// How many bytes the last download that broke off left on disk.
    pub bytes_on_disk: u64,
    /// The last word of the server on the task.
    pub last_status: Option<TaskStatus>,
    /// What went wrong last.
    pub last_problem: Option<Problem>,
    /// Why the last order came to nothing.
    pub last_loss: Option<Problem>,
}

/// A task that the job ordered or adopted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnedTask {
    /// The task.
    pub id: TaskId,
    /// Since when.
    pub since: Timestamp,
    /// True if it was there before the job.
    pub adopted: bool,
    /// When it was made, in the server's time.
    #[serde(default)]
    pub registered: Option<Timestamp>,
    /// When it ended, in the server's time.
    #[serde(default)]
    pub finalized: Option<Timestamp>,
}

/// A task that the job gave up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadTask {
    /// The task.
    pub id: TaskId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub problem: Problem,
}

/// A package that is on disk as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DownloadedPackage {
    /// The task that gave it.
    pub task: TaskId,
    /// Its length.
    pub bytes: u64,
}

/// A finished task that gives no good package, so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// The task.
    pub task: TaskId,
    /// Since when.
    pub since: Timestamp,
    /// How many attempts were made.
    pub attempts: u32,
}

/// Failures of one sort, one after the other, that may pass by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// When the first one happened.
    pub since: Timestamp,
    /// How many there were.
    pub failures: u32,
}

impl Outage {
    /// One failure more, or the first one.
    pub(super) fn prolonged(before: Option<Self>, at: Timestamp) -> Self {
        let begun = before.unwrap_or(Self {
            since: at,
            failures: 0,
        });
        Self {
            failures: begun.failures + 1,
            ..begun
        }
    }
}

/// A task that was queued for too long, and that the server was asked to cancel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The task.
    pub task: TaskId,
    /// When the server was asked last.
    pub at: Timestamp,
    /// How many times it was asked.
    pub attempts: u32,
    /// Why the server did not take it the last time.
    #[serde(default)]
    pub problem: Option<Problem>,
}

impl Knowledge {
    /// What a new run takes over: which tasks there are and which are dead, what is on disk, and what may have been ordered; but no counts.
    /// After a run that `finished`, there is nothing left on disk, and its tasks have done their duty.
    pub(super) fn renewed(self, finished: bool) -> Self {
        Self {
            owned: if finished { Vec::new() } else { self.owned },
            dead: self.dead,
            unclear_since: self.unclear_since,
            ended_before: self.ended_before,
            has_answered: self.has_answered,
            downloaded: if finished { None } else { self.downloaded },
            ..Self::default()
        }
    }

    /// Gives up the package that is on disk and its task: another one is to be ordered.
    pub(crate) fn give_up_package(&mut self, at: Timestamp, problem: Problem) {
        if let Some(package) = self.downloaded.take() {
            self.dead.push(DeadTask {
                id: package.task,
                at,
                problem,
            });
        }
    }

    /// Whether the task is one of the job's.
    #[must_use]
    pub fn owns(&self, task: &TaskId) -> bool {
        self.owned.iter().any(|owned| owned.id == *task)
    }

    /// What was tried with a finished task in vain, if anything.
    #[must_use]
    pub fn trouble_with(&self, task: &TaskId) -> Option<&Trouble> {
        self.troubles.iter().find(|trouble| trouble.task == *task)
    }

    /// What became of cancelling the task, if that was tried.
    #[must_use]
    pub fn withdrawal(&self, task: &TaskId) -> Option<&Withdrawal> {
        self.withdrawals.iter().find(|known| known.task == *task)
    }

    /// Why the task was given up, if it was.
    #[must_use]
    pub fn death(&self, task: &TaskId) -> Option<&DeadTask> {
        self.dead.iter().find(|dead| dead.id == *task)
    }

    /// The newest of the job's tasks that is not given up.
    #[must_use]
    pub fn current_task(&self) -> Option<&TaskId> {
        self.live_tasks().last()
    }

    /// All tasks of the job that are not given up, the oldest first.
    pub fn live_tasks(&self) -> impl Iterator<Item = &TaskId> {
        self.owned
            .iter()
            .map(|owned| &owned.id)
            .filter(|id| self.death(id).is_none())
    }
}
