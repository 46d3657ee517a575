//! One call and its answer.

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{HdaClient, HdaError, quota};

/// A call that needs a token.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    /// What messages call it.
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<&'a Value>,
}

/// As much of an answer's words as goes into a message.
const MOST_WORDS: usize = 300;

impl HdaClient {
    /// Sends the call with a good token. One that the broker refuses is replaced once; then nothing was done.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Response, HdaError> {
        let mut is_renewed = false;
        loop {
            let token = self.token().await?;
            let mut request: RequestBuilder = self
                .inner
                .api
                .request(call.method.clone(), call.url.clone())
                .bearer_auth(token.access.expose_secret());
            if let Some(body) = call.body {
                request = request.json(body);
            }
            let sent = request.send().await;
            let response = sent.map_err(|why| HdaError::Transport {
                call: call.name,
                source: why.without_url(),
            })?;
            let status = response.status();
            tracing::debug!(call = call.name, status = status.as_u16(), "called WEkEO");
            let may_be_the_token =
                matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            if may_be_the_token && !std::mem::replace(&mut is_renewed, true) {
                self.inner.tokens.refuse(&token).await;
                continue;
            }
            return match status.is_success() {
                true => Ok(response),
                false => Err(refusal(call.name, response).await),
            };
        }
    }

    /// The JSON of the answer.
    pub(super) async fn json(&self, call: &Call<'_>) -> Result<Value, HdaError> {
        let response = self.send(call).await?;
        let answer = response.bytes().await.map_err(|why| HdaError::Transport {
            call: call.name,
            source: why.without_url(),
        })?;
        serde_json::from_slice(&answer).map_err(|why| HdaError::Malformed {
            call: call.name,
            problem: why.to_string(),
        })
    }
}

/// The error that an answer without success is.
pub(super) async fn refusal(call: &'static str, response: Response) -> HdaError {
    let status = response.status().as_u16();
    if status == 429 {
        let headers = response.headers();
        return HdaError::QuotaReached {
            call,
            limit: quota::limit(headers),
            retry_after: quota::renewed_in(headers),
        };
    }
    let message = words(response).await;
    match status {
        500.. => HdaError::Server {
            call,
            status,
            message,
        },
        _ => HdaError::Refused {
            call,
            status,
            message,
        },
    }
}

/// What an answer says: the text of its JSON, or its beginning.
pub(super) async fn words(mut response: Response) -> String {
    // Words are welcome, but no reason to read on for long or to fail in another way.
    let head = response.chunk().await.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&head);
    let said = serde_json::from_slice::<Value>(&head)
        .ok()
        .and_then(|json| {
            let names = ["detail", "message", "error_description", "error", "title"];
            let found = names.iter().find_map(|name| json.get(name))?;
            Some(
                found
                    .as_str()
                    .map_or_else(|| found.to_string(), str::to_owned),
            )
        });
    let said = said.unwrap_or_else(|| match text.trim_start().starts_with('<') {
        true => "a web page".to_owned(),
        false => text.trim().to_owned(),
    });
    match said.chars().count() > MOST_WORDS {
        true => said.chars().take(MOST_WORDS).chain(['…']).collect(),
        false if said.is_empty() => "nothing more is said".to_owned(),
        false => said,
    }
}
