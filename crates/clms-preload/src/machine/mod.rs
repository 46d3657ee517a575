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
//!                 |                | \  queued for   |                  |   |              |
//!                 |                |  \ too long     |                  |   |              |
//!                 |                |   Withdrawing --+                  |   |              |
//!                 |                | finished                           |   |              |
//!                 | finished       v           dead link, broken line   |   |              |
//!                 +---------> Downloading ------------------------------+   |              |
//!                                  |                                    |   |              |
//!                                  v            broken zip              |   |              |
//!                              Unpacking -------------------------------+   |              |
//!                                  |   ^------------------------------------+              |
//!                                  v         (a passing failure: Pausing, Unpacking)         v
//!                              Building -> Committing ------------------------------> CleaningUp -> Completed | Cached
//!
//!  from any stage: Failed, Cancelled; from any before Committing: Interrupted; from any between Leasing and the end: Leasing, when the lease is lost
//! ```
//!
//! * Before anything is ordered, the server's list is looked at. A live task of the same content is adopted, and so is a finished one, whose link has to
//!   prove itself by giving the package.
//! * A finished task that gives no good package gets some time (links come alive late), then it is remembered as dead, and the file is ordered anew, at most
//!   [`Policy::max_requests`] times in all.
//! * A task that is queued for longer than [`Policy::max_queued`] was probably never handed to those who work on it. It is cancelled, and ordered
//!   anew once the server's list shows that it is gone; as long as it does not, it is waited for.
//! * A full queue is waited for as long as it takes.
//! * An outage (looks that fail, orders that come to nothing, downloads that get no byte) is sat out for [`Policy::max_outage`].
//! * A cube that can't be built or committed for a passing reason is built again from the same package; a package whose damage shows only then is
//!   treated as one that can't be opened.
//! * While an order may have reached the server without an answer, nothing is ordered; only its absence for [`Policy::settle`], and from
//!   [`Policy::vanish_looks`] lists after that, ends that.
//! * A job whose lease is lost does nothing more before it has it again, and then goes on from what the journal says by then: another process may
//!   have worked on it.
//! * `Completed`, `Cached`, `Failed`, `Interrupted` and `Cancelled` are terminal: nothing changes them. [`JobState::renewed`] makes a new run that
//!   remembers what the old one has learned.

mod choose;
mod knowledge;
mod order;
mod policy;
mod queue;
mod stage;
mod step;
mod trouble;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    knowledge::{DeadTask, DownloadedPackage, Knowledge, Outage, OwnedTask, Trouble, Withdrawal},
    policy::Policy,
    stage::{CubeSite, Stage, StageName},
    step::step,
};
use crate::{ContentKey, DownloadLink, JobRequest, PortalTask, Problem, TaskId, TaskStatus};

/// All that a job is and knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobState {
    /// What the job's tasks are about.
    pub content: ContentKey,
    /// Whether the server names no task of such an order even if all is well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unnamed: bool,
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
            is_unnamed: false,
            force,
            stage: Stage::New,
            knowledge: Knowledge::default(),
        }
    }

    /// The job of a request, which has not begun.
    #[must_use]
    pub fn of(request: &JobRequest) -> Self {
        Self {
            is_unnamed: request.order.is_unnamed,
            ..Self::new(request.order.content.clone(), request.force)
        }
    }

    /// How long a task that may have been made is looked for.
    pub(crate) fn patience(&self, policy: &Policy) -> std::time::Duration {
        match self.is_unnamed {
            true => policy.unnamed_patience.max(policy.settle),
            false => policy.settle,
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
    /// The right to work on the cube ran out, and another may have taken it.
    LeaseLost(Problem),
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
    /// The server was asked to cancel a task that is queued for too long.
    Withdrawn {
        /// Why it did not take that, if so.
        problem: Option<Problem>,
    },
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
    /// Ask the server to cancel a task that is queued for too long: [`Event::Withdrawn`].
    Withdraw {
        /// The task.
        task: TaskId,
    },
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
    TaskSeen {
        task: TaskId,
        status: TaskStatus,
        since: Timestamp,
    },
    TaskChosen {
        task: TaskId,
        adopted: bool,
    },
    TaskStuck {
        task: TaskId,
        problem: Problem,
    },
    TaskAbandoned {
        task: TaskId,
        problem: Problem,
    },
    Retrying {
        problem: Problem,
        pause: std::time::Duration,
    },
}
