//! Looking into datasets: opening, exporting, drawing.

use std::path::PathBuf;

use clap::Args;
use clms_store::{DayRange, cdse::VersionWish, cube::Resampling};

use super::{
    preload::RequestFiles,
    values::{point, resolution, sides},
};
use crate::terminal::Wish;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  clms open 'clc2018|u2018_clc2018_v2020_20u1_raster100m'\n  clms open daily-surface-soil-moisture-v1-0 --time 2020-01"
)]
pub(crate) struct Open {
    /// A data id: of a cached cube, or of something that is opened where it lies
    pub(crate) data_id: String,
    /// Of what is opened where it lies, only the files of these days, such as 2020-01 or 2020-01-01/2020-01-31
    #[arg(long, value_name = "A/B")]
    pub(crate) time: Option<DayRange>,
    /// Write a reference with which xarray opens the same files where they lie without this program: FILE.json or FILE.parquet
    #[arg(long, value_name = "FILE")]
    pub(crate) save_reference: Option<PathBuf>,
    /// Of what is opened where it lies, which of several versions of a day: newest, all, V1.2.1, RT0, NRT
    #[arg(long, value_name = "VERSION", default_value_t = VersionWish::default())]
    pub(crate) product_version: VersionWish,
    /// Of what is opened where it lies, only these variables; can be given several times
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) variable: Vec<String>,
    /// Of what is opened where it lies, only files in this box, in degrees (WGS 84)
    #[arg(long, value_name = "W,S,E,N", value_parser = sides, allow_hyphen_values = true)]
    pub(crate) bbox: Option<[f64; 4]>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  clms export ID --out window.tif --bbox 5.7,49.4,6.6,50.2\n  clms export ID --out map.nc --crs EPSG:4326 --resolution 0.01\n  clms export ID --out table.csv --point 7.45,46.95 --point 8.54,47.37"
)]
pub(crate) struct Export {
    /// A data id: of a cached cube, or of something that is opened where it lies
    #[arg(required_unless_present = "request_file")]
    pub(crate) data_id: Option<String>,
    /// The file to write; its ending says the format: .tif, .nc, .zarr, .csv, .png
    #[arg(long, value_name = "FILE", required_unless_present = "request_file")]
    pub(crate) out: Option<PathBuf>,
    /// Only what this box touches: in degrees (WGS 84), or in --bbox-crs
    #[arg(long, value_name = "W,S,E,N", value_parser = sides, allow_hyphen_values = true)]
    pub(crate) bbox: Option<[f64; 4]>,
    /// The CRS of --bbox and --point, such as EPSG:3035; x (easting, longitude) comes first in all of them [default: EPSG:4326]
    #[arg(long, value_name = "CRS")]
    pub(crate) bbox_crs: Option<String>,
    /// Only these days, such as 2020-01 or 2020-01-01/2020-01-31
    #[arg(long, value_name = "A/B")]
    pub(crate) time: Option<DayRange>,
    /// Only this variable [default: all of the group]
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) variable: Option<String>,
    /// A group other than the root, such as an overseas department
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Reproject to this CRS, such as EPSG:4326
    #[arg(long, value_name = "CRS")]
    pub(crate) crs: Option<String>,
    /// Pixels of this size, as N or WIDTH,HEIGHT in units of the new CRS
    #[arg(long, value_name = "N|W,H", value_parser = resolution)]
    pub(crate) resolution: Option<[f64; 2]>,
    /// How pixels of another grid get their values: nearest, mode (the most frequent), or mean (of quantities only)
    #[arg(long, value_name = "nearest|mode|mean")]
    pub(crate) resampling: Option<Resampling>,
    /// A table of the values at a point; can be given several times
    #[arg(long, value_name = "X,Y", value_parser = point, allow_hyphen_values = true)]
    pub(crate) point: Vec<[f64; 2]>,
    /// A table of statistics within the polygons of a file that GDAL reads, such as GeoJSON
    #[arg(long, value_name = "FILE", conflicts_with = "point")]
    pub(crate) polygon: Option<PathBuf>,
    /// The most columns and rows of a picture
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=16384))]
    pub(crate) max_side: Option<u32>,
    /// Replace what is there already, once the new file is whole
    #[arg(long)]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) files: RequestFiles,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  clms preview ID --out map.png\n  clms preview ID --out small.png --width 600"
)]
pub(crate) struct Preview {
    /// The data id of a cached cube
    pub(crate) data_id: String,
    /// The PNG file to write
    #[arg(long, value_name = "FILE.png", required_unless_present = "terminal")]
    pub(crate) out: Option<PathBuf>,
    /// Draw it in the terminal, with what values it has: auto finds out what the terminal can
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    pub(crate) terminal: Option<Wish>,
    /// The last of these days that the cube has, such as 2020-01 or 2020-01-01/2020-01-31 [default: the last of all]
    #[arg(long, value_name = "A/B")]
    pub(crate) time: Option<DayRange>,
    /// Width of the map in pixels [default: 1200, or the terminal's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=8192))]
    pub(crate) width: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The data id of a cached cube
    pub(crate) data_id: String,
    /// The HTML file to write
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: PathBuf,
    /// The map is of the last of these days that the cube has, such as 2020-01 or 2020-01-01/2020-01-31 [default: the last of all]
    #[arg(long, value_name = "A/B")]
    pub(crate) time: Option<DayRange>,
}
