//! One exchange on a cassette, with bodies as bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use url::Url;
use vcr_cassette::chrono::{DateTime, FixedOffset, Utc};
use vcr_cassette::{Body, Headers, HttpInteraction, Method, Status, Version};

use super::{CassetteError, NAME_HEADER, format_error};

/// A request and the response to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The request's method, in capitals.
    pub method: String,
    /// The request's address.
    pub uri: Url,
    /// The request's headers and body.
    pub request: Message,
    /// The response's status.
    pub status: u16,
    /// The response's headers and body.
    pub response: Message,
    /// When it took place.
    pub recorded_at: DateTime<FixedOffset>,
}

/// Headers and a body.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// The headers, with their values in order; a name may stand there more than once.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Message {
    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }

    /// Whether the body is an HTML form's.
    pub(super) fn is_form(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.contains("x-www-form-urlencoded"))
    }
}

impl Exchange {
    /// The name that was given to it, if any.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.request.header(NAME_HEADER)
    }

    /// The time of an exchange that takes place now.
    pub(super) fn now() -> DateTime<FixedOffset> {
        Utc::now().fixed_offset()
    }

    pub(super) fn from_vcr(interaction: &HttpInteraction) -> Result<Self, CassetteError> {
        let (request, response) = (&interaction.request, &interaction.response);
        Ok(Self {
            method: request.method.as_str().to_ascii_uppercase(),
            uri: request.uri.clone(),
            request: Message {
                headers: headers_from_vcr(&request.headers),
                body: body_from_vcr(&request.body)?,
            },
            status: response.status.code,
            response: Message {
                headers: headers_from_vcr(&response.headers),
                body: body_from_vcr(&response.body)?,
            },
            recorded_at: interaction.recorded_at,
        })
    }

    pub(super) fn to_vcr(&self) -> HttpInteraction {
        HttpInteraction {
            request: vcr_cassette::Request {
                uri: self.uri.clone(),
                body: body_to_vcr(&self.request.body),
                method: method_to_vcr(&self.method),
                headers: headers_to_vcr(&self.request.headers),
            },
            response: vcr_cassette::Response {
                body: body_to_vcr(&self.response.body),
                http_version: Some(Version::Http1_1),
                status: Status {
                    code: self.status,
                    message: reason(self.status),
                },
                headers: headers_to_vcr(&self.response.headers),
            },
            recorded_at: self.recorded_at,
        }
    }
}

fn reason(status: u16) -> String {
    let status = axum::http::StatusCode::from_u16(status).ok();
    status
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default()
        .to_owned()
}

fn method_to_vcr(method: &str) -> Method {
    match method {
        "CONNECT" => Method::Connect,
        "DELETE" => Method::Delete,
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "TRACE" => Method::Trace,
        other => Method::Other(other.to_owned()),
    }
}

fn headers_from_vcr(headers: &Headers) -> Vec<(String, String)> {
    let mut flat: Vec<(String, String)> = headers
        .iter()
        .flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone())))
        .collect();
    // Stable, so that the values of one name stay in order.
    flat.sort_by(|(a, _), (b, _)| a.cmp(b));
    flat
}

fn headers_to_vcr(headers: &[(String, String)]) -> Headers {
    let mut map = Headers::new();
    for (name, value) in headers {
        map.entry(name.clone()).or_default().push(value.clone());
    }
    map
}

/// Ruby's VCR has `base64_string` for bodies that are no text; the types of `vcr-cassette` have
/// no such key, so the encoding says it.
fn body_from_vcr(body: &Body) -> Result<Bytes, CassetteError> {
    if body.encoding.as_deref() != Some("base64") {
        return Ok(body.string.clone().into());
    }
    let compact: String = body.string.split_ascii_whitespace().collect();
    let bytes = STANDARD
        .decode(compact)
        .map_err(|error| format_error("VCR", &error))?;
    Ok(bytes.into())
}

fn body_to_vcr(body: &Bytes) -> Body {
    match std::str::from_utf8(body) {
        Ok(text) => Body {
            encoding: Some("utf-8".to_owned()),
            string: text.to_owned(),
        },
        Err(_) => Body {
            encoding: Some("base64".to_owned()),
            string: STANDARD.encode(body),
        },
    }
}
