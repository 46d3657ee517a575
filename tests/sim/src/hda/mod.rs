//! A broker of WEkEO's Harmonised Data Access API, version 2, simulated on loopback.
//!
//! It stands beside the portal's [`Sim`](crate::Sim) on a port of its own, and shares nothing with it: tokens that expire, search with
//! pages, orders that take their time, files with Range, terms, quotas.
//!
//! ```
//! use std::time::Duration;
//! use clms_sim::hda::{HdaDataset, HdaProduct, HdaSim};
//!
//! # fn main() -> std::io::Result<()> {
//! let sim = HdaSim::builder()
//!     .dataset(HdaDataset::new("EO:CRYO:DAT:HRSI:FSC"))
//!     .product(
//!         HdaProduct::new("EO:CRYO:DAT:HRSI:FSC", "FSC_T32TNS.zip", &b"PK"[..])
//!             .bbox([8.9, 46.8, 10.4, 47.8])
//!             .on("2018-01-05"),
//!     )
//!     .start()?;
//! assert!(sim.url().starts_with("http://127.0.0.1:") && sim.url().ends_with('/'));
//! sim.advance(Duration::from_secs(3600));
//! assert!(sim.orders().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! Paths and shapes are those that public clients of the real broker rely on; what none of them looks at is left out.

mod datasets;
mod habits;
mod orders;
mod product;
mod search;
mod server;
mod sim;
mod state;
mod token;

pub use habits::{HdaHabits, HdaQuota};
pub use orders::OrderRecord;
pub use product::{HdaDataset, HdaProduct};
pub use sim::{HdaSim, HdaSimBuilder};
