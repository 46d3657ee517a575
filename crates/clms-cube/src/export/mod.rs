//! Windows of a dataset as files: GeoTIFF, NetCDF, Zarr, CSV, PNG.
//!
//! # Rules
//!
//! * **Whole or absent.** An export is written in a hidden folder beside its place and renamed when it is whole. One that fails or is cancelled leaves nothing.
//! * **Bounded memory.** Pixels flow in tiles of at most a few megabytes, whatever the size of the window.
//! * **As it is.** Without a new CRS or resolution the pixels are the dataset's own, in their type, and so are fill, scale, classes and times. Rows run from north to
//!   south, also where they don't in the dataset. GeoTIFFs hold signed bytes as 16 bits, which all versions of GDAL know.
//! * **Reprojection** is GDAL's, with exact transformation of each pixel: the result is that of `gdalwarp -et 0 -ovr NONE` for the same `-te`, `-tr`, `-r` (`near`, `mode`,
//!   `average`). It reads the full resolution always. What is no data counts for nothing; for means, codes beyond the valid range are no data either. Means of classes are
//!   refused. Where nothing lies under a new pixel it is fill, or where the variable has no fill value, no data by a mask beside it.
//! * **Points** are the pixels that they lie in. **Polygons** have the pixels whose centres lie in them.

mod counted;
mod frame;
mod gdal_calls;
mod gdal_raster;
mod geotiff;
mod netcdf;
mod options;
mod picture;
mod pipeline;
mod point;
mod polygon;
mod sampling;
mod scene;
mod side_car;
mod staging;
mod table;
mod time_axis;
mod variable_attributes;
mod warp;
mod zarr;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use options::{ExportOptions, Format, Resampling, ResamplingError};

use crate::{CubeError, Dataset};
use gdal_calls::BlockCache;
use pipeline::Watch;
use scene::Scene;
use staging::Staging;

/// GDAL's cache of blocks meanwhile. Tiles are no smaller than blocks, and what GDAL copies at once depends on it.
const CACHE_BYTES: u64 = 16 << 20;

/// Hears how an export goes on. Called from the task that runs [`Dataset::export`]; must not block.
pub trait ExportProgress: Send + Sync {
    /// Something was finished.
    fn advanced(&self, state: ExportState);
}

/// Hears nothing.
impl ExportProgress for () {
    fn advanced(&self, _: ExportState) {}
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ExportState {
    /// Pixels that are done. Those of a GeoTIFF count twice: they are written, and then laid out anew with their overviews.
    pub done: u64,
    /// All of them.
    pub total: u64,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExportReport {
    /// Where it is.
    pub path: PathBuf,
    /// As what.
    pub format: Format,
    /// Its size in bytes; of a folder, that of all files in it.
    pub bytes: u64,
    /// What it holds.
    pub variables: Vec<String>,
    /// Names of the dimensions: `time` if the variables have it, `y` and `x`; of a table, `rows`.
    pub dims: Vec<String>,
    /// Their lengths.
    pub shape: Vec<u64>,
    /// Authority and code of the CRS, or its WKT if it has none; none for tables.
    pub crs: Option<String>,
    /// West, south, east, north in the CRS; none for tables.
    pub bbox: Option<[f64; 4]>,
    /// Width and height of a pixel in units of the CRS; none for tables.
    pub pixel_size: Option<[f64; 2]>,
    /// The first and the last time (RFC 3339), if there are such.
    pub time: Option<[String; 2]>,
    /// How pixels were made; none if they are the dataset's own.
    #[schemars(with = "Option<String>")]
    pub resampling: Option<Resampling>,
}

impl Dataset {
    /// Writes a window to a file whose ending says its [`Format`], in bounded memory: whole, or nothing.
    ///
    /// # Errors
    /// [`CubeError::InvalidExport`] or [`CubeError::InvalidSelection`] for what can't be, [`CubeError::FileExists`], [`CubeError::WriteFile`] or [`CubeError::DiskFull`]
    /// where it can't be written, [`CubeError::Cancelled`], or what the source says.
    ///
    /// ```no_run
    /// use clms_cube::{CancellationToken, Dataset, ExportOptions};
    ///
    /// # async fn example(dataset: Dataset) -> Result<(), clms_cube::CubeError> {
    /// let options = ExportOptions {
    ///     bbox: Some([14.1, 49.9, 14.7, 50.2]),
    ///     bbox_crs: Some("EPSG:4326".to_owned()),
    ///     crs: Some("EPSG:32633".to_owned()),
    ///     resolution: Some([20.0, 20.0]),
    ///     ..ExportOptions::default()
    /// };
    /// let report = dataset.export("prague.tif".as_ref(), &options, &(), &CancellationToken::new()).await?;
    /// println!("{:?} pixels, {} bytes", report.shape, report.bytes);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn export(
        &self,
        path: &Path,
        options: &ExportOptions,
        progress: &dyn ExportProgress,
        cancel: &CancellationToken,
    ) -> Result<ExportReport, CubeError> {
        let format = Format::of_path(path)?;
        check(format, options)?;
        let staging = Arc::new(Staging::new(path, options.overwrite)?);
        let watch = Watch { progress, cancel };
        let _cache = BlockCache::smaller(CACHE_BYTES);
        match format {
            Format::Csv if options.polygon.is_some() => {
                polygon::export(self, options, &staging, watch).await
            }
            Format::Csv => point::export(self, options, &staging, watch).await,
            Format::Png => picture::export(self, options, &staging, watch).await,
            Format::GeoTiff | Format::NetCdf | Format::Zarr => {
                let scene = Arc::new(watch.reading(Scene::new(self, options)).await?);
                match format {
                    Format::NetCdf => netcdf::export(scene, &staging, watch).await,
                    Format::Zarr => zarr::export(scene, &staging, watch).await,
                    _ => geotiff::export(scene, &staging, watch).await,
                }
            }
        }
    }
}

/// That the options fit the format.
fn check(format: Format, options: &ExportOptions) -> Result<(), CubeError> {
    let has_places = !options.points.is_empty() || options.polygon.is_some();
    let has_grid = options.crs.is_some() || options.resolution.is_some();
    match format {
        Format::Csv if !has_places => {
            invalid("a table needs a point or a polygon to be of".to_owned())
        }
        Format::Csv if !options.points.is_empty() && options.polygon.is_some() => {
            invalid("a table is of points or of a polygon, not of both".to_owned())
        }
        Format::Csv | Format::Png if has_grid || options.resampling.is_some() => invalid(format!(
            "a {format} shows the dataset's own pixels: CRS, resolution and resampling are for GeoTIFF, NetCDF and Zarr"
        )),
        Format::Csv if options.bbox.is_some() => {
            invalid("a table is of points or of a polygon, not of a bbox".to_owned())
        }
        Format::Csv => Ok(()),
        _ if has_places => invalid(format!(
            "points and polygons make tables: a {format} has no room for them, .csv has"
        )),
        _ if options.resampling.is_some() && !has_grid => invalid(
            "resampling needs another CRS or resolution: without, pixels are the dataset's own"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

fn invalid<T>(reason: String) -> Result<T, CubeError> {
    Err(CubeError::InvalidExport { reason })
}
