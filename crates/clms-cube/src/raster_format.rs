//! The formats that rasters come in, and the GDAL drivers that read them.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gdal::DriverManager;
use tempfile::NamedTempFile;

/// A format of rasters in packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RasterFormat {
    Tiff,
    Jpeg2000,
    NetCdf,
}

impl RasterFormat {
    /// By the ending of a name, in any case; `None` for what is named like no raster.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let file = name.rsplit('/').next().unwrap_or(name);
        let (_, ending) = file.rsplit_once('.')?;
        Some(match ending.to_ascii_lowercase().as_str() {
            "tif" | "tiff" => Self::Tiff,
            "jp2" | "j2k" => Self::Jpeg2000,
            "nc" | "nc4" => Self::NetCdf,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tiff => "TIFF",
            Self::Jpeg2000 => "JPEG 2000",
            Self::NetCdf => "NetCDF",
        }
    }

    /// The drivers that may be used, the best first. None of them follows references to other files or the network.
    pub(crate) fn drivers(self) -> &'static [&'static str] {
        match self {
            Self::Tiff => &["GTiff"],
            Self::Jpeg2000 => &["JP2KAK", "JP2OpenJPEG", "JP2ECW", "JPEG2000"],
            Self::NetCdf => &["netCDF"],
        }
    }

    /// How these drivers are told to leave pixels as they are: GDAL takes what lies beyond `valid_range` for no data, and the codes of water
    /// and snow do.
    pub(crate) fn open_options(self) -> &'static [&'static str] {
        match self {
            Self::NetCdf => &["HONOUR_VALID_RANGE=NO"],
            Self::Tiff | Self::Jpeg2000 => &[],
        }
    }

    /// Whether the GDAL that is linked has one of the drivers. The one of the feature `bundled-gdal` has none for JPEG 2000.
    pub(crate) fn is_readable(self) -> bool {
        let mut drivers = self.drivers().iter();
        drivers.any(|driver| DriverManager::get_driver_by_name(driver).is_ok())
    }

    /// Whether its driver reads parts of files. The library behind that for NetCDF opens whole files only.
    pub(crate) fn is_read_in_place(self) -> bool {
        self != Self::NetCdf
    }
}

/// A part of a file that is copied into a file of its own beside it when it is first needed.
#[derive(Debug)]
pub(crate) struct CopiedPart {
    of: PathBuf,
    offset: u64,
    len: u64,
    copy: Mutex<Option<NamedTempFile>>,
}

impl CopiedPart {
    pub(crate) fn new(of: PathBuf, offset: u64, len: u64) -> Self {
        Self {
            of,
            offset,
            len,
            copy: Mutex::new(None),
        }
    }

    /// The copy's path. The copy goes with this.
    pub(crate) fn path(&self) -> std::io::Result<PathBuf> {
        let mut copy = self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(copy) = &*copy {
            return Ok(copy.path().to_owned());
        }
        let mut from = std::fs::File::open(&self.of)?;
        from.seek(SeekFrom::Start(self.offset))?;
        let folder = self.of.parent().unwrap_or(Path::new("."));
        let mut to = tempfile::Builder::new()
            .prefix(".copied-")
            // GDAL takes HDF5 for NetCDF by the name only.
            .suffix(".nc")
            .tempfile_in(folder)?;
        let copied = std::io::copy(&mut from.take(self.len), &mut to)?;
        if copied < self.len {
            return Err(std::io::Error::other("it ends early"));
        }
        let path = to.path().to_owned();
        *copy = Some(to);
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_ending() {
        assert_eq!(RasterFormat::of("a/b.TIF"), Some(RasterFormat::Tiff));
        assert_eq!(RasterFormat::of("b.x.JP2"), Some(RasterFormat::Jpeg2000));
        assert_eq!(RasterFormat::of("b.nc"), Some(RasterFormat::NetCdf));
        assert_eq!(RasterFormat::of("tif"), None);
        assert_eq!(RasterFormat::of("a.tif/b"), None);
        assert_eq!(RasterFormat::of("a.tif.ovr"), None);
    }

    #[test]
    fn copies_are_parts() {
        let dir = tempfile::tempdir().unwrap();
        let whole = dir.path().join("whole");
        std::fs::write(&whole, b"0123456789").unwrap();
        let part = CopiedPart::new(whole.clone(), 3, 4);
        let path = part.path().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"3456");
        assert_eq!(part.path().unwrap(), path);
        drop(part);
        assert!(!path.exists());
        assert!(CopiedPart::new(whole, 8, 4).path().is_err());
    }
}
