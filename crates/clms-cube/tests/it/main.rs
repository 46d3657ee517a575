//! Cubes built from rasters that GDAL wrote, compared with what was written.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod archives;
mod classes;
mod export;
mod failures;
mod fixture;
mod formats;
mod groups;
mod hostile;
mod lazy;
mod memory;
mod metadata;
mod mosaic;
mod nodata;
mod overviews;
mod property;
mod reading;
mod rules;
mod source_attributes;
mod statistics;
mod times;
mod vector;
mod vrt;
mod zarr_v2;
