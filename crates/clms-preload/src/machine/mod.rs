//! A job as a state machine: all its stages, what can happen to it, and what it then wants done.
//!
//! [`step`] is a plain function: no I/O, no clock (times come with the events), no panic. Whoever drives it (the
//! [`Engine`](crate::Engine), or a test) executes the commands and feeds back what came of them.
//!
//! ```text
//!           cached                                               cached meanwhile
//!  New -> Checking ------> Cached      Leasing -> Rechecking -----------------------------+
//!            |  not cached                ^          |   |  a finished download is on disk |
//!            +----------------------------+          |   +------------------+              |
//!                                                    v                      |              |
//!                 +----- a task of ours? ------- Finding <--- Pausing <-+   |              |
//!                 |             none |               ^  \  not yet      |   |              |
//!                 |                  v   unclear     |   +--------------+   |              |
//!                 |               Posting -----------+                  |   |              |
//!                 |        task id |                 ^                  |   |              |
//!          queued,|                v   vanished,     |                  |   |              |
//!          running+----------> Waiting rejected .. --+                  |   |              |
//!                 |                | finished                           |   |              |
//!                 | finished       v           dead link, broken line   |   |              |
//!                 +---------> Downloading ------------------------------+   |              |
//!                                  |                                    |   |              |
//!                                  v            broken zip              |   |              |
//!                              Unpacking -------------------------------+   |              |
//!                                  |   ^------------------------------------+              |
//!                                  v                                                       v
//!                              Building -> Committing ------------------------------> CleaningUp -> Completed | Cached
//!
//!  from any stage: Failed, Cancelled; from any before Committing: Interrupted
//! ```
//!
//! * Before anything is ordered, the server's list is looked at. A live task of the same content is adopted, and so is a finished one, whose link has to
//!   prove itself by giving the package.
//! * A finished task that gives no good package gets some time (links come alive late), then it is remembered as dead, and the file is ordered anew, at most
//!   [`Policy::max_requests`] times in all.
//! * While an order may have reached the server without an answer, nothing is ordered; only its absence from the list for [`Policy::settle`] ends that.
//! * `Completed`, `Cached`, `Failed`, `Interrupted` and `Cancelled` are terminal: nothing changes them. [`JobState::renewed`] makes a new run that
//!   remembers what the old one has learned.

mod choose;
mod knowledge;
mod policy;
mod step;
mod trouble;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    knowledge::{DeadTask, DownloadedPackage, Knowledge, OwnedTask, Trouble},
    policy::Policy,
    step::step,
};
use crate::{ContentKey, DownloadLink, PortalTask, Problem, TaskId, TaskStatus};

/// All that a job is and knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobState {
    /// What the job's tasks are about.
    pub content: ContentKey,
    /// Whether a cached cube is to be replaced.
    pub force: bool,
    /// Where the job stands.
    pub stage: Stage,
    /// What it has learned.
    #[serde(default)]
    pub knowledge: Knowledge,
}

impl JobState {
    /// A job that has not begun.
    #[must_use]
    pub fn new(content: ContentKey, force: bool) -> Self {
        Self {
            content,
            force,
            stage: Stage::New,
            knowledge: Knowledge::default(),
        }
    }

    /// A new run of the job that remembers what this one has learned, whether it ended, was interrupted or killed.
    #[must_use]
    pub fn renewed(self) -> Self {
        let finished = matches!(self.stage, Stage::Completed { .. } | Stage::Cached { .. });
        Self {
            stage: Stage::New,
            knowledge: self.knowledge.renewed(finished),
            ..self
        }
    }
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// True if nothing more has to be asked of the server but the file itself: a detached caller may leave.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        matches!(
            self,
            Self::Waiting { .. }
                | Self::Downloading { .. }
                | Self::Unpacking { .. }
                | Self::Building { .. }
                | Self::Committing { .. }
                | Self::CleaningUp { .. }
        )
    }

    /// The task that the stage is about.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Waiting { task }
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

