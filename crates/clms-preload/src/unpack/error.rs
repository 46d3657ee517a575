//! What can be wrong with a package.

use std::{io, path::PathBuf};

use zip::result::ZipError;

use crate::{Problem, ProblemKind};

/// Why a package could not be unpacked. `archive` is the file, and for an inner archive its name behind it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It is something else.
    #[error("{archive} is not a zip archive: it begins with {beginning:?}")]
    NotAZip {
        /// The archive.
        archive: String,
        /// Its first characters.
        beginning: String,
    },
    /// It begins like a zip archive but has no end.
    #[error("the zip archive {archive} is incomplete: {why}")]
    Truncated {
        /// The archive.
        archive: String,
        /// What is missing.
        why: String,
    },
    /// Its content contradicts its directory, such as by a wrong CRC.
    #[error("the zip archive {archive} is damaged at {entry:?}: {why}")]
    Damaged {
        /// The archive.
        archive: String,
        /// The entry.
        entry: String,
        /// What is wrong.
        why: String,
    },
    /// A wanted entry is encrypted.
    #[error("{entry:?} in the zip archive {archive} is encrypted")]
    Encrypted {
        /// The archive.
        archive: String,
        /// The entry.
        entry: String,
    },
    /// A wanted entry is compressed in a way that is not known here.
    #[error("{entry:?} in the zip archive {archive} can't be read: {why}")]
    Unsupported {
        /// The archive.
        archive: String,
        /// The entry.
        entry: String,
        /// What is not supported.
        why: String,
    },
    /// The archive would write outside its folder, or over itself.
    #[error("the zip archive {archive} is not safe: {why}")]
    Hostile {
        /// The archive.
        archive: String,
        /// What it would do.
        why: String,
    },
    /// The archive asks for more than [`UnpackLimits`](crate::UnpackLimits) allow.
    #[error("the zip archive {archive} has too much in it: {why}")]
    TooLarge {
        /// The archive.
        archive: String,
        /// Which limit it exceeds.
        why: String,
    },
    /// The local disk refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Disk {
        /// What was tried, as in "write".
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It was told to stop.
    #[error("stopped while unpacking")]
    Interrupted,
}

impl UnpackError {
    /// The sort of problem that it is for a job.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        match self {
            Self::NotAZip { .. } => ProblemKind::NotAZip,
            Self::Truncated { .. } => ProblemKind::TruncatedZip,
            Self::Damaged { .. } => ProblemKind::DamagedZip,
            Self::Encrypted { .. } => ProblemKind::EncryptedZip,
            Self::Unsupported { .. } => ProblemKind::Other("unsupported_zip".to_owned()),
            Self::Hostile { .. } | Self::TooLarge { .. } => ProblemKind::HostileZip,
            Self::Disk { source, .. } => Problem::from_io("unpack", source).kind,
            Self::Interrupted => ProblemKind::Interrupted,
        }
    }

    /// True if another download of the same package may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind().is_usually_retryable()
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Disk { source, .. } => Problem::from_io("unpack", source).hint,
            Self::Encrypted { .. } | Self::Unsupported { .. } | Self::Hostile { .. } | Self::TooLarge { .. } => {
                Some("please report the product to the service desk of Copernicus Land Monitoring, and to this project".to_owned())
            }
            _ => None,
        }
    }

    /// What went wrong while an entry was read.
    pub(super) fn reading(archive: &str, entry: &str, error: &io::Error) -> Self {
        let (archive, entry, why) = (archive.to_owned(), entry.to_owned(), error.to_string());
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated {
                archive,
                why: format!("{entry:?} ends early"),
            },
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                Self::Damaged {
                    archive,
                    entry,
                    why,
                }
            }
            _ => Self::Disk {
                doing: "read",
                path: PathBuf::from(archive),
                source: io::Error::new(error.kind(), why),
            },
        }
    }

    /// What went wrong while an entry was opened.
    pub(super) fn opening(archive: &str, entry: &str, error: ZipError) -> Self {
        let (archive_name, entry_name) = (archive.to_owned(), entry.to_owned());
        match error {
            ZipError::Io(error) => Self::reading(archive, entry, &error),
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)
            | ZipError::InvalidPassword => Self::Encrypted {
                archive: archive_name,
                entry: entry_name,
            },
            ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
                Self::Unsupported {
                    archive: archive_name,
                    entry: entry_name,
                    why: error.to_string(),
                }
            }
            _ => Self::Damaged {
                archive: archive_name,
                entry: entry_name,
                why: error.to_string(),
            },
        }
    }
}

impl From<UnpackError> for Problem {
    fn from(error: UnpackError) -> Self {
        let problem = Self::new(error.kind(), error.to_string());
        match error.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }
    }
}
