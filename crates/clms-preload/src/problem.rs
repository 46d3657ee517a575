//! The one kind of error that crosses the traits of this crate and ends up in journals and outcomes.

use std::{fmt, io, time::Duration};

use clms_cache::CacheError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What went wrong, ready to be shown, written down, and acted upon.
///
/// Made by the implementations of [`PortalSource`](crate::PortalSource) and the others; its text must hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{message}")]
#[non_exhaustive]
pub struct Problem {
    /// What sort of problem it is: a stable word.
    pub kind: ProblemKind,
    /// What failed, on what, and why.
    pub message: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// True if the same thing may succeed later without anything being changed by a person.
    pub retryable: bool,
    /// How long the server asked to be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Pause>")]
    pub retry_after: Option<Duration>,
}

/// How serde writes a [`Duration`], for those who read schemas.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct Pause {
    /// Whole seconds.
    secs: u64,
    /// The rest, in nanoseconds.
    nanos: u32,
}

impl Problem {
    /// A problem of that kind; whether it is retryable follows from the kind.
    #[must_use]
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        let retryable = kind.is_usually_retryable();
        Self {
            kind,
            message: message.into(),
            hint: None,
            retryable,
            retry_after: None,
        }
    }

    /// Says what a person can do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says whether a retry may help, if that differs from the kind's usual answer.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.retryable = retryable;
        self
    }

    /// Says how long the server asked to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// True if the same thing may succeed later without anything being changed by a person.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// A failure of the local file system; `doing` as in "write /scratch/download.zip".
    #[must_use]
    pub fn from_io(doing: &str, error: &io::Error) -> Self {
        let message = format!("cannot {doing}: {error}");
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::new(ProblemKind::DiskFull, message).with_hint(
                    "free some space there, or choose another folder with --scratch or --cache",
                )
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::new(ProblemKind::CacheNotWritable, message).with_hint(
                    "make it writable for you, or choose another folder with --scratch or --cache",
                )
            }
            _ => Self::new(ProblemKind::Io, message),
        }
    }
}

impl From<CacheError> for Problem {
    fn from(error: CacheError) -> Self {
        let kind = match &error {
            CacheError::Held { .. } => ProblemKind::Busy,
            CacheError::Io { source, .. } => Self::from_io("use the cache", source).kind,
            CacheError::Storage(object_store::Error::PermissionDenied { .. }) => {
                ProblemKind::CacheNotWritable
            }
            CacheError::Storage(object_store::Error::Unauthenticated { .. }) => {
                ProblemKind::CacheNotWritable
            }
            _ => ProblemKind::Cache,
        };
        let mut problem = Self::new(kind, error.to_string()).with_retryable(error.is_retryable());
        problem.hint = error.hint();
        problem
    }
}

/// The sorts of problems, each with the stable word that stands for it in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum ProblemKind {
    /// The link of a finished task answers with an error.
    LinkDead,
    /// The link of a finished task answers with a web page.
    LinkHtml,
    /// The task is finished but has no link.
    LinkMissing,
    /// The link is older than links are tried at all.
    LinkExpired,
    /// What was downloaded is not as long as the server said.
    WrongLength,
    /// What was downloaded is no zip archive.
    NotAZip,
    /// The zip archive ends early.
    TruncatedZip,
    /// The zip archive is damaged, such as by a wrong checksum.
    DamagedZip,
    /// The zip archive is encrypted.
    EncryptedZip,
    /// The zip archive is made to do harm, or looks so.
    HostileZip,
    /// The package is fine but holds no raster.
    NoRaster,
    /// The package holds vector data only.
    VectorOnly,
    /// The cube could not be built.
    BuildFailed,
    /// There is not enough room.
    DiskFull,
    /// The cache or the scratch folder can't be written.
    CacheNotWritable,
    /// The cache failed otherwise.
    Cache,
    /// The local file system failed otherwise.
    Io,
    /// The journal of jobs could not be read or written.
    Journal,
    /// The credentials are missing or refused.
    Unauthorized,
    /// The server could not be reached.
    Unreachable,
    /// The server answered with a failure of its own.
    ServerError,
    /// The server asks for fewer requests.
    RateLimited,
    /// The server says that the same thing is requested already.
    Duplicated,
    /// The server takes no more orders before it has done some of those that it has.
    QueueFull,
    /// The server refused the request.
    Refused,
    /// The server rejected the task.
    Rejected,
    /// The server's work on the task failed.
    TaskFailed,
    /// The task was cancelled by someone else.
    TaskCancelled,
    /// The task is no longer in the server's list.
    TaskVanished,
    /// The task was queued for too long.
    TaskStuck,
    /// The server took the request but named no task.
    NoTask,
    /// A time limit was reached.
    Timeout,
    /// A person or a signal stopped the job.
    Interrupted,
    /// Another process works on the same cube.
    Busy,
    /// This process could not keep its right to work on the cube.
    LeaseLost,
    /// A mistake in this program.
    Internal,
    /// A kind of an implementation's own, as a snake_case word.
    Other(String),
}

