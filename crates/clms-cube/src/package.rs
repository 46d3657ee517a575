//! The files of one download, and what each of them is.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::CubeError;
use crate::deflated::DeflatedEntry;
use crate::raster_format::RasterFormat;
use crate::vector::VectorFormat;

/// The files of one download, as unpacked.
#[derive(Debug, Clone, Default)]
pub struct Package {
    /// All files, not only the rasters: side-cars hold class names and colours.
    pub entries: Vec<PackageEntry>,
    /// Names of files that were not unpacked, because nobody needs them; provenance tells them.
    pub skipped: Vec<String>,
}

/// One file of a package.
#[derive(Debug, Clone)]
pub struct PackageEntry {
    /// Path inside the package, separated by `/`.
    pub name: String,
    /// Where its bytes are.
    pub source: EntrySource,
}

/// Where the bytes of a package entry are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EntrySource {
    /// A file of its own.
    File(PathBuf),
    /// A part of a file, such as an uncompressed entry of a ZIP archive.
    Range {
        /// The file.
        path: PathBuf,
        /// First byte.
        offset: u64,
        /// Number of bytes.
        len: u64,
    },
    /// A deflated entry of a ZIP archive. Rasters are decoded while it is being inflated, into a temporary file in the folder of the
    /// archive; its length and checksum are compared when it is whole, and a cube is not finished before that.
    Deflated {
        /// The archive.
        path: PathBuf,
        /// First byte of the compressed data, behind the entry's local header.
        offset: u64,
        /// Number of bytes of the compressed data.
        compressed_len: u64,
        /// Number of bytes when inflated.
        len: u64,
        /// The checksum of the inflated bytes, as the archive's directory has it.
        crc32: u32,
    },
}

impl EntrySource {
    pub(crate) fn deflated(&self) -> Option<DeflatedEntry> {
        match self {
            Self::Deflated {
                path,
                offset,
                compressed_len,
                len,
                crc32,
            } => Some(DeflatedEntry {
                archive: path.clone(),
                offset: *offset,
                compressed_len: *compressed_len,
                len: *len,
                crc32: *crc32,
            }),
            Self::File(_) | Self::Range { .. } => None,
        }
    }
}

/// Which files of a package went into a cube.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PackageFiles {
    /// Rasters and side-cars whose content is in the cube.
    pub used: Vec<String>,
    /// All other files.
    pub left_out: Vec<LeftOut>,
}

/// A file that is not in the cube.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// Name inside the package.
    pub name: String,
    /// Why it was left out.
    pub reason: String,
}

impl Package {
    /// A package of the given files.
    #[must_use]
    pub fn new(entries: Vec<PackageEntry>) -> Self {
        Self {
            entries,
            skipped: Vec::new(),
        }
    }

    /// The same with the names of files that are in the package and were not unpacked.
    #[must_use]
    pub fn with_skipped(mut self, names: Vec<String>) -> Self {
        self.skipped = names;
        self
    }

