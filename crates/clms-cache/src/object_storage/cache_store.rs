//! The cache as the layers above see it.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use object_store::{ObjectMeta, ObjectStore, path::Path, prefix::PrefixStore};

use super::{
    Inner, ObjectStorageCache,
    pinned::PinnedStore,
    sign::{Attempt, Heartbeat},
    standing::{self, Found},
};
use crate::{
    CacheError, CacheStore, CacheStoreExt, CubeInfo, CubeName, Hold, Lease, Local, Maintain,
    Staged, Usage, layout::keys::Keys, manifest,
};

/// How many cubes are looked at at a time to list them.
const LOOKS: usize = 16;

/// How often the objects of a cube that changes meanwhile are listed before it is said to be absent.
const LISTINGS: usize = 5;

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
        self.inner.check_writable().await?;
        self.inner.stage(name).await
    }

    async fn commit(&self, staged: Staged) -> Result<CubeInfo, CacheError> {
        let (name, place) = (staged.name(), self.inner.place(&staged)?);
        let superseded = manifest::superseded(self, name).await?;
        let found = self.inner.commit(&staged, place).await?;
        manifest::forget_superseded(self, name, &superseded).await;
        Ok(self.info(name.clone(), found))
    }

    async fn discard(&self, staged: Staged) -> Result<(), CacheError> {
        let place = self.inner.place(&staged)?;
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

impl Inner {
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
