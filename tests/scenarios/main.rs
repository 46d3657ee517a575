//! The workspace as a whole: its layers, its program against the simulated service, its cubes in other people's software.
#![expect(clippy::unwrap_used, reason = "tests say what is wrong by panicking")]

mod alone;
mod bad_luck;
mod book;
mod commands;
mod errors;
mod exports;
mod first_run;
mod interoperability;
mod jobs;
mod keeping;
mod kills;
mod layers;
mod lazily;
mod mistyped;
mod near_misses;
mod object_storage;
mod pictures;
mod python_package;
mod schemas;
mod subsets;
mod terminal;
mod time_series;
mod transcripts;
mod vectors;
mod vectors_interrupted;
mod wekeo;
