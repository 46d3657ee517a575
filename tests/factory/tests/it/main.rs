//! Reads back with GDAL and `zip` what the factory writes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod archives;
mod dated;
mod packages;
mod products;
mod program;
mod rasters;
