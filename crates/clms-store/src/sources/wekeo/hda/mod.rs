//! A typed client of WEkEO's Harmonised Data Access API, version 2 (the broker).

mod answer;
mod calls;
mod error;
mod exchange;
mod quota;
mod token;

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{
    Url,
    header::{ACCEPT, HeaderMap, HeaderValue},
    redirect,
};
use secrecy::SecretString;

pub(crate) use self::error::MOVED;
use self::token::Tokens;
pub use self::{
    answer::{HdaOrder, OrderStatus, Product, SearchPage},
    error::HdaError,
};
use super::Account;
use crate::network::USER_AGENT;

/// The real broker.
pub const DEFAULT_BROKER: &str = "https://gateway.prod.wekeo2.eu/hda-broker/";

/// How long a whole call may take; files are not fetched by these.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// A client of the broker. Cheap to clone; clones share connections and the token.
///
/// No call is repeated, but for one that the broker refuses because of an old token: who calls knows better whether and when to try again.
#[derive(Clone)]
pub struct HdaClient {
    inner: Arc<Inner>,
}

struct Inner {
    /// With a slash at its end.
    broker: Url,
    account: Option<Account>,
    api: reqwest::Client,
    tokens: Tokens,
}

impl HdaClient {
    /// A client of the broker at that address ([`DEFAULT_BROKER`] is the real one). Without an account, every call fails. Nothing is sent yet.
    ///
    /// # Errors
    /// [`HdaError::Configuration`] if the address is none, or TLS can't be set up.
    pub fn new(broker: &str, account: Option<Account>) -> Result<Self, HdaError> {
        let wrong = |problem: String| HdaError::Configuration { problem };
        // Some write the address with the API's version.
        let root = broker.trim().trim_end_matches('/');
        let root = root.strip_suffix("/api/v1").unwrap_or(root);
        let broker = Url::parse(&format!("{root}/"))
            .map_err(|why| wrong(format!("the broker's address {root:?} is none: {why}")))?;
        let is_plain = broker.username().is_empty() && broker.query().is_none();
        if !matches!(broker.scheme(), "http" | "https") || !is_plain {
            return Err(wrong(
                "the broker's address must begin with https:// and hold neither user nor query"
                    .to_owned(),
            ));
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let api = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(headers)
            .connect_timeout(Duration::from_secs(20))
            .timeout(CALL_TIMEOUT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .build()
            .map_err(|why| wrong(why.to_string()))?;
        Ok(Self {
            inner: Arc::new(Inner {
                broker,
                account,
                api,
                tokens: Tokens::default(),
            }),
        })
    }

    /// A token for whoever fetches a file.
    pub(crate) async fn bearer(&self) -> Result<Arc<SecretString>, HdaError> {
        Ok(self.token().await?.access)
    }

    /// An address directly below the broker.
    fn root(&self, name: &str) -> Url {
        self.below([name])
    }

    /// An address of the API.
    fn endpoint<const N: usize>(&self, segments: [&str; N]) -> Url {
        self.below(["api", "v1"].into_iter().chain(segments))
    }

    fn below<'s>(&self, segments: impl IntoIterator<Item = &'s str>) -> Url {
        let mut url = self.inner.broker.clone();
        // Fails for addresses that can't have a path only, which http addresses are not.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl fmt::Debug for HdaClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HdaClient")
            .field("broker", &self.inner.broker.as_str())
            .field("account", &self.inner.account)
            .finish_non_exhaustive()
    }
}
