//! What each server honours, which other tests stand on; and that none is left behind.
#![expect(clippy::unwrap_used, reason = "tests say what is wrong by panicking")]

mod honours;
mod lifetime;
