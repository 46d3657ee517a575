//! One call of the API: sending, signing in again, trying again, and telling apart what may be
//! repeated.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::Client;
use crate::error::{ApiError, DecodeError};
use crate::redact::redacted;
use crate::retry::{Attempts, Tries, retry_after};
use crate::server_message::{ServerMessage, excerpt, is_html};
use crate::transport_error::TransportError;

/// A call to be made.
pub(super) struct Call {
    method: Method,
    url: Url,
    body: Option<Value>,
    needs_token: bool,
}

impl Call {
    /// A call that everybody may make. No token goes with it: an expired one would be refused.
    pub(super) fn public(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: None,
            needs_token: false,
        }
    }

    /// A call that reads something of the user's.
    pub(super) fn read(url: Url) -> Self {
        Self {
            needs_token: true,
            ..Self::public(url)
        }
    }

    /// Any call, for those who know what they do.
    pub(super) fn raw(method: Method, url: Url, body: Option<Value>, needs_token: bool) -> Self {
        Self {
            method,
            url,
            body,
            needs_token,
        }
    }

    /// A call that changes something.
    pub(super) fn change(method: Method, url: Url, body: Value) -> Self {
        Self {
            method,
            url,
            body: Some(body),
            needs_token: true,
        }
    }

    /// How errors and logs name it.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, redacted(&self.url))
    }

    fn changes_something(&self) -> bool {
        self.method != Method::GET
    }
}

/// A whole answer, of whatever status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Client {
    /// Makes a call and reads the JSON of its answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ApiError> {
        let answer = self.exchange(call).await?;
        let mut json = serde_json::Deserializer::from_slice(&answer.body);
        serde_path_to_error::deserialize(&mut json)
            .map_err(|error| undecodable(call, DecodeError::from(error)))
    }

    /// Makes a call until it succeeds or there is no point in repeating it.
    pub(super) async fn exchange(&self, call: &Call) -> Result<Answer, ApiError> {
        let mut attempts = Attempts::begin(self.inner.retry);
        let mut signed_in_again = false;
        loop {
            let token = if call.needs_token {
                Some(self.token(call).await?)
            } else {
                None
            };
            let request = self.prepare(call, token.as_ref().map(|token| &*token.secret))?;
            let sent = self
                .send(&call.url, request, || call.name(), attempts.so_far())
                .await;
            let tries = attempts.so_far();
            let (error, wait) = match sent {
                Ok(answer) if answer.status.is_success() && !answer.is_html() => {
                    self.inner.in_trouble.store(false, Relaxed);
                    return Ok(answer);
                }
                Ok(answer) => match token {
                    Some(token) if answer.status == StatusCode::UNAUTHORIZED => {
                        if signed_in_again {
                            return Err(self.unauthorized(call, &answer));
                        }
                        tracing::debug!(call = call.name(), "the token was refused");
                        signed_in_again = true;
                        self.inner.tokens.discard(&token).await;
                        continue;
                    }
                    _ => (
                        refusal(call.name(), &answer, tries),
                        retry_after(&answer.headers),
                    ),
                },
                Err(error) => {
                    let wait = error.retry_after();
                    (error, wait)
                }
            };
            if !may_repeat(call, &error) {
                return Err(unless_unclear(call, error));
            }
            match attempts.next(wait) {
                None => return Err(unless_unclear(call, error)),
                Some(delay) => {
                    self.pause(&error, delay).await;
                }
            }
        }
    }

    /// Waits before an attempt that follows a failed one. The first such pause is worth a
    /// warning, for a program is silent meanwhile; no other one is until a call has succeeded.
    pub(super) async fn pause(&self, error: &ApiError, delay: Duration) {
        if self.inner.in_trouble.swap(true, Relaxed) {
            tracing::debug!(%error, ?delay, "trying again");
        } else {
            tracing::warn!("{error}; again in {:.1} s", delay.as_secs_f64());
        }
        tokio::time::sleep(delay).await;
    }

    /// Sends a request when its host has a turn to give, and reads its answer to the end.
    pub(super) async fn send(
        &self,
        url: &Url,
        request: RequestBuilder,
        name: impl Fn() -> String,
        tries: Tries,
    ) -> Result<Answer, ApiError> {
        let patience = self.inner.retry.max_elapsed.saturating_sub(tries.elapsed);
        let turn = self.inner.limiters.turn(url, patience).await;
        let turn = turn.map_err(|left| ApiError::RateLimited {
            call: name(),
            retry_after: Some(left),
            tries,
        })?;
        let failed = |error| TransportError::new(name(), tries, error);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let headers = response.headers().clone();
        turn.heed(status, &headers);
        let body = response.bytes().await.map_err(failed)?;
        tracing::debug!(
            call = name(),
            attempt = tries.attempts,
            status = status.as_u16(),
            bytes = body.len(),
            "answered"
        );
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// The connections for the API.
    pub(super) fn api(&self) -> Result<&reqwest::Client, ApiError> {
        self.inner.connections.api()
    }

    fn prepare(
        &self,
        call: &Call,
        token: Option<&SecretString>,
    ) -> Result<RequestBuilder, ApiError> {
        let mut request = self.api()?.request(call.method.clone(), call.url.clone());
        if let Some(token) = token {
            // Every address is made from the base URL; this makes sure of it.
            if call.url.origin() != self.inner.base_url.origin() {
                let problem = format!("{} is not on the host of the API", call.name());
                return Err(ApiError::InvalidRequest { problem });
            }
            request = request.header(AUTHORIZATION, bearer(token)?);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        Ok(request)
    }

    fn unauthorized(&self, call: &Call, answer: &Answer) -> ApiError {
        ApiError::Unauthorized {
            call: call.name(),
            message: ServerMessage::read(&answer.body),
            ip_range: self
                .service_key()
                .and_then(|key| key.ip_range())
                .map(str::to_owned),
        }
    }
}

impl Answer {
    /// Whether it is a web page.
    pub(super) fn is_html(&self) -> bool {
        let content_type = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        is_html(content_type, &self.body)
    }
}

/// The error that an answer is, if it is no success.
pub(super) fn refusal(call: String, answer: &Answer, tries: Tries) -> ApiError {
    let status = answer.status.as_u16();
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        return ApiError::RateLimited {
            call,
            retry_after: retry_after(&answer.headers),
            tries,
        };
    }
    if let Some(location) = answer
        .headers
        .get(LOCATION)
        .filter(|_| answer.status.is_redirection())
    {
        let text = format!(
            "it redirects to {}",
            String::from_utf8_lossy(location.as_bytes())
        );
        return ApiError::Status {
            call,
            status,
            message: ServerMessage { text, code: None },
            tries,
        };
    }
    if answer.is_html() {
        return ApiError::HtmlInsteadOfJson {
            call,
            status,
            excerpt: excerpt(&answer.body),
        };
    }
    ApiError::Status {
        call,
        status,
        message: ServerMessage::read(&answer.body),
        tries,
    }
}

