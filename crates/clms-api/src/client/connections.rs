//! The connections of a client, made when they are first needed: most programs that have a client
//! end without a call, and to find the machine's certificates takes a while.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::redirect;

use crate::error::ApiError;
use crate::transport_error::lacks_certificates;

/// Connections, or how to make them.
pub(super) struct Connections {
    user_agent: HeaderValue,
    connect_timeout: Duration,
    read_timeout: Duration,
    made: OnceLock<Made>,
}

struct Made {
    /// For the API: follows no redirects, and is the only one that ever sends the token.
    api: reqwest::Client,
    /// For downloads from wherever the portal's links lead.
    downloads: reqwest::Client,
}

impl Connections {
    pub(super) fn new(
        user_agent: HeaderValue,
        connect_timeout: Duration,
        read_timeout: Duration,
    ) -> Self {
        Self {
            user_agent,
            connect_timeout,
            read_timeout,
            made: OnceLock::new(),
        }
    }

    pub(super) fn api(&self) -> Result<&reqwest::Client, ApiError> {
        let made = self.made().map_err(|error| configuration(&error))?;
        Ok(&made.api)
    }

    pub(super) fn downloads(&self) -> Result<&reqwest::Client, reqwest::Error> {
        Ok(&self.made()?.downloads)
    }

    fn made(&self) -> Result<&Made, reqwest::Error> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let mut headers = HeaderMap::new();
        // Without it, everything under /api answers 404.
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // A redirected POST would become a GET, and a JSON API has no reason to redirect.
        let api = self
            .http()
            .default_headers(headers)
            .redirect(redirect::Policy::none());
        let made = Made {
            api: api.build()?,
            downloads: self.http().build()?,
        };
        // Of two threads that come at the same time, one has made its own in vain.
        Ok(self.made.get_or_init(|| made))
    }

    fn http(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(self.user_agent.clone())
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .referer(false)
    }
}

fn configuration(error: &reqwest::Error) -> ApiError {
    if lacks_certificates(error) {
        return ApiError::NoCertificates;
    }
    let source = std::error::Error::source(error).map(|cause| format!(" ({cause})"));
    ApiError::Configuration {
        problem: format!("{error}{}", source.unwrap_or_default()),
    }
}
