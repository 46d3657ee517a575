//! The portal as a trait, for layers that are to be tested without HTTP.

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::client::{Client, DatasetQuery, DirectLinksRequest, Requested, SignedIn};
use crate::download::{DownloadError, DownloadProgress, Downloaded, LinkState};
use crate::error::ApiError;
use crate::model::{Accepted, Dataset, DatasetUid, DirectLinks, Task, TaskId, TaskStatus};
use crate::request::DataRequest;

/// Called with the progress of a download.
pub type OnProgress = Box<dyn FnMut(DownloadProgress) + Send>;

/// What a program needs of the portal, object-safe. [`Client`] is one; another one stands in for
/// it in tests, so that these need neither a server nor a network.
///
/// ```
/// use clms_api::{ApiError, Dataset, DatasetUid, Portal};
///
/// async fn title(portal: &dyn Portal, uid: &DatasetUid) -> Result<Option<String>, ApiError> {
///     Ok(portal.dataset(uid).await?.map(|dataset| dataset.title))
/// }
/// ```
#[async_trait]
pub trait Portal: fmt::Debug + Send + Sync {
    /// See [`Client::sign_in`].
    async fn sign_in(&self) -> Result<SignedIn, ApiError>;

    /// See [`Client::datasets`].
    fn datasets(&self, query: DatasetQuery) -> BoxStream<'static, Result<Dataset, ApiError>>;

    /// See [`Client::dataset`].
    async fn dataset(&self, uid: &DatasetUid) -> Result<Option<Dataset>, ApiError>;

    /// See [`Client::request`].
    async fn request(&self, request: &DataRequest) -> Result<Accepted, ApiError>;

    /// See [`Client::request_once`].
    async fn request_once(&self, request: &DataRequest) -> Result<Requested, ApiError>;

    /// See [`Client::tasks`].
    async fn tasks(
        &self,
        status: Option<TaskStatus>,
    ) -> Result<std::collections::BTreeMap<TaskId, Task>, ApiError>;

    /// See [`Client::task`].
    async fn task(&self, id: &TaskId) -> Result<Option<Task>, ApiError>;

    /// See [`Client::cancel_task`].
    async fn cancel_task(&self, id: &TaskId) -> Result<(), ApiError>;

    /// See [`Client::direct_links`].
    async fn direct_links(&self, request: &DirectLinksRequest) -> Result<DirectLinks, ApiError>;

    /// See [`Client::probe`].
    async fn probe(&self, link: &Url) -> Result<LinkState, DownloadError>;

    /// See [`Client::download`].
    async fn download(
        &self,
        link: &Url,
        part: &Path,
        expected_size: Option<u64>,
        on_progress: OnProgress,
        cancel: CancellationToken,
    ) -> Result<Downloaded, DownloadError>;
}

#[async_trait]
impl Portal for Client {
    async fn sign_in(&self) -> Result<SignedIn, ApiError> {
        self.sign_in().await
    }

    fn datasets(&self, query: DatasetQuery) -> BoxStream<'static, Result<Dataset, ApiError>> {
        self.datasets(query)
    }

    async fn dataset(&self, uid: &DatasetUid) -> Result<Option<Dataset>, ApiError> {
        self.dataset(uid).await
    }

    async fn request(&self, request: &DataRequest) -> Result<Accepted, ApiError> {
        self.request(request).await
    }

    async fn request_once(&self, request: &DataRequest) -> Result<Requested, ApiError> {
        self.request_once(request).await
    }

    async fn tasks(
        &self,
        status: Option<TaskStatus>,
    ) -> Result<std::collections::BTreeMap<TaskId, Task>, ApiError> {
        self.tasks(status).await
    }

    async fn task(&self, id: &TaskId) -> Result<Option<Task>, ApiError> {
        self.task(id).await
    }

    async fn cancel_task(&self, id: &TaskId) -> Result<(), ApiError> {
        self.cancel_task(id).await
    }

    async fn direct_links(&self, request: &DirectLinksRequest) -> Result<DirectLinks, ApiError> {
        self.direct_links(request).await
    }

    async fn probe(&self, link: &Url) -> Result<LinkState, DownloadError> {
        self.probe(link).await
    }

    async fn download(
        &self,
        link: &Url,
        part: &Path,
        expected_size: Option<u64>,
        on_progress: OnProgress,
        cancel: CancellationToken,
    ) -> Result<Downloaded, DownloadError> {
        let mut download = self
            .download(link, part)
            .on_progress(on_progress)
            .cancel_on(cancel);
        if let Some(bytes) = expected_size {
            download = download.expected_size(bytes);
        }
        download.run().await
    }
}
