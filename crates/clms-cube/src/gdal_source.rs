//! Rasters as GDAL opens them. Only [`crate::vector`] opens datasets too.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use gdal::raster::RasterBand;
use gdal::{Dataset, DatasetOptions, GdalOpenFlags, Metadata};

use crate::crs::SourceCrs;
use crate::deflated::Inflating;
use crate::hdf5_printing;
use crate::raster_format::{CopiedPart, RasterFormat};
use crate::raster_header::{BandHeader, RasterHeader, band_dtype, has_degrees, items, wgs84};
use crate::tiff::{BlockLayout, BlockReader, Directory, RasterBytes};
use crate::{CubeError, DataType, EntrySource, PackageEntry};

/// GDAL's cache of decoded blocks, shared by all threads.
pub(crate) const BLOCK_CACHE_BYTES: u64 = 64 << 20;

/// The version of GDAL that is linked, such as `3.6.2`.
#[must_use]
pub fn gdal_version() -> String {
    gdal::version::VersionInfo::release_name()
}

/// Sends GDAL's messages to the log (it would print them) and bounds its memory.
pub(crate) fn initialise() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gdal::config::set_error_handler(|class, number, message| {
            tracing::debug!(target: "clms_cube::gdal", ?class, number, "{message}");
        });
        let megabytes = (BLOCK_CACHE_BYTES >> 20).to_string();
        if gdal::config::set_config_option("GDAL_CACHEMAX", &megabytes).is_err() {
            tracing::debug!("GDAL_CACHEMAX could not be set");
        }
    });
}

/// Opens a raster of a format by GDAL's name of it.
pub(crate) fn open_gdal(path: &Path, format: RasterFormat) -> gdal::errors::Result<Dataset> {
    initialise();
    if format == RasterFormat::NetCdf {
        hdf5_printing::turn_off();
    }
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_READONLY
            | GdalOpenFlags::GDAL_OF_RASTER
            | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
        allowed_drivers: Some(format.drivers()),
        open_options: Some(format.open_options()),
        ..DatasetOptions::default()
    };
    Dataset::open_ex(path, options)
}

/// A configuration option of GDAL that holds for this thread and while this lives.
pub(crate) struct LocalConfig(&'static str);

impl LocalConfig {
    pub(crate) fn set(key: &'static str, value: &str) -> Option<Self> {
        gdal::config::set_thread_local_config_option(key, value)
            .ok()
            .map(|()| Self(key))
    }

    /// Side-car files are read by this crate, which treats files and archive entries alike, and never written.
    pub(crate) fn without_side_cars() -> Option<Self> {
        Self::set("GDAL_PAM_ENABLED", "NO")
    }
}

impl Drop for LocalConfig {
    fn drop(&mut self) {
        // Can't fail for a name that was set.
        let _ = gdal::config::clear_thread_local_config_option(self.0);
    }
}

/// A raster that can be opened again, on any thread.
#[derive(Debug, Clone)]
pub(crate) struct RasterSource {
    /// Name inside the package.
    pub(crate) name: String,
    place: Place,
    format: RasterFormat,
    /// The variable of a file that holds several.
    variable: Option<String>,
    /// Where its blocks are, if they can be read without GDAL; known once the header has been read.
    blocks: Option<Arc<BlockLayout>>,
}

#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    /// File, first byte, number of bytes.
    Part(PathBuf, u64, u64),
    Inflating(Arc<Inflating>),
    Copied(Arc<CopiedPart>),
}

impl RasterSource {
    pub(crate) fn new(entry: &PackageEntry) -> Self {
        let format = RasterFormat::of(&entry.name).unwrap_or(RasterFormat::Tiff);
        let place = match (&entry.source, entry.source.deflated()) {
            (_, Some(entry)) => Place::Inflating(Arc::new(Inflating::new(entry))),
            (EntrySource::Range { path, offset, len }, _) if !format.is_read_in_place() => {
                Place::Copied(Arc::new(CopiedPart::new(path.clone(), *offset, *len)))
            }
            (EntrySource::Range { path, offset, len }, _) => {
                Place::Part(path.clone(), *offset, *len)
            }
            (EntrySource::File(path) | EntrySource::Deflated { path, .. }, _) => {
                Place::File(path.clone())
            }
        };
        Self {
            name: entry.name.clone(),
            place,
            format,
            variable: None,
            blocks: None,
        }
    }

