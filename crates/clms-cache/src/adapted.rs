//! Adapters: caches that add one thing to another one, whichever that is.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::{ObjectStore, limit::LimitStore};

use crate::{
    CacheError, CacheStore, CubeInfo, CubeName, Lease, Local, Maintain, Rate, Staged, Throttle,
    Usage,
};
#[cfg(feature = "conformance")]
use crate::{Faults, FaultyStore};

/// A cache whose handles pass through an adapter, such as one that limits how much is read and written at a time.
///
/// Only what goes through the handles is adapted: cubes that are read and written, and records. What the cache itself asks of
/// its storage is adapted by an adapter of the object store that it is made of, which [`open_cache`](crate::open_cache) does
/// with the settings `concurrency`, `requests_per_second` and `bytes_per_second`.
///
/// ```
/// # fn example(cache: std::sync::Arc<dyn clms_cache::CacheStore>) {
/// use clms_cache::{AdaptedCache, Rate};
///
/// let megabyte = std::num::NonZeroU64::new(1_000_000).unwrap();
/// let polite = AdaptedCache::throttled(cache, Rate::default().with_bytes_per_second(megabyte));
/// # }
/// ```
#[derive(Clone)]
pub struct AdaptedCache {
    inner: Arc<dyn CacheStore>,
    adapt: Arc<Adapt>,
}

type Adapt = dyn Fn(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> + Send + Sync;

impl AdaptedCache {
    /// The cache `inner` with handles as `adapt` makes them of its own.
    #[must_use]
    pub fn new(
        inner: Arc<dyn CacheStore>,
        adapt: impl Fn(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> + Send + Sync + 'static,
    ) -> Self {
        let adapt = Arc::new(adapt);
        Self { inner, adapt }
    }

    /// With at most so many `requests` at a time through each handle.
    #[must_use]
    pub fn limited(inner: Arc<dyn CacheStore>, requests: usize) -> Self {
        Self::new(inner, move |store| {
            Arc::new(LimitStore::new(store, requests))
        })
    }

    /// No faster than at that `rate`, through all its handles together.
    #[must_use]
    pub fn throttled(inner: Arc<dyn CacheStore>, rate: Rate) -> Self {
        let throttle = Throttle::new(rate);
        Self::new(inner, move |store| Arc::new(throttle.before(store)))
    }

    /// With handles that fail when they are told to.
    #[cfg(feature = "conformance")]
    #[must_use]
    pub fn faulty(inner: Arc<dyn CacheStore>) -> (Self, Faults) {
        let faults = Faults::none();
        let told = faults.clone();
        let adapt = move |store| Arc::new(FaultyStore::told_by(store, told.clone())) as _;
        (Self::new(inner, adapt), faults)
    }
}

impl fmt::Debug for AdaptedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AdaptedCache").field(&self.inner).finish()
    }
}

#[async_trait]
impl CacheStore for AdaptedCache {
    fn location(&self) -> &str {
        self.inner.location()
    }

    fn cube_location(&self, name: &CubeName) -> String {
        self.inner.cube_location(name)
    }

    fn list(&self) -> BoxStream<'static, Result<CubeInfo, CacheError>> {
        self.inner.list()
    }

    async fn look_up(&self, name: &CubeName) -> Result<Option<CubeInfo>, CacheError> {
        self.inner.look_up(name).await
    }

    async fn usage(&self, name: &CubeName) -> Result<Usage, CacheError> {
        self.inner.usage(name).await
    }

    async fn open(&self, name: &CubeName) -> Result<Arc<dyn ObjectStore>, CacheError> {
        Ok((self.adapt)(self.inner.open(name).await?))
    }

    async fn stage(&self, name: &CubeName) -> Result<Staged, CacheError> {
        Ok(self.inner.stage(name).await?.adapted(&*self.adapt))
    }

    async fn commit(&self, staged: Staged) -> Result<CubeInfo, CacheError> {
        self.inner.commit(staged).await
    }

    async fn discard(&self, staged: Staged) -> Result<(), CacheError> {
        self.inner.discard(staged).await
    }

    async fn remove(&self, name: &CubeName) -> Result<bool, CacheError> {
        self.inner.remove(name).await
    }

    async fn lease(&self, name: &CubeName, holder: &str) -> Result<Lease, CacheError> {
        self.inner.lease(name, holder).await
    }

    fn records(&self) -> Arc<dyn ObjectStore> {
        (self.adapt)(self.inner.records())
    }

    fn as_local(&self) -> Option<&dyn Local> {
        self.inner.as_local()
    }

    fn as_maintain(&self) -> Option<&dyn Maintain> {
        self.inner.as_maintain()
    }
}
