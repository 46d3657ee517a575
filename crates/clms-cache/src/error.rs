//! What can go wrong in a cache.

use std::{io, path::PathBuf};

use crate::{CubeName, InvalidCubeName};

/// Why a cache could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The text cannot name a cube.
    #[error(transparent)]
    InvalidName(#[from] InvalidCubeName),
    /// There is no finished cube of that name.
    #[error("there is no cube {name} in the cache {cache}")]
    NotFound {
        /// What was asked for.
        name: CubeName,
        /// The cache's root.
        cache: String,
    },
    /// Another process is working on that cube.
    #[error("{name} is being worked on by {holder}")]
    Held {
        /// The cube.
        name: CubeName,
        /// Who has it, in its own words.
        holder: String,
    },
    /// The file system refused.
    #[error("cannot {doing} {path:?}: {source}")]
    Io {
        /// What was tried, as in "create the folder".
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The object store refused.
    #[error("the cache's storage refused: {0}")]
    Storage(#[from] object_store::Error),
}

impl CacheError {
    /// True if the same call may succeed later without anything being changed by a person.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Held { .. } => true,
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::Interrupted | io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
            ),
            _ => false,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held { .. } => Some("wait until it has finished, or stop that process".to_owned()),
            Self::Io { path, source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(format!(
                    "make {} writable for you, or choose another cache with --cache or CLMS_CACHE",
                    path.display()
                )),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("free some space there, or choose another cache with --cache or CLMS_CACHE".to_owned())
                }
                _ => None,
            },
            _ => None,
        }
    }
}
