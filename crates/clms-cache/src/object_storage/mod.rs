//! A cache in an object store: S3, Google, Azure, memory, and read-only behind HTTP.

mod aws_profile;
mod clock;
mod commit;
mod connect;
mod leftovers;
#[cfg(feature = "conformance")]
mod manual_clock;
mod pinned;
mod sign;
mod staged;
mod standing;
mod swap;

use std::{collections::BTreeMap, fmt, fs, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use jiff::Timestamp;
use object_store::{ObjectMeta, ObjectStore, path::Path, prefix::PrefixStore};
use tokio::sync::OnceCell;

pub use self::clock::{Clock, Moment};
pub(crate) use self::connect::connect;
#[cfg(feature = "conformance")]
pub use self::manual_clock::ManualClock;
use self::{
    clock::SystemClock,
    commit::guard,
    pinned::PinnedStore,
    sign::{Attempt, Heartbeat, Signs},
    staged::{StagedHandle, StagedStore},
    standing::{Found, Standing},
    swap::Versioned,
};
use crate::{
    CacheError, CacheStore, CacheStoreExt, CubeInfo, CubeName, Generation, Hold, Lease, Local,
    Maintain, Staged, Usage,
    layout::{ROOT_METADATA, keys::Keys},
    manifest,
};

/// How many cubes are looked at at a time to list them.
const LOOKS: usize = 16;

/// How often the objects of a cube that changes meanwhile are listed before it is said to be absent.
const LISTINGS: usize = 5;

/// How long a lease and a writer's claim live without being renewed, unless it is said otherwise.
const LEASE_TIME: Duration = Duration::from_secs(60);

/// A cache in an object store.
///
/// The storage has to honour conditional writes (`If-Match`, `If-None-Match`), as S3, Google, Azure and most others do;
/// that is checked before the first write. What each method costs, in requests:
///
/// - [`look_up`](CacheStore::look_up): two for a cube that is there, up to three for one that is not;
///   [`list`](CacheStore::list): one for a thousand cubes, and two for each;
/// - [`open`](CacheStore::open): three, and one for a thousand objects; reading through it is one request for a read, and
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

struct Inner {
    location: String,
    store: Arc<dyn ObjectStore>,
    keys: Keys,
    signs: Arc<Signs>,
    records: Arc<dyn ObjectStore>,
    manifests: Arc<dyn ObjectStore>,
    is_read_only: bool,
    /// What this process says about itself to others.
    this_process: String,
    version_checked: OnceCell<()>,
}

/// A staging place, kept by its [`Staged`].
struct Place {
    generation: Generation,
    /// Where the objects are written to: at the cube's final place, or in the hidden folder.
    prefix: Path,
    /// What is known of the cube, if this is its writer.
    claimed: Option<Versioned<Standing>>,
    staged: Arc<StagedStore>,
    signs: Arc<Signs>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.staged.abandon();
    }
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
                this_process: this_process(),
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
        let old = &self.inner;
        let mut inner = Inner {
            location: old.location.clone(),
            store: Arc::clone(&old.store),
            keys: old.keys.clone(),
            signs: Arc::clone(&old.signs),
            records: Arc::clone(&old.records),
            manifests: Arc::clone(&old.manifests),
            is_read_only: old.is_read_only,
            this_process: old.this_process.clone(),
            version_checked: OnceCell::new(),
        };
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

/// What this process says about itself to others.
fn this_process() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => format!("process {}", std::process::id()),
        host => format!("process {} on {host}", std::process::id()),
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

    async fn commit(&self, new: &Staged, place: &Place) -> Result<Found, CacheError> {
        let name = new.name();
        let staged = &place.staged;
        staged.close().await;
        let withheld = staged.withheld().await?;
        if !withheld
            .iter()
            .any(|(key, _)| ROOT_METADATA.contains(&key.as_ref()))
        {
            self.discard(name, place).await?;
            return Err(CacheError::NotWhole { name: name.clone() });
        }
        let heartbeat = staged.heartbeat();
        let mut written = staged.written();
        let known = match &place.claimed {
            Some(known) => known.clone(),
            None => {
                // While the old cube is still there.
                manifest::write(&self.manifests, new, Timestamp::now()).await?;
                let known = self.claim(name, &place.generation).await?;
                let known = self.clear(name, known, heartbeat).await?;
                self.copy(name, &place.prefix, &written, heartbeat).await?;
                // The copies have tags of their own.
                written
                    .values_mut()
                    .for_each(|written| written.e_tag = None);
                known
            }
        };
        self.compare(name, &written, heartbeat).await?;
        if place.claimed.is_some() {
            // Now that nothing else lies there.
            manifest::write(&self.manifests, new, Timestamp::now()).await?;
        }
        let finished = self
            .publish(name, &place.generation, &known, withheld, heartbeat)
            .await?;
        if let Err(error) = self.clean_up(place).await {
            tracing::warn!(%error, "cannot clean up after a commit");
        }
        Ok(Found {
            prefix: self.keys.cube(name),
            finished,
        })
    }

    /// Removes what is left of a staging place after its commit.
    async fn clean_up(&self, place: &Place) -> Result<(), CacheError> {
        if place.claimed.is_none() {
            let (_, left) = standing::keys_below(&*self.store, &place.prefix).await?;
            self.delete(left).await?;
        }
        place.staged.heartbeat().end(true).await
    }

    async fn discard(&self, name: &CubeName, place: &Place) -> Result<(), CacheError> {
        let staged = &place.staged;
        staged.close().await;
        staged.forget_withheld().await?;
        let heartbeat = staged.heartbeat();
        let (root, rest) = standing::keys_below(&*self.store, &place.prefix).await?;
        let left = root.into_iter().chain(rest).collect();
        guard(name, heartbeat, self.delete(left)).await?;
        if let Some(known) = &place.claimed {
            let end = self.advance(name, known, None, None);
            guard(name, heartbeat, end).await?;
        }
        heartbeat.end(true).await
    }

    /// Removes the cube `name` that was `found`.
    async fn remove(&self, name: &CubeName, found: Found) -> Result<(), CacheError> {
        let generation = Generation::random();
        let heartbeat = self.new_writer(&generation).await?;
        let known = self.claim(name, &generation).await?;
        if found.prefix == self.keys.cube(name) {
            let known = self.clear(name, known, &heartbeat).await?;
            self.advance(name, &known, None, None).await?;
        } else {
            let (root, rest) = standing::keys_below(&*self.store, &found.prefix).await?;
            let keys = root.into_iter().chain(rest).collect();
            guard(name, &heartbeat, self.delete(keys)).await?;
            let finished = known.value.finished.clone();
            self.advance(name, &known, finished, None).await?;
        }
        heartbeat.end(true).await
    }

    /// The objects of the cube that was `found`, by their keys within it.
    async fn listed(&self, found: &Found) -> Result<BTreeMap<Path, ObjectMeta>, CacheError> {
        let mut metas = self.store.list(Some(&found.prefix));
        let mut listed = BTreeMap::new();
        while let Some(meta) = metas.try_next().await? {
            if let Some(parts) = meta.location.prefix_match(&found.prefix) {
                let location: Path = parts.collect();
                listed.insert(location.clone(), ObjectMeta { location, ..meta });
            }
        }
        Ok(listed)
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

#[async_trait]
impl CacheStore for ObjectStorageCache {
    fn location(&self) -> &str {
        &self.inner.location
    }

    fn cube_location(&self, name: &CubeName) -> String {
        format!("{}/{}", self.inner.location, name.folder())
    }

    fn list(&self) -> BoxStream<'static, Result<CubeInfo, CacheError>> {
        let this = self.clone();
        let cubes = async move {
            let inner = &this.inner;
            let root = Some(inner.keys.root()).filter(|root| root.parts_count() > 0);
            let listed = inner.store.list_with_delimiter(root).await?;
            let looks = stream::iter(listed.common_prefixes)
                .filter_map(|prefix| async move { Some((Keys::name_of(&prefix)?, prefix)) })
                .map(move |(name, prefix)| {
                    let this = this.clone();
                    async move {
                        let (_, found) = this.inner.visible(&name).await?;
                        // The other spelling of the same name goes first.
                        let found = found.filter(|found| found.prefix == prefix);
                        Ok(found.map(|found| this.info(name, found)))
                    }
                })
                .buffer_unordered(LOOKS)
                .try_filter_map(|info| async move { Ok(info) });
            Ok::<_, CacheError>(looks)
        };
        stream::once(cubes).try_flatten().boxed()
    }

    async fn look_up(&self, name: &CubeName) -> Result<Option<CubeInfo>, CacheError> {
        let (_, found) = self.inner.visible(name).await?;
        Ok(found.map(|found| self.info(name.clone(), found)))
    }

    async fn usage(&self, name: &CubeName) -> Result<Usage, CacheError> {
        let (_, found) = self.inner.visible(name).await?;
        let found = found.ok_or_else(|| self.not_found(name))?;
        let mut metas = self.inner.store.list(Some(&found.prefix));
        let mut usage = Usage::default();
        while let Some(meta) = metas.try_next().await? {
            usage.bytes += meta.size;
            usage.objects += 1;
        }
        Ok(usage)
    }

    async fn open(&self, name: &CubeName) -> Result<Arc<dyn ObjectStore>, CacheError> {
        let inner = &self.inner;
        for _ in 0..LISTINGS {
            let (before, found) = inner.visible(name).await?;
            let Some(found) = found else {
                break;
            };
            let cube = PrefixStore::new(Arc::clone(&inner.store), found.prefix.clone());
            if inner.is_read_only {
                return Ok(Arc::new(cube));
            }
            let listed = inner.listed(&found).await?;
            let after = standing::read(&*inner.store, &inner.keys, name).await?;
            let is_unchanged = before.map(|known| known.value) == after.map(|known| known.value);
            let root = Path::from(found.finished.root.as_str());
            if is_unchanged && listed.contains_key(&root) {
                return Ok(Arc::new(PinnedStore::new(name.clone(), cube, listed)));
            }
        }
        Err(self.not_found(name))
    }

    async fn stage(&self, name: &CubeName) -> Result<Staged, CacheError> {
        let inner = &self.inner;
        inner.check_writable().await?;
        let generation = Generation::random();
        let heartbeat = inner.new_writer(&generation).await?;
        let claimed = match inner.try_claim(name, &generation).await? {
            Some(claimed) => Some(inner.clear(name, claimed, &heartbeat).await?),
            None => None,
        };
        let prefix = match claimed {
            Some(_) => inner.keys.cube(name),
            None => inner.keys.staged(&generation),
        };
        let staged = Arc::new(StagedStore::new(
            Arc::clone(&inner.store),
            prefix.clone(),
            heartbeat,
            Arc::clone(&inner.signs),
        ));
        let handle = Arc::new(StagedHandle(Arc::clone(&staged)));
        let place = Place {
            generation: generation.clone(),
            prefix,
            claimed,
            staged,
            signs: Arc::clone(&inner.signs),
        };
        Ok(Staged::new(name.clone(), generation, handle).with_guard(place))
    }

    async fn commit(&self, staged: Staged) -> Result<CubeInfo, CacheError> {
        let (name, place) = (staged.name(), self.place(&staged)?);
        let superseded = manifest::superseded(self, name).await?;
        let found = self.inner.commit(&staged, place).await?;
        manifest::forget_superseded(self, name, &superseded).await;
        Ok(self.info(name.clone(), found))
    }

    async fn discard(&self, staged: Staged) -> Result<(), CacheError> {
        let place = self.place(&staged)?;
        self.inner.discard(staged.name(), place).await
    }

    async fn remove(&self, name: &CubeName) -> Result<bool, CacheError> {
        self.inner.check_writable().await?;
        let superseded = manifest::superseded(self, name).await?;
        let mut removed = false;
        while let (_, Some(found)) = self.inner.visible(name).await? {
            self.inner.remove(name, found).await?;
            removed = true;
        }
        if removed {
            manifest::forget_superseded(self, name, &superseded).await;
        }
        Ok(removed)
    }

    async fn lease(&self, name: &CubeName, holder: &str) -> Result<Lease, CacheError> {
        self.inner.check_writable().await?;
        let path = self.inner.keys.lease(name);
        match self.inner.signs.give(path, holder).await? {
            Attempt::Given(heartbeat) => Ok(Lease::held_by(name.clone(), Held(heartbeat))),
            Attempt::Held(holder) => Err(CacheError::Held {
                name: name.clone(),
                holder,
            }),
        }
    }

    fn records(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.records)
    }

    fn as_local(&self) -> Option<&dyn Local> {
        None
    }

    fn as_maintain(&self) -> Option<&dyn Maintain> {
        (!self.inner.is_read_only).then_some(self)
    }
}

impl ObjectStorageCache {
    /// The staging place of `staged`, if it is one of this cache.
    fn place<'s>(&self, staged: &'s Staged) -> Result<&'s Place, CacheError> {
        staged
            .guard::<Place>()
            .filter(|place| Arc::ptr_eq(&place.signs, &self.inner.signs))
            .ok_or_else(|| CacheError::NotStagedHere {
                name: staged.name().clone(),
                cache: self.inner.location.clone(),
            })
    }
}

/// A lease, as long as its sign is given.
struct Held(Heartbeat);

#[async_trait]
impl Hold for Held {
    fn is_lost(&self) -> bool {
        self.0.is_lost()
    }

    async fn give_back(self: Box<Self>) -> Result<(), CacheError> {
        self.0.end(false).await
    }
}
