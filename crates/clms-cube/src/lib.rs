//! Rasters of the Copernicus Land Monitoring Service (CLMS) as right, small, fast Zarr cubes.
//!
//! A package (the files of one download) becomes one Zarr hierarchy (v3, or v2 for older readers) that xarray, rioxarray and GDAL read as it is:
//! pixels stand where their georeferencing says, keep their native type, gaps are fill, and what the side-car files know
//! (class names, colours) is in the metadata.
//!
//! ```no_run
//! use std::sync::Arc;
//! use clms_cube::{BuildOptions, CancellationToken, Dataset, Package};
//! use object_store::local::LocalFileSystem;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let package = Package::from_dir("unpacked/FTY_2018_010m_lv_03035_v010".as_ref())?;
//! let plan = clms_cube::plan(&package, &BuildOptions::default())?;
//! std::fs::create_dir_all("fty.zarr")?;
//! let store = Arc::new(LocalFileSystem::new_with_prefix("fty.zarr")?);
//! let report = clms_cube::build(plan, store.clone(), &(), &CancellationToken::new()).await?;
//! println!("{} of {} chunks hold data", report.chunks_written, report.chunks);
//!
//! let cube = Dataset::open_zarr(store).await?;
//! for class in cube.variable("", "FTY")?.classes() {
//!     println!("{} {:?}", class.value, class.name);
//! }
//! let window = cube.read_window("", "FTY", 0..512, 0..512).await?;
//! println!("first pixel: {}", window.pixels.value(0));
//! # Ok(())
//! # }
//! ```
//!
//! A package without rasters is kept whole instead, as vector data that other software opens: see [`vector`].
//!
//! Three steps: [`plan`] reads headers and decides where every raster goes, [`build`] moves the pixels in bounded memory,
//! [`Dataset`] reads lazily, cubes and other files alike, and [`Dataset::export`] writes windows to files of other formats.
//! Nothing here knows HTTP, the portal or jobs: remote files come through a [`RangeReader`], also to GDAL.
//!
//! # Rules
//!
//! What is decided by one of these rules and not by the sources is a [`Note`], and all notes are in the cube's attributes (`clms.notes`),
//! beside the files that were used and the others with the reason for leaving them out.
//!
//! ## Which files
//!
//! * TIFF, JPEG 2000 and NetCDF, found by their endings in any case, wherever they lie; each variable of a NetCDF file is a raster of its
//!   own. Overviews (`.ovr`), legends, metadata, documents, thumbnails and pictures are left out.
//! * A file that is named like a raster and can't be read is an error, because leaving it out would look like a gap. One that
//!   says nowhere where it lies (neither in itself nor in `.aux.xml` and world file) is left out beside others that do.
//!
//! ## Placement
//!
//! * Rasters are grouped by CRS (compared by parameters, so that a missing EPSG code or another name does not matter),
//!   pixel size, data type, number of bands, scale and offset. The group with the most pixels is the root group, each other one a sub-group
//!   with dimensions of its own (`y_FR_GLP`, `x_FR_GLP`), as xarray's trees want it.
//! * Within a group, the grid is the union of all rasters. A raster that lies more than 1/1000 pixel off that grid is in
//!   a group of its own: no pixel is ever resampled.
//! * Rows that run from south to north are turned over. A raster that is rotated by more than 1/1000 pixel, or
//!   mirrored, is an error.
//! * Rasters of one group and time that cover the very same ground are different variables; rasters that overlap in part are
//!   tiles, of which the first by name wins where it has a valid pixel. How many pixels of the others differ is told.
//! * Coordinates that can't be on Earth, grids that are almost nothing but gaps, more than 256 grids, or more than 4096 variables on one
//!   grid are errors.
//!
//! ## Time
//!
//! * Rasters of one variable and of different times that lie on top of each other become one variable with the dimensions `time`, `y`, `x`.
//!   The time is the raster's own (the time dimension of a NetCDF file), else the first date in its name that is not the same in all of them
//!   ([`time_in_name`]), else the year that the map is of. Versions, releases and the two years of a change are no times, and where nothing
//!   lies on top of anything there is no `time`, whatever the names say: tiles of several dates side by side are one map.
//! * Names of one variable may differ from one time to another in sensor, version and the like. Where they differ at one time, they are
//!   different variables. Rasters of one day are of one time, the first one's, unless they cover the very same ground.
//! * All groups of a cube share one sorted `time`: days since 1970, or seconds where there are times within days. Where a variable has
//!   nothing at a time, there is fill. One time is one chunk. At most 4096 times.
//!
//! ## Pixels without data
//!
//! The fill value of a variable is, in this order:
//!
//! 1. the caller's wish;
//! 2. the sources' own nodata, where all tiles agree or one of the values is no data in any tile (the pixels of the others are
//!    rewritten); a tile without the tag means the same by it. A nodata that the type can't hold is read as the same bits
//!    (-32768 of unsigned 16 bits is 32768), or ignored;
//! 3. the product's code for "outside the area";
//! 4. only if there are gaps, or tiles disagree: the value that data has least often and that occurs nowhere in the sources (NaN of floats);
//! 5. where every value of the type is data: none. Then `<variable>_valid`, which the CF attribute `ancillary_variables` of the
//!    variable names, is 1 where there is data and 0 where there is none, and the group has no overviews. Of overlapping tiles, the first by
//!    name wins where it has data by its own nodata.
//!
//! Where headers don't decide, the pixels are looked at once before anything is written.
//!
//! ## Attributes
//!
//! What the sources say of themselves (TIFF tags, NetCDF attributes, `.aux.xml`, which wins over both) wins over what this crate knows of the
//! product and over [`Provenance`], where all tiles say the same: names, units, scale, offset, valid range, classes, time
//! coverage and all other items. Statistics, which are of one tile, and what says how the source is stored are not kept.

