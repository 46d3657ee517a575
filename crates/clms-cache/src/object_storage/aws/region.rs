//! A bucket in another region than the one that is asked: S3 names the right one, in a header that is lost on its way.

use async_trait::async_trait;
use object_store::{
    ClientOptions, Result,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpService, ReqwestConnector,
    },
};

/// Where S3 says in which region the bucket is.
const HEADER: &str = "x-amz-bucket-region";

/// The region that is asked if none is set.
const DEFAULT: &str = "us-east-1";

/// The bucket is in another region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bucket is in the region {there}, and {asked} was asked")]
pub(crate) struct WrongRegion {
    pub(crate) there: String,
    asked: String,
}

/// Makes clients that turn a refusal which names another region into [`WrongRegion`].
#[derive(Debug)]
pub(super) struct RegionCheck {
    asked: String,
}

impl RegionCheck {
    /// For requests to the region `asked`.
    pub(super) fn new(asked: Option<String>) -> Self {
        let asked = asked.unwrap_or_else(|| DEFAULT.to_owned());
        Self { asked }
    }
}

impl HttpConnector for RegionCheck {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        let asked = self.asked.clone();
        Ok(HttpClient::new(Checked { inner, asked }))
    }
}

#[derive(Debug)]
struct Checked {
    inner: HttpClient,
    asked: String,
}

#[async_trait]
impl HttpService for Checked {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.inner.execute(request).await?;
        let there = response.headers().get(HEADER);
        match there.and_then(|there| there.to_str().ok()) {
            Some(there) if !response.status().is_success() && there != self.asked => {
                let wrong = WrongRegion {
                    there: there.to_owned(),
                    asked: self.asked.clone(),
                };
                // Of a kind that is not tried again.
                Err(HttpError::new(HttpErrorKind::Unknown, wrong))
            }
            _ => Ok(response),
        }
    }
}
