//! Any other call.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Client;
use super::exchange::Call;
use crate::error::{ApiError, DecodeError};
use crate::request::InvalidRequest;

/// A call that this crate has no method for, below the client's base URL.
///
/// ```
/// use clms_api::RawCall;
/// let call = RawCall::get("@search").query("portal_type", "Product").anonymous();
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "it is made by `Client::call`"]
pub struct RawCall {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    needs_token: bool,
}

impl RawCall {
    /// A `GET` of a path below the base URL, such as `@search`.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            body: None,
            needs_token: true,
        }
    }

    /// A call of any method, with a JSON body or none.
    ///
    /// # Errors
    /// [`InvalidRequest::Other`] when the method is none.
    pub fn send(
        method: &str,
        path: impl Into<String>,
        body: impl Into<Option<Value>>,
    ) -> Result<Self, InvalidRequest> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| InvalidRequest::Other {
            problem: format!("'{method}' is no HTTP method; use GET, POST, PATCH, PUT or DELETE"),
        })?;
        Ok(Self {
            method,
            body: body.into(),
            ..Self::get(path)
        })
    }

    /// With one more parameter.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Without a token, even if the client has a key.
    pub fn anonymous(mut self) -> Self {
        self.needs_token = false;
        self
    }
}

/// The answer to a [`RawCall`], which was a success.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The type of the body.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
}

impl RawAnswer {
    /// Reads the body as JSON.
    ///
    /// # Errors
    /// A [`DecodeError`] that names the JSON path.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        Ok(serde_path_to_error::deserialize(&mut json)?)
    }
}

impl Client {
    /// Makes any call of the API, with all that the typed ones have: the token (to the API's own
    /// host only), renewal, the limiter, retries of `GET`, and errors with the portal's words.
    /// Other methods are repeated only if the portal certainly did nothing.
    ///
    /// # Errors
    /// As for the typed calls: [`ApiError::Status`], [`ApiError::Unclear`] for methods other than
    /// `GET`, [`ApiError::HtmlInsteadOfJson`], [`ApiError::Unauthorized`], ...
    pub async fn call(&self, call: RawCall) -> Result<RawAnswer, ApiError> {
        let mut url = self.endpoint(call.path.trim_start_matches('/'));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let call = Call::raw(call.method, url, call.body, call.needs_token);
        let answer = self.exchange(&call).await?;
        let content_type = answer.headers.get(CONTENT_TYPE);
        Ok(RawAnswer {
            status: answer.status.as_u16(),
            content_type: content_type
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            body: answer.body,
        })
    }
}
