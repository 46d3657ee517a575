//! Bytes of files that lie anywhere, read range by range.
//!
//! This crate has no network of its own: who opens a remote file brings a [`RangeReader`]. All that is read of it passes
//! through here, so that it is counted ([`Traffic`]), cached in bounded memory, and noticed when the file changes meanwhile.

mod blocking;
mod cache;
mod file;
mod object;
mod traffic;
mod vsi;

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use jiff::Timestamp;
use object_store::Error as StoreError;
use zarrs::storage::Bytes;

pub(crate) use blocking::{Bridge, FileBytes, blocking, is_cancelled, on_threads};
pub use cache::{CacheOptions, CachedReader};
pub use file::LocalFile;
pub use object::ObjectReader;
pub(crate) use traffic::Meter;
pub use traffic::{MeteredReader, Traffic};
pub(crate) use vsi::VsiFile;

/// Reads ranges of one file. Implementations bring their own network, limits and retries; they read no clock and cache nothing.
#[async_trait]
pub trait RangeReader: fmt::Debug + Send + Sync {
    /// A name for messages; holds no secret.
    fn name(&self) -> &str;

    /// Reads a range of bytes, cut off at the end of the file, and tells which version of the file they are of.
    ///
    /// # Errors
    /// Why they can't be read. A range that starts at or behind the end of the file is an error.
    async fn read(&self, range: Range<u64>) -> Result<Part, RangeError>;
}

/// Bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The bytes.
    pub bytes: Bytes,
    /// What they were read from.
    pub version: FileVersion,
}

/// What tells a file from another one that has taken its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVersion {
    /// Bytes of the whole file.
    pub size: u64,
    /// The server's mark for the content, as it is.
    pub e_tag: Option<String>,
    /// When the file was written last, if that is known.
    pub modified: Option<Timestamp>,
}

/// Why a part of a file can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// There is no such file.
    #[error("{name} does not exist")]
    NotFound {
        /// The file.
        name: String,
    },
    /// The server wants other credentials.
    #[error("access to {name} is denied")]
    Denied {
        /// The file.
        name: String,
        /// The server's words.
        #[source]
        source: StoreError,
    },
    /// The file has been replaced while it was open.
    #[error("{name} has changed while it was being read")]
    Changed {
        /// The file.
        name: String,
    },
    /// The file ends before the wanted bytes, or an answer did.
    #[error("{name} is truncated: {got} of {wanted} bytes at {offset}")]
    Truncated {
        /// The file.
        name: String,
        /// The first wanted byte.
        offset: u64,
        /// Bytes wanted.
        wanted: u64,
        /// Bytes there were.
        got: u64,
    },
    /// The server does not serve parts of files.
    #[error("the server of {name} does not serve parts of files")]
    NoRanges {
        /// The file.
        name: String,
        /// The server's words.
        #[source]
        source: StoreError,
    },
    /// The server or the connection failed.
    #[error("cannot read {name}: {source}")]
    Failed {
        /// The file.
        name: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The caller does not want the bytes any more.
    #[error("reading {name} was cancelled")]
    Cancelled {
        /// The file.
        name: String,
    },
}

impl RangeError {
    /// Whether the same read can succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Failed { .. } | Self::Truncated { .. } | Self::Cancelled { .. }
        )
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } => {
                Some("the catalogue may be older than the files: refresh it and try again")
            }
            Self::Denied { .. } => Some("check the credentials for this source"),
            Self::Changed { .. } => Some("open it again"),
            Self::Truncated { .. } => Some("try again; if it stays so, the file is damaged"),
            Self::NoRanges { .. } => Some("download the file and open the copy"),
            Self::Failed { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// What an object store says of an object or folder of this name.
    #[must_use]
    pub fn of_store(name: &str, source: StoreError) -> Self {
        let name = name.to_owned();
        match source {
            StoreError::NotFound { .. } => Self::NotFound { name },
            StoreError::Precondition { .. } => Self::Changed { name },
            StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
                Self::Denied { name, source }
            }
            StoreError::NotSupported { .. } => Self::NoRanges { name, source },
            source => Self::Failed {
                name,
                source: Box::new(source),
            },
        }
    }
}
