//! Links that the portal gives without making a task.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::error::DecodeError;
use crate::server_message::ServerMessage;

/// What `@get-download-file-urls` gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DirectLinks {
    /// Links to files. No proof that they lie there: those of LANDCOVER answer 403 since June
    /// 2025.
    Files(Vec<Url>),
    /// A query to be made at WEkEO, in the form of the first version of its API.
    WekeoQuery(Value),
    /// There is nothing, in the portal's words. It says the same of datasets whose source gives
    /// no links at all, with HTTP status 200.
    Nothing(String),
}

impl DirectLinks {
    /// Reads the portal's answer: a list, or `{"status": "error", "msg": …}`, or a query.
    ///
    /// # Errors
    /// When it is none of these, or a member of the list is no link.
    pub fn from_portal(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Array(links) => {
                let links = links.iter().enumerate().map(|(n, link)| {
                    link.as_str()
                        .and_then(|link| Url::parse(link.trim()).ok())
                        .ok_or_else(|| DecodeError::new(format!("[{n}]"), "is no link"))
                });
                Ok(Self::Files(links.collect::<Result<_, _>>()?))
            }
            Value::Object(map) if map.get("status").is_some_and(|status| status == "error") => {
                let message = ServerMessage::read(Value::Object(map).to_string().as_bytes());
                Ok(Self::Nothing(message.text))
            }
            query @ Value::Object(_) => Ok(Self::WekeoQuery(query)),
            _ => Err(DecodeError::new(
                "",
                "expected a list of links or an object",
            )),
        }
    }
}