/// The error for a success that can't be read. A change that succeeded is done, but what it did
/// is unknown.
pub(super) fn undecodable(call: &Call, error: DecodeError) -> ApiError {
    unless_unclear(
        call,
        ApiError::Decode {
            call: call.name(),
            error,
        },
    )
}

/// Whether a call may be made again after an error. One that changes something only if the
/// portal did nothing about it: it was never sent, or turned away for coming too often.
fn may_repeat(call: &Call, error: &ApiError) -> bool {
    match error {
        _ if !error.is_retryable() => false,
        _ if !call.changes_something() => true,
        ApiError::RateLimited { .. } => true,
        ApiError::Transport(error) => error.before_sending,
        _ => false,
    }
}

/// Wraps an error that leaves open whether a change was made.
fn unless_unclear(call: &Call, error: ApiError) -> ApiError {
    let is_open = match &error {
        ApiError::Transport(error) => !error.before_sending,
        ApiError::Status { status, .. } => *status >= 500,
        ApiError::HtmlInsteadOfJson { status, .. } => *status < 300 || *status >= 500,
        ApiError::Decode { .. } => true,
        _ => false,
    };
    if is_open && call.changes_something() {
        ApiError::Unclear {
            call: call.name(),
            cause: Box::new(error),
        }
    } else {
        error
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, ApiError> {
    let mut value =
        HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).map_err(|_| {
            let problem = "the portal gave a token that can't stand in a header".to_owned();
            ApiError::InvalidRequest { problem }
        })?;
    // Keeps it out of Debug output, and of HTTP/2's compression tables.
    value.set_sensitive(true);
    Ok(value)
}