mod aux_xml;
mod build;
mod classes;
mod crs;
mod dataset;
mod deflated;
mod dtype;
mod error;
mod export;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gdal_source;
mod gdal_words;
mod grid;
mod hdf5_printing;
mod metadata;
mod options;
mod package;
mod plan;
mod product_classes;
mod products;
mod range;
mod raster_format;
mod raster_header;
mod raster_steps;
mod reading_log;
mod reference;
mod statistics;
mod style;
mod tiff;
mod time_in_name;
pub mod vector;

pub use build::{BuildProgress, BuildReport, BuildState, build};
pub use classes::Class;
pub use crs::Crs;
pub use dataset::{
    ArrayStructure, CfDateTime, Dataset, DatasetStructure, Decoding, Dimension, Duplicates,
    FileOptions, GroupStructure, Overview, Selection, Slab, StackFile, Window,
};
pub use dtype::{DataType, Pixels};
pub use error::CubeError;
pub use export::{
    ExportOptions, ExportProgress, ExportReport, ExportState, Format, Resampling, ResamplingError,
};
pub use gdal_source::gdal_version;
pub use grid::Grid;
pub use options::{
    BuildOptions, Levels, LevelsError, Provenance, TileSize, TileSizeError, ZarrFormat,
    ZarrFormatError,
};
pub use package::{EntrySource, LeftOut, Package, PackageEntry, PackageFiles};
pub use plan::{CubePlan, GroupPlan, Note, plan};
pub use range::{
    CacheOptions, CachedReader, FileVersion, LocalFile, MeteredReader, ObjectReader, Part,
    RangeError, RangeReader, Traffic,
};
pub use reference::ReferenceReport;
pub use statistics::{Bin, ClassCover, Counted, Cover, Distribution, Statistics};
pub use style::{Legend, LegendClass, MaskedPixels, Style};
pub use time_in_name::time_in_name;

/// Stops a running [`build`]; the one of `tokio-util`.
pub use tokio_util::sync::CancellationToken;
