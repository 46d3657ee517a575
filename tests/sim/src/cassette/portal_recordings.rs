//! The recordings of the portal's real server software as cassettes.

use std::collections::BTreeMap;

use serde_json::Value;
use url::form_urlencoded;

use super::exchange::{Exchange, Message};
use super::{Cassette, CassetteError, NAME_HEADER, format_error};

const FORMAT: &str = "portal recordings";

/// The portal as it was called when it was recorded.
const PORTAL: &str = "http://127.0.0.1:18080";

/// The day of the recordings, which don't say when each was made.
const RECORDED_AT: &str = "Sun, 22 Nov 2026 15:20:30 +0000";

/// Headers that are wrong for bodies that were read and written again.
const OF_THE_WIRE: [&str; 2] = ["Content-Length", "Transfer-Encoding"];

/// Turns the exchanges of `portal_recordings.json` into cassettes, by the part of the portal that
/// they are about; each exchange keeps its name ([`NAME_HEADER`]).
///
/// # Errors
/// [`CassetteError::Format`] when the text is something else.
pub fn portal_cassettes(json: &str) -> Result<BTreeMap<&'static str, Cassette>, CassetteError> {
    let recordings: Vec<Value> =
        serde_json::from_str(json).map_err(|error| format_error(FORMAT, &error))?;
    let mut cassettes: BTreeMap<&'static str, Cassette> = BTreeMap::new();
    for recording in &recordings {
        let exchange = exchange(recording).map_err(|problem| {
            format_error(FORMAT, &format!("{}: {problem}", recording["name"]))
        })?;
        let group = group(&exchange);
        cassettes.entry(group).or_default().exchanges.push(exchange);
    }
    Ok(cassettes)
}

/// By endpoint, so that each endpoint's tests find theirs in one file.
fn group(exchange: &Exchange) -> &'static str {
    let path = exchange.uri.path();
    match path.rsplit_once('@') {
        Some((_, "oauth2-token")) => "token",
        Some((_, rest)) if rest.starts_with("service-keys") => "service-keys",
        Some((_, rest)) if rest.starts_with("search") => "search",
        Some((_, "datasets_by_uid")) => "datasets-by-uid",
        Some((_, "datarequest_post")) => "post",
        Some((_, "datarequest_search")) => "tasks",
        Some((_, "datarequest_status_get")) => "status",
        Some((_, "datarequest_delete")) => "delete",
        Some((_, "get-download-file-urls")) => "direct-links",
        Some((_, "format_conversion_table" | "projections" | "nuts_name")) => "tables",
        Some((_, "get-time-series-metadata")) => "time-series",
        _ => "other",
    }
}

fn exchange(recording: &Value) -> Result<Exchange, String> {
    let (request, response) = (&recording["request"], &recording["response"]);
    let text = |value: &Value, what: &str| {
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{what} is missing"))
    };
    let (path, query) = (
        text(&request["path"], "path")?,
        text(&request["query"], "query")?,
    );
    let uri = match query.as_str() {
        "" => format!("{PORTAL}{path}"),
        query => format!("{PORTAL}{path}?{query}"),
    };
    let status = response["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    let mut request = message(request);
    request.headers.insert(
        0,
        (NAME_HEADER.to_owned(), text(&recording["name"], "name")?),
    );
    Ok(Exchange {
        method: text(&recording["request"]["method"], "method")?,
        uri: uri.parse().map_err(|error| format!("{uri}: {error}"))?,
        request,
        status: status.ok_or("status is missing")?,
        response: message(response),
        recorded_at: vcr_cassette::chrono::DateTime::parse_from_rfc2822(RECORDED_AT)
            .map_err(|error| error.to_string())?,
    })
}

fn message(side: &Value) -> Message {
    let headers = side["headers"].as_object().into_iter().flatten();
    let headers: Vec<_> = headers
        .filter(|(name, _)| !OF_THE_WIRE.contains(&name.as_str()))
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let mut message = Message {
        headers,
        ..Message::default()
    };
    message.body = match &side["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) if message.is_form() => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name, value.as_str().unwrap_or_default()));
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish()
        }
        body => body.to_string(),
    }
    .into();
    message
}
