//! Packages of parts of data sets: what the portal's engine cuts out for a request.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use gdal::{Dataset, DriverManager};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use serde_json::Value;

use crate::error::{AtPath, Error, Result};
use crate::package::PackageSpec;
use crate::pattern::Pattern;
use crate::raster::RasterSpec;

/// Edge of a pixel in a CRS of degrees.
const DEGREES: f64 = 0.003;
/// Edge of a pixel in a CRS of metres.
const METRES: f64 = 300.0;

/// Boxes around regions, in degrees: west, south, east, north.
const REGIONS: [(&str, [f64; 4]); 2] = [
    ("LU", [5.73, 49.44, 6.54, 50.19]),
    ("MT", [14.18, 35.78, 14.58, 36.09]),
];

/// What the portal's engine is asked to cut out, as a task shows it (an item of `Datasets`).
///
/// The pixels are those of [`Pattern::plane`] in the CRS of the result, moved on by three for each day since 1970 where there are dates;
/// nobody has written down what the engine calls its files, so their names are invented: the date, if there is one, and `part`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartSpec {
    /// West, south, east, north in degrees.
    pub bbox: [f64; 4],
    /// The EPSG code of the result.
    pub epsg: u32,
    /// Whether the result is NetCDF, and not GeoTIFF.
    pub netcdf: bool,
    /// The first and the last day, as `2021-01-01`.
    pub days: Option<(String, String)>,
}

impl PartSpec {
    /// Reads an item of a task; `None` for a prepackaged file, for a format of vectors, and for a region that is not known here.
    #[must_use]
    pub fn of_item(item: &Value) -> Option<Self> {
        let corners = item["BoundingBox"].as_array().and_then(|corners| {
            let corners: Option<Vec<f64>> = corners.iter().map(Value::as_f64).collect();
            match corners?.as_slice() {
                &[x1, y1, x2, y2] => Some([x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)]),
                _ => None,
            }
        });
        let region = REGIONS.iter().find(|(code, _)| item["NUTSID"] == *code);
        let day = |key: &str| {
            let time = item["TemporalFilter"][key].as_str()?;
            time.get(..10).map(str::to_owned)
        };
        Some(Self {
            bbox: corners.or(region.map(|(_, bbox)| *bbox))?,
            epsg: item["OutputGCS"]
                .as_str()?
                .strip_prefix("EPSG:")?
                .parse()
                .ok()?,
            netcdf: match item["OutputFormat"].as_str()? {
                "Geotiff" => false,
                "Netcdf" => true,
                _ => return None,
            },
            days: day("StartDate").zip(day("EndDate")),
        })
    }

    /// The dates of its rasters: as of series of ten days, the first, eleventh and twenty-first day of each month within the days; the first of
    /// the days if none of these is.
    ///
    /// # Errors
    /// If the days are none.
    pub fn dates(&self) -> Result<Vec<Date>> {
        let Some((first, last)) = &self.days else {
            return Ok(Vec::new());
        };
        let parsed = |text: &String| {
            let wrong = |why: jiff::Error| Error::spec(text.as_str(), why.to_string());
            text.parse::<Date>().map_err(wrong)
        };
        let (first, last) = (parsed(first)?, parsed(last)?);
        let days = first.series(1.day()).take_while(|day| *day <= last);
        let mut dates: Vec<Date> = days
            .filter(|day| matches!(day.day(), 1 | 11 | 21))
            .collect();
        if dates.is_empty() {
            dates.push(first);
        }
        Ok(dates)
    }

    /// The rasters: the smallest ones of whole pixels that hold the box, one for each of the dates.
    ///
    /// # Errors
    /// If GDAL does not know the CRS, or can't project the box to it, or the days are none.
    pub fn rasters(&self) -> Result<Vec<RasterSpec>> {
        let code = format!("EPSG:{}", self.epsg);
        let (bounds, pixel) = self.projected().at(Path::new(&code))?;
        let [west, south, east, north] = bounds;
        let (left, top) = (
            (west / pixel).floor() * pixel,
            (north / pixel).ceil() * pixel,
        );
        let cells = |from: f64, to: f64| ((to - from) / pixel).ceil() as usize;
        let (width, height) = (cells(left, east), cells(south, top));
        let raster = |name: String, since_1970: i64| {
            let mut pattern = Pattern::plane(pixel);
            if let Pattern::Plane { base, .. } = &mut pattern {
                *base = 3.0 * since_1970 as f64;
            }
            RasterSpec::new(name, width, height)
                .epsg(self.epsg)
                .corner(left, top, pixel)
                .nodata("255")
                .pattern(pattern)
        };
        let dates = self.dates()?;
        if dates.is_empty() {
            return Ok(vec![raster("part.tif".to_owned(), 0)]);
        }
        let dated = |day: &Date| {
            let since_1970 = date(1970, 1, 1).duration_until(*day).as_hours() / 24;
            raster(format!("part_{}.tif", day.strftime("%Y%m%d")), since_1970)
        };
        Ok(dates.iter().map(dated).collect())
    }

    /// The package of all of them.
    ///
    /// # Errors
    /// As for [`rasters`](Self::rasters), and if GDAL can't write NetCDF.
    pub fn package(&self, file: &str) -> Result<PackageSpec> {
        let rasters = self.rasters()?;
        let package = PackageSpec::new(file);
        if !self.netcdf {
            return Ok(package.rasters(rasters));
        }
        let mut package = package;
        for raster in &rasters {
            let name = raster.name.replace(".tif", ".nc");
            package = package.document(format!("DATA/{name}"), as_netcdf(raster, &name)?);
        }
        Ok(package)
    }

    /// The box in the CRS of the result, and the edge of a pixel there.
    fn projected(&self) -> gdal::errors::Result<([f64; 4], f64)> {
        let crs = |code| {
            let mut crs = SpatialRef::from_epsg(code)?;
            crs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
            Ok::<_, gdal::errors::GdalError>(crs)
        };
        let (degrees, to) = (crs(4326)?, crs(self.epsg)?);
        let pixel = if to.is_geographic() { DEGREES } else { METRES };
        let bounds = CoordTransform::new(&degrees, &to)?.transform_bounds(&self.bbox, 21)?;
        Ok((bounds, pixel))
    }
}

fn as_netcdf(raster: &RasterSpec, name: &str) -> Result<Vec<u8>> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(format!("clms-part-{process}-{count}"));
    std::fs::create_dir_all(&folder).at(&folder)?;
    let made = write_netcdf(raster, &folder, &folder.join(name));
    std::fs::remove_dir_all(&folder).at(&folder)?;
    made
}

fn write_netcdf(raster: &RasterSpec, folder: &Path, netcdf: &Path) -> Result<Vec<u8>> {
    let tiff = raster.write(folder)?;
    let driver = DriverManager::get_driver_by_name("netCDF").at(netcdf)?;
    let from = Dataset::open(&tiff).at(&tiff)?;
    let options = gdal::raster::RasterCreationOptions::from_iter(["FORMAT=NC4C"]);
    let copy = from.create_copy(&driver, netcdf, &options).at(netcdf)?;
    copy.close().at(netcdf)?;
    std::fs::read(netcdf).at(netcdf)
}
