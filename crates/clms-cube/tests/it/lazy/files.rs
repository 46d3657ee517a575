//! Files written by GDAL: a cloud optimised GeoTIFF, and NetCDF-4 in the layout of the surface soil moisture product.

use std::path::{Path, PathBuf};

use gdal::raster::{Buffer, RasterCreationOptions};
use gdal::spatial_ref::SpatialRef;
use gdal::{Dataset, DriverManager, Metadata};
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

/// A raster in memory.
pub(crate) struct Source {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) epsg: u32,
    pub(crate) geotransform: [f64; 6],
    /// Of column and row.
    pub(crate) value: fn(usize, usize) -> u8,
}

/// Smooth enough to compress, with some fill.
pub(crate) fn moisture(col: usize, row: usize) -> u8 {
    match (col / 40 + row / 30) % 9 {
        0 => 255,
        1 => 251,
        _ => ((col / 3 + row / 5) % 201) as u8,
    }
}

impl Source {
    /// 20 m pixels in Europe's equal area projection.
    pub(crate) fn laea(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            epsg: 3035,
            geotransform: [4_400_000.0, 20.0, 0.0, 3_100_000.0, 0.0, -20.0],
            value: moisture,
        }
    }

    /// The grid of surface soil moisture, 1 km, with fewer rows and columns.
    pub(crate) fn lonlat(width: usize, height: usize) -> Self {
        let pixel = 1.0 / 112.0;
        Self {
            width,
            height,
            epsg: 4326,
            geotransform: [-11.0, pixel, 0.0, 72.0, 0.0, -pixel],
            value: moisture,
        }
    }

    pub(crate) fn pixels(&self) -> Vec<u8> {
        (0..self.height)
            .flat_map(|row| (0..self.width).map(move |col| (self.value)(col, row)))
            .collect()
    }

    fn dataset(&self) -> Dataset {
        let memory = DriverManager::get_driver_by_name("MEM").unwrap();
        let mut dataset = memory
            .create_with_band_type::<u8, _>("", self.width, self.height, 1)
            .unwrap();
        let mut srs = SpatialRef::from_epsg(self.epsg).unwrap();
        srs.set_axis_mapping_strategy(gdal::spatial_ref::AxisMappingStrategy::TraditionalGisOrder);
        dataset.set_spatial_ref(&srs).unwrap();
        dataset.set_geo_transform(&self.geotransform).unwrap();
        let mut band = dataset.rasterband(1).unwrap();
        band.set_no_data_value(Some(255.0)).unwrap();
        band.set_scale(0.5).unwrap();
        band.set_offset(0.0).unwrap();
        let mut buffer = Buffer::new((self.width, self.height), self.pixels());
        band.write((0, 0), (self.width, self.height), &mut buffer)
            .unwrap();
        dataset
    }

    /// A cloud optimised GeoTIFF with blocks of 256 and overviews.
    pub(crate) fn write_cog(&self, path: &Path) {
        let cog = DriverManager::get_driver_by_name("COG").unwrap();
        let options = RasterCreationOptions::from_iter([
            "BLOCKSIZE=256",
            "COMPRESS=DEFLATE",
            "RESAMPLING=NEAREST",
            "OVERVIEW_RESAMPLING=NEAREST",
        ]);
        self.dataset().create_copy(&cog, path, &options).unwrap();
    }

    /// NetCDF-4, deflated, `time` x `lat` x `lon`, packed as the files of the service are; false where GDAL has no such driver.
    pub(crate) fn write_netcdf(&self, path: &Path, day: u32, rows_from_south: bool) -> bool {
        let Ok(netcdf) = DriverManager::get_driver_by_name("netCDF") else {
            return false;
        };
        let mut dataset = self.dataset();
        let values = format!("{{{day}}}");
        for (key, value) in [
            ("NETCDF_DIM_EXTRA", "{time}"),
            ("NETCDF_DIM_time_DEF", "{1,6}"),
            ("NETCDF_DIM_time_VALUES", values.as_str()),
            ("time#units", "days since 1970-01-01"),
            ("time#standard_name", "time"),
        ] {
            dataset.set_metadata_item(key, value, "").unwrap();
        }
        let mut band = dataset.rasterband(1).unwrap();
        for (key, value) in [
            ("NETCDF_VARNAME", "ssm"),
            ("NETCDF_DIM_time", day.to_string().as_str()),
            ("long_name", "Surface Soil Moisture"),
            ("units", "%"),
            // GDAL writes no `valid_range`.
            ("valid_min", "0"),
            ("valid_max", "200"),
            ("flag_values", "{241,242,251,252,253}"),
            ("flag_meanings", "low high water sensitivity slope"),
        ] {
            band.set_metadata_item(key, value, "").unwrap();
        }
        let bottom_up = if rows_from_south { "YES" } else { "NO" };
        let options = RasterCreationOptions::from_iter([
            "FORMAT=NC4",
            "COMPRESS=DEFLATE",
            format!("WRITE_BOTTOMUP={bottom_up}").as_str(),
        ]);
        dataset.create_copy(&netcdf, path, &options).unwrap();
        true
    }
}