    /// All files below a directory, in the order of their names.
    ///
    /// # Errors
    /// When a directory can't be listed.
    pub fn from_dir(dir: &Path) -> std::io::Result<Self> {
        let mut entries = Vec::new();
        let mut open = vec![(dir.to_owned(), String::new())];
        while let Some((dir, prefix)) = open.pop() {
            for item in std::fs::read_dir(dir)? {
                let item = item?;
                let name = format!("{prefix}{}", item.file_name().to_string_lossy());
                let kind = item.file_type()?;
                if kind.is_dir() {
                    open.push((item.path(), format!("{name}/")));
                } else if kind.is_file() {
                    entries.push(PackageEntry {
                        name,
                        source: EntrySource::File(item.path()),
                    });
                }
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self::new(entries))
    }

    /// What is wrong with the first raster that is not as its archive says. Reads all that are deflated.
    pub(crate) fn damage(&self) -> Option<CubeError> {
        let rasters = self
            .entries
            .iter()
            .filter(|entry| EntryKind::of(&entry.name) == EntryKind::Raster);
        let mut faults = rasters.filter_map(|entry| {
            let fault = entry.source.deflated()?.verify().err()?;
            Some(fault.of(&entry.name))
        });
        faults.next()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
    }
}

/// What the name of an entry says about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// Named like a raster, in no folder for other things.
    Raster,
    Vector,
    /// Anything else, with the reason for leaving it out.
    Other(&'static str),
}

const SIDE_FOLDERS: [(&str, &str); 11] = [
    ("legend", "legend"),
    ("legends", "legend"),
    ("symbology", "legend"),
    ("metadata", "metadata"),
    ("documents", "document"),
    ("document", "document"),
    ("documentation", "document"),
    ("doc", "document"),
    ("docs", "document"),
    ("thumbnails", "thumbnail"),
    ("thumbnail", "thumbnail"),
];

const SIDE_STEMS: [&str; 5] = ["thumbnail", "thumb", "quicklook", "preview", "legend"];

impl EntryKind {
    pub(crate) fn of(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let (folders, file) = lower.rsplit_once('/').unwrap_or(("", &lower));
        if VectorFormat::is_vector(&lower) {
            return Self::Vector;
        }
        if let Some((_, what)) = folders
            .split('/')
            .find_map(|f| SIDE_FOLDERS.iter().find(|(name, _)| *name == f))
        {
            return Self::Other(what);
        }
        if RasterFormat::of(file).is_some() {
            let stem = stem(file);
            let last = stem.rsplit(['_', '-', ' ']).next().unwrap_or(stem);
            return if SIDE_STEMS.contains(&last) {
                Self::Other("thumbnail")
            } else {
                Self::Raster
            };
        }
        Self::Other(match file.rsplit('.').next() {
            Some("ovr") => "overviews",
            Some(
                "dbf" | "clr" | "cpg" | "tfw" | "j2w" | "xml" | "qml" | "sld" | "lyr" | "lyrx",
            ) => "side-car",
            Some("txt" | "pdf" | "doc" | "docx" | "xls" | "xlsx" | "md") => "document",
            Some("png" | "jpg" | "jpeg" | "gif") => "picture",
            _ => "not a raster",
        })
    }
}

/// The last component of a package name without its raster ending: `a/DATA/FTY.tif` is `FTY`.
pub(crate) fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    match (RasterFormat::of(file), file.rsplit_once('.')) {
        (Some(_), Some((stem, _))) => stem,
        _ => file,
    }
}

/// The folders of a package name, without a trailing `/`: empty for a name without folders.
pub(crate) fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl PackageEntry {
    /// The bytes of a small file such as a side-car; an error text when it is larger than `limit` or can't be read.
    pub(crate) fn read(&self, limit: u64) -> Result<Vec<u8>, String> {
        use std::io::{Read, Seek, SeekFrom};
        let (path, offset, len) = match &self.source {
            EntrySource::File(path) => (path, 0, None),
            EntrySource::Range { path, offset, len } => (path, *offset, Some(*len)),
            EntrySource::Deflated { len, .. } if *len > limit => {
                return Err(format!("{len} bytes are too many for a side-car"));
            }
            EntrySource::Deflated { .. } => {
                let entry = self.source.deflated();
                return entry.map_or_else(
                    || Ok(Vec::new()),
                    |entry| entry.read_all().map_err(|fault| fault.to_string()),
                );
            }
        };
        let describe = |error: std::io::Error| error.to_string();
        let mut file = std::fs::File::open(path).map_err(describe)?;
        let len = match len {
            Some(len) => len,
            None => file.metadata().map_err(describe)?.len(),
        };
        if len > limit {
            return Err(format!("{len} bytes are too many for a side-car"));
        }
        file.seek(SeekFrom::Start(offset)).map_err(describe)?;
        let mut bytes = Vec::new();
        file.take(len).read_to_end(&mut bytes).map_err(describe)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_entries() {
        assert_eq!(EntryKind::of("X/DATA/x.tif"), EntryKind::Raster);
        for name in ["x.TIF", "x.Jp2", "a/x.nc"] {
            assert_eq!(EntryKind::of(name), EntryKind::Raster);
        }
        assert_eq!(
            EntryKind::of("French_DOMs/x_FR_GLP.tiff"),
            EntryKind::Raster
        );
        assert_eq!(
            EntryKind::of("X/DATA/x.tif.ovr"),
            EntryKind::Other("overviews")
        );
        assert_eq!(EntryKind::of("X/Legend/x.tif"), EntryKind::Other("legend"));
        assert_eq!(
            EntryKind::of("X/x_thumbnail.tif"),
            EntryKind::Other("thumbnail")
        );
        assert_eq!(EntryKind::of("X/a.gdb/a0001.gdbtable"), EntryKind::Vector);
        assert_eq!(EntryKind::of("Data/a.gpkg"), EntryKind::Vector);
    }

    #[test]
    fn stems_and_folders() {
        assert_eq!(stem("a/b/FTY_2015.TIF"), "FTY_2015");
        assert_eq!(folder("a/b/c.tif"), "a/b");
        assert_eq!(folder("c.tif"), "");
    }
}
