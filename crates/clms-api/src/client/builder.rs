//! Setting up a client.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::sync::OnceCell;
use url::Url;

use super::connections::Connections;
use super::token::TokenCache;
use super::{Client, Inner};
use crate::error::ApiError;
use crate::limiter::Limiters;
use crate::retry::RetryPolicy;
use crate::service_key::ServiceKey;

/// The API of the real portal.
pub const DEFAULT_BASE_URL: &str = "https://land.copernicus.eu/api";

/// Sent with every request: the download host refuses what HTTP libraries send by themselves.
const USER_AGENT: &str = concat!(
    "clms/",
    env!("CARGO_PKG_VERSION"),
    " (+",
    env!("CARGO_PKG_REPOSITORY"),
    ")"
);

/// Settings of a [`Client`].
///
/// Proxies come from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    base_url: String,
    key: Option<ServiceKey>,
    user_agent: String,
    connect_timeout: Duration,
    read_timeout: Duration,
    retry: RetryPolicy,
    token_endpoint: Option<Url>,
    calls_at_a_time: usize,
    cdse_patience: Duration,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            base_url: DEFAULT_BASE_URL.to_owned(),
            key: None,
            user_agent: USER_AGENT.to_owned(),
            connect_timeout: Duration::from_secs(20),
            // A page of the real catalogue takes up to three seconds for 25 datasets, and the
            // portal waits ten seconds for its engine before it answers a request.
            read_timeout: Duration::from_secs(90),
            retry: RetryPolicy::default(),
            token_endpoint: None,
            calls_at_a_time: 4,
            // Tasks were seen to show up within some seconds, and to be rejected after 30.
            cdse_patience: Duration::from_secs(60),
        }
    }
}

impl ClientBuilder {
    /// The API's address; [`DEFAULT_BASE_URL`] unless said otherwise.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// The key to sign in with. The catalogue and downloads need none.
    pub fn service_key(mut self, key: ServiceKey) -> Self {
        self.key = Some(key);
        self
    }

    /// What to call ourselves; `clms/<version> (+<repository>)` unless said otherwise.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// How long a connection may take to be made (20 seconds).
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a server may be silent (90 seconds). There is no limit to a whole call, for a
    /// download may take hours.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// How often and how long calls are tried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How many calls to make at a time to any one host (4). A host that answers 429 with
    /// `Retry-After` is left alone by all calls of the client and its clones.
    pub fn calls_at_a_time(mut self, calls: usize) -> Self {
        self.calls_at_a_time = calls;
        self
    }

    /// How long [`Client::request_once`] waits for the task of a request to CDSE to show up in
    /// the list of tasks (60 seconds).
    pub fn cdse_patience(mut self, patience: Duration) -> Self {
        self.cdse_patience = patience;
        self
    }

    /// Where to send the assertion that is exchanged for a token, in place of the address in the
    /// service key. The assertion itself still names that one. For recording proxies, which must
    /// see all of a conversation.
    pub fn token_endpoint(mut self, url: Url) -> Self {
        self.token_endpoint = Some(url);
        self
    }

    /// Makes the client; nothing is sent yet, and TLS is only set up by
    /// [`Client::set_up`] or the first call.
    ///
    /// # Errors
    /// [`ApiError::Configuration`] when the base URL is no web address, or the user agent can't
    /// stand in a header.
    pub fn build(self) -> Result<Client, ApiError> {
        let base_url = parse_base_url(&self.base_url)?;
        let user_agent = HeaderValue::try_from(&self.user_agent).map_err(|_| {
            let problem = format!(
                "the user agent {:?} can't stand in a header",
                self.user_agent
            );
            ApiError::Configuration { problem }
        })?;
        Ok(Client {
            inner: Arc::new(Inner {
                base_url,
                connections: Connections::new(user_agent, self.connect_timeout, self.read_timeout),
                key: self.key,
                tokens: TokenCache::default(),
                token_endpoint: self.token_endpoint,
                retry: self.retry,
                limiters: Limiters::new(self.calls_at_a_time),
                formats: OnceCell::new(),
                cdse_patience: self.cdse_patience,
                in_trouble: AtomicBool::new(false),
            }),
        })
    }
}

fn parse_base_url(text: &str) -> Result<Url, ApiError> {
    let wrong = |why: &str| ApiError::Configuration {
        problem: format!("the base URL '{text}' {why}"),
    };
    let mut url =
        Url::parse(text.trim()).map_err(|error| wrong(&format!("is no web address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong(
            "is no web address: it must begin with https:// and name a host",
        ));
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        // Not quoted: it may hold a password.
        let problem =
            "the base URL must have neither user, password, query nor fragment".to_owned();
        return Err(ApiError::Configuration { problem });
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for (text, path) in [
            (DEFAULT_BASE_URL, "/api/@search"),
            (" http://127.0.0.1:8080/api/ ", "/api/@search"),
            ("https://host", "/@search"),
        ] {
            let client = Client::builder().base_url(text).build().unwrap();
            assert_eq!(client.endpoint("@search").path(), path);
        }
        for text in [
            "land.copernicus.eu/api",
            "ftp://h/api",
            "https://u:secret@h/api",
            "https://h/api?x=1",
            "",
        ] {
            let error = Client::builder().base_url(text).build().unwrap_err();
            assert_eq!(error.kind(), "configuration", "{text}");
            assert!(!error.to_string().contains("secret"));
        }
        assert!(Client::builder().user_agent("a\nb").build().is_err());
    }
}
