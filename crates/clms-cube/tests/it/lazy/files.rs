//! Files of one date, written by GDAL.

use std::path::{Path, PathBuf};

use clms_factory::DatedRaster;
use jiff::civil::date;
use tempfile::TempDir;

/// A folder of files.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// 20 m pixels in Europe's equal area projection, of a day whose first pixel is fill.
pub(crate) fn laea(width: usize, height: usize) -> DatedRaster {
    DatedRaster {
        date: date(1970, 1, 1),
        epsg: 3035,
        geotransform: [4_400_000.0, 20.0, 0.0, 3_100_000.0, 0.0, -20.0],
        ..lonlat(width, height)
    }
}

/// The grid of surface soil moisture, 1 km, with fewer rows and columns.
pub(crate) fn lonlat(width: usize, height: usize) -> DatedRaster {
    DatedRaster::soil_moisture(date(2020, 2, 20), width, height)
}

/// Writes NetCDF-4; false where GDAL has no such driver.
pub(crate) fn write_netcdf(raster: &DatedRaster, path: &Path) -> bool {
    let can_write = DatedRaster::can_write_netcdf();
    if can_write {
        raster.write_netcdf(path).unwrap();
    }
    can_write
}
