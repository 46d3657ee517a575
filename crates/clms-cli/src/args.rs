//! The command line: what can be typed. Arguments, exit codes and JSON are the program's public interface.

mod subset;
mod values;

use std::{num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use clms_store::cube::{Levels, Resampling, ZarrFormat};
use clms_store::{DayRange, cdse::VersionWish};
use serde::{Deserialize, Serialize};

use crate::terminal::Wish;

pub(crate) use self::subset::SubsetArgs;
pub(crate) use self::values::duration;
use self::values::{bbox, job, point, resolution, size};

/// Land data of Copernicus, from catalogue to cube in one command.
///
/// `clms list` shows what there is, `clms preload ID...` brings it into the cache as Zarr cubes that Python, GDAL and QGIS
/// open, `clms open` and `clms preview` look at them.
#[derive(Debug, Parser)]
#[command(name = "clms", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be typed, with the versions of this program and of the library that reads and writes its files.
pub(crate) fn command() -> clap::Command {
    let gdal = clms_store::cube::gdal_version();
    Cli::command().version(format!("{} (GDAL {gdal})", env!("CARGO_PKG_VERSION")))
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The service key's JSON file [env: CLMS_CREDENTIALS] [default: $XDG_CONFIG_HOME/clms/credentials.json]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "The portal's API [env: CLMS_API_URL] [default: https://land.copernicus.eu/api]"
    )]
    pub(crate) api_url: Option<String>,
    /// Where finished cubes live: a path, or a URL such as file:///data, s3://bucket/prefix, gs://..., az://... [env: CLMS_CACHE]
    /// [default: ./clms_cache]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) cache: Option<String>,
    /// A setting of the object storage behind --cache, such as endpoint=http://localhost:9000; can be given several times.
    /// What is not given is taken from the provider's usual variables and files
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(crate) store_option: Vec<String>,
    /// Where downloads in progress live [env: CLMS_SCRATCH] [default: inside the cache if that is a folder, else
    /// $XDG_CACHE_HOME/clms/scratch]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// How long to wait between two looks at the portal's queue, such as 200ms, 15s or 2m; grows while nothing changes
    /// [env: CLMS_POLL_INTERVAL] [default: 15s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub(crate) poll_interval: Option<Duration>,
    /// Never touch the network: the catalogue on disk and a local cache still answer [env: CLMS_OFFLINE]
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// How results are printed on standard output [default: table]
    #[arg(short, long, global = true, value_enum)]
    pub(crate) output: Option<Output>,
    /// How progress is shown on standard error; auto: bars on a terminal, else a line for each change [env: CLMS_PROGRESS] [default: auto]
    #[arg(long, global = true, value_enum)]
    pub(crate) progress: Option<Progress>,
    /// When to use colours; the variable NO_COLOR turns them off too [default: auto]
    #[arg(long, global = true, value_enum)]
    pub(crate) color: Option<Colour>,
    /// Say more on standard error: -v what is done, -vv each request, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Output {
    /// For people
    #[default]
    Table,
    /// For programs: one JSON document
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Progress {
    /// Bars on a terminal, else plain
    #[default]
    Auto,
    /// A line for each change
    Plain,
    /// An event in JSON on each line
    Json,
    /// Nothing
    None,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Colour {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The service key that signs you in
    #[command(subcommand)]
    Auth(Auth),
    /// Data ids that can be had
    List(List),
    /// Products that fit words, a place or a time, the best first
    Search(Search),
    /// What a data id is: extent, times, resolution, licence, and what to do next
    Describe(Describe),
    /// The whole way into the cache: request, wait, download, unpack, build
    Preload(Preload),
    /// The preload jobs of this cache
    Jobs {
        #[command(subcommand)]
        jobs: Option<Jobs>,
    },
    /// The structure of a cached cube: dimensions, coordinates, variables, attributes, and which values it has
    Open(Open),
    /// A window of a dataset as a file: GeoTIFF, NetCDF, Zarr, CSV or PNG
    Export(Export),
    /// A map of a cached cube with the product's own colours and legend
    Preview(Preview),
    /// One page about a cached cube that needs nothing else: map, legend, areas, where it came from, how to open it
    Report(Report),
    /// What is cached
    #[command(subcommand)]
    Cache(Cache),
    /// JSON Schemas: of parameters as other software hands them over, and of what commands print
    Schema(Schema),
    /// The settings that are in force
    #[command(subcommand)]
    Config(Config),
    /// What a shell needs to complete commands and options
    ///
    /// bash: clms completions bash > ~/.local/share/bash-completion/completions/clms
    ///
    /// zsh: clms completions zsh > a folder of $fpath, as _clms
    ///
    /// fish: clms completions fish > ~/.config/fish/completions/clms.fish
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Writes the manual pages, one for each command, into a folder
    ///
    /// After `clms man ~/.local/share/man/man1`, `man clms-preload` finds them.
    Man {
        /// The folder; it is made if it is not there
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Every setting, and what decided it: an option, a variable, the configuration file, or the default
    Show,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Auth {
    /// Takes the service key that you made at the portal, checks it, and keeps it where only you can read it
    Login {
        /// The file with the key's JSON; without it paste the JSON, or pipe it in
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Signs in and says who you are, and until when
    Check,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  clms list forest\n  clms list 'clc2018|*raster*'\n  clms list --product forest-type-2015\n  clms list --all --source CDSE"
)]
pub(crate) struct List {
    /// Only ids that match: words in any place of id or title, or a pattern with * and ? over the whole id or its file
    pub(crate) pattern: Option<String>,
    /// Only ids of this product
    #[arg(long, value_name = "PRODUCT")]
    pub(crate) product: Option<String>,
    /// Only ids from this source, such as EEA
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Option<String>,
    /// Only rasters or only vectors
    #[arg(long, value_name = "dataset|geodataframe")]
    pub(crate) data_type: Option<clms_store::DataType>,
    /// Also what can't be had with this program, and why
    #[arg(long)]
    pub(crate) all: bool,
    /// Ask the portal, however young the catalogue on disk is
    #[arg(long)]
    pub(crate) refresh: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  clms search forest Europe 2018\n  clms search snow --bbox 5.8,45.8,10.5,47.8 --time 2020-01/2020-03"
)]
pub(crate) struct Search {
    /// Words, such as 'forest Europe 2018' or 'sealed soil'
    #[arg(value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// Only products that have something in this box, in degrees (WGS 84)
    #[arg(long, value_name = "W,S,E,N", value_parser = bbox, allow_hyphen_values = true)]
    pub(crate) bbox: Option<[f64; 4]>,
    /// Only products that have something of these days, such as 2018, 2018-06/2018-08 or 2018-06-01/..
    #[arg(long, value_name = "A/B")]
    pub(crate) time: Option<DayRange>,
    /// Only this source, such as EEA
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Option<String>,
    /// Only this resolution, such as '10 m'
    #[arg(long, value_name = "RESOLUTION")]
    pub(crate) resolution: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) limit: NonZeroUsize,
    /// Ask the portal, however young the catalogue on disk is
    #[arg(long)]
    pub(crate) refresh: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Parameters of what, or `output`: what commands print with -o json
    #[arg(value_name = "store|search|open|preload|output")]
    pub(crate) of: SchemaOf,
    /// Of parameters, only those that matter for this data id; of `output`, the command, such as `list` or `cache gc`, or `error`, or
    /// `progress` [default: their names]
    #[arg(value_name = "DATA_ID|COMMAND")]
    pub(crate) about: Vec<String>,
}

/// What there are schemas of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SchemaOf {
    Parameters(clms_store::Parameters),
    Output,
}

impl FromStr for SchemaOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "output" => Ok(Self::Output),
            other => other.parse().map(Self::Parameters),
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  clms describe clc2018\n  clms describe 'clc2018|u2018_clc2018_v2020_20u1_raster100m'"
)]
pub(crate) struct Describe {
    /// Such as 'clc2018|u2018_clc2018_v2020_20u1_raster100m'; `/` may stand for `|`
    pub(crate) data_id: String,
}

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

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// All jobs of this cache, newest first
    List,
    /// All that is known of a job
    Show {
        /// The job, as `clms jobs list` shows it, or its data id
        #[arg(value_parser = job)]
        job: String,
    },
    /// Waits until jobs have ended; carries on those that no process works on
    Wait(Resume),
    /// Carries on unfinished jobs, after a crash, a failure or --detach
    Resume(Resume),
    /// Gives a job up, here and at the portal, whichever process works on it
    Cancel {
        /// The job, as `clms jobs list` shows it, or its data id
        #[arg(value_parser = job)]
        job: String,
        /// Leave the portal's task as it is
        #[arg(long)]
        local_only: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The jobs, or their data ids [default: all unfinished ones]
    #[arg(value_name = "ID", value_parser = job)]
    pub(crate) jobs: Vec<String>,
    /// Give up waiting after this time, such as 90m; the jobs can be resumed
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

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
    #[arg(long, value_name = "W,S,E,N", value_parser = bbox, allow_hyphen_values = true)]
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
    #[arg(long, value_name = "W,S,E,N", value_parser = bbox, allow_hyphen_values = true)]
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

#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// All finished cubes: size, age, source, place, and whether all of it is there
    List,
    /// All that is known of cached cubes without reading them, such as where they came from
    Info(Cached),
    /// Reads every chunk and compares it with what was written; names what is bad, missing or superfluous
    Verify(Verify),
    /// Removes cubes, unless a job works on them
    Remove(Cached),
    /// Gives room back: removes what dead processes left, and on request the oldest cubes
    Gc(Gc),
}

#[derive(Debug, Args)]
pub(crate) struct Cached {
    /// Data ids of cached cubes
    #[arg(required = true, value_name = "DATA_ID")]
    pub(crate) data_ids: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Data ids of cached cubes [default: all]
    #[arg(value_name = "DATA_ID")]
    pub(crate) data_ids: Vec<String>,
    /// How many chunks are read side by side
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) concurrency: NonZeroUsize,
}

#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Also remove cubes, the oldest first, until all cubes together are not larger than this, such as 500MB or 2.5GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: Option<u64>,
    /// Also remove cubes that were built longer ago than this, such as 12h or 30days
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) older_than: Option<Duration>,
    /// Only say what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        command().debug_assert();
    }
}
