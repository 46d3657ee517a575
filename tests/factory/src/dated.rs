//! Rasters of one date, of which the service's archives have one file each: NetCDF-4 and cloud optimised GeoTIFF.

use std::path::Path;

use gdal::raster::{Buffer, RasterCreationOptions};
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::{Dataset, DriverManager, Metadata};
use jiff::civil::{Date, date};

use crate::error::{AtPath, Error, Result};

/// One variable of unsigned bytes of one date, whose values are a known function of date, row and column.
///
/// ```no_run
/// use clms_factory::DatedRaster;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let moisture = DatedRaster::soil_moisture("2020-02-20".parse()?, 683, 414);
/// moisture.write_netcdf(moisture.netcdf_name().as_ref())?;
/// assert_eq!(moisture.netcdf_name(), "c_gls_SSM1km_202002200000_CEURO_S1CSAR_V1.1.1.nc");
/// assert_eq!(moisture.pixels()[683 * 2 + 5], moisture.value_at(2, 5));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DatedRaster {
    /// The date of the data.
    pub date: Date,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// EPSG code of the CRS.
    pub epsg: u32,
    /// GDAL's geotransform, easting (longitude) before northing (latitude).
    pub geotransform: [f64; 6],
    /// Name of the variable.
    pub variable: &'static str,
    /// Its name for people.
    pub long_name: &'static str,
    /// Units of the decoded values.
    pub units: &'static str,
    /// A decoded value is `stored * scale + offset`.
    pub scale: f64,
    /// See `scale`.
    pub offset: f64,
    /// Means that there is no data.
    pub fill: u8,
    /// The least and greatest stored value that is a measurement.
    pub valid: [u8; 2],
    /// Stored values with another meaning, and their words for `flag_meanings`.
    pub flags: &'static [(u8, &'static str)],
    /// The stored value of a day (counted from 1970-01-01), row and column.
    pub value: fn(day: i64, row: usize, col: usize) -> u8,
    /// Writes the rows of a NetCDF file from south to north. `value` counts them from the north all the same.
    pub rows_from_south: bool,
}

/// Patches that compress well, with some fill and water, and that are elsewhere each day.
fn patches(day: i64, row: usize, col: usize) -> u8 {
    let day = day.unsigned_abs() as usize;
    match (col / 40 + row / 30 + day) % 9 {
        0 => 255,
        1 => 251,
        _ => ((col / 3 + row / 5 + 7 * day) % 201) as u8,
    }
}

impl DatedRaster {
    /// Surface soil moisture of Europe as the files of the 1 km product have it, from its upper left corner on; whole, it has 6832 columns
    /// and 4144 rows.
    #[must_use]
    pub fn soil_moisture(date: Date, width: usize, height: usize) -> Self {
        let pixel = 1.0 / 112.0;
        Self {
            date,
            width,
            height,
            epsg: 4326,
            geotransform: [-11.0, pixel, 0.0, 72.0, 0.0, -pixel],
            variable: "ssm",
            long_name: "Surface Soil Moisture",
            units: "%",
            scale: 0.5,
            offset: 0.0,
            fill: 255,
            valid: [0, 200],
            flags: &[
                (241, "exceeding_min"),
                (242, "exceeding_max"),
                (251, "water_mask"),
                (252, "sensitivity_mask"),
                (253, "slope_mask"),
            ],
            value: patches,
            rows_from_south: false,
        }
    }

    /// The fraction of absorbed radiation on the global 300 m grid, from its upper left corner on.
    #[must_use]
    pub fn fapar(date: Date, width: usize, height: usize) -> Self {
        let pixel = 1.0 / 336.0;
        Self {
            geotransform: [-180.0, pixel, 0.0, 80.0, 0.0, -pixel],
            variable: "FAPAR",
            long_name: "Fraction of Absorbed Photosynthetically Active Radiation",
            units: "1",
            scale: 0.004,
            valid: [0, 235],
            flags: &[(251, "water")],
            ..Self::soil_moisture(date, width, height)
        }
    }

    /// The stored value of a pixel; rows are counted from the north.
    #[must_use]
    pub fn value_at(&self, row: usize, col: usize) -> u8 {
        (self.value)(self.day(), row, col)
    }

    /// All stored values, row by row from the north.
    #[must_use]
    pub fn pixels(&self) -> Vec<u8> {
        let row = |row| (0..self.width).map(move |col| (row, col));
        let all = (0..self.height).flat_map(row);
        all.map(|(row, col)| self.value_at(row, col)).collect()
    }

    /// Days from 1970-01-01 to the date.
    #[must_use]
    pub fn day(&self) -> i64 {
        let since = date(1970, 1, 1).duration_until(self.date);
        since.as_secs() / 86_400
    }

    /// The name that the soil moisture file of this date has.
    #[must_use]
    pub fn netcdf_name(&self) -> String {
        let day = self.date.strftime("%Y%m%d");
        format!("c_gls_SSM1km_{day}0000_CEURO_S1CSAR_V1.1.1.nc")
    }

    /// The name that the file of one variable of a 300 m product has.
    #[must_use]
    pub fn cog_name(&self) -> String {
        let (day, variable) = (self.date.strftime("%Y%m%d"), self.variable);
        format!("c_gls_{variable}300-{variable}_{day}0000_GLOBE_OLCI_V1.1.1.tiff")
    }

