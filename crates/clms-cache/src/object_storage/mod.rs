//! A cache in an object store: S3, Google, Azure, memory, and read-only behind HTTP.

mod aws;
mod cache_store;
mod clock;
mod commit;
mod connect;
mod leftovers;
#[cfg(feature = "conformance")]
mod manual_clock;
mod pinned;
mod sign;
mod staged;
mod staging;
mod standing;
mod swap;

use std::{fmt, sync::Arc, time::Duration};

use object_store::{ObjectStore, path::Path, prefix::PrefixStore};
use tokio::sync::OnceCell;

pub use self::clock::{Clock, Moment};
pub(crate) use self::connect::connect;
#[cfg(feature = "conformance")]
pub use self::manual_clock::ManualClock;
pub(crate) use self::{aws::WrongRegion, clock::SystemClock};
use self::{
    sign::Signs,
    standing::{Found, Standing},
    swap::Versioned,
};
use crate::{CacheError, CubeInfo, CubeName, layout::keys::Keys};

/// How long a lease and a writer's claim live without being renewed, unless it is said otherwise.
const LEASE_TIME: Duration = Duration::from_secs(60);

/// A cache in an object store.
///
/// The storage has to honour conditional writes (`If-Match`, `If-None-Match`), as S3, Google, Azure and most others do;
/// that is checked before the first write. What each method costs, in requests:
///
/// - [`look_up`](crate::CacheStore::look_up): two for a cube that is there, up to three for one that is not;
///   [`list`](crate::CacheStore::list): one for a thousand cubes, and two for each;
/// - [`open`](crate::CacheStore::open): three, and one for a thousand objects; reading through it is one request for a read, and
///   none for a chunk that is not there;
/// - staging and committing a cube that is not there yet: about twelve, and one for a thousand objects, besides those of
///   the objects themselves. A cube that replaces another one is copied by the server: one more request for each object.
///
/// Our own readers are bound to the generation they opened. A foreign reader that had opened a cube before it was replaced
/// sees no cube, and then the new one: what it remembers of the old one it may take for the new one's.
///
/// A claim of a process that died is found out by its not being renewed for a minute
/// ([`with_lease_time`](Self::with_lease_time)). All methods need to be called within a Tokio runtime.
#[derive(Clone)]
pub struct ObjectStorageCache {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    location: String,
    store: Arc<dyn ObjectStore>,
    keys: Keys,
    signs: Arc<Signs>,
    records: Arc<dyn ObjectStore>,
    manifests: Arc<dyn ObjectStore>,
    is_read_only: bool,
    version_checked: OnceCell<()>,
}

impl ObjectStorageCache {
    /// The cache whose root is `root` in `store`, which its user knows as `location`.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, root: Path, location: impl Into<String>) -> Self {
        let keys = Keys::new(root);
        let records = PrefixStore::new(Arc::clone(&store), keys.records());
        let manifests = PrefixStore::new(Arc::clone(&store), keys.manifests());
        let signs = Signs::new(Arc::clone(&store), Arc::new(SystemClock::new()), LEASE_TIME);
        Self {
            inner: Arc::new(Inner {
                location: without_slash(location.into()),
                store,
                keys,
                signs,
                records: Arc::new(records),
                manifests: Arc::new(manifests),
                is_read_only: false,
                version_checked: OnceCell::new(),
            }),
        }
    }

    /// The same whose leases and claims live so long without being renewed.
    #[must_use]
    pub fn with_lease_time(self, time: Duration) -> Self {
        let signs = self.inner.signs.living(time);
        self.with(|inner| inner.signs = signs)
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        let signs = Signs::new(
            Arc::clone(&self.inner.store),
            clock,
            self.inner.signs.lives(),
        );
        self.with(|inner| inner.signs = signs)
    }

    /// The same for reading only. Handles on cubes are then not bound to a generation, so that nothing has to be listed to
    /// read a cube: for plain web servers, which cannot list.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.with(|inner| inner.is_read_only = true)
    }

    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        change(&mut inner);
        Self {
            inner: Arc::new(inner),
        }
    }

    fn info(&self, name: CubeName, found: Found) -> CubeInfo {
        let folder = found.prefix.filename().unwrap_or_default();
        let location = format!("{}/{folder}", self.inner.location);
        let info = CubeInfo::new(name, location, found.finished.committed_at);
        match found.finished.generation {
            Some(generation) => info.with_generation(generation),
            None => info,
        }
    }
}

/// The URL without a slash at its end, unless that is part of `://`.
fn without_slash(location: String) -> String {
    match location.trim_end_matches('/') {
        scheme if scheme.ends_with(':') => format!("{scheme}//"),
        trimmed => trimmed.to_owned(),
    }
}

impl Inner {
    /// Where the finished cube `name` is, if there is one, and what is known of it.
    async fn visible(
        &self,
        name: &CubeName,
    ) -> Result<(Option<Versioned<Standing>>, Option<Found>), CacheError> {
        let known = standing::read(&*self.store, &self.keys, name).await?;
        let standing = known.as_ref().map(|known| &known.value);
        let found = standing::visible(&*self.store, &self.keys, name, standing).await?;
        Ok((known, found))
    }

    /// Makes sure that this cache can be written to, by this version of the software.
    async fn check_writable(&self) -> Result<(), CacheError> {
        if self.is_read_only {
            return Err(CacheError::ReadOnly {
                cache: self.location.clone(),
            });
        }
        let check = || async {
            let hidden = self.keys.hidden_root();
            let listed = self.store.list_with_delimiter(Some(&hidden)).await?;
            let newest = listed
                .common_prefixes
                .iter()
                .filter_map(Keys::version_of)
                .max();
            Keys::check_version(newest, &self.location)
        };
        self.version_checked.get_or_try_init(check).await?;
        Ok(())
    }
}

impl fmt::Debug for ObjectStorageCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The store is asked for its name, since others' `Debug` may show more than it should.
        f.debug_struct("ObjectStorageCache")
            .field("location", &self.inner.location)
            .field("store", &self.inner.store.to_string())
            .finish_non_exhaustive()
    }
}
