//! Integration tests of clms-preload.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod engine;
mod fakes;
mod journal;
mod machine_paths;
mod machine_table;
mod properties;
mod unpack;
