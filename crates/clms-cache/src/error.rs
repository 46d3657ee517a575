//! What can go wrong in a cache.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

use object_store::client::{HttpError, HttpErrorKind};

use crate::{CubeName, InvalidCubeName, object_storage::WrongRegion};

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
    #[error("the cache's storage failed: {0}")]
    Storage(#[from] object_store::Error),
    /// A newer version of this software has been at work there.
    #[error(
        "the cache {cache} has version {found} of the hidden folder .clms, and only version {known} is known here"
    )]
    NewerLayout {
        /// The cache's root.
        cache: String,
        /// The version on the disk.
        found: u32,
        /// The newest version that this software knows.
        known: u32,
    },
    /// A path or URL that cannot be a cache.
    #[error("{location:?} cannot be a cache: {why}")]
    UnsupportedLocation {
        /// What was asked for; of a URL with a host, which may hold a password, only the scheme.
        location: String,
        /// What is wrong with it.
        why: String,
    },
    /// A setting of the storage that cannot be used.
    #[error("{} cannot be used: {why}", option(key))]
    InvalidOption {
        /// The setting, if it was given.
        key: String,
        /// What is wrong with it; never its value.
        why: String,
    },
    /// A profile of S3's users has no keys that can be used here.
    #[error("the profile {profile:?} has no keys of its own: {why}, which is not done here")]
    ProfileWithoutKeys {
        /// The profile.
        profile: String,
        /// Where its keys are to be had.
        why: String,
    },
    /// The settings of the storage do not go together, or lack something.
    #[error("the storage cannot be used with these settings: {why}")]
    Settings {
        /// What the storage says; no secret is in it.
        why: String,
    },
    /// What lies in the storage for the cache's own use cannot be understood.
    #[error("cannot understand the cache's own {path}: {why}")]
    Unreadable {
        /// The object's key.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The storage cannot keep two writers from writing at once.
    #[error("the storage has no conditional writes, which keep two writers apart: {why}")]
    NoConditionalPuts {
        /// How that was seen.
        why: String,
    },
    /// The cache can only be read.
    #[error("the cache {cache} can only be read")]
    ReadOnly {
        /// The cache's root.
        cache: String,
    },
    /// This process gave no sign of life for too long, so that another one may be writing the cube by now.
    #[error(
        "another process may have taken over the cube {name}, because this one could not renew its claim in time"
    )]
    LostToAnother {
        /// The cube.
        name: CubeName,
    },
    /// While a cube was written, somebody else wrote in the same place.
    #[error("the new cube {name} is not whole: {key} is not what was written there")]
    Overwritten {
        /// The cube to be.
        name: CubeName,
        /// Where it was seen.
        key: String,
    },
    /// A staging place of another cache.
    #[error("the cube {name} was not staged in the cache {cache}")]
    NotStagedHere {
        /// The cube to be.
        name: CubeName,
        /// The cache's root.
        cache: String,
    },
    /// What was staged has no Zarr metadata at its root, so that nobody could open it.
    #[error(
        "the new cube {name} is not whole: it has no zarr.json (nor .zgroup, .zattrs or .zmetadata) at its root"
    )]
    NotWhole {
        /// The cube to be.
        name: CubeName,
    },
    /// Not all is there of what was written of a cube.
    #[error(
        "the new cube {name} is not whole: {objects} of its objects are not as they were written"
    )]
    Lost {
        /// The cube to be.
        name: CubeName,
        /// How many objects are missing or changed.
        objects: u64,
    },
    /// It was replaced or removed while it was read.
    #[error(transparent)]
    Replaced(WasReplaced),
    /// What is written down of a cube can't be read.
    #[error("the manifest {path} in the hidden folder .clms is damaged: {why}")]
    Manifest {
        /// Where it is below the folder of manifests.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Where the cube belongs there is something that is not a cube.
    #[error("cannot put a cube at {path:?}: what is there is not a cube, or one of another name")]
    InTheWay {
        /// The cube's path.
        path: PathBuf,
    },
}

/// What a handle says when its cube was replaced or removed after it had been opened: opening it again gives the new one.
///
/// It is the source of an [`object_store::Error::Precondition`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cube {name} was replaced or removed after it had been opened")]
pub struct WasReplaced {
    /// The cube.
    pub name: CubeName,
}

impl WasReplaced {
    /// This as what the handle of the cube answers when `key` is read.
    #[must_use]
    pub fn when_reading(self, key: &object_store::path::Path) -> object_store::Error {
        object_store::Error::Precondition {
            path: key.to_string(),
            source: Box::new(self),
        }
    }

    /// Finds it in `error`, however deep it is wrapped.
    #[must_use]
    pub fn in_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        find_cause(error)
    }
}

