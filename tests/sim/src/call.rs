//! One request, taken apart.

use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use crate::state::RequestRecord;

/// A request with its whole (bounded) body.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path as sent.
    pub(crate) path: String,
    /// The query as sent, without `?`.
    pub(crate) raw_query: String,
    /// The query's decoded parameters, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The sim's own URL, without a trailing slash.
    base_url: String,
}

/// Under which name the portal was called, which decides routing and the URLs in its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// `/api`: needs `Accept: application/json`, and its URLs hold `/api`.
    Api,
    /// `/++api++`: needs no Accept; its URLs are those of the site.
    PlusPlusApi,
    /// The site itself.
    Site,
}

impl Call {
    pub(crate) fn new(
        method: Method,
        uri: &Uri,
        headers: HeaderMap,
        body: Bytes,
        base_url: &str,
    ) -> Self {
        let raw_query = uri.query().unwrap_or_default().to_owned();
        let query = url::form_urlencoded::parse(raw_query.as_bytes())
            .into_owned()
            .collect();
        Self {
            method,
            path: uri.path().to_owned(),
            raw_query,
            query,
            headers,
            body,
            base_url: base_url.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> Root {
        match self.path.split('/').nth(1) {
            Some("api") => Root::Api,
            Some("++api++") => Root::PlusPlusApi,
            _ => Root::Site,
        }
    }

    /// The path below the root, without slashes at its ends.
    pub(crate) fn local_path(&self) -> &str {
        let prefix = match self.root() {
            Root::Api => "/api",
            Root::PlusPlusApi => "/++api++",
            Root::Site => "",
        };
        self.path
            .strip_prefix(prefix)
            .unwrap_or(&self.path)
            .trim_matches('/')
    }

    /// The endpoint (`@search`) and what stands behind it (a service key's id).
    pub(crate) fn endpoint(&self) -> Option<(&str, &str)> {
        let path = self.local_path();
        let start = if path.starts_with('@') {
            0
        } else {
            path.find("/@")? + 1
        };
        Some(
            path[start..]
                .split_once('/')
                .unwrap_or((&path[start..], "")),
        )
    }

    /// The name by which faults know this call.
    pub(crate) fn fault_name(&self) -> &str {
        match self.endpoint() {
            Some((name, _)) => name,
            None if self.path.starts_with("/clmsdatadownload/") => "results",
            None => self.local_path().split('/').next().unwrap_or_default(),
        }
    }

    /// The URL of the portal under the name by which it was called.
    pub(crate) fn portal_url(&self) -> String {
        match self.root() {
            Root::Api => format!("{}/api", self.base_url),
            Root::PlusPlusApi | Root::Site => self.base_url.clone(),
        }
    }

    /// The sim's own URL.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// This request's URL as the portal sees it, without the query.
    pub(crate) fn url(&self) -> String {
        let trailing = if self.path.ends_with('/') { "/" } else { "" };
        format!("{}/{}{trailing}", self.portal_url(), self.local_path())
    }

    /// A header's text; "" when it is absent.
    pub(crate) fn header(&self, name: HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(crate) fn accepts_json(&self) -> bool {
        self.header(header::ACCEPT).contains("application/json")
    }

    /// The first value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a query parameter.
    pub(crate) fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// What is noted of this call when it was answered.
    pub(crate) fn record(&self, when: Timestamp, status: u16) -> RequestRecord {
        let text = |name| {
            Some(self.header(name))
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
        };
        tracing::debug!(method = %self.method, path = %self.path, query = %self.raw_query, status, "request");
        RequestRecord {
            method: self.method.to_string(),
            path: self.path.clone(),
            query: self.raw_query.clone(),
            when,
            status,
            user_agent: text(header::USER_AGENT),
            range: text(header::RANGE),
            authorized: self.headers.contains_key(header::AUTHORIZATION),
        }
    }

    /// The body as the portal decodes it: an absent one is an empty object.
    pub(crate) fn json_body(&self) -> Result<Value, &'static str> {
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        match serde_json::from_slice(&self.body) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err("'Malformed body'"),
            Err(_) => Err("'No JSON object could be decoded'"),
        }
    }
}