    /// The same file for each of its variables, if its format has such; else itself.
    pub(crate) fn variables(self) -> Result<Vec<Self>, CubeError> {
        if self.format != RasterFormat::NetCdf {
            return Ok(vec![self]);
        }
        let dataset = self.open()?;
        let names = dataset.metadata_domain("SUBDATASETS").unwrap_or_default();
        let names = names.iter().filter_map(|line| {
            let (key, name) = line.split_once('=')?;
            let (_, variable) = name.rsplit_once(':')?;
            key.ends_with("_NAME").then(|| variable.to_owned())
        });
        let of = |name: String| Self {
            variable: Some(name),
            ..self.clone()
        };
        let variables: Vec<Self> = names.map(of).collect();
        Ok(if variables.is_empty() {
            vec![self]
        } else {
            variables
        })
    }

    /// What tells it from all other sources of a package.
    pub(crate) fn key(&self) -> (&str, Option<&str>) {
        (&self.name, self.variable.as_deref())
    }

    /// The entry behind it, if it has to be inflated.
    pub(crate) fn inflating(&self) -> Option<&Arc<Inflating>> {
        match &self.place {
            Place::Inflating(entry) => Some(entry),
            Place::File(_) | Place::Part(..) | Place::Copied(_) => None,
        }
    }

    pub(crate) fn bytes(&self) -> Result<RasterBytes, String> {
        match &self.place {
            Place::File(path) => RasterBytes::open(path, None),
            Place::Part(path, offset, len) => RasterBytes::open(path, Some((*offset, *len))),
            Place::Inflating(entry) => RasterBytes::inflating(entry),
            Place::Copied(_) => Err("its format is not read in place".to_owned()),
        }
    }

    /// Whether it has a layout that only GDAL reads.
    pub(crate) fn needs_gdal(&self) -> bool {
        self.blocks.is_none()
    }

    /// Opens it for reading without GDAL; `None` when it has a layout that only GDAL reads.
    pub(crate) fn block_reader(&self) -> Option<BlockReader> {
        let layout = Arc::clone(self.blocks.as_ref()?);
        let bytes = self.bytes().map_err(|reason| {
            tracing::debug!(file = self.name, reason, "left to GDAL");
        });
        Some(BlockReader::new(layout, bytes.ok()?))
    }

    /// Opens all of it with GDAL; for an entry of an archive this waits until it is inflated.
    pub(crate) fn open(&self) -> Result<Dataset, CubeError> {
        if let Some(entry) = self.inflating() {
            entry
                .require(entry.len())
                .map_err(|fault| fault.of(&self.name))?;
        }
        self.open_header()
    }

    /// What GDAL calls it.
    fn gdal_name(&self) -> Result<PathBuf, CubeError> {
        let path = self.gdal_path()?;
        Ok(match &self.variable {
            Some(variable) => PathBuf::from(format!("NETCDF:\"{}\":{variable}", path.display())),
            None => path,
        })
    }

    /// The name of an entry in an archive is that of the file it is inflated into.
    fn gdal_path(&self) -> Result<PathBuf, CubeError> {
        Ok(match &self.place {
            Place::File(path) => path.clone(),
            Place::Part(path, offset, len) => {
                PathBuf::from(format!("/vsisubfile/{offset}_{len},{}", path.display()))
            }
            Place::Inflating(entry) => entry.path().map_err(|fault| fault.of(&self.name))?,
            Place::Copied(part) => part
                .path()
                .map_err(|error| self.unreadable_because(error.to_string()))?,
        })
    }

    pub(crate) fn unreadable_because(&self, reason: String) -> CubeError {
        CubeError::Unreadable {
            file: self.name.clone(),
            reason,
        }
    }

    fn open_header(&self) -> Result<Dataset, CubeError> {
        if !self.format.is_readable() {
            return Err(CubeError::NoDriver {
                file: self.name.clone(),
                format: self.format.name(),
                drivers: self.format.drivers().join(" or "),
                gdal: gdal_version(),
            });
        }
        open_gdal(&self.gdal_name()?, self.format).map_err(|error| self.unreadable(&error))
    }

