//! What a job needs of the server: the [`PortalSource`] trait and its words.

use std::{fmt, path::Path};

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{ContentKey, Meter, Order, Problem, TaskId};

/// A server that turns orders into tasks, and finished tasks into links.
///
/// Implementations repeat nothing that could have reached the server, keep secrets out of every [`Problem`], sign in as needed,
/// and bound every call but [`download`](Self::download) by a time limit of their own.
#[async_trait]
pub trait PortalSource: fmt::Debug + Send + Sync + 'static {
    /// All tasks of the account that the server shows: one request, however many jobs wait.
    ///
    /// # Errors
    /// A retryable [`Problem`] (with `retry_after` if the server said so) leads to another look, any other ends the job.
    async fn find_tasks(&self) -> Result<Vec<PortalTask>, Problem>;

    /// Orders one file, once.
    async fn post(&self, order: &Order) -> PostOutcome;

    /// Asks the server to cancel a task.
    ///
    /// # Errors
    /// The [`Problem`] says why the server did not take the request.
    async fn cancel(&self, task: &TaskId) -> Result<CancelOutcome, Problem>;

    /// Finds out whether a link is alive, by asking for its first bytes.
    ///
    /// # Errors
    /// As [`download`](Self::download).
    async fn probe(&self, link: &DownloadLink) -> Result<(), Problem>;

    /// Downloads the package of a finished task into the file `download.into` and returns its length in bytes.
    ///
    /// If the file is there, it is the beginning of an earlier attempt at the same task; it is continued if the server can prove that it still
    /// fits and begun anew otherwise. Files whose names begin with that of `into` belong to the implementation as well.
    /// What has arrived is left there when anything goes wrong, so that the next attempt continues it.
    ///
    /// # Errors
    /// Kinds that [blame the link](crate::ProblemKind::blames_link) for a link that gives something else than the package; other
    /// retryable ones for a connection that broke; [`Interrupted`](crate::ProblemKind::Interrupted) soon after `cancel` was cancelled.
    async fn download(
        &self,
        download: Download<'_>,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<u64, Problem>;
}

/// One download; see [`PortalSource::download`].
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    /// The finished task.
    pub task: &'a TaskId,
    /// Where its package is.
    pub link: &'a DownloadLink,
    /// Its length in bytes, if the server said so.
    pub size: Option<u64>,
    /// The file to write.
    pub into: &'a Path,
}

/// A download task as the server shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalTask {
    /// Its id.
    pub id: TaskId,
    /// What it is about.
    pub content: ContentKey,
    /// The server's word on it.
    pub status: TaskStatus,
    /// Where the package is, once there is one.
    pub link: Option<DownloadLink>,
    /// Length of the package in bytes.
    pub size: Option<u64>,
    /// When the task was made.
    pub registered: Option<Timestamp>,
    /// When the task ended.
    pub finalized: Option<Timestamp>,
    /// The server's explanation, usually of a failure.
    pub message: Option<String>,
}

impl PortalTask {
    /// A task of which only the necessary is known.
    #[must_use]
    pub fn new(id: TaskId, content: ContentKey, status: TaskStatus) -> Self {
        Self {
            id,
            content,
            status,
            link: None,
            size: None,
            registered: None,
            finalized: None,
            message: None,
        }
    }

    /// Whether the server still works on it, or will, for all that it says.
    pub(crate) fn goes_on(&self) -> bool {
        match self.status {
            TaskStatus::FinishedOk
            | TaskStatus::FinishedNok
            | TaskStatus::Cancelled
            | TaskStatus::Rejected => false,
            TaskStatus::Queued | TaskStatus::InProgress | TaskStatus::Unknown(_) => {
                self.finalized.is_none()
            }
        }
    }
}

/// The server's word on a task. Exact spelling; everything else is [`Unknown`](Self::Unknown) and taken for "not finished".
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
pub enum TaskStatus {
    /// `Queued`
    Queued,
    /// `In_progress`
    InProgress,
    /// `Finished_ok`
    FinishedOk,
    /// `Finished_nok`
    FinishedNok,
    /// `Cancelled`
    Cancelled,
    /// `Rejected`
    Rejected,
    /// Any other word.
    Unknown(String),
}

impl TaskStatus {
    /// The server's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "Queued",
            Self::InProgress => "In_progress",
            Self::FinishedOk => "Finished_ok",
            Self::FinishedNok => "Finished_nok",
            Self::Cancelled => "Cancelled",
            Self::Rejected => "Rejected",
            Self::Unknown(word) => word,
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<String> for TaskStatus {
    fn from(word: String) -> Self {
        match word.as_str() {
            "Queued" => Self::Queued,
            "In_progress" => Self::InProgress,
            "Finished_ok" => Self::FinishedOk,
            "Finished_nok" => Self::FinishedNok,
            "Cancelled" => Self::Cancelled,
            "Rejected" => Self::Rejected,
            _ => Self::Unknown(word),
        }
    }
}

impl From<TaskStatus> for String {
    fn from(status: TaskStatus) -> Self {
        status.as_str().to_owned()
    }
}

/// Where a finished task's package is. Whoever has it can download, so its query is never shown, and it is in no journal.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadLink(Url);

impl DownloadLink {
    /// Wraps a URL.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The URL, for the one who downloads.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for DownloadLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "{}://{host}{}", self.0.scheme(), self.0.path())
    }
}

impl fmt::Debug for DownloadLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DownloadLink({self})")
    }
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostOutcome {
    /// The server made these tasks. Empty if it accepted but named none, which happens; then its list is looked at.
    Accepted(Vec<TaskId>),
    /// The server said no, and surely made no task. [`Duplicated`](crate::ProblemKind::Duplicated) leads to a look at its list.
    Refused(Problem),
    /// No or no clear answer, such as a broken connection or any 5xx: there may be a task or not.
    Unclear(Problem),
}

/// What the server answered to a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It took it. Whether the task really stops is another matter.
    Accepted,
    /// It knows no such task.
    NoSuchTask,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_hides_its_query_and_user() {
        let link =
            DownloadLink::new(Url::parse("https://me:pw@host/results/1.zip?sig=secret").unwrap());
        assert_eq!(link.to_string(), "https://host/results/1.zip");
        assert_eq!(
            format!("{link:?}"),
            "DownloadLink(https://host/results/1.zip)"
        );
    }

    #[test]
    fn statuses_keep_unknown_words() {
        for word in [
            "Queued",
            "In_progress",
            "Finished_ok",
            "Finished_nok",
            "Cancelled",
            "Rejected",
            "QUEUED",
            "",
        ] {
            assert_eq!(TaskStatus::from(word.to_owned()).as_str(), word);
        }
        assert_eq!(
            TaskStatus::from("QUEUED".to_owned()),
            TaskStatus::Unknown("QUEUED".to_owned())
        );
    }
}
