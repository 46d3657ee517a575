//! What can go wrong with CDSE.

use std::path::PathBuf;

use clms_cube::{CubeError, RangeError};

/// Why data of CDSE can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CdseError {
    /// No collection of this name is known.
    #[error("CDSE has no collection {asked:?} of CLMS that this version knows")]
    NoSuchCollection {
        /// What was asked for.
        asked: String,
        /// Ids that look like it, the nearest first.
        nearest: Vec<String>,
    },
    /// The collection holds no rasters.
    #[error("{collection} holds {what} and no rasters")]
    NotRaster {
        /// The collection.
        collection: String,
        /// What it holds instead.
        what: &'static str,
        /// Where its files lie.
        place: String,
    },
    /// The catalogue has no list of the collection's products.
    #[error("the catalogue at {catalogue} has no list of the products of {collection}{}", format_note(.format))]
    NoList {
        /// The collection.
        collection: String,
        /// The wanted format, if one was wanted.
        format: Option<&'static str>,
        /// The catalogue's address.
        catalogue: String,
    },
    /// Nobody is to be asked, and what would be needed is not kept.
    #[error("the list of the products of {collection} is not in {} and can't be fetched offline", .folder.display())]
    Offline {
        /// The collection.
        collection: String,
        /// Where lists are kept.
        folder: PathBuf,
    },
    /// A server of the catalogue refused, or can't be reached.
    #[error("cannot read {address}: {reason}")]
    Web {
        /// The address.
        address: String,
        /// Why, in the server's or the network's words.
        reason: String,
        /// Whether the same request can succeed later.
        retryable: bool,
    },
    /// A list is not what it should be.
    #[error("the list {list} makes no sense: {reason}")]
    List {
        /// The file or address.
        list: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of this machine can't be read or written.
    #[error("cannot use {}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
    /// No product is within what was asked for.
    #[error("{collection} has no product {asked}")]
    NothingFound {
        /// The collection.
        collection: String,
        /// What was asked for, in words.
        asked: String,
    },
    /// More products are within what was asked for than are opened at once.
    #[error("{collection} has more than {most} products {asked}")]
    TooMany {
        /// The collection.
        collection: String,
        /// How many are opened at once.
        most: usize,
        /// What was asked for, in words.
        asked: String,
    },
    /// More places than can be put into one dataset.
    #[error(
        "{tiles} tiles of {collection} are within what was asked for; at most {most} are opened as one"
    )]
    TooManyTiles {
        /// The collection.
        collection: String,
        /// How many there are.
        tiles: usize,
        /// How many are opened at once.
        most: usize,
    },
    /// All versions were asked for, and there are several for one date and place.
    #[error("{first} and {second} are of the same date and place")]
    Doubles {
        /// The name of one product.
        first: String,
        /// The name of another one.
        second: String,
    },
    /// The products have no such variable.
    #[error("the products of {collection} have no variable {variable:?}; they have {}", .available.join(", "))]
    NoSuchVariable {
        /// The collection.
        collection: String,
        /// The wanted name.
        variable: String,
        /// The names that there are.
        available: Vec<String>,
    },
    /// There are no keys for the bucket.
    #[error("the files of CDSE can't be read without keys")]
    NoKeys,
    /// A setting makes no sense.
    #[error("the setting {setting} can't be used: {why}")]
    Setting {
        /// Which one.
        setting: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A folder of the bucket can't be listed.
    #[error("cannot list {folder}: {source}")]
    Bucket {
        /// The folder.
        folder: String,
        /// The server's words.
        source: Box<object_store::Error>,
    },
    /// A file can't be opened.
    #[error(transparent)]
    Cube(#[from] CubeError),
    /// The caller stopped the work.
    #[error("cancelled")]
    Cancelled,
}

fn format_note(format: &Option<&'static str>) -> String {
    format
        .map(|format| format!(" as {format}"))
        .unwrap_or_default()
}

/// Where keys are made and how they are given.
const KEYS: &str = "make keys at https://eodata-s3keysmanager.dataspace.copernicus.eu (free, with an account of the Copernicus Data Space \
Ecosystem) and set CDSE_AWS_ACCESS_KEY_ID and CDSE_AWS_SECRET_ACCESS_KEY";

impl CdseError {
    /// A stable word for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoSuchCollection { .. } => "no_such_collection",
            Self::NotRaster { .. } => "not_raster",
            Self::NoList { .. } => "no_list",
            Self::Offline { .. } => "offline",
            Self::Web { .. } => "web",
            Self::List { .. } => "list",
            Self::Io { .. } => "io",
            Self::NothingFound { .. } => "nothing_found",
            Self::TooMany { .. } => "too_many",
            Self::TooManyTiles { .. } => "too_many_tiles",
            Self::Doubles { .. } => "doubles",
            Self::NoSuchVariable { .. } => "no_such_variable",
            Self::NoKeys => "no_keys",
            Self::Setting { .. } => "setting",
            Self::Bucket { .. } => "bucket",
            Self::Cube(why) => why.kind(),
            Self::Cancelled => "cancelled",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchCollection { nearest, .. } if !nearest.is_empty() => {
                format!("did you mean one of these? {}", nearest.join(", "))
            }
            Self::NotRaster { place, .. } => format!("its files lie in {place}"),
            Self::NoList { .. } => {
                "the collection may have moved: see csv.dataspace.copernicus.eu/CLMS".to_owned()
            }
            Self::Offline { .. } => "ask once while online".to_owned(),
            Self::NothingFound { .. } => "ask for a longer time or a larger area".to_owned(),
            Self::TooMany { .. } => "ask for a shorter time or a smaller area".to_owned(),
            Self::TooManyTiles { .. } => "ask for a smaller area (bbox)".to_owned(),
            Self::Doubles { .. } => {
                "ask for the newest, or name the version or the consolidation".to_owned()
            }
            Self::NoKeys => KEYS.to_owned(),
            Self::List { .. } => "it is fetched again when its copy is removed".to_owned(),
            Self::Web {
                retryable: true, ..
            } => "try again later; lists that are kept need no network".to_owned(),
            Self::Io { .. } => "see whether it can be read and written, and has room".to_owned(),
            _ if self.is_denied() => format!("the keys are wrong, or have ended: {KEYS}"),
            Self::Cube(why) => return why.hint(),
            _ => return None,
        })
    }

    /// True if the same call may succeed later without anything being changed by a person.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Web { retryable, .. } => *retryable,
            Self::Bucket { source, .. } => matches!(**source, object_store::Error::Generic { .. }),
            Self::Cube(why) => why.is_retryable(),
            Self::Cancelled => true,
            _ => false,
        }
    }

    /// Whether other credentials would help.
    #[must_use]
    pub fn is_about_credentials(&self) -> bool {
        matches!(self, Self::NoKeys) || self.is_denied()
    }

    fn is_denied(&self) -> bool {
        use object_store::Error::{PermissionDenied, Unauthenticated};
        match self {
            Self::Bucket { source, .. } => {
                matches!(**source, PermissionDenied { .. } | Unauthenticated { .. })
            }
            Self::Cube(CubeError::Range(why)) => matches!(why, RangeError::Denied { .. }),
            _ => false,
        }
    }

    pub(super) fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}
