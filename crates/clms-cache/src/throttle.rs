//! Taking less than a storage or a network would give, so that others get their share.

use std::{
    fmt,
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
    path::Path,
};

use crate::{
    Clock,
    object_storage::{Moment, SystemClock},
};

/// How fast something may go; by default as fast as it can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// So many requests in a second.
    pub requests_per_second: Option<NonZeroU64>,
    /// So many bytes of what is read and written in a second.
    pub bytes_per_second: Option<NonZeroU64>,
}

impl Rate {
    /// The same with so many requests in a second.
    #[must_use]
    pub fn with_requests_per_second(self, requests: NonZeroU64) -> Self {
        Self {
            requests_per_second: Some(requests),
            ..self
        }
    }

    /// The same with so many bytes in a second.
    #[must_use]
    pub fn with_bytes_per_second(self, bytes: NonZeroU64) -> Self {
        Self {
            bytes_per_second: Some(bytes),
            ..self
        }
    }
}

/// Lets requests and bytes pass no faster than at a [`Rate`], in the order in which they come. A clone is the same throttle.
///
/// What is large passes at once, and what comes behind it waits until its time is over.
#[derive(Debug, Clone)]
pub struct Throttle(Arc<Paces>);

#[derive(Debug)]
struct Paces {
    clock: Arc<dyn Clock>,
    began: Moment,
    requests: Option<Pace>,
    bytes: Option<Pace>,
}

impl Throttle {
    /// A throttle of its own.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with_clock(rate, Arc::new(SystemClock::new()))
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_clock(rate: Rate, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Paces {
            began: clock.now(),
            clock,
            requests: rate.requests_per_second.map(Pace::new),
            bytes: rate.bytes_per_second.map(Pace::new),
        }))
    }

    /// The store `inner` behind this throttle.
    #[must_use]
    pub fn before(&self, inner: Arc<dyn ObjectStore>) -> ThrottledStore {
        let throttle = self.clone();
        ThrottledStore { inner, throttle }
    }

    async fn request(&self) {
        self.pass(self.0.requests.as_ref(), 1).await;
    }

    async fn bytes(&self, bytes: usize) {
        self.pass(self.0.bytes.as_ref(), bytes as u64).await;
    }

    async fn pass(&self, pace: Option<&Pace>, amount: u64) {
        let Some(pace) = pace else { return };
        let clock = &self.0.clock;
        let wait = pace.reserve(amount, clock.now().at_least_since(self.0.began));
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
    }
}

/// So much of something in a second.
#[derive(Debug)]
struct Pace {
    per_second: NonZeroU64,
    /// When the next may pass.
    free_at: Mutex<Duration>,
}

impl Pace {
    fn new(per_second: NonZeroU64) -> Self {
        Self {
            per_second,
            free_at: Mutex::default(),
        }
    }

    /// How long `amount` has to wait, which takes its place in the queue with this.
    fn reserve(&self, amount: u64, now: Duration) -> Duration {
        let takes = Duration::from_secs_f64(amount as f64 / self.per_second.get() as f64);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = now.max(*free_at);
        *free_at = begins.saturating_add(takes);
        begins - now
    }
}

/// An object store behind a [`Throttle`]. What the server copies by itself counts as a request only.
#[derive(Debug, Clone)]
pub struct ThrottledStore {
    inner: Arc<dyn ObjectStore>,
    throttle: Throttle,
}

impl fmt::Display for ThrottledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ThrottledStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for ThrottledStore {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.throttle.request().await;
        self.throttle.bytes(payload.content_length()).await;
        self.inner.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.throttle.request().await;
        let inner = self.inner.put_multipart_opts(key, options).await?;
        let throttle = self.throttle.clone();
        Ok(Box::new(ThrottledUpload { inner, throttle }))
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.throttle.request().await;
        let got = self.inner.get_opts(key, options).await?;
        if self.throttle.0.bytes.is_none() {
            return Ok(got);
        }
        let described = GetResult {
            payload: GetResultPayload::Stream(futures::stream::empty().boxed()),
            meta: got.meta.clone(),
            range: got.range.clone(),
            attributes: got.attributes.clone(),
            extensions: got.extensions.clone(),
        };
        let throttle = self.throttle.clone();
        let body = got.into_stream().and_then(move |bytes: Bytes| {
            let throttle = throttle.clone();
            async move {
                throttle.bytes(bytes.len()).await;
                Ok(bytes)
            }
        });
        Ok(GetResult {
            payload: GetResultPayload::Stream(body.boxed()),
            ..described
        })
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let throttle = self.throttle.clone();
        let keys = keys.then(move |key| {
            let throttle = throttle.clone();
            async move {
                throttle.request().await;
                key
            }
        });
        self.inner.delete_stream(keys.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (throttle, listed) = (self.throttle.clone(), self.inner.list(prefix));
        let listed = async move {
            throttle.request().await;
            listed
        };
        listed.flatten_stream().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.throttle.request().await;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.throttle.request().await;
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct ThrottledUpload {
    inner: Box<dyn MultipartUpload>,
    throttle: Throttle,
}

#[async_trait]
impl MultipartUpload for ThrottledUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let bytes = data.content_length();
        let (part, throttle) = (self.inner.put_part(data), self.throttle.clone());
        async move {
            throttle.request().await;
            throttle.bytes(bytes).await;
            part.await
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.throttle.request().await;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        // What is given up shall not wait.
        self.inner.abort().await
    }
}