    pub(crate) fn unreadable(&self, error: &gdal::errors::GdalError) -> CubeError {
        let reason = match error {
            gdal::errors::GdalError::CplError { msg, .. }
            | gdal::errors::GdalError::NullPointer { msg, .. }
                if !msg.is_empty() =>
            {
                match self.gdal_path() {
                    Ok(path) => msg.replace(&*path.to_string_lossy(), &self.name),
                    Err(_) => msg.clone(),
                }
            }
            other => other.to_string(),
        };
        self.unreadable_because(reason)
    }

    /// Makes sure that everything which GDAL looks at when it opens the file is there, and reads the directory of a TIFF file.
    pub(crate) fn directory(&self) -> Result<Option<(Directory, RasterBytes)>, CubeError> {
        let read = || {
            let mut bytes = self.bytes()?;
            let directory = Directory::read(&mut bytes)?;
            Ok::<_, String>(directory.map(|directory| (directory, bytes)))
        };
        match (read(), self.inflating()) {
            // Odd enough that GDAL should see all of it.
            (Err(_) | Ok(None), Some(entry)) => entry
                .require(entry.len())
                .map(|()| None)
                .map_err(|fault| fault.of(&self.name)),
            (found, _) => Ok(found.ok().flatten()),
        }
    }

    /// Reads the header; no pixel.
    pub(crate) fn header(&self) -> Result<RasterHeader, CubeError> {
        let header = self.read_header();
        if let Some(entry) = self.inflating() {
            entry.rest();
        }
        header
    }

    fn read_header(&self) -> Result<RasterHeader, CubeError> {
        let _config = LocalConfig::without_side_cars();
        // World files are side-cars, too.
        let _georeferencing = LocalConfig::set("GDAL_GEOREF_SOURCES", "INTERNAL");
        let directory = self.directory()?;
        let dataset = self.open_header()?;
        let unreadable = |error: gdal::errors::GdalError| self.unreadable(&error);
        let (width, height) = dataset.raster_size();
        let mut dtype = None;
        let mut block = (0, 0);
        let mut bands = Vec::new();
        for index in 1..=dataset.raster_count() {
            let band = dataset.rasterband(index).map_err(unreadable)?;
            let of_band = self.dtype(&band)?;
            if *dtype.get_or_insert(of_band) != of_band {
                let dtype = "of bands with different types".to_owned();
                return Err(CubeError::UnsupportedType {
                    file: self.name.clone(),
                    dtype,
                });
            }
            block = band.block_size();
            bands.push(BandHeader::read(&band));
        }
        let Some(dtype) = dtype else {
            return Err(CubeError::Unreadable {
                file: self.name.clone(),
                reason: "no bands".to_owned(),
            });
        };
        let geotransform = dataset
            .geo_transform()
            .ok()
            .filter(|g| g.iter().all(|number| number.is_finite()));
        let crs = dataset
            .spatial_ref()
            .ok()
            .filter(|srs| srs.to_wkt().is_ok_and(|wkt| !wkt.is_empty()));
        let items = items(&dataset);
        let crs = crs.or_else(|| has_degrees(&items).then(wgs84).flatten());
        let blocks = directory.and_then(|(directory, mut bytes)| {
            let size = (width, height);
            BlockLayout::read(&directory, &mut bytes, size, dtype.itemsize(), bands.len())
                .inspect_err(|reason| tracing::debug!(file = self.name, reason, "left to GDAL"))
                .ok()
                .flatten()
        });
        Ok(RasterHeader {
            source: Self {
                blocks: blocks.map(Arc::new),
                ..self.clone()
            },
            width: width as u64,
            height: height as u64,
            dtype,
            bands,
            bands_before: 0,
            time: None,
            geotransform,
            crs: crs.map(SourceCrs::new),
            block,
            items,
        })
    }

    fn dtype(&self, band: &RasterBand<'_>) -> Result<DataType, CubeError> {
        band_dtype(band).map_err(|dtype| CubeError::UnsupportedType {
            file: self.name.clone(),
            dtype,
        })
    }
}
