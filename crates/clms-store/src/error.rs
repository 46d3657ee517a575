//! What can go wrong, in the words of the facade.

use clms_api::{ApiError, InvalidRequest, ServiceKeyError};
use clms_cache::CacheError;
use clms_cube::CubeError;
use clms_preload::JournalError;

use crate::{
    DataId, InvalidDataId, bbox,
    catalogue::Unavailable,
    sources::{
        cdse::CdseError,
        wekeo::{AccountFileError, HdaError, SelectionError},
    },
};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The text is no data id at all.
    #[error(transparent)]
    InvalidDataId(#[from] InvalidDataId),
    /// The portal does not offer it.
    #[error("there is no data id {asked:?}")]
    NoSuchDataId {
        /// What was asked for.
        asked: String,
        /// Ids that look like it, the nearest first.
        nearest: Vec<String>,
    },
    /// The portal offers it, but this program can't get it.
    #[error("{data_id} can't be had: {}", why.reason)]
    Unavailable {
        /// What was asked for.
        data_id: String,
        /// Why not, and what to do instead.
        why: Unavailable,
    },
    /// The network is needed, and must not be used.
    #[error("offline: {wanted} can't be reached")]
    Offline {
        /// What was to be reached.
        wanted: String,
    },
    /// A source has no files of what was asked for.
    #[error("there are no files of {data_id} for {days}: {why}")]
    NoFiles {
        /// What was asked for.
        data_id: String,
        /// The days that were asked for.
        days: String,
        /// Why, in the source's words.
        why: String,
    },
    /// A source has it no longer; it is elsewhere now.
    #[error("{source}; {reason}")]
    Moved {
        /// What was asked for.
        data_id: String,
        /// What has happened.
        reason: String,
        /// The command that gets it, or where it is.
        hint: String,
        /// What the source said.
        source: Box<StoreError>,
    },
    /// A dataset that is open can't be written to another file.
    #[error("{data_id}: {source}")]
    Export {
        /// What was to be written.
        data_id: String,
        /// Why it can't be.
        source: Box<CubeError>,
    },
    /// Files that are opened where they lie can't be read.
    #[error("the files of {data_id} can't be read: {source}")]
    Files {
        /// Whose files they are.
        data_id: String,
        /// What is wrong with them.
        source: Box<CubeError>,
    },
    /// CDSE refused, or can't be reached.
    #[error(transparent)]
    Cdse(#[from] CdseError),
    /// WEkEO refused, or can't be reached.
    #[error(transparent)]
    Wekeo(#[from] HdaError),
    /// The file with the account of WEkEO can't be read.
    #[error(transparent)]
    WekeoAccount(#[from] AccountFileError),
    /// There is no such subset at WEkEO.
    #[error("{data_id} can't be had: {why}")]
    WekeoSubset {
        /// What was asked for.
        data_id: String,
        /// Why not.
        why: SelectionError,
    },
    /// It was to be preloaded, and is opened where it lies.
    #[error("{data_id} needs no preload: it is opened where it lies")]
    OpenedInPlace {
        /// What was asked for.
        data_id: String,
    },
    /// The product has no such collection, or several and none was named.
    #[error("{}", no_such_collection(product, asked.as_deref(), collections))]
    NoSuchCollection {
        /// The product.
        product: String,
        /// The collection, if one was named.
        asked: Option<String>,
        /// The product's collections.
        collections: Vec<String>,
    },
    /// The portal cuts no such subset; the reason names what it does.
    #[error("{data_id} can't be had: {why}")]
    Subset {
        /// What was asked for.
        data_id: String,
        /// Why not.
        why: InvalidRequest,
    },
    /// The box of the subset lies outside of the product.
    #[error("{data_id}: the box {} lies outside of the product, {}", bbox::text(*wanted), bbox::text(*product))]
    OutsideOfProduct {
        /// What was asked for.
        data_id: String,
        /// The box that was asked for: west, south, east, north in degrees.
        wanted: bbox::Sides,
        /// The product's.
        product: bbox::Sides,
    },
    /// It names a collection, of which subsets can be had only.
    #[error("'{collection}' of {product} is cut out on request: say which part of it")]
    NeedsSubset {
        /// The product.
        product: String,
        /// The collection.
        collection: String,
        /// A box that lies in the product.
        bbox: bbox::Sides,
        /// A day of which there are data, if days must be named too.
        day: Option<jiff::civil::Date>,
    },
    /// It is a pattern, and a data id was to be named.
    #[error("{asked:?} is a pattern, and no data id: {matches} that can be had match it")]
    Pattern {
        /// What was asked for.
        asked: String,
        /// How many data ids match.
        matches: usize,
    },
    /// It chooses already, and was to be given further choices.
    #[error("{data_id} is a subset already")]
    SubsetOfSubset {
        /// What was asked for.
        data_id: String,
    },
    /// It has to be preloaded first.
    #[error("{data_id} is not in the cache {cache}")]
    NotCached {
        /// What was asked for.
        data_id: String,
        /// The cache's root.
        cache: String,
    },
    /// It is not in the cache, and it was to be looked after there.
    #[error("there is no cube {data_id:?} in the cache {cache}")]
    NoSuchCube {
        /// What was asked for.
        data_id: String,
        /// The cache's root.
        cache: String,
        /// Cached cubes that look like it, the nearest first.
        nearest: Vec<String>,
    },
    /// A setting makes no sense.
    #[error("{setting} {value:?} can't be used: {why}")]
    Setting {
        /// Which one.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no service key, and what was asked needs one.
    #[error("{0}")]
    Credentials(#[from] ServiceKeyError),
    /// The portal refused, or can't be reached.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The cache refused.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A cached cube can't be read.
    #[error("the cube of {data_id} can't be read: {source}")]
    Cube {
        /// Whose cube it is.
        data_id: String,
        /// What is wrong with it.
        source: Box<CubeError>,
    },
    /// It is a product, and what can be had are its files.
    #[error("{product} is a product of {files} files, each with a data id of its own")]
    Product {
        /// The product.
        product: String,
        /// How many files it has.
        files: usize,
        /// Data ids of its files, the best first: all, or five.
        nearest: Vec<String>,
    },
    /// The journal of jobs can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It was stopped before anything was requested.
    #[error("stopped before anything was requested")]
    Interrupted,
}

impl StoreError {
    /// The cube of `data_id` can't be read.
    #[must_use]
    pub fn of_cube(data_id: &DataId, source: CubeError) -> Self {
        Self::Cube {
            data_id: data_id.to_string(),
            source: Box::new(source),
        }
    }

    /// An open dataset can't be written to another file.
    #[must_use]
    pub fn of_export(data_id: &DataId, source: CubeError) -> Self {
        Self::Export {
            data_id: data_id.to_string(),
            source: Box::new(source),
        }
    }

    /// The files of `data_id`, which lie elsewhere, can't be read.
    pub(crate) fn of_files(data_id: &DataId, source: CubeError) -> Self {
        Self::Files {
            data_id: data_id.to_string(),
            source: Box::new(source),
        }
    }

    /// A stable word for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidDataId(_) => "invalid_data_id",
            Self::NoSuchDataId { .. } => "no_such_data_id",
            Self::Unavailable { why, .. } => why.kind,
            Self::NoSuchCollection { .. } => "no_such_collection",
            Self::Subset { .. } | Self::WekeoSubset { .. } | Self::SubsetOfSubset { .. } => {
                "invalid_subset"
            }
            Self::OutsideOfProduct { .. } => "outside_of_product",
            Self::NeedsSubset { .. } => "needs_subset",
            Self::Pattern { .. } => "is_a_pattern",
            Self::OpenedInPlace { .. } => "opened_in_place",
            Self::Moved { .. } => "moved",
            Self::Wekeo(why) => why.kind(),
            Self::WekeoAccount(_) => "wekeo_account",
            Self::NotCached { .. } | Self::NoSuchCube { .. } => "not_cached",
            Self::Setting { .. } => "setting",
            Self::Credentials(why) => why.kind(),
            Self::Api(why) => why.kind(),
            Self::Cache(why) => cache_kind(why),
            Self::Cube { source, .. }
            | Self::Files { source, .. }
            | Self::Export { source, .. } => source.kind(),
            Self::Offline { .. } => "offline",
            Self::Cdse(why) => why.kind(),
            Self::NoFiles { .. } => "no_files",
            Self::Product { .. } => "is_a_product",
            Self::Journal(_) => "journal",
            Self::Interrupted => "interrupted",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InvalidDataId(_) => Some(
                "data ids look like 'clc2018|u2018_clc2018_v2020_20u1_raster100m'; `clms list` shows them".to_owned(),
            ),
            Self::NoSuchDataId { nearest, .. } => Some(did_you_mean(
                nearest,
                "`clms list` shows what there is, `clms list --all` also what can't be had",
            )),
            Self::NoSuchCube { nearest, .. } => {
                Some(did_you_mean(nearest, "`clms cache list` shows what is cached"))
            }
            Self::Unavailable { why, .. } => Some(why.hint.clone()),
            Self::NoSuchCollection { product, collections, .. } => Some(match collections.first() {
                Some(first) => format!("name one as in '{product}|{first}'; `clms describe '{product}'` tells what can be had of each"),
                None => format!("see its files with: clms list --product {product}"),
            }),
            Self::WekeoSubset { why, .. } if why.hint().is_some() => why.hint(),
            Self::OpenedInPlace { data_id } => Some(format!(
                "open it with: clms open '{data_id}' --time DAY; or copy a window of it with: clms export '{data_id}'"
            )),
            Self::Moved { hint, .. } => Some(hint.clone()),
            Self::Wekeo(why) => why.hint(),
            Self::WekeoAccount(why) => why.hint(),
            Self::Subset { data_id, .. } | Self::WekeoSubset { data_id, .. } => {
                Some(format!("`clms describe '{}'` tells what can be had", product_of(data_id)))
            }
            Self::OutsideOfProduct { data_id, wanted, product } => {
                let swapped = bbox::with_latitude_second(*wanted);
                let meant = swapped.filter(|swapped| !bbox::are_apart(*swapped, *product));
                Some(meant.map_or_else(
                    || format!("boxes are west,south,east,north in degrees, such as {}", bbox::text(bbox::example(Some(*product)))),
                    |meant| format!("did you mean {}? boxes are west,south,east,north: `clms describe '{}'`", bbox::text(meant), product_of(data_id)),
                ))
            }
            Self::NeedsSubset { product, collection, bbox, day } => {
                let time = day.map_or_else(String::new, |day| format!(" --time {day}"));
                Some(format!(
                    "add --bbox W,S,E,N or --nuts CODE, as in: clms preload '{product}|{collection}' --bbox {}{time}",
                    bbox::text(*bbox)
                ))
            }
            Self::Pattern { asked, .. } => Some(format!(
                "patterns are for `clms list`; this preloads all that match:\n  clms list '{asked}' | awk -F'  +' 'NR>1 {{print $1}}' | tr '\\n' '\\0' | xargs -0 clms preload"
            )),
            Self::SubsetOfSubset { .. } => {
                Some("give either all choices in the data id, or all as options".to_owned())
            }
            Self::NotCached { data_id, .. } => Some(format!(
                "get it with: clms preload '{data_id}'\nor is it in another folder? --cache or CLMS_CACHE names that"
            )),
            Self::Setting { setting, .. } => Some(format!(
                "choose another with --{setting} or CLMS_{}",
                setting.to_uppercase()
            )),
            Self::Credentials(why) => Some(why.hint()),
            Self::Api(why) => why.hint(),
            Self::Cache(why) => why.hint(),
            Self::Cube { data_id, source } => source
                .hint()
                .or_else(|| Some(format!("build it anew with: clms preload --force '{data_id}'"))),
            Self::Files { source, .. } | Self::Export { source, .. } => {
                source.hint()
            }
            Self::Cdse(why) => why.hint(),
            Self::Offline { .. } => Some(
                "what is cached can be used; for all else leave --offline (CLMS_OFFLINE) away".to_owned(),
            ),
            Self::NoFiles { .. } => Some("ask for other days with --time; `clms describe` tells which there are".to_owned()),
            Self::Product { product, files, nearest } => {
                let mut hint = format!("name one of its files, such as\n  {}", nearest.join("\n  "));
                if nearest.len() < *files {
                    hint += &format!("\n`clms list --product {product}` shows all {files}");
                }
                Some(hint)
            }
            Self::Journal(why) => why.hint(),
            Self::Interrupted => None,
        }
    }

    /// Data ids that may have been meant where there is no such one, the nearest first; at most five.
    #[must_use]
    pub fn nearest(&self) -> &[String] {
        match self {
            Self::NoSuchDataId { nearest, .. }
            | Self::NoSuchCube { nearest, .. }
            | Self::Product { nearest, .. } => nearest,
            _ => &[],
        }
    }

    /// What a caller can do about it, broadly.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidDataId(_)
            | Self::NoSuchDataId { .. }
            | Self::NoSuchCube { .. }
            | Self::NoSuchCollection { .. }
            | Self::Subset { .. }
            | Self::WekeoSubset { .. }
            | Self::OpenedInPlace { .. }
            | Self::SubsetOfSubset { .. }
            | Self::NeedsSubset { .. }
            | Self::Pattern { .. }
            | Self::Product { .. } => ErrorClass::NoSuchDataId,
            Self::Credentials(_)
            | Self::Api(
                ApiError::NoKey { .. }
                | ApiError::KeyRefused { .. }
                | ApiError::Unauthorized { .. }
                | ApiError::Signing { .. },
            ) => ErrorClass::Credentials,
            Self::Cache(why) if why.is_about_credentials() => ErrorClass::Credentials,
            Self::Cdse(why) if why.is_about_credentials() => ErrorClass::Credentials,
            Self::Wekeo(why) if why.is_about_credentials() => ErrorClass::Credentials,
            Self::WekeoAccount(_) => ErrorClass::Credentials,
            Self::Export { source, .. }
                if matches!(
                    **source,
                    CubeError::InvalidExport { .. }
                        | CubeError::InvalidSelection { .. }
                        | CubeError::FileExists { .. }
                ) =>
            {
                ErrorClass::Setting
            }
            Self::Setting { .. }
            | Self::OutsideOfProduct { .. }
            | Self::Api(ApiError::Configuration { .. })
            | Self::Cache(
                CacheError::UnsupportedLocation { .. }
                | CacheError::InvalidOption { .. }
                | CacheError::ProfileWithoutKeys { .. },
            ) => ErrorClass::Setting,
            _ => ErrorClass::Other,
        }
    }

    /// True if the same call may succeed later without anything being changed by a person.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Api(why) => why.is_retryable(),
            Self::Cache(why) => why.is_retryable(),
            Self::Cdse(why) => why.is_retryable(),
            Self::Wekeo(why) => why.is_retryable(),
            Self::Cube { source, .. }
            | Self::Files { source, .. }
            | Self::Export { source, .. } => source.is_retryable(),
            Self::Interrupted => true,
            _ => false,
        }
    }
}

