//! The command line: what can be typed. Arguments, exit codes and JSON are the program's public interface.

mod cache;
mod finding;
mod global;
mod jobs;
mod opening;
mod preload;
mod subset;
mod values;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::{
    cache::{Cache, Gc, Verify},
    finding::{Describe, List, Schema, SchemaOf, Search},
    global::{Colour, Global, Output, Progress},
    jobs::{Jobs, Resume},
    opening::{Export, Open, Preview, Report},
    preload::{Preload, RequestFiles},
    subset::SubsetArgs,
    values::duration,
};

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

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub(crate) enum Command {
    #[command(flatten)]
    OfStore(StoreCommand),
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

/// Those that work with the portal or the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        command().debug_assert();
    }
}
