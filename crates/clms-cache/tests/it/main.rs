//! Integration tests of clms-cache.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod conformance;
mod faulty;
mod filesystem;
mod object_storage;
mod processes;
mod sample;
