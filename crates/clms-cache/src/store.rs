//! The trait that every storage of cubes implements.

use std::{any::Any, fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use object_store::ObjectStore;

use crate::{CacheError, CubeName};

/// A place where finished cubes live, and nothing else is visible.
///
/// Object-safe: the layers above hold an `Arc<dyn CacheStore>`.
///
/// The promise that all implementations keep: a cube is *finished or absent*. It can be listed, looked up and opened only
/// after [`commit`](Self::commit) has returned, and a crash at any instruction leaves the old cube, the new one, or none.
#[async_trait]
pub trait CacheStore: fmt::Debug + Send + Sync + 'static {
    /// The cache's root as its user named it: a path or a URL.
    fn location(&self) -> &str;

    /// The path or URL under which other software opens the cube `name`, whether or not it is there.
    fn cube_location(&self, name: &CubeName) -> String;

    /// All finished cubes, in no particular order.
    fn list(&self) -> BoxStream<'static, Result<CubeInfo, CacheError>>;

    /// The finished cube `name`, or `None`.
    async fn look_up(&self, name: &CubeName) -> Result<Option<CubeInfo>, CacheError>;

    /// How much room the finished cube `name` takes.
    ///
    /// # Errors
    /// [`CacheError::NotFound`] if there is no such cube.
    async fn usage(&self, name: &CubeName) -> Result<Usage, CacheError>;

    /// A handle rooted at the finished cube `name`, for reading.
    ///
    /// # Errors
    /// [`CacheError::NotFound`] if there is no such cube.
    async fn open(&self, name: &CubeName) -> Result<Arc<dyn ObjectStore>, CacheError>;

    /// A new, empty, invisible place to write the cube `name` into.
    async fn stage(&self, name: &CubeName) -> Result<Staged, CacheError>;

    /// Makes what was staged visible in one step; a finished cube of that name is replaced.
    ///
    /// All writes through its handle have to be over. What unfinished ones left is not part of the cube.
    ///
    /// # Errors
    /// [`CacheError::NotWhole`] if there is no Zarr metadata at the root of what was staged. After an error the staging
    /// place is gone, or invisible until it is cleaned up.
    async fn commit(&self, staged: Staged) -> Result<CubeInfo, CacheError>;

    /// Removes what was staged.
    async fn discard(&self, staged: Staged) -> Result<(), CacheError>;

    /// Removes the finished cube `name`; `false` if there was none.
    async fn remove(&self, name: &CubeName) -> Result<bool, CacheError>;

    /// The right to work on the cube `name`, held until the [`Lease`] is dropped or its process ends.
    ///
    /// `holder` is shown to others who ask meanwhile, such as `"clms preload, process 4711 on host alpha"`.
    ///
    /// # Errors
    /// [`CacheError::Held`] with the present holder's text if another one has it.
    async fn lease(&self, name: &CubeName, holder: &str) -> Result<Lease, CacheError>;

    /// A handle rooted at the hidden folder where the layers above keep their records (such as the journal of jobs) next to
    /// the cubes. Each `put` there is atomic.
    fn records(&self) -> Arc<dyn ObjectStore>;

    /// A local folder for downloads in progress, if this cache is itself local: on the same file system and hidden.
    fn scratch(&self) -> Option<PathBuf>;
}

/// A finished cube as [`CacheStore::list`] shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CubeInfo {
    /// The cube's name: its data id.
    pub name: CubeName,
    /// The path or URL under which other software opens it.
    pub location: String,
    /// When it was committed.
    pub committed_at: Timestamp,
}

impl CubeInfo {
    /// A finished cube, as an implementation of [`CacheStore`] found it.
    #[must_use]
    pub fn new(name: CubeName, location: String, committed_at: Timestamp) -> Self {
        Self {
            name,
            location,
            committed_at,
        }
    }
}

/// The room that a cube takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sum of the sizes of all objects.
    pub bytes: u64,
    /// Number of objects (files).
    pub objects: u64,
}

/// A cube that is being written; see [`CacheStore::stage`].
///
/// Dropping it leaves its objects behind, invisible; [`CacheStore::discard`] removes them at once.
#[derive(Debug)]
pub struct Staged {
    name: CubeName,
    id: String,
    store: Arc<dyn ObjectStore>,
    _guard: Guard,
}

impl Staged {
    /// A new staging place, as an implementation of [`CacheStore`] made it. `id` names it within that implementation.
    #[must_use]
    pub fn new(name: CubeName, id: String, store: Arc<dyn ObjectStore>) -> Self {
        Self {
            name,
            id,
            store,
            _guard: Guard::new(()),
        }
    }

    /// The same with a `guard`, which lives as long: for implementations that mark what is in use, such as by a lock.
    #[must_use]
    pub fn with_guard(self, guard: impl Any + Send + Sync) -> Self {
        Self {
            _guard: Guard::new(guard),
            ..self
        }
    }

    /// The cube to be.
    #[must_use]
    pub fn name(&self) -> &CubeName {
        &self.name
    }

    /// The implementation's own name of this staging place.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A handle rooted at the cube to be, for writing.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }
}

/// The right to work on one cube; see [`CacheStore::lease`]. Dropping it gives it back.
#[derive(Debug)]
pub struct Lease {
    name: CubeName,
    _guard: Guard,
}

impl Lease {
    /// A lease that is given back when `guard` is dropped.
    #[must_use]
    pub fn new(name: CubeName, guard: impl Any + Send + Sync) -> Self {
        Self {
            name,
            _guard: Guard::new(guard),
        }
    }

    /// The cube that it is for.
    #[must_use]
    pub fn name(&self) -> &CubeName {
        &self.name
    }
}

/// Something that matters by being alive.
struct Guard {
    _alive: Box<dyn Any + Send + Sync>,
}

impl Guard {
    fn new(alive: impl Any + Send + Sync) -> Self {
        Self {
            _alive: Box::new(alive),
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}
