//! Cassettes: HTTP exchanges in a file, served from a local server.
//!
//! The files are in the VCR format (`{"http_interactions": [...], "recorded_with": "..."}`), read
//! and written through the types of the crate `vcr-cassette`. A [`CassetteServer`] plays one to
//! whatever HTTP client the code under test has, so that the client's real code runs: its
//! connections, its body streams, its redirects. In all modes but [`Mode::None`] it can also
//! record: it passes requests on to another server and keeps what comes back.
//!
//! ```
//! use clms_sim::cassette::{Cassette, CassetteServer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cassette = Cassette::from_json(r#"{"recorded_with": "hand", "http_interactions": [{
//!     "request": {"method": "get", "uri": "http://recorded.example/api/@search?b_size=1", "headers": {}, "body": ""},
//!     "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": "{\"items\": []}", "http_version": "1.1"},
//!     "recorded_at": "Sun, 22 Nov 2026 15:20:30 +0000"}]}"#)?;
//! let server = CassetteServer::play(cassette).start()?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! # Ok(())
//! # }
//! ```

mod exchange;
mod matching;
mod mode;
mod portal_recordings;
mod scrub;
mod server;
mod tape;
mod vcrpy;
mod yaml;

use std::path::{Path, PathBuf};

pub use exchange::{Exchange, Message};
pub use matching::{MatchOn, Request};
pub use mode::Mode;
pub use portal_recordings::portal_cassettes;
pub use scrub::Secrets;
pub use server::{CassetteServer, CassetteServerBuilder};

/// The header of a recorded request that names the exchange, for people and for [`Cassette::only`].
pub const NAME_HEADER: &str = "X-Exchange";

/// What can go wrong with a cassette.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CassetteError {
    /// The file can't be read or written.
    #[error("can't {action} the cassette {}: {source}", path.display())]
    File {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The text is no cassette.
    #[error("this is no cassette in the {format} format: {problem}")]
    Format {
        /// The format.
        format: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It was not written, because secrets are left in it.
    #[error("the cassette was not written, for it holds secrets: {}", places.join(", "))]
    Secrets {
        /// Where they are; not what they are.
        places: Vec<String>,
    },
    /// Requests came that are not on it.
    #[error("these requests are not on the cassette: {}", requests.join("; "))]
    NotRecorded {
        /// The requests.
        requests: Vec<String>,
    },
}

/// HTTP exchanges, in the order in which they took place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cassette {
    /// The exchanges.
    pub exchanges: Vec<Exchange>,
}

impl Cassette {
    /// Reads the VCR format.
    ///
    /// # Errors
    /// [`CassetteError::Format`].
    pub fn from_json(text: &str) -> Result<Self, CassetteError> {
        let cassette: vcr_cassette::Cassette =
            serde_json::from_str(text).map_err(|error| format_error("VCR", &error))?;
        let exchanges = cassette.http_interactions.iter().map(Exchange::from_vcr);
        Ok(Self {
            exchanges: exchanges.collect::<Result<_, _>>()?,
        })
    }

    /// Reads a cassette of the Python library VCR.py (`version: 1`, `interactions: ...`), YAML or
    /// JSON.
    ///
    /// # Errors
    /// [`CassetteError::Format`].
    pub fn from_vcrpy(text: &str) -> Result<Self, CassetteError> {
        vcrpy::read(text)
    }

    /// Reads a file in either format.
    ///
    /// # Errors
    /// [`CassetteError::File`] and [`CassetteError::Format`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CassetteError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| CassetteError::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        if text.contains("http_interactions") {
            Self::from_json(&text)
        } else {
            Self::from_vcrpy(&text)
        }
    }

    /// The VCR format, with one exchange's keys on lines of their own, so that differences can be
    /// read. Nothing is scrubbed: see [`Cassette::save`].
    #[must_use]
    pub fn to_json(&self) -> String {
        let cassette = vcr_cassette::Cassette {
            http_interactions: self.exchanges.iter().map(Exchange::to_vcr).collect(),
            recorded_with: concat!("clms-sim ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        // Through a value, whose maps keep their order but for headers, which are sorted first:
        // the types have hash maps there.
        let mut value = serde_json::to_value(&cassette).unwrap_or_default();
        sort_headers(&mut value);
        let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Scrubs it and writes it in the VCR format, whole or not at all.
    ///
    /// # Errors
    /// [`CassetteError::Secrets`] when something that looks like a secret is left; nothing is
    /// written then. [`CassetteError::File`].
    pub fn save(&self, path: impl AsRef<Path>, secrets: &Secrets) -> Result<(), CassetteError> {
        let path = path.as_ref();
        let scrubbed = secrets.scrub(self);
        let places = secrets.leaks(&scrubbed);
        if !places.is_empty() {
            return Err(CassetteError::Secrets { places });
        }
        let file_error = |action| {
            let path = path.to_owned();
            move |source| CassetteError::File {
                action,
                path,
                source,
            }
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(file_error("make the folder of"))?;
        }
        let new = path.with_extension("new");
        std::fs::write(&new, scrubbed.to_json()).map_err(file_error("write"))?;
        std::fs::rename(&new, path).map_err(file_error("write"))
    }

    /// Only the exchanges with these names, in this order; see [`NAME_HEADER`].
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Self {
        let exchanges = names.iter().flat_map(|name| {
            let is_it = move |exchange: &&Exchange| exchange.name() == Some(*name);
            self.exchanges.iter().filter(is_it).cloned()
        });
        Self {
            exchanges: exchanges.collect(),
        }
    }

    /// The schemes, hosts and ports of its requests.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let mut origins: Vec<String> = Vec::new();
        for exchange in &self.exchanges {
            let origin = exchange.uri.origin().ascii_serialization();
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        origins
    }
}

fn format_error(format: &'static str, problem: &impl ToString) -> CassetteError {
    CassetteError::Format {
        format,
        problem: problem.to_string(),
    }
}

fn sort_headers(cassette: &mut serde_json::Value) {
    let Some(interactions) = cassette["http_interactions"].as_array_mut() else {
        return;
    };
    for interaction in interactions {
        for side in ["request", "response"] {
            if let Some(headers) = interaction[side]["headers"].as_object_mut() {
                headers.sort_keys();
            }
        }
    }
}
