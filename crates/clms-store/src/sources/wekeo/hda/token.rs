//! Access tokens: fetched with the account, kept, and refreshed in time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::{HdaClient, HdaError, exchange::words};

/// What the broker is assumed to mean when it does not say how long a token lives.
const DEFAULT_LIFE: Duration = Duration::from_secs(1800);

/// A token that expires sooner is replaced before it is used, unless it lives for so short a time that this would be most of it.
const MIN_LIFE_LEFT: Duration = Duration::from_secs(60);

/// A token that the broker gave.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) access: Arc<SecretString>,
    refresh: Option<Arc<SecretString>>,
    replace_from: Instant,
}

/// The token in use. Whoever finds it missing fetches it while the others wait for that one.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    current: Mutex<Option<Token>>,
}

impl Tokens {
    /// No longer uses a token that the broker refused, unless it has been replaced meanwhile.
    pub(super) async fn refuse(&self, refused: &Token) {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_mut()
            && Arc::ptr_eq(&token.access, &refused.access)
        {
            token.replace_from = Instant::now();
        }
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
}

impl HdaClient {
    pub(super) async fn token(&self) -> Result<Token, HdaError> {
        let mut current = self.inner.tokens.current.lock().await;
        if let Some(token) = current
            .as_ref()
            .filter(|token| Instant::now() < token.replace_from)
        {
            return Ok(token.clone());
        }
        // Kept only once it is there: a failure leaves no token behind.
        let stale = current.take();
        let refreshed = match stale.and_then(|token| token.refresh) {
            Some(refresh) => self.refresh_token(&refresh).await?,
            None => None,
        };
        let token = match refreshed {
            Some(token) => token,
            None => self.new_token().await?,
        };
        Ok(current.insert(token).clone())
    }

    /// `None` if the broker does not take the refresh token (any more).
    async fn refresh_token(&self, refresh: &SecretString) -> Result<Option<Token>, HdaError> {
        const CALL: &str = "POST refreshtoken";
        let request = self
            .inner
            .api
            .post(self.root("refreshtoken"))
            .form(&[("refresh_token", refresh.expose_secret())]);
        let response = request.send().await.map_err(|why| transport(CALL, why))?;
        match response.status() {
            StatusCode::OK => read_token(CALL, response).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn new_token(&self) -> Result<Token, HdaError> {
        const CALL: &str = "POST gettoken";
        let account = self.inner.account.as_ref().ok_or(HdaError::NoAccount)?;
        let body = json!({
            "username": account.username(),
            "password": account.password().expose_secret(),
        });
        let request = self.inner.api.post(self.root("gettoken")).json(&body);
        let response = request.send().await.map_err(|why| transport(CALL, why))?;
        let status = response.status();
        match status.as_u16() {
            200 => read_token(CALL, response).await,
            400 | 401 | 403 => Err(HdaError::AccountRefused {
                username: account.username().to_owned(),
                status: status.as_u16(),
                message: words(response).await,
            }),
            _ => Err(super::exchange::refusal(CALL, response).await),
        }
    }
}

fn transport(call: &'static str, why: reqwest::Error) -> HdaError {
    HdaError::Transport {
        call,
        source: why.without_url(),
    }
}

async fn read_token(call: &'static str, response: reqwest::Response) -> Result<Token, HdaError> {
    let answer = response.bytes().await.map_err(|why| transport(call, why))?;
    // Not the decoder's words: they may quote the answer.
    let answer: TokenAnswer = serde_json::from_slice(&answer).map_err(|_| HdaError::Malformed {
        call,
        problem: "it holds no token".to_owned(),
    })?;
    let life = answer.expires_in.map_or(DEFAULT_LIFE, Duration::from_secs);
    Ok(Token {
        access: Arc::new(answer.access_token.into()),
        refresh: answer.refresh_token.map(|token| Arc::new(token.into())),
        replace_from: Instant::now() + life.saturating_sub(MIN_LIFE_LEFT.min(life / 4)),
    })
}
