//! What the caller decides about an export.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::CubeError;

/// A format of exported files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// A cloud optimised GeoTIFF: `.tif`, `.tiff`.
    GeoTiff,
    /// NetCDF-4 with CF attributes: `.nc`, `.nc4`.
    NetCdf,
    /// A folder with a Zarr v3 hierarchy like those that [`build`](crate::build()) makes: `.zarr`.
    Zarr,
    /// A table: `.csv`.
    Csv,
    /// A picture: `.png`.
    Png,
}

impl Format {
    /// The format that the ending of a path, in any case, stands for.
    ///
    /// # Errors
    /// [`CubeError::InvalidExport`] for any other ending.
    pub fn of_path(path: &Path) -> Result<Self, CubeError> {
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        Ok(match ending.to_ascii_lowercase().as_str() {
            "tif" | "tiff" => Self::GeoTiff,
            "nc" | "nc4" => Self::NetCdf,
            "zarr" => Self::Zarr,
            "csv" => Self::Csv,
            "png" => Self::Png,
            _ => {
                return Err(CubeError::InvalidExport {
                    reason: format!(
                        "{} ends like no format that is written: .tif, .nc, .zarr, .csv, .png",
                        path.display()
                    ),
                });
            }
        })
    }
}

/// As people call it.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GeoTiff => "GeoTIFF",
            Self::NetCdf => "NetCDF",
            Self::Zarr => "Zarr",
            Self::Csv => "CSV",
            Self::Png => "PNG",
        })
    }
}

/// How the pixels of another grid get their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resampling {
    /// The pixel under the centre of the new one.
    #[default]
    Nearest,
    /// The value that most of the pixels under the new one have.
    Mode,
    /// The mean of the pixels under the new one, weighted by how much of them lies under it; of quantities only.
    Mean,
}

impl Resampling {
    /// `nearest`, `mode` or `mean`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Mode => "mode",
            Self::Mean => "mean",
        }
    }
}

/// A text that is no way of resampling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no way of resampling: expected nearest, mode or mean")]
pub struct ResamplingError {
    /// The text.
    pub text: String,
}

/// `nearest`, `mode` or `mean`.
impl FromStr for Resampling {
    type Err = ResamplingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Nearest, Self::Mode, Self::Mean];
        let found = all.into_iter().find(|known| known.name() == text.trim());
        found.ok_or_else(|| ResamplingError {
            text: text.to_owned(),
        })
    }
}

/// As it is read.
impl fmt::Display for Resampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Resampling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Which part of a dataset is exported, and how. What is not said is taken whole and as it is.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// Path of the group; empty for the root group.
    pub group: String,
    /// The variable; all that lie on the grid of the group when none is named.
    pub variable: Option<String>,
    /// A rectangle: west, south, east, north, x (easting, longitude) before y. Taken are the pixels that it touches; where
    /// [`crs`](Self::crs) or [`resolution`](Self::resolution) ask for a new grid, it is the edge of that grid.
    pub bbox: Option<[f64; 4]>,
    /// The CRS of [`bbox`](Self::bbox) and [`points`](Self::points), such as `EPSG:4326`; the dataset's own when none is given.
    pub bbox_crs: Option<String>,
    /// The first and the last moment.
    pub time: Option<RangeInclusive<Timestamp>>,
    /// The CRS that rasters are reprojected to; x before y in it, too.
    pub crs: Option<String>,
    /// Width and height of a new pixel, in units of the new CRS.
    pub resolution: Option<[f64; 2]>,
    /// How new pixels get their values; nearest when nothing is said.
    pub resampling: Option<Resampling>,
    /// Points whose values become a table, x before y.
    pub points: Vec<[f64; 2]>,
    /// A file of polygons, in any format that GDAL reads, whose statistics become a table. It says its CRS itself.
    pub polygon: Option<PathBuf>,
    /// The most columns and rows of a picture; 2048 by default.
    pub max_side: Option<u32>,
    /// Whether what stands at the path already is replaced, once the export is whole.
    pub overwrite: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_ending() {
        let of = |path: &str| Format::of_path(path.as_ref()).ok();
        assert_eq!(of("a/b.TIF"), Some(Format::GeoTiff));
        assert_eq!(of("b.x.nc4"), Some(Format::NetCdf));
        assert_eq!(of("b.zarr"), Some(Format::Zarr));
        assert_eq!((of("tif"), of("b.gpkg"), of("")), (None, None, None));
    }

    #[test]
    fn resampling_from_text() {
        for method in [Resampling::Nearest, Resampling::Mode, Resampling::Mean] {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        assert!("cubic".parse::<Resampling>().is_err());
    }
}
