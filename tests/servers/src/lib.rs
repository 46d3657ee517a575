//! Real object storage servers for tests, on loopback: installed once, started in a second or two, and gone with the test.
//!
//! ```no_run
//! use clms_servers::Server;
//!
//! let server = Server::s3();
//! // As its users name it, and what they put into their environment to reach it.
//! assert_eq!(server.url("some/prefix"), "s3://cubes/some/prefix");
//! let environment = server.environment();
//! // Or directly.
//! let store = server.store();
//! ```
//!
//! | | what it is | conditional writes | checks signatures |
//! |---|---|---|---|
//! | [`Server::s3`] | moto, from PyPI | yes, S3's: `If-None-Match`, `If-Match` | yes |
//! | [`Server::plain_s3`] | s3rver, from npm: an S3 of other authors | **no**: it ignores them | yes |
//! | [`Server::azure`] | Azurite, from npm | yes | yes |
//! | [`Server::google`] | moto's memory, speaking Google's XML API (`launchers/s3_and_google.py` says why) | yes, by generation | its token |
//!
//! The package's own tests prove the table. What writes leases must refuse [`Server::plain_s3`]: see
//! [`proof::conditional_writes`].
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "tests say what is wrong by panicking"
)]

pub mod installed;
mod process;
pub mod proof;
mod server;

pub use server::{Provider, Server};
