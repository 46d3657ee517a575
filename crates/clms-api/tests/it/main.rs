//! Integration tests of clms-api.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod cassettes;
mod catalogue;
mod download;
mod examples;
mod keys;
mod ordering;
mod real_data;
mod resume;
mod scripted;
mod secrets;
mod service_key;
mod sessions;
mod signing_in;
mod simulated;
mod stand_in;
mod tasks;
mod trace;
mod zip_server;
