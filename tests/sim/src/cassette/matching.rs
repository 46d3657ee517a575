//! Which exchange on a cassette answers a request.

use serde_json::Value;
use url::{Url, form_urlencoded};

use super::exchange::{Exchange, Message};
use super::scrub::Secrets;

/// What must be the same for a recorded exchange to answer a request. Schemes, hosts, ports and
/// headers never count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchOn {
    /// The path.
    pub path: bool,
    /// The query's parameters, in any order.
    pub query: bool,
    /// The body: as a value if it is JSON, as parameters in any order if it is a form, else byte
    /// by byte; always without secrets.
    pub body: bool,
}

impl Default for MatchOn {
    /// All of it.
    fn default() -> Self {
        Self {
            path: true,
            query: true,
            body: true,
        }
    }
}

/// A request that wants an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The address, on whatever host.
    pub uri: Url,
    /// Headers and body.
    pub message: Message,
}

impl MatchOn {
    /// Whether a recorded exchange answers a request.
    #[must_use]
    pub fn is_met(&self, request: &Request, recorded: &Exchange, secrets: &Secrets) -> bool {
        request.method == recorded.method
            && (!self.path || request.uri.path() == recorded.uri.path())
            && (!self.query || parameters(&request.uri) == parameters(&recorded.uri))
            && (!self.body || is_same_body(&request.message, &recorded.request, secrets))
    }
}

fn parameters(uri: &Url) -> Vec<(String, String)> {
    sorted(uri.query().unwrap_or_default().as_bytes())
}

fn sorted(form: &[u8]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = form_urlencoded::parse(form).into_owned().collect();
    pairs.sort();
    pairs
}

fn is_same_body(request: &Message, recorded: &Message, secrets: &Secrets) -> bool {
    let (one, other) = (
        secrets.scrub_message(request),
        secrets.scrub_message(recorded),
    );
    let json = |message: &Message| serde_json::from_slice::<Value>(&message.body).ok();
    if one.body == other.body {
        true
    } else if one.is_form() && other.is_form() {
        sorted(&one.body) == sorted(&other.body)
    } else {
        matches!((json(&one), json(&other)), (Some(one), Some(other)) if one == other)
    }
}
