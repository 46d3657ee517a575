//! What can go wrong while a package is made.

use std::path::{Path, PathBuf};

/// Why a package could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be written, read or renamed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// GDAL refused something.
    #[error("GDAL, {}: {source}", path.display())]
    Gdal {
        /// The file being made.
        path: PathBuf,
        /// What GDAL said.
        source: gdal::errors::GdalError,
    },
    /// A zip could not be written.
    #[error("zip, {}: {source}", path.display())]
    Zip {
        /// The zip being made.
        path: PathBuf,
        /// What the zip writer said.
        source: zip::result::ZipError,
    },
    /// The specification asks for something that cannot be.
    #[error("{what}: {why}")]
    Spec {
        /// The part of the specification.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    pub(crate) fn spec(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Spec {
            what: what.into(),
            why: why.into(),
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } => Some("is the output folder writable, and is there space left?"),
            Self::Gdal { .. } => {
                Some("does this GDAL have the codec and the CRS that were asked for?")
            }
            Self::Zip { .. } | Self::Spec { .. } => None,
        }
    }

    /// Whether the same call may succeed later: never, everything here is local and deterministic.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// The result of making something.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Names the file that an error of a lower layer was about.
pub(crate) trait AtPath<T> {
    fn at(self, path: &Path) -> Result<T>;
}

impl<T> AtPath<T> for std::io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })
    }
}

impl<T> AtPath<T> for gdal::errors::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Gdal {
            path: path.to_owned(),
            source,
        })
    }
}

impl<T> AtPath<T> for zip::result::ZipResult<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Zip {
            path: path.to_owned(),
            source,
        })
    }
}