/// Every kind but [`ProblemKind::Other`] with its word.
const WORDS: [(ProblemKind, &str); 36] = {
    use ProblemKind::*;
    [
        (LinkDead, "link_dead"),
        (LinkHtml, "link_html"),
        (LinkMissing, "link_missing"),
        (LinkExpired, "link_expired"),
        (WrongLength, "wrong_length"),
        (NotAZip, "not_a_zip"),
        (TruncatedZip, "truncated_zip"),
        (DamagedZip, "damaged_zip"),
        (EncryptedZip, "encrypted_zip"),
        (HostileZip, "hostile_zip"),
        (NoRaster, "no_raster"),
        (VectorOnly, "vector_only"),
        (BuildFailed, "build_failed"),
        (DiskFull, "disk_full"),
        (CacheNotWritable, "cache_not_writable"),
        (Cache, "cache"),
        (Io, "io"),
        (Journal, "journal"),
        (Unauthorized, "unauthorized"),
        (Unreachable, "unreachable"),
        (ServerError, "server_error"),
        (RateLimited, "rate_limited"),
        (Duplicated, "duplicated"),
        (QueueFull, "queue_full"),
        (Refused, "refused"),
        (Rejected, "rejected"),
        (TaskFailed, "task_failed"),
        (TaskCancelled, "task_cancelled"),
        (TaskVanished, "task_vanished"),
        (TaskStuck, "task_stuck"),
        (NoTask, "no_task"),
        (Timeout, "timeout"),
        (Interrupted, "interrupted"),
        (Busy, "busy"),
        (LeaseLost, "lease_lost"),
        (Internal, "internal"),
    ]
};

impl ProblemKind {
    /// The stable word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if let Self::Other(word) = self {
            return word;
        }
        WORDS
            .iter()
            .find(|(kind, _)| kind == self)
            .map_or("other", |(_, word)| word)
    }

    /// Whether trying again later usually helps.
    #[must_use]
    pub fn is_usually_retryable(&self) -> bool {
        use ProblemKind::*;
        self.blames_link()
            || matches!(
                self,
                Unreachable
                    | ServerError
                    | RateLimited
                    | Duplicated
                    | QueueFull
                    | Timeout
                    | Interrupted
                    | Busy
                    | LeaseLost
                    | TaskVanished
                    | TaskStuck
                    | TaskCancelled
                    | NoTask
            )
    }

    /// True if what a finished task gave is worthless: the task is to be given some time and then given up for a new one.
    #[must_use]
    pub fn blames_link(&self) -> bool {
        use ProblemKind::*;
        matches!(
            self,
            LinkDead
                | LinkHtml
                | LinkMissing
                | LinkExpired
                | WrongLength
                | NotAZip
                | TruncatedZip
                | DamagedZip
        )
    }

    /// True if the server gave a whole package that is of no use: the same one must not be used again, whatever it is asked for next.
    #[must_use]
    pub fn blames_package(&self) -> bool {
        use ProblemKind::*;
        matches!(self, EncryptedZip | HostileZip | NoRaster | VectorOnly)
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<String> for ProblemKind {
    fn from(word: String) -> Self {
        WORDS
            .iter()
            .find(|(_, known)| *known == word)
            .map_or(Self::Other(word), |(kind, _)| kind.clone())
    }
}

impl From<ProblemKind> for String {
    fn from(kind: ProblemKind) -> Self {
        kind.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_lead_back_to_their_kind() {
        for (kind, word) in &WORDS {
            assert_eq!(kind.as_str(), *word);
            assert_eq!(ProblemKind::from((*word).to_owned()), *kind);
        }
        assert_eq!(
            ProblemKind::from("moon_phase".to_owned()),
            ProblemKind::Other("moon_phase".to_owned())
        );
    }

    #[test]
    fn a_full_disk_is_told_from_a_forbidden_one() {
        let full = Problem::from_io("write x", &io::ErrorKind::StorageFull.into());
        assert_eq!(full.kind, ProblemKind::DiskFull);
        assert!(!full.is_retryable() && full.hint().is_some());
        let forbidden = Problem::from_io("write x", &io::ErrorKind::PermissionDenied.into());
        assert_eq!(forbidden.kind, ProblemKind::CacheNotWritable);
    }
}
