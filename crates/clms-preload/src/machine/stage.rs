//! Where a job can stand; the diagram is in the [module above](super).

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Problem, TaskId};

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Stage {
    /// It has not begun.
    New,
    /// It asks the cache.
    Checking,
    /// It wants the right to work on the cube; `cached` if there is a cube already and only remains are to be cleaned up.
    Leasing {
        /// The cube in the cache.
        cached: Option<CubeSite>,
    },
    /// It asks the cache once more, now that no other process can change the answer.
    Rechecking,
    /// It looks for its task on the server.
    Finding,
    /// It orders the file.
    Posting,
    /// It waits for the server.
    Waiting {
        /// The task.
        task: TaskId,
    },
    /// It asks the server to cancel a task that is queued for too long.
    Withdrawing {
        /// The task.
        task: TaskId,
    },
    /// It pauses and then looks at the server's list again.
    Pausing {
        /// The end of the pause.
        until: Timestamp,
    },
    /// It downloads the package.
    Downloading {
        /// The finished task.
        task: TaskId,
    },
    /// It opens the package.
    Unpacking {
        /// The task that gave it.
        task: TaskId,
    },
    /// It builds the cube.
    Building {
        /// The task that gave the package.
        task: TaskId,
    },
    /// It makes the cube visible.
    Committing {
        /// The task that gave the package.
        task: TaskId,
    },
    /// The cube is there; the job removes its temporary files.
    CleaningUp {
        /// The task that gave the package; `None` if the cube was there already.
        task: Option<TaskId>,
        /// The cube.
        cube: CubeSite,
    },
    /// Terminal: the cube was made.
    Completed {
        /// The task that gave the package.
        task: TaskId,
        /// The cube.
        cube: CubeSite,
    },
    /// Terminal: the cube was there.
    Cached {
        /// The cube.
        cube: CubeSite,
    },
    /// Terminal: it did not work.
    Failed {
        /// Why.
        problem: Problem,
    },
    /// Terminal for this run: stopped from outside; the server's task stays.
    Interrupted {
        /// By what.
        problem: Problem,
    },
    /// Terminal: given up by its owner.
    Cancelled,
}

/// A finished cube.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CubeSite {
    /// The path or URL under which it is opened.
    pub location: String,
}

/// The name of a [`Stage`], without what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the stages are described at `Stage`")]
pub enum StageName {
    New,
    Checking,
    Leasing,
    Rechecking,
    Finding,
    Posting,
    Waiting,
    Withdrawing,
    Pausing,
    Downloading,
    Unpacking,
    Building,
    Committing,
    CleaningUp,
    Completed,
    Cached,
    Failed,
    Interrupted,
    Cancelled,
}

impl Stage {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> StageName {
        match self {
            Self::New => StageName::New,
            Self::Checking => StageName::Checking,
            Self::Leasing { .. } => StageName::Leasing,
            Self::Rechecking => StageName::Rechecking,
            Self::Finding => StageName::Finding,
            Self::Posting => StageName::Posting,
            Self::Waiting { .. } => StageName::Waiting,
            Self::Withdrawing { .. } => StageName::Withdrawing,
            Self::Pausing { .. } => StageName::Pausing,
            Self::Downloading { .. } => StageName::Downloading,
            Self::Unpacking { .. } => StageName::Unpacking,
            Self::Building { .. } => StageName::Building,
            Self::Committing { .. } => StageName::Committing,
            Self::CleaningUp { .. } => StageName::CleaningUp,
            Self::Completed { .. } => StageName::Completed,
            Self::Cached { .. } => StageName::Cached,
            Self::Failed { .. } => StageName::Failed,
            Self::Interrupted { .. } => StageName::Interrupted,
            Self::Cancelled => StageName::Cancelled,
        }
    }

    /// True if no event changes it any more.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.name().is_terminal()
    }

    /// True if the job can be stopped here. The last two steps are short and can't be undone.
    #[must_use]
    pub fn is_interruptible(&self) -> bool {
        !self.is_terminal() && !matches!(self, Self::Committing { .. } | Self::CleaningUp { .. })
    }

    /// True if the job must not go on there without the right to work on the cube.
    #[must_use]
    pub fn needs_lease(&self) -> bool {
        !self.is_terminal() && !matches!(self, Self::New | Self::Checking | Self::Leasing { .. })
    }

    /// True if nothing more has to be asked of the server but the file itself: a detached caller may leave. The last two steps are short; nobody
    /// leaves there.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        matches!(
            self,
            Self::Waiting { .. }
                | Self::Downloading { .. }
                | Self::Unpacking { .. }
                | Self::Building { .. }
        )
    }

    /// The task that the stage is about.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Waiting { task }
            | Self::Withdrawing { task }
            | Self::Downloading { task }
            | Self::Unpacking { task }
            | Self::Building { task }
            | Self::Committing { task }
            | Self::Completed { task, .. } => Some(task),
            Self::CleaningUp { task, .. } => task.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Checking => "checking",
            Self::Leasing => "leasing",
            Self::Rechecking => "rechecking",
            Self::Finding => "finding",
            Self::Posting => "posting",
            Self::Waiting => "waiting",
            Self::Withdrawing => "withdrawing",
            Self::Pausing => "pausing",
            Self::Downloading => "downloading",
            Self::Unpacking => "unpacking",
            Self::Building => "building",
            Self::Committing => "committing",
            Self::CleaningUp => "cleaning_up",
            Self::Completed => "completed",
            Self::Cached => "cached",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
        })
    }
}

impl StageName {
    /// True if no event changes a job that stands there.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Cached | Self::Failed | Self::Interrupted | Self::Cancelled
        )
    }
}
