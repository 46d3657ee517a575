//! What can go wrong with a download.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::is_temporary;
use crate::server_message::ServerMessage;
use crate::transport_error::TransportError;

/// Why a download failed. Addresses hide secret query parameters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// There is nothing at the link: it is no longer alive, or not yet. Some links come alive up
    /// to three minutes after their task is finished; none lives longer than some days.
    #[error("the link {url} is dead (HTTP {status})")]
    LinkDead {
        /// The link.
        url: String,
        /// 403, 404 or 410.
        status: u16,
    },
    /// What is at the link is no zip file; mostly a web page, sometimes only at first.
    #[error("{url} is no zip file but {}: {excerpt}", content_type.as_deref().unwrap_or("of unknown type"))]
    NotAZip {
        /// The link.
        url: String,
        /// What the server says it is.
        content_type: Option<String>,
        /// Its beginning.
        excerpt: String,
    },
    /// The zip file is not as long as the portal said.
    #[error("{url} has {found} bytes, not {expected} as announced")]
    WrongLength {
        /// The link.
        url: String,
        /// The announced length in bytes.
        expected: u64,
        /// The real one.
        found: u64,
    },
    /// The connection broke in the middle. What has come is kept.
    #[error("the download of {url} broke off after {bytes} bytes{}", of(*total))]
    Interrupted {
        /// The link.
        url: String,
        /// The part file's length.
        bytes: u64,
        /// The whole length, if the server said it.
        total: Option<u64>,
        /// What happened.
        source: TransportError,
    },
    /// No answer at all.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An HTTP status that is neither a success nor a dead link.
    #[error("{url} can't be downloaded (HTTP {status}): {message}")]
    Status {
        /// The link.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's words.
        message: ServerMessage,
    },
    /// Too many requests (HTTP 429).
    #[error("the download of {url} was refused for asking too often (HTTP 429)")]
    RateLimited {
        /// The link.
        url: String,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The server answers with a part of the file that was not asked for.
    #[error("{url} answers with the wrong part of the file: {problem}")]
    WrongRange {
        /// The link.
        url: String,
        /// What came.
        problem: String,
    },
    /// There is no space left for the file.
    #[error("no space left for {} after {bytes} bytes", path.display())]
    DiskFull {
        /// The part file.
        path: PathBuf,
        /// Its length; kept.
        bytes: u64,
    },
    /// The part file, or the validator beside it, can't be read or written.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The caller's token was cancelled. What has come is kept.
    #[error("the download was cancelled after {bytes} bytes")]
    Cancelled {
        /// The part file's length.
        bytes: u64,
    },
}

impl DownloadError {
    /// A stable word for the kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LinkDead { .. } => "link_dead",
            Self::NotAZip { .. } => "not_a_zip",
            Self::WrongLength { .. } => "wrong_length",
            Self::Interrupted { .. } => "interrupted",
            Self::Transport(error) => error.kind.as_str(),
            Self::Status { status: 500.., .. } => "server_error",
            Self::Status { .. } => "refused",
            Self::RateLimited { .. } => "rate_limited",
            Self::WrongRange { .. } => "wrong_range",
            Self::DiskFull { .. } => "disk_full",
            Self::Io { .. } => "io",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Whether the same download may succeed later. So it is with dead links, web pages and wrong
    /// lengths too, but only in the first minutes of a link; after that the file must be
    /// requested anew.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::LinkDead { status, .. } => *status != 410,
            Self::Transport(error) => error.is_retryable(),
            Self::Status { status, .. } => is_temporary(*status),
            Self::NotAZip { .. }
            | Self::WrongLength { .. }
            | Self::Interrupted { .. }
            | Self::RateLimited { .. }
            | Self::WrongRange { .. } => true,
            Self::DiskFull { .. } | Self::Io { .. } | Self::Cancelled { .. } => false,
        }
    }

    /// Whether to try again at once, and not in minutes.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::LinkDead { .. } | Self::NotAZip { .. } | Self::WrongLength { .. } => false,
            other => other.is_retryable(),
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::LinkDead { .. } => {
                "a new link may take some minutes to come alive; an old one is dead for good, so request the file again"
            }
            Self::NotAZip { .. } => {
                "try again in some minutes; if it stays so, request the file again, and see whether a proxy or firewall stands between"
            }
            Self::WrongLength { .. } => {
                "try again in some minutes; if it stays so, request the file again"
            }
            Self::Interrupted { .. } => "try again: the download goes on where it broke off",
            Self::Transport(error) => return error.hint(),
            Self::DiskFull { .. } => {
                "make space, or choose another folder; the download then goes on"
            }
            Self::Io { .. } => "check that the folder can be written to",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// For `map_err`: a file operation failed when the part file had so many bytes.
    pub(super) fn io(
        action: &'static str,
        path: &Path,
        bytes: u64,
    ) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, bytes }
            }
            _ => Self::Io {
                path,
                action,
                source,
            },
        }
    }
}

fn of(total: Option<u64>) -> String {
    total
        .map(|total| format!(" of {total}"))
        .unwrap_or_default()
}
