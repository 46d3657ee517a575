//! Integration tests of clms-cache.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod adapters;
mod child;
mod conformance;
mod faulty;
mod filesystem;
mod gc;
mod keeping;
mod object_storage;
mod other_filesystems;
mod pinned;
mod processes;
mod sample;
mod servers;