fn product_of(data_id: &str) -> &str {
    data_id.split('|').next().unwrap_or_default()
}

fn no_such_collection(product: &str, asked: Option<&str>, collections: &[String]) -> String {
    let names: Vec<String> = collections.iter().map(|name| format!("'{name}'")).collect();
    let names = names.join(", ");
    match (asked, collections) {
        (_, []) => format!("{product} has no collections to cut subsets from"),
        (Some(asked), [_]) => format!("{product} has no collection '{asked}', but {names}"),
        (Some(asked), _) => {
            format!("{product} has no collection '{asked}'; its collections are {names}")
        }
        (None, _) => format!("{product} has several collections to cut subsets from: {names}"),
    }
}

fn did_you_mean(nearest: &[String], otherwise: &str) -> String {
    match nearest {
        [] => otherwise.to_owned(),
        // Each in a line of its own, so that it can be made a command.
        [one] => format!("did you mean this?\n  {one}"),
        several => format!("did you mean one of these?\n  {}", several.join("\n  ")),
    }
}

/// What a caller can do about an error, broadly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Ask for another data id.
    NoSuchDataId,
    /// Provide (other) credentials.
    Credentials,
    /// Change a setting.
    Setting,
    /// See the hint.
    Other,
}

/// The stable word for what a cache can say.
pub(crate) fn cache_kind(why: &CacheError) -> &'static str {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match why {
        CacheError::Held { .. } => "busy",
        CacheError::NotFound { .. } => "not_cached",
        CacheError::Replaced(_) => "was_replaced",
        _ if why.is_about_credentials() => "cache_credentials",
        CacheError::Io { source, .. } => match source.kind() {
            PermissionDenied | ReadOnlyFilesystem => "cache_not_writable",
            StorageFull | QuotaExceeded => "disk_full",
            _ => "cache",
        },
        _ => "cache",
    }
}
