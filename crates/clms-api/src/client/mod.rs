//! The client: one handle for all calls.

mod builder;
mod catalogue;
mod connections;
mod direct_links;
mod exchange;
mod lookup;
mod once;
mod query;
mod raw;
mod sign_in;
mod tasks;
mod token;
mod waiting;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::OnceCell;
use url::Url;

pub use self::builder::{ClientBuilder, DEFAULT_BASE_URL};
use self::connections::Connections;
pub use self::direct_links::DirectLinksRequest;
pub use self::once::{Requested, RequestedTask};
pub use self::query::DatasetQuery;
pub use self::raw::{RawAnswer, RawCall};
pub use self::sign_in::SignedIn;
use self::token::TokenCache;
pub use self::waiting::Polling;
use crate::error::ApiError;
use crate::limiter::Limiters;
use crate::model::FormatTable;
use crate::retry::RetryPolicy;
use crate::service_key::ServiceKey;

/// A client of the portal's API. Cheap to clone; clones share connections and the token.
///
/// Calls that only read are repeated by the client's [`RetryPolicy`] when that may help. Calls
/// that change something are repeated only when it is certain that the portal did nothing; else
/// they fail with [`ApiError::Unclear`]. Dropping a call's future cancels it.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    /// Without a slash at its end.
    base_url: Url,
    connections: Connections,
    key: Option<ServiceKey>,
    /// In place of the key's own address.
    token_endpoint: Option<Url>,
    tokens: TokenCache,
    retry: RetryPolicy,
    limiters: Limiters,
    /// The portal's table of formats, which changes with its software only.
    formats: OnceCell<FormatTable>,
    cdse_patience: Duration,
    /// Calls fail, and that was said.
    in_trouble: AtomicBool,
}

impl Client {
    /// Begins a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The address of the API, without a slash at its end.
    pub fn base_url(&self) -> &Url {
        &self.inner.base_url
    }

    /// The key that the client signs in with.
    pub fn service_key(&self) -> Option<&ServiceKey> {
        self.inner.key.as_ref()
    }

    /// Sets TLS up, which the first call does else. Nothing is sent.
    ///
    /// # Errors
    /// [`ApiError::NoCertificates`] on a machine that can trust nobody, [`ApiError::Configuration`].
    pub fn set_up(&self) -> Result<(), ApiError> {
        self.inner.connections.api().map(|_| ())
    }

    /// The connections for downloads, which know nothing of tokens.
    pub(crate) fn downloads(&self) -> Result<&reqwest::Client, reqwest::Error> {
        self.inner.connections.downloads()
    }

    /// The turns at hosts.
    pub(crate) fn limiters(&self) -> &Limiters {
        &self.inner.limiters
    }

    /// How often and how long calls are tried.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        self.inner.retry
    }

    /// The address of an endpoint such as `@search`.
    fn endpoint(&self, name: &str) -> Url {
        let mut url = self.inner.base_url.clone();
        url.set_path(&format!("{}/{name}", url.path().trim_end_matches('/')));
        url
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.base_url.as_str())
            .field("service_key", &self.inner.key)
            .field("retry", &self.inner.retry)
            .finish_non_exhaustive()
    }
}
