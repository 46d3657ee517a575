//! Bringing data into the cache.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use clms_store::cube::{Levels, ZarrFormat};

use super::{subset::SubsetArgs, values::duration};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  clms preload 'clc2018|u2018_clc2018_v2020_20u1_raster100m'\n  clms preload 'clc2018|100 m' --bbox 5.7,49.4,6.6,50.2 --crs EPSG:4326\n  clms preload --dry-run 'forest-type-2015|FTY_2015_100m_eu_03035_d02_Full'\n  clms preload --detach ID; clms jobs wait"
)]
pub(crate) struct Preload {
    /// One or more data ids; they are worked on side by side
    #[arg(required_unless_present = "request_file", value_name = "DATA_ID")]
    pub(crate) data_ids: Vec<String>,
    /// Also what is cached already: builds it anew and replaces it when it is whole
    #[arg(long)]
    pub(crate) force: bool,
    /// Only request, and leave as soon as the portal has the requests; the same call again carries on
    #[arg(long)]
    pub(crate) detach: bool,
    /// Only say what would be done: the request, what is cached, what is known about sizes
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Pixels of a chunk, as N or HEIGHT,WIDTH
    #[arg(long, value_name = "N|H,W")]
    pub(crate) tile_size: Option<clms_store::TileSize>,
    /// 3: sharded Zarr v3, for Python and GDAL 3.13 or later; 2: for older GDAL, QGIS and R [default: 3]
    #[arg(long, value_name = "3|2")]
    pub(crate) zarr_format: Option<ZarrFormat>,
    /// How many overviews the cube has, each half as wide and high as the one before; auto: as its size asks for [default: auto]
    #[arg(long, value_name = "N|auto|0")]
    pub(crate) levels: Option<Levels>,
    /// Keep the downloaded zip files in the scratch folder
    #[arg(long)]
    pub(crate) keep_downloads: bool,
    /// Give up waiting after this time, such as 90m; the job can be resumed
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    // Those with a heading of their own come last: what follows a heading belongs to it.
    #[command(flatten)]
    pub(crate) subset: SubsetArgs,
    #[command(flatten)]
    pub(crate) files: RequestFiles,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Requests in files")]
pub(crate) struct RequestFiles {
    /// Take what is asked for from this file, JSON or TOML; options that are given too win. `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) request_file: Option<PathBuf>,
    /// Write what is asked for to this file, .json or .toml, for --request-file
    #[arg(long, value_name = "FILE")]
    pub(crate) save_request: Option<PathBuf>,
}
