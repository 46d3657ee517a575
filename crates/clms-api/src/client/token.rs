//! Access tokens: fetched with a signed assertion, kept, and fetched anew in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::Client;
use super::exchange::{Answer, Call, refusal};
use crate::error::{ApiError, DecodeError};
use crate::redact::redacted;
use crate::retry::{Attempts, Tries};
use crate::server_message::ServerMessage;
use crate::service_key::ServiceKey;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An assertion is dated back by this: the portal refuses one that is a second early.
const BACKDATED: Duration = Duration::from_secs(60);

/// From its issue to its expiry; the documented maximum.
const ASSERTION_LIFE: Duration = Duration::from_secs(3600);

/// A token that expires sooner is replaced before it is used...
const MIN_LIFE_LEFT: Duration = Duration::from_secs(60);

/// ...unless it was given for so short a time that this part of it is less.
const MIN_PART_LEFT: u32 = 4;

/// What the portal is assumed to mean when it says nothing.
const DEFAULT_LIFE: Duration = Duration::from_secs(3600);

/// A token that the portal gave.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) secret: Arc<SecretString>,
    /// By this machine's wall clock; for people.
    pub(super) expires_at: Timestamp,
    /// By this machine's steady clock; for decisions.
    replace_from: Instant,
}

/// The token in use. Whoever finds it missing fetches it while the others wait for that one.
#[derive(Default)]
pub(super) struct TokenCache {
    current: Mutex<Option<Token>>,
}

impl TokenCache {
    /// Forgets a token that the portal refused, unless it has been replaced meanwhile.
    pub(super) async fn discard(&self, refused: &Token) {
        let mut current = self.current.lock().await;
        if current
            .as_ref()
            .is_some_and(|token| Arc::ptr_eq(&token.secret, &refused.secret))
        {
            *current = None;
        }
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Serialize)]
struct TokenRequest<'a> {
    grant_type: &'a str,
    assertion: &'a str,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretText,
    expires_in: Option<u64>,
}

/// A text that is secret from the moment it is read.
struct SecretText(SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl Client {
    /// A token that lives long enough for a call.
    pub(super) async fn token(&self, call: &Call) -> Result<Token, ApiError> {
        let Some(key) = self.service_key() else {
            return Err(ApiError::NoKey { call: call.name() });
        };
        let mut current = self.inner.tokens.current.lock().await;
        if let Some(token) = current
            .as_ref()
            .filter(|token| Instant::now() < token.replace_from)
        {
            return Ok(token.clone());
        }
        // Kept only once it is there: a failure leaves no token behind.
        *current = None;
        let token = self.fetch_token(key).await?;
        *current = Some(token.clone());
        Ok(token)
    }

    /// Exchanges a signed assertion for a token, at the key's own address and without any other
    /// token: the portal refuses even this with a stale one. Asking twice does no harm.
    async fn fetch_token(&self, key: &ServiceKey) -> Result<Token, ApiError> {
        let mut attempts = Attempts::begin(self.inner.retry);
        loop {
            let error = match self.ask_for_token(key, attempts.so_far()).await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            let delay = if error.is_retryable() {
                attempts.next(error.retry_after())
            } else {
                None
            };
            let Some(delay) = delay else {
                return Err(error);
            };
            self.pause(&error, delay).await;
        }
    }

    async fn ask_for_token(&self, key: &ServiceKey, tries: Tries) -> Result<Token, ApiError> {
        let asked = Instant::now();
        let now = Timestamp::now();
        let iat = now.as_second().saturating_sub_unsigned(BACKDATED.as_secs());
        let claims = Claims {
            iss: key.client_id(),
            sub: key.user_id(),
            aud: key.audience(),
            iat,
            exp: iat.saturating_add_unsigned(ASSERTION_LIFE.as_secs()),
        };
        let assertion = key
            .sign(&claims)
            .map_err(|source| ApiError::Signing { source })?;
        let form = TokenRequest {
            grant_type: GRANT_TYPE,
            assertion: assertion.expose_secret(),
        };
        let address = self.inner.token_endpoint.as_ref();
        let address = address.unwrap_or_else(|| key.token_uri());
        let name = || format!("POST {}", redacted(address));
        let request = self.api()?.post(address.clone()).form(&form);
        let answer = self.send(address, request, name, tries).await?;
        if !answer.status.is_success() || answer.is_html() {
            return Err(token_refusal(key, &answer, name(), tries));
        }
        let given: TokenAnswer = serde_json::from_slice(&answer.body).map_err(|_| {
            // serde's message could quote the token.
            let error = DecodeError::new("access_token", "is missing or no text");
            ApiError::Decode {
                call: name(),
                error,
            }
        })?;
        let life = given.expires_in.map_or(DEFAULT_LIFE, Duration::from_secs);
        let margin = MIN_LIFE_LEFT.min(life / MIN_PART_LEFT);
        tracing::debug!(client_id = key.client_id(), ?life, "signed in");
        Ok(Token {
            secret: Arc::new(given.access_token.0),
            expires_at: SignedDuration::try_from(life)
                .ok()
                .and_then(|life| now.checked_add(life).ok())
                .unwrap_or(Timestamp::MAX),
            replace_from: asked.checked_add(life - margin).unwrap_or(asked),
        })
    }
}

fn token_refusal(key: &ServiceKey, answer: &Answer, call: String, tries: Tries) -> ApiError {
    match answer.status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED if !answer.is_html() => {
            ApiError::KeyRefused {
                token_uri: redacted(key.token_uri()),
                status: answer.status.as_u16(),
                message: ServerMessage::read(&answer.body),
            }
        }
        _ => refusal(call, answer, tries),
    }
}
