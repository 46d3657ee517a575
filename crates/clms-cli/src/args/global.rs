//! Options that every command has.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::values::duration;

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
    /// Settings of the store as one JSON document, which `clms schema store` describes, from software that holds secrets; `-` is
    /// standard input. Options that are given too win
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) store_parameters: Option<PathBuf>,
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
