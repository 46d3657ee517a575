//! Rasters of the Copernicus Land Monitoring Service (CLMS) as right, small, fast Zarr cubes.
//!
//! A package (the files of one download) becomes one Zarr hierarchy (v3, or v2 for older readers) that xarray, rioxarray and GDAL read as it is:
//! pixels stand where their georeferencing says, keep their native type, gaps are fill, and what the side-car files know
//! (class names, colours) is in the metadata.
//!
//! ```no_run
//! use std::sync::Arc;
//! use clms_cube::{BuildOptions, CancellationToken, Cube, Package};
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
//! let cube = Cube::open(store).await?;
//! for class in cube.variable("", "FTY")?.classes() {
//!     println!("{} {:?}", class.value, class.name);
//! }
//! let window = cube.read_window("", "FTY", 0..512, 0..512).await?;
//! println!("first pixel: {}", window.pixels.value(0));
//! # Ok(())
//! # }
//! ```
//!
//! Three steps: [`plan`] reads headers and decides where every raster goes, [`build`] moves the pixels in bounded memory,
//! [`Cube`] reads. Nothing here knows HTTP, the portal or jobs; GDAL is given local files only.
//!
//! # Rules of placement
//!
//! * Rasters are grouped by CRS (compared by parameters, so that a missing EPSG code or another name does not matter),
//!   pixel size, data type and number of bands. The group with the most pixels is the root group, each other one a sub-group
//!   with dimensions of its own (`y_FR_GLP`, `x_FR_GLP`), as xarray's trees want it.
//! * Within a group, the grid is the union of all rasters; a raster that lies more than 1/1000 pixel off that grid is an
//!   error if it touches another, and a group of its own (an island) if it lies apart.
//! * Rasters of one group that cover the very same ground are different variables; rasters that overlap in part are
//!   tiles, of which the first by name wins where it has a valid pixel.
//! * The fill value is the sources' own nodata, else the product's code for "outside the area", else (only if there are
//!   gaps) a value that occurs nowhere in the sources, which is verified while the pixels are moved.

mod aux_xml;
mod build;
mod classes;
mod crs;
mod deflated;
mod dtype;
mod error;
mod gdal_source;
mod grid;
mod metadata;
mod options;
mod package;
mod plan;
mod product_classes;
mod products;
mod raster_format;
mod read;
mod style;
mod tiff;

pub use build::{BuildProgress, BuildReport, BuildState, build};
pub use classes::Class;
pub use crs::Crs;
pub use dtype::{DataType, Pixels};
pub use error::CubeError;
pub use gdal_source::gdal_version;
pub use grid::Grid;
pub use options::{
    BuildOptions, Levels, LevelsError, Provenance, TileSize, TileSizeError, ZarrFormat,
    ZarrFormatError,
};
pub use package::{EntrySource, LeftOut, Package, PackageEntry, PackageFiles};
pub use plan::{CubePlan, GroupPlan, Note, plan};
pub use read::{ArrayStructure, Cube, CubeStructure, Dimension, GroupStructure, Overview, Window};
pub use style::{Legend, LegendClass, Style};

/// Stops a running [`build`]; the one of `tokio-util`.
pub use tokio_util::sync::CancellationToken;