impl CacheError {
    /// True if the same call may succeed later without anything being changed by a person.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Held { .. }
            | Self::Replaced(_)
            | Self::LostToAnother { .. }
            | Self::Overwritten { .. } => true,
            _ if self.is_lost_connection() || self.is_out_of_order() => true,
            _ => matches!(
                self.io_kind(),
                Some(
                    io::ErrorKind::Interrupted
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::WouldBlock
                )
            ),
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        const ANOTHER: &str = "or choose another cache with --cache or CLMS_CACHE";
        if let Some(WrongRegion { there, .. }) = self.cause() {
            return Some(format!(
                "give --store-option region={there}, or set AWS_REGION={there}"
            ));
        }
        match self {
            Self::Held { .. } => {
                Some("wait until it has finished, or stop that process".to_owned())
            }
            Self::Replaced(_) => Some("do it again: what is there now is whole".to_owned()),
            Self::Lost { .. } => Some(
                "something else removes or changes files in the cache: keep it away from there"
                    .to_owned(),
            ),
            Self::Manifest { .. } => Some(
                "build the cube anew with `clms preload --force`; that writes a new manifest".to_owned(),
            ),
            Self::NewerLayout { .. } => Some(format!("update this software, {ANOTHER}")),
            Self::UnsupportedLocation { .. } => Some(
                "give the path of a folder, or a URL such as file:///data/cubes, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
                    .to_owned(),
            ),
            Self::NoConditionalPuts { .. } => Some(format!(
                "use a storage that honours If-Match and If-None-Match when it is written to, {ANOTHER}"
            )),
            Self::ProfileWithoutKeys { profile, .. } => Some(format!(
                "make another profile whose only line is `credential_process = aws configure export-credentials --profile {profile} --format process`, and name that one with --store-option profile=... or AWS_PROFILE"
            )),
            Self::Storage(_) if self.is_about_credentials() => Some(
                "check the credentials: in the environment, in the profile, or given with --store-option; anonymous=true asks without any"
                    .to_owned(),
            ),
            Self::Storage(object_store::Error::NotFound { .. }) => {
                Some(format!("check the name of the bucket or container, {ANOTHER}"))
            }
            Self::Settings { .. } => Some("change what is given with --store-option, or the provider's variables".to_owned()),
            _ if self.is_lost_connection() => {
                Some("check the endpoint and the network".to_owned())
            }
            _ if self.is_out_of_order() => Some("try again later".to_owned()),
            Self::ReadOnly { .. } => Some("give the URL of the storage itself, such as s3://bucket/prefix".to_owned()),
            Self::LostToAnother { .. } | Self::Overwritten { .. } => Some("try again".to_owned()),
            Self::InTheWay { path } => Some(format!("move {} away, {ANOTHER}", path.display())),
            _ => match self.io_kind()? {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    let place = match self {
                        Self::Io { path, .. } => path.display().to_string(),
                        _ => "the cache".to_owned(),
                    };
                    Some(format!("make {place} writable for you, {ANOTHER}"))
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some(format!("free some space there, {ANOTHER}"))
                }
                io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                    Some("the cache has to be a folder, or not to exist yet".to_owned())
                }
                io::ErrorKind::CrossesDevices => {
                    Some("the hidden folder .clms has to be on the same file system as the cubes next to it".to_owned())
                }
                io::ErrorKind::Unsupported => Some(format!(
                    "the file system lacks what a cache needs, such as locks: use another one, {ANOTHER}"
                )),
                _ => None,
            },
        }
    }

    /// True if the storage does not let its caller in, or not do that: other credentials may.
    #[must_use]
    pub fn is_about_credentials(&self) -> bool {
        match self {
            Self::Storage(
                object_store::Error::Unauthenticated { .. }
                | object_store::Error::PermissionDenied { .. },
            ) => true,
            _ => self.answer_has(["401 Unauthorized", "403 Forbidden"]),
        }
    }

    /// True if the storage's server says that it failed by itself, or has too much to do.
    fn is_out_of_order(&self) -> bool {
        self.answer_has(["status code: 5", "status code: 429"])
    }

    /// Whether the storage's answer has one of these in its text, which is all that lists, and the last of several attempts, leave of its status:
    /// the types behind it are private.
    fn answer_has(&self, statuses: [&str; 2]) -> bool {
        let Self::Storage(error @ object_store::Error::Generic { .. }) = self else {
            return false;
        };
        let text = error.to_string();
        statuses.iter().any(|status| text.contains(status))
    }

    /// True if the storage could not be reached, or the connection broke.
    fn is_lost_connection(&self) -> bool {
        self.cause::<HttpError>().is_some_and(|error| {
            matches!(
                error.kind(),
                HttpErrorKind::Connect
                    | HttpErrorKind::Request
                    | HttpErrorKind::Timeout
                    | HttpErrorKind::Interrupted
            )
        })
    }

    /// What the operating system said, however deep it is wrapped.
    fn io_kind(&self) -> Option<io::ErrorKind> {
        self.cause::<io::Error>().map(io::Error::kind)
    }

    /// The first error of that type behind this one.
    fn cause<E: Error + 'static>(&self) -> Option<&E> {
        find_cause(self)
    }
}

/// The first error of that type in `error` and behind it.
fn find_cause<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Says what was tried, and on what, when it fails.
pub(crate) trait Doing<T> {
    fn doing(self, what: &'static str, path: &Path) -> Result<T, CacheError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, CacheError> {
        self.map_err(|source| CacheError::Io {
            doing,
            path: path.to_owned(),
            source,
        })
    }
}

/// A storage option by its key; what has none may be a secret.
fn option(key: &str) -> String {
    match key {
        "" => "a storage option without a key".to_owned(),
        key => format!("the storage option {key:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_recognised_through_the_object_store() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = CacheError::Storage(object_store::Error::Generic {
            store: "LocalFileSystem",
            source: Box::new(full),
        });
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.starts_with("free some space")),
            "{error:?}"
        );
        assert!(!error.is_retryable());
    }
}
