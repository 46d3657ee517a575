//! Looking at what a link leads to, without downloading it.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, RANGE};
use serde::Serialize;
use url::Url;

use super::error::DownloadError;
use super::response::{ContentRange, content_type, is_zip, refusal, strong_etag};
use crate::client::Client;
use crate::redact::redacted;
use crate::retry::{Attempts, RetryPolicy};
use crate::server_message::excerpt;
use crate::transport_error::TransportError;

/// Enough to tell a zip from a web page, and to show what the page says.
const PROBED_BYTES: u64 = 1024;

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkState {
    /// To a zip file.
    Alive {
        /// Its length in bytes, if the server says it.
        total: Option<u64>,
        /// Whether a broken download of it can go on where it broke off.
        resumable: bool,
    },
    /// To nothing: any longer, or yet.
    Dead {
        /// 403, 404 or 410.
        status: u16,
    },
    /// To something else, mostly a web page.
    NotAZip {
        /// What the server says it is.
        content_type: Option<String>,
        /// Its beginning.
        excerpt: String,
    },
}

impl Client {
    /// Finds out whether a link is alive, by asking for its first bytes. (A `HEAD` would tell
    /// less: links that answer it with 200 may still lead to a web page.)
    ///
    /// # Errors
    /// [`DownloadError::Transport`], [`DownloadError::Interrupted`],
    /// [`DownloadError::RateLimited`] or [`DownloadError::Status`]: then it is not known what
    /// the link leads to. It is asked once only.
    pub async fn probe(&self, link: &Url) -> Result<LinkState, DownloadError> {
        let tries = Attempts::begin(RetryPolicy::none()).so_far();
        let transport =
            |error| TransportError::new(format!("GET {}", redacted(link)), tries, error);
        let request = self
            .downloads()
            .map_err(transport)?
            .get(link.clone())
            .header(ACCEPT, "*/*")
            .header(ACCEPT_ENCODING, "identity")
            .header(RANGE, format!("bytes=0-{}", PROBED_BYTES - 1));
        let turn = self.limiters().turn(link, self.retry_policy().max_elapsed);
        let turn = turn.await.map_err(|left| DownloadError::RateLimited {
            url: redacted(link),
            retry_after: Some(left),
        })?;
        let mut response = request.send().await.map_err(transport)?;
        turn.heed(response.status(), response.headers());
        drop(turn);
        let total = match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                ContentRange::of(&response).and_then(|range| range.total)
            }
            StatusCode::OK => response.content_length(),
            // There is no first byte.
            StatusCode::RANGE_NOT_SATISFIABLE => Some(0),
            _ => {
                return match refusal(link, response).await {
                    DownloadError::LinkDead { status, .. } => Ok(LinkState::Dead { status }),
                    error => Err(error),
                };
            }
        };
        let content_type = content_type(&response);
        let resumable =
            response.status() == StatusCode::PARTIAL_CONTENT && strong_etag(&response).is_some();
        let mut head = Vec::new();
        // A server that ignores the range would send all of it.
        while total != Some(0) && (head.len() as u64) < PROBED_BYTES {
            let chunk = response
                .chunk()
                .await
                .map_err(|error| DownloadError::Interrupted {
                    url: redacted(link),
                    bytes: head.len() as u64,
                    total,
                    source: transport(error),
                })?;
            match chunk {
                Some(chunk) => head.extend_from_slice(&chunk),
                None => break,
            }
        }
        if is_zip(&head) {
            Ok(LinkState::Alive { total, resumable })
        } else {
            Ok(LinkState::NotAZip {
                content_type,
                excerpt: excerpt(&head),
            })
        }
    }
}
