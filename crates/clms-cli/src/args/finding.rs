//! Finding out what there is, and what it is.

use std::{num::NonZeroUsize, str::FromStr};

use clap::Args;
use clms_store::DayRange;

use super::values::{sides, source};

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
    #[arg(long, value_name = "SOURCE", value_parser = source)]
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
    #[arg(long, value_name = "W,S,E,N", value_parser = sides, allow_hyphen_values = true)]
    pub(crate) bbox: Option<[f64; 4]>,
    /// Only products that have something of these days, such as 2018, 2018-06/2018-08 or 2018-06-01/..
    #[arg(long, value_name = "A/B")]
    pub(crate) time: Option<DayRange>,
    /// Only this source, such as EEA
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    pub(crate) source: Option<String>,
    /// Only this resolution, such as '10 m'; a number alone is in metres
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
#[command(
    after_help = "Examples:\n  clms describe clc2018\n  clms describe 'clc2018|u2018_clc2018_v2020_20u1_raster100m'"
)]
pub(crate) struct Describe {
    /// Such as 'clc2018|u2018_clc2018_v2020_20u1_raster100m'; `/` may stand for `|`
    pub(crate) data_id: String,
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
