//! Integration tests of clms-store.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cdse;
mod examples;
mod judged_searches;
mod legacy;
mod portal_troubles;
mod questions;
mod wekeo;
