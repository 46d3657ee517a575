//! Integration tests of clms-api.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod catalogue;
mod download;
mod keys;
mod real_data;
mod resume;
mod scripted;
mod secrets;
mod service_key;
mod signing_in;
mod simulated;
mod tasks;
mod zip_server;
