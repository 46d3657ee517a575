//! Packages of the Copernicus Land Monitoring Service as they really are: zips in zips with GeoTIFFs, side-cars, legends
//! and metadata, made with GDAL. The pixels are those of an invented country, which look like a map and are a function
//! of the world coordinate, so that a test knows what it has to read anywhere.
//!
//! A named product:
//!
//! ```
//! use clms_factory::{Package, Scale};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let package = Package::by_file_name("FTY_2015_100m_eu_03035_d02_Full", Scale::Pixels(400, 300)).ok_or("no such product")?;
//! let zip = package.write(dir.path())?;
//! assert!(zip.ends_with("FTY_2015_100m_eu_03035_d02_Full.zip"));
//! let raster = &package.rasters()[0];
//! assert_eq!(raster.centre(0, 0), (900_050.0, 5_499_950.0));
//! assert!([0.0, 1.0, 2.0, 3.0, 255.0].contains(&raster.value_at(900_050.0, 5_499_950.0)));
//! # Ok(())
//! # }
//! ```
//!
//! Anything else is built from a [`PackageSpec`] and its [`RasterSpec`]s; what is broken is in [`broken`]. Files of which an archive has one
//! for each date are made by [`DatedRaster`].

mod archive;
mod aux_xml;
pub mod broken;
mod classes;
mod dated;
mod dbf;
mod error;
mod geotiff;
mod iso_metadata;
pub mod legend;
mod noise;
mod package;
mod part;
mod pattern;
mod products;
mod raster;
mod sidecars;
mod statistics;
mod tiff_tags;
mod vector;

pub use classes::{Class, ClassTable};
pub use dated::DatedRaster;
pub use error::{Error, Result};
pub use noise::Noise;
pub use package::{Document, Layout, Nesting, PackageSpec, Root, Truncated, ZipStyle};
pub use part::PartSpec;
pub use pattern::{Density, Island, LandCover, Lines, Pattern, Relief, Zone};
pub use products::{Package, Scale, demo_packages};
pub use raster::{Crs, DType, RasterSpec};
pub use sidecars::{ClrKey, RatColumns, Sidecar, VatColumns};
pub use statistics::Statistics;
pub use vector::{VectorLayer, VectorShape, VectorSpec};
