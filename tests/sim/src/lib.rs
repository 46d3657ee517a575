//! The CLMS portal and its download host, simulated on loopback.
//!
//! A [`Sim`] answers as the real portal's server software does, down to the
//! words of its error messages, and can be told to have the bad [`Habits`] that
//! the real service is known for. It runs in a thread of its own, on a free
//! port, and stops when it is dropped, so tests using it may run side by side.
//!
//! ```
//! use std::time::Duration;
//! use clms_sim::{Habits, QueueTimes, Sim, When};
//!
//! # fn main() -> std::io::Result<()> {
//! let sim = Sim::builder()
//!     .queue(QueueTimes {
//!         queued: Duration::from_secs(60),
//!         running: Duration::from_secs(120),
//!     })
//!     .habits(Habits { dead_links: When::First(1), ..Habits::default() })
//!     .start()?;
//!
//! // Give these two to the client under test ...
//! let (api_url, service_key) = (sim.api_url(), sim.service_key_json());
//! assert!(api_url.starts_with("http://127.0.0.1:") && service_key.contains("private_key"));
//!
//! // ... and let an hour pass without waiting for it.
//! sim.advance(Duration::from_secs(3600));
//! assert!(sim.requests().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! What is answered, and where each behaviour was seen, is in the crate's
//! `README.md`; "point n" in the documentation of a habit is the n-th
//! behaviour of the list kept there.
#![recursion_limit = "256"]

mod access;
mod answer;
mod call;
pub mod cassette;
mod catalogue;
mod datarequest;
mod direct_links;
mod downloads;
mod faults;
mod habit_flags;
mod habits;
pub mod hda;
mod lookup;
mod package;
mod search;
mod server;
mod server_thread;
mod service_keys;
mod serving;
mod sim;
mod state;
mod token;
mod wire;

pub use catalogue::{Catalogue, PrepackagedFile};
pub use datarequest::TaskRecord;
pub use habit_flags::{HABIT_FLAGS, HabitFlag, InvalidHabit, parse_duration};
pub use habits::{
    Cancel, Cdse, EngineFault, Fault, FaultKind, Habits, RetryAfter, TaskOutcome, When,
};
pub use sim::{Sim, SimBuilder};
pub use state::{QueueTimes, RequestRecord};
