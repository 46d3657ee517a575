//! Getting what the public catalogue holds, with patience.

use std::time::Duration;

use clms_api::{Attempts, RetryPolicy, retry_after};
use futures::future::BoxFuture;
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::CdseError;
use crate::network::USER_AGENT;

/// No answer may let wait for longer, nor a pause within one.
const PATIENCE: Duration = Duration::from_secs(60);

/// Gets over HTTP. Nothing here needs a login.
#[derive(Debug, Clone)]
pub(super) struct Web {
    client: Client,
    retry: RetryPolicy,
}

impl Web {
    pub(super) fn new(retry: RetryPolicy) -> Result<Self, CdseError> {
        let built = Client::builder()
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .user_agent(USER_AGENT)
            .build();
        let client = built.map_err(|why| CdseError::Setting {
            setting: "network",
            why: why.to_string(),
        })?;
        Ok(Self { client, retry })
    }

    /// What `consume` makes of the answer; `None` if there is nothing at this address. Both are tried again when the server is busy or the
    /// connection breaks, also in the middle of the answer.
    ///
    /// Boxes, because the compiler can't tell of asynchronous closures whether what they return may go to another thread.
    pub(super) async fn get<'a, T>(
        &self,
        url: &Url,
        consume: impl Fn(Response) -> BoxFuture<'a, Result<T, CdseError>>,
    ) -> Result<Option<T>, CdseError> {
        let mut attempts = Attempts::begin(self.retry);
        loop {
            let (error, wait) = match self.client.get(url.clone()).send().await {
                Ok(answer) if answer.status() == StatusCode::NOT_FOUND => return Ok(None),
                Ok(answer) if answer.status().is_success() => match consume(answer).await {
                    Ok(result) => return Ok(Some(result)),
                    Err(error) => (error, None),
                },
                Ok(answer) => (refused(url, &answer), retry_after(answer.headers())),
                Err(why) => (unreachable(url, &why), None),
            };
            let again = attempts.next(wait).filter(|_| error.is_retryable());
            let Some(pause) = again else {
                return Err(error);
            };
            tracing::debug!(%error, ?pause, "trying again");
            tokio::time::sleep(pause).await;
        }
    }
}

fn refused(url: &Url, answer: &Response) -> CdseError {
    let status = answer.status();
    CdseError::Web {
        address: url.to_string(),
        reason: format!("the server answers {status}"),
        retryable: status.is_server_error()
            || matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            ),
    }
}

/// The connection failed, or broke.
pub(super) fn unreachable(url: &Url, why: &reqwest::Error) -> CdseError {
    // reqwest keeps the reason in its causes.
    let mut reason = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(why);
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    CdseError::Web {
        address: url.to_string(),
        reason: if reason.is_empty() {
            why.to_string()
        } else {
            reason
        },
        retryable: !why.is_builder(),
    }
}
