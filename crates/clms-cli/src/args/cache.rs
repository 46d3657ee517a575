//! Looking after what is cached.

use std::{num::NonZeroUsize, time::Duration};

use clap::{Args, Subcommand};

use super::values::{duration, size};

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
