//! Single files of whatever format.

use std::sync::Arc;

use super::source::Source;
use super::{Dataset, DatasetStructure, netcdf, raster};
use crate::CubeError;
use crate::range::{
    CacheOptions, CachedReader, FileBytes, Meter, MeteredReader, RangeReader, blocking,
};

/// How a file is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// The name of the variable of a raster with one band; without it, what the band calls itself, else `band_1`.
    pub variable: Option<String>,
    /// How much of the file is read at once and kept.
    pub cache: CacheOptions,
}

/// First bytes of TIFF and BigTIFF files.
const TIFF: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
/// First bytes of HDF5 files, which NetCDF-4 files are, and of classic NetCDF files.
const NETCDF: [&[u8]; 4] = [b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05"];

/// First bytes that are looked at.
const LOOKED_AT: u64 = 64;

impl Dataset {
    /// Opens a GeoTIFF (each band is a variable) or a NetCDF file, by what it begins with. Reads its metadata and no pixels.
    ///
    /// # Errors
    /// [`CubeError::UnknownFormat`] for anything else, such as a page that a server sends instead; [`CubeError::Range`] if the file can't
    /// be read; [`CubeError::Unreadable`] if its metadata makes no sense.
    pub async fn open_file(
        reader: Arc<dyn RangeReader>,
        options: &FileOptions,
    ) -> Result<Self, CubeError> {
        let meter = Arc::default();
        let file = file_bytes(reader, options, &meter).await?;
        let variable = options.variable.clone();
        let (structure, source) =
            blocking(move || open_blocking(file, variable.as_deref())).await?;
        Ok(Self {
            structure: Arc::new(structure),
            source,
            meter,
        })
    }
}

/// A cached and counted file; reads its head.
pub(super) async fn file_bytes(
    reader: Arc<dyn RangeReader>,
    options: &FileOptions,
    meter: &Arc<Meter>,
) -> Result<Arc<FileBytes>, CubeError> {
    let metered = MeteredReader::shared(reader, Arc::clone(meter));
    let cached = CachedReader::new(Arc::new(metered), options.cache);
    Ok(Arc::new(FileBytes::open(Arc::new(cached)).await?))
}

/// Reads the metadata. Blocks.
pub(super) fn open_blocking(
    file: Arc<FileBytes>,
    variable: Option<&str>,
) -> Result<(DatasetStructure, Arc<dyn Source>), CubeError> {
    let head = file.read(0..file.size().min(LOOKED_AT)).unwrap_or_default();
    file.check()?;
    let begins_with = |magics: &[&[u8]]| magics.iter().any(|magic| head.starts_with(magic));
    if begins_with(&TIFF) {
        let (structure, source) = raster::open(file, variable)?;
        Ok((structure, Arc::new(source)))
    } else if begins_with(&NETCDF) {
        let (structure, source) = netcdf::open(file)?;
        Ok((structure, Arc::new(source)))
    } else {
        Err(CubeError::UnknownFormat {
            file: file.name().to_owned(),
            wanted: "GeoTIFF or NetCDF file",
            beginning: describe(&head),
        })
    }
}

/// The first bytes of a file, in words.
fn describe(head: &[u8]) -> String {
    const SHOWN: usize = 16;
    let text: String = String::from_utf8_lossy(head)
        .trim_start()
        .chars()
        .take(SHOWN)
        .collect();
    match text.chars().next() {
        None => "nothing".to_owned(),
        Some('<') => format!("a page ({text:?}...)"),
        Some(_) => format!("{text:?}"),
    }
}
