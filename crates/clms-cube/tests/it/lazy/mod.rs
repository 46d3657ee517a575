//! Lazy reading: Zarr, GeoTIFF and NetCDF, local and over a web server on this machine.

pub(crate) mod files;
mod globe;
mod hostile;
mod mosaic;
mod netcdf;
mod odd_tiles;
mod ranges;
mod raster;
mod reference;
mod server;
mod stack;
mod zarr;