    /// Whether this GDAL can write NetCDF files.
    #[must_use]
    pub fn can_write_netcdf() -> bool {
        DriverManager::get_driver_by_name("netCDF").is_ok()
    }

    /// Writes a NetCDF-4 file: `time` (one, in days since 1970) x `lat` x `lon`, deflated and shuffled in chunks of one row, as GDAL writes
    /// it. `valid_min` and `valid_max` stand for the `valid_range` of the real files, which GDAL leaves out.
    ///
    /// # Errors
    /// When GDAL refuses it, or has no netCDF driver.
    pub fn write_netcdf(&self, path: &Path) -> Result<()> {
        Self::write_netcdf_of(std::slice::from_ref(self), path)
    }

    /// The same with several steps along `time`, in the order given. All is as the first raster has it, but dates and values.
    ///
    /// # Errors
    /// As for [`DatedRaster::write_netcdf`]; when there are none.
    pub fn write_netcdf_of(steps: &[Self], path: &Path) -> Result<()> {
        let [first, ..] = steps else {
            return Err(Error::spec(path.display().to_string(), "no steps"));
        };
        first.copy_as_netcdf(steps, path).at(path)
    }

    fn copy_as_netcdf(&self, steps: &[Self], path: &Path) -> gdal::errors::Result<()> {
        let netcdf = DriverManager::get_driver_by_name("netCDF")?;
        let mut dataset = self.in_memory(steps)?;
        let days: Vec<String> = steps.iter().map(|step| step.day().to_string()).collect();
        for (key, value) in [
            ("NETCDF_DIM_EXTRA", "{time}"),
            ("NETCDF_DIM_time_DEF", &format!("{{{},6}}", steps.len())),
            ("NETCDF_DIM_time_VALUES", &format!("{{{}}}", days.join(","))),
            ("time#units", "days since 1970-01-01 00:00:00"),
            ("time#standard_name", "time"),
            ("time#calendar", "standard"),
        ] {
            dataset.set_metadata_item(key, value, "")?;
        }
        let flags = self.flags.iter();
        let (values, meanings): (Vec<_>, Vec<_>) = flags
            .map(|(value, name)| (value.to_string(), *name))
            .unzip();
        for (number, day) in (1..).zip(&days) {
            let mut band = dataset.rasterband(number)?;
            for (key, value) in [
                ("NETCDF_VARNAME", self.variable),
                ("NETCDF_DIM_time", day),
                ("long_name", self.long_name),
                ("units", self.units),
                ("valid_min", &self.valid[0].to_string()),
                ("valid_max", &self.valid[1].to_string()),
                ("flag_values", &format!("{{{}}}", values.join(","))),
                ("flag_meanings", &meanings.join(" ")),
            ] {
                band.set_metadata_item(key, value, "")?;
            }
        }
        let bottom_up = if self.rows_from_south { "YES" } else { "NO" };
        let options = RasterCreationOptions::from_iter([
            "FORMAT=NC4",
            "COMPRESS=DEFLATE",
            &format!("WRITE_BOTTOMUP={bottom_up}"),
        ]);
        dataset.create_copy(&netcdf, path, &options)?.close()
    }

    /// Writes a cloud optimised GeoTIFF: deflated blocks of 256 x 256 pixels, and overviews of nearest neighbours.
    ///
    /// # Errors
    /// When GDAL refuses it.
    pub fn write_cog(&self, path: &Path) -> Result<()> {
        self.write_cog_with(path, &[])
    }

    /// The same with more creation options of GDAL's COG driver, of which the last of a name counts, such as `COMPRESS=LZW`.
    ///
    /// # Errors
    /// When GDAL refuses it.
    pub fn write_cog_with(&self, path: &Path, options: &[&str]) -> Result<()> {
        let mut all = RasterCreationOptions::from_iter([
            "BLOCKSIZE=256",
            "COMPRESS=DEFLATE",
            "RESAMPLING=NEAREST",
            "OVERVIEW_RESAMPLING=NEAREST",
        ]);
        for option in options {
            let (name, value) = option
                .split_once('=')
                .ok_or_else(|| Error::spec(*option, "an option has the form NAME=VALUE"))?;
            all.set_name_value(name, value).at(path)?;
        }
        let copied = DriverManager::get_driver_by_name("COG").and_then(|cog| {
            self.in_memory(std::slice::from_ref(self))?
                .create_copy(&cog, path, &all)?
                .close()
        });
        copied.at(path)
    }

    /// A band for each step.
    fn in_memory(&self, steps: &[Self]) -> gdal::errors::Result<Dataset> {
        let size = (self.width, self.height);
        let memory = DriverManager::get_driver_by_name("MEM")?;
        let mut dataset = memory.create_with_band_type::<u8, _>("", size.0, size.1, steps.len())?;
        let mut srs = SpatialRef::from_epsg(self.epsg)?;
        srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        dataset.set_spatial_ref(&srs)?;
        dataset.set_geo_transform(&self.geotransform)?;
        for (number, step) in (1..).zip(steps) {
            let mut band = dataset.rasterband(number)?;
            band.set_no_data_value(Some(f64::from(self.fill)))?;
            band.set_scale(self.scale)?;
            band.set_offset(self.offset)?;
            band.write((0, 0), size, &mut Buffer::new(size, step.pixels()))?;
        }
        Ok(dataset)
    }
}
