//! Integration tests of clms-preload.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

mod control;
mod engine;
mod journal;
mod leftovers;
mod machine_paths;
mod machine_table;
mod properties;
mod simulation;
mod unpack;
mod world;
