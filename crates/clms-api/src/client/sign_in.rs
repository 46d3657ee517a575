//! Finding out whether a service key works.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::Client;
use super::exchange::Call;
use crate::error::ApiError;
use crate::model::TaskStatus;

/// A service key works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SignedIn {
    /// Whose key it is.
    pub user_id: String,
    /// The key's public name.
    pub client_id: String,
    /// The name that the user gave the key.
    pub key_title: Option<String>,
    /// When the token in use expires; it is renewed by itself before that.
    pub token_expires_at: Timestamp,
}

impl SignedIn {
    /// For those who stand in for a client in tests.
    pub fn new(user_id: &str, client_id: &str, token_expires_at: Timestamp) -> Self {
        Self {
            user_id: user_id.to_owned(),
            client_id: client_id.to_owned(),
            key_title: None,
            token_expires_at,
        }
    }
}

impl Client {
    /// Proves the service key: fetches a token and makes a call with it (`@datarequest_search`).
    /// The call matters, because the portal gives tokens that it then refuses, to a key used
    /// from outside its address range.
    ///
    /// All other calls sign in by themselves.
    ///
    /// # Errors
    /// [`ApiError::NoKey`], [`ApiError::KeyRefused`], [`ApiError::Unauthorized`], and whatever
    /// can happen on the way.
    pub async fn sign_in(&self) -> Result<SignedIn, ApiError> {
        let mut url = self.endpoint("@datarequest_search");
        // The status with the fewest tasks.
        url.query_pairs_mut()
            .append_pair("status", TaskStatus::InProgress.as_str());
        let call = Call::read(url);
        let _: Value = self.json(&call).await?;
        let token = self.token(&call).await?;
        let key = self
            .service_key()
            .ok_or_else(|| ApiError::NoKey { call: call.name() })?;
        Ok(SignedIn {
            user_id: key.user_id().to_owned(),
            client_id: key.client_id().to_owned(),
            key_title: key.title().map(str::to_owned),
            token_expires_at: token.expires_at,
        })
    }
}
