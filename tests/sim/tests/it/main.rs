//! The simulated service over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod cassette;
mod client;
mod hda;
mod links;
mod orders;
mod parts;
mod portal;
mod program;
mod replay;
mod tasks;
