//! Looking after preload jobs.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::values::{duration, job};

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
