//! What not every cache can do, and what every one can because it can do the rest.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures::{TryStreamExt, stream::BoxStream};
use object_store::ObjectStore;

use crate::{CacheError, CacheStore, CubeInfo, CubeName, Generation, Usage};

/// Conveniences made of the methods of [`CacheStore`], for every cache.
#[async_trait]
pub trait CacheStoreExt: CacheStore {
    /// The finished cube `name`, which has to be there.
    ///
    /// # Errors
    /// [`CacheError::NotFound`] if it is not, and those of [`look_up`](CacheStore::look_up).
    async fn find(&self, name: &CubeName) -> Result<CubeInfo, CacheError> {
        let found = self.look_up(name).await?;
        found.ok_or_else(|| self.not_found(name))
    }

    /// The room that all finished cubes take together.
    ///
    /// # Errors
    /// Those of [`list`](CacheStore::list) and [`usage`](CacheStore::usage). What is removed meanwhile is not counted.
    async fn total_usage(&self) -> Result<Usage, CacheError> {
        let mut total = Usage::default();
        let mut cubes = self.list();
        while let Some(cube) = cubes.try_next().await? {
            match self.usage(&cube.name).await {
                Ok(usage) => total = total + usage,
                Err(CacheError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(total)
    }

    /// The folder for downloads in progress, if the cache is [`Local`].
    fn scratch(&self) -> Option<PathBuf> {
        self.as_local().map(Local::scratch_folder)
    }

    /// That there is no finished cube `name` here.
    fn not_found(&self, name: &CubeName) -> CacheError {
        CacheError::NotFound {
            name: name.clone(),
            cache: self.location().to_owned(),
        }
    }
}

impl<C: CacheStore + ?Sized> CacheStoreExt for C {}

/// What a cache on this computer's own file systems can do.
pub trait Local: Send + Sync {
    /// A folder for downloads in progress: on the file system of the cubes, and hidden.
    fn scratch_folder(&self) -> PathBuf;
}

/// Looking after what dead writers left. It is in nobody's way, but takes room.
#[async_trait]
pub trait Maintain: Send + Sync {
    /// What dead writers left. That they are dead is found out by locks and leases, never by comparing clocks of different
    /// machines: on object storage the first item may take as long as a lease lives without renewal.
    fn leftovers(&self) -> BoxStream<'_, Result<Leftover, CacheError>>;

    /// Removes what [`leftovers`](Self::leftovers) found; `false` if it is gone already, or somebody's again.
    async fn clear(&self, leftover: &Leftover) -> Result<bool, CacheError>;

    /// True while the writer of that generation lives, that is from before it writes a [`Manifest`](crate::Manifest) until
    /// its cube is visible or never will be.
    async fn is_live(&self, name: &CubeName, generation: &Generation) -> Result<bool, CacheError>;

    /// Who has the lease of the cube `name`, in its own words, as far as one look tells: on object storage a dead one is
    /// recognised only after a while. Changes nothing.
    async fn holder(&self, name: &CubeName) -> Result<Option<String>, CacheError>;

    /// A handle rooted at the hidden folder where the [manifests](crate::Manifest) are. Each `put` there is atomic.
    fn manifests(&self) -> Arc<dyn ObjectStore>;
}

/// Something that a dead writer left in a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// The cube that it was to become or had been, if that can be told.
    pub name: Option<CubeName>,
    /// The generation that it was to become or had been.
    pub generation: Generation,
    /// The room that it takes.
    pub usage: Usage,
}

impl Leftover {
    /// Something that a dead writer left, as an implementation of [`Maintain`] found it.
    #[must_use]
    pub fn new(
        kind: LeftoverKind,
        name: Option<CubeName>,
        generation: Generation,
        usage: Usage,
    ) -> Self {
        Self {
            kind,
            name,
            generation,
            usage,
        }
    }
}

/// See [`Leftover::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftoverKind {
    /// A cube that was being written in the hidden folder.
    Staged,
    /// A cube that was being written, replaced or removed at its final place, without its root metadata.
    Unfinished,
    /// A cube that was removed or replaced and not wholly deleted.
    Trash,
    /// Files of records and manifests that were never written to their end.
    Temporary,
    /// The [`Manifest`](crate::Manifest) of a cube that is not there. Every cache's are found by [`gc`](crate::gc), no
    /// implementation has to.
    Manifest,
}