/// What can happen to a job. An event that does not fit the stage (a late answer) changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The job may begin.
    Started,
    /// The cache was asked.
    CubeLookedUp {
        /// The finished cube, if there is one.
        cube: Option<CubeSite>,
        /// Whether an earlier run left a journal entry that is not at its end.
        remains: bool,
    },
    /// The job has the right to work on the cube.
    Leased {
        /// What an earlier run of the job has learned, already [renewed](JobState::renewed).
        remembered: Box<Knowledge>,
        /// Whether the download that it speaks of is still there, as long as it was.
        download_on_disk: bool,
    },
    /// Someone else works on the cube, or it can't be found out.
    LeaseRefused(Problem),
    /// The server showed all its tasks.
    TasksSeen(Vec<PortalTask>),
    /// The server did not show its tasks.
    LookFailed(Problem),
    /// The server accepted the order and named these tasks.
    Posted(Vec<TaskId>),
    /// The server refused the order; it made no task.
    PostRefused(Problem),
    /// The server may have made a task.
    PostUnclear(Problem),
    /// A pause is over.
    PauseOver,
    /// The package is on disk.
    Downloaded {
        /// Its length.
        bytes: u64,
    },
    /// The package did not arrive.
    DownloadFailed {
        /// Why.
        problem: Problem,
        /// How many bytes of it are on disk.
        on_disk: u64,
    },
    /// The package is open.
    Unpacked,
    /// The package can't be opened.
    UnpackFailed(Problem),
    /// The cube is written.
    Built,
    /// The cube can't be built.
    BuildFailed(Problem),
    /// The cube is visible.
    Committed(CubeSite),
    /// The cube can't be made visible.
    CommitFailed(Problem),
    /// Temporary files are gone, or can't be removed.
    CleanedUp,
    /// Something that the job can't do without is broken, such as its journal.
    Broken(Problem),
    /// The job is to stop and can go on later.
    Interrupted,
    /// The overall time is up.
    TimedOut {
        /// After how many seconds.
        seconds: u64,
    },
    /// The job's owner gave it up.
    Cancelled,
}

/// What a job wants done. A step gives any number of notes and discards, and at most one other command.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Ask the cache for the cube: [`Event::CubeLookedUp`].
    LookUpCube,
    /// Get the right to work on the cube and read the journal: [`Event::Leased`] or [`Event::LeaseRefused`].
    TakeLease,
    /// Look at the server's tasks: [`Event::TasksSeen`] or [`Event::LookFailed`].
    Look(Urgency),
    /// Order the file: [`Event::Posted`], [`Event::PostRefused`] or [`Event::PostUnclear`].
    Post,
    /// Wait: [`Event::PauseOver`].
    PauseUntil(Timestamp),
    /// Download the package: [`Event::Downloaded`] or [`Event::DownloadFailed`].
    Download {
        /// The finished task.
        task: TaskId,
        /// Where its package is.
        link: DownloadLink,
        /// Its length, if the server said so.
        size: Option<u64>,
    },
    /// Open the downloaded package: [`Event::Unpacked`] or [`Event::UnpackFailed`].
    Unpack {
        /// The task that gave it.
        task: TaskId,
    },
    /// Build the cube: [`Event::Built`] or [`Event::BuildFailed`].
    Build {
        /// The task that gave the package.
        task: TaskId,
    },
    /// Make the cube visible: [`Event::Committed`] or [`Event::CommitFailed`].
    Commit,
    /// Remove temporary files: [`Event::CleanedUp`].
    CleanUp,
    /// Remove what was downloaded of this task; no answer.
    DiscardDownload {
        /// The task.
        task: TaskId,
    },
    /// Tell the listener; no answer.
    Tell(Note),
}

/// How soon a look at the server is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Before anything is ordered, or after something went wrong.
    Now,
    /// With all the others, at the next tick.
    NextTick,
}

/// What a listener may want to know; see [`ProgressEvent`](crate::ProgressEvent).
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described at `ProgressEvent`")]
pub enum Note {
    TaskSeen { task: TaskId, status: TaskStatus },
    TaskChosen { task: TaskId, adopted: bool },
    TaskAbandoned { task: TaskId, problem: Problem },
    Retrying { problem: Problem, pause: std::time::Duration },
}
