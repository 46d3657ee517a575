//! What can go wrong, and what a person can do about it.

mod advice;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

/// An error of planning, building or reading a cube.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CubeError {
    /// The package holds neither rasters nor vector data.
    #[error("the package holds neither a raster nor vector data ({} files: {})", .entries.len(), abridged(.entries))]
    NoRaster {
        /// The names of all entries.
        entries: Vec<String>,
    },
    /// The package holds vector data only, which is no cube; see [`vector::build`](crate::vector::build).
    #[error("the package holds vector data and no raster: {}", abridged(.found))]
    VectorOnly {
        /// The vector data sets found.
        found: Vec<String>,
    },
    /// A file that should be vector data can't be read.
    #[error("cannot read vector data {file}: {reason}")]
    UnreadableVector {
        /// Name inside the package.
        file: String,
        /// GDAL's words.
        reason: String,
    },
    /// A layer did not come whole into the GeoPackage.
    #[error("cannot copy layer {layer:?} of {file}: {reason}")]
    VectorCopy {
        /// Name inside the package.
        file: String,
        /// The layer's name.
        layer: String,
        /// GDAL's words, or what is missing.
        reason: String,
    },
    /// A file that should be a raster can't be read.
    #[error("cannot read raster {file}: {reason}")]
    Unreadable {
        /// Name inside the package.
        file: String,
        /// GDAL's words.
        reason: String,
    },
    /// The GDAL that is linked has no driver for the format of a file.
    #[error(
        "cannot read {file}: GDAL {gdal} of this program has no driver for {format} ({drivers})"
    )]
    NoDriver {
        /// Name inside the package.
        file: String,
        /// The format.
        format: &'static str,
        /// The drivers of which one would do.
        drivers: String,
        /// The version of GDAL.
        gdal: String,
    },
    /// A file of the package is not what its archive says: its checksum or its length is another.
    #[error("{file} is damaged in its archive: {reason}")]
    DamagedPackage {
        /// Name inside the package.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A raster says nothing about where it lies.
    #[error("raster {file} has no {missing}")]
    NotGeoreferenced {
        /// Name inside the package.
        file: String,
        /// What is missing.
        missing: &'static str,
    },
    /// A raster whose rows don't run from north to south or whose columns don't run from west to east.
    #[error("raster {file} is not north-up: geotransform {geotransform:?}")]
    NotNorthUp {
        /// Name inside the package.
        file: String,
        /// In GDAL's order.
        geotransform: [f64; 6],
    },
    /// A raster whose coordinates are no place on Earth.
    #[error("raster {file} has an absurd geotransform: {geotransform:?}")]
    AbsurdGeotransform {
        /// Name inside the package.
        file: String,
        /// In GDAL's order.
        geotransform: [f64; 6],
    },
    /// The rasters of the package have more grids than a product can have.
    #[error("raster {file} has a grid of its own, and there are {most} others already")]
    TooManyGrids {
        /// Name inside the package.
        file: String,
        /// How many there may be.
        most: usize,
    },
    /// The rasters of the package have more bands, or are more maps of one place, than a product can have.
    #[error("the rasters of one grid make more than {most} variables")]
    TooManyVariables {
        /// How many there may be.
        most: usize,
    },
    /// The rasters of the package are of more times than a product can have.
    #[error("the rasters of one grid are of more than {most} times")]
    TooManyTimes {
        /// How many there may be.
        most: usize,
    },
    /// The grid around all rasters of a group is too large to be meant so.
    #[error(
        "a grid of {width} x {height} pixels around {pixels} pixels of data is too large to be meant so"
    )]
    AbsurdGrid {
        /// Columns.
        width: f64,
        /// Rows.
        height: f64,
        /// Pixels of all rasters together.
        pixels: u64,
    },
    /// A raster with a pixel type that has no counterpart here (complex or 64 bit integers).
    #[error("raster {file} has the unsupported pixel type {dtype}")]
    UnsupportedType {
        /// Name inside the package.
        file: String,
        /// GDAL's name of the type.
        dtype: String,
    },
    /// The wanted fill value does not fit the data type.
    #[error("fill value {value} cannot be held by {dtype}")]
    FillOutOfRange {
        /// The value.
        value: f64,
        /// The data type.
        dtype: crate::DataType,
    },
    /// The fill value occurs as data.
    #[error("the fill value {value} of {variable} occurs as data in {file}")]
    FillClash {
        /// The variable.
        variable: String,
        /// The fill value.
        value: f64,
        /// Name inside the package.
        file: String,
    },
    /// What is stored is no Zarr hierarchy that this crate reads.
    #[error("not a readable cube: {reason}")]
    NotACube {
        /// Why.
        reason: String,
    },
    /// No group of this name.
    #[error("the cube has no group {group:?}")]
    NoSuchGroup {
        /// The wanted path.
        group: String,
    },
    /// No variable of this name.
    #[error("group {group:?} has no variable {variable:?}; it has {}", .available.join(", "))]
    NoSuchVariable {
        /// The group's path.
        group: String,
        /// The wanted name.
        variable: String,
        /// The names that there are.
        available: Vec<String>,
    },
    /// A window that reaches beyond the array, is empty, or asks for a picture of no size.
    #[error("window {ranges:?} does not lie within {shape:?}")]
    OutOfBounds {
        /// Wanted indices along each dimension.
        ranges: Vec<std::ops::Range<u64>>,
        /// Shape of the array.
        shape: Vec<u64>,
    },
    /// A window that does not fit in memory.
    #[error("a window of {shape:?} has {bytes} bytes; at most {most} are read at once")]
    WindowTooLarge {
        /// Lengths of the dimensions.
        shape: Vec<u64>,
        /// Bytes of its pixels.
        bytes: u64,
        /// Bytes that are read at once.
        most: u64,
    },
    /// What is wanted of a variable is not there.
    #[error("cannot select from {variable}: {reason}")]
    InvalidSelection {
        /// The variable.
        variable: String,
        /// What is wrong with the selection.
        reason: String,
    },
    /// A file that is opened lazily can't be read.
    #[error(transparent)]
    Range(#[from] crate::RangeError),
    /// A file is none of the formats that are read.
    #[error("{file} is no {wanted}: it begins with {beginning}")]
    UnknownFormat {
        /// The file.
        file: String,
        /// What it should be.
        wanted: &'static str,
        /// Its first bytes, in words.
        beginning: String,
    },
    /// Files that don't belong in one stack.
    #[error("cannot stack {file}: {reason}")]
    Stack {
        /// The file, or the date of several.
        file: String,
        /// Why.
        reason: String,
    },
    /// Datasets that can't become one.
    #[error("cannot put {what} together with others: {reason}")]
    Differing {
        /// The variables or the place of the one that differs.
        what: String,
        /// How it differs.
        reason: String,
    },
    /// No reference can be made with which other software would read an array.
    #[error("no reference can be made to {array} of {file}: {reason}")]
    NoReference {
        /// The file.
        file: String,
        /// Path of the array.
        array: String,
        /// What others can't read.
        reason: String,
    },
    /// A reference can't be written.
    #[error("cannot write the reference {}: {source}", path.display())]
    SaveReference {
        /// Where it was to be.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is wanted of an export can't be.
    #[error("cannot export: {reason}")]
    InvalidExport {
        /// What is wrong with it.
        reason: String,
    },
    /// Something stands where an export is to be.
    #[error("{} exists already", .path.display())]
    FileExists {
        /// The path.
        path: PathBuf,
    },
    /// An export can't be written.
    #[error("cannot write {}: {reason}", .path.display())]
    WriteFile {
        /// The path of the export.
        path: PathBuf,
        /// The words of the system or of GDAL.
        reason: String,
    },
    /// There is no room for the cube.
    #[error("no space left to write {key}")]
    DiskFull {
        /// The object being written.
        key: String,
        /// The store's words.
        #[source]
        source: object_store::Error,
    },
    /// The store failed.
    #[error("cannot {action} {key}: {source}")]
    Store {
        /// "read" or "write".
        action: &'static str,
        /// The object.
        key: String,
        /// The store's words.
        source: object_store::Error,
    },
    /// A stored chunk can't be decoded.
    #[error("cannot decode {array}: {reason}")]
    Decode {
        /// The array.
        array: String,
        /// Why.
        reason: String,
    },
    /// The caller stopped the work.
    #[error("cancelled")]
    Cancelled,
    /// A fault of this crate or of GDAL.
    #[error("{action} failed: {reason}")]
    Internal {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        reason: String,
    },
}

impl CubeError {
    /// A failed read or write of an object; a full disk is told apart.
    pub(crate) fn store(action: &'static str, key: &str, source: object_store::Error) -> Self {
        let key = key.to_owned();
        if is_disk_full(&source) {
            Self::DiskFull { key, source }
        } else {
            Self::Store {
                action,
                key,
                source,
            }
        }
    }

    /// There is no room for a local file; `words` are those of whoever noticed.
    pub(crate) fn disk_full(file: impl Into<String>, words: String) -> Self {
        let source = std::io::Error::new(std::io::ErrorKind::StorageFull, words);
        Self::DiskFull {
            key: file.into(),
            source: object_store::Error::Generic {
                store: "scratch",
                source: source.into(),
            },
        }
    }

    /// A file of an export can't be written; a full disk is told apart.
    pub(crate) fn write_file(path: &Path, error: &std::io::Error) -> Self {
        if is_disk_full(error) {
            return Self::disk_full(path.to_string_lossy(), error.to_string());
        }
        Self::WriteFile {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }

    pub(crate) fn internal(action: &'static str, reason: impl ToString) -> Self {
        Self::Internal {
            action,
            reason: reason.to_string(),
        }
    }
}

/// Walks the causes: object_store wraps the operating system's error several times.
fn is_disk_full(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && matches!(
                io.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            )
        {
            return true;
        }
        cause = error.source();
    }
    false
}

fn abridged(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text.push_str(", ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_store_errors() {
        let full = object_store::Error::Generic {
            store: "test",
            source: Box::new(std::io::Error::from(std::io::ErrorKind::StorageFull)),
        };
        let error = CubeError::store("write", "FTY/c/0/0", full);
        assert_eq!(error.kind(), "disk_full");
        assert!(error.hint().is_some());
        let other = object_store::Error::Generic {
            store: "test",
            source: "connection reset".into(),
        };
        assert_eq!(CubeError::store("write", "k", other).kind(), "store");
    }
}
