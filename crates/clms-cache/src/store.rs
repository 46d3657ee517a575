//! The trait that every storage of cubes implements.

use std::{
    any::Any,
    fmt,
    hash::{BuildHasher, RandomState},
    ops::Add,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use object_store::ObjectStore;
use serde::{Deserialize, Serialize};

use crate::{
    CacheError, CubeName, Lease, Local, Maintain, Origin,
    manifest::{Recording, Written},
};

/// A place where finished cubes live, and nothing else is visible.
///
/// Object-safe: the layers above hold an `Arc<dyn CacheStore>`. [`CacheStoreExt`](crate::CacheStoreExt) adds what can be
/// made of these methods; what only some caches can do is in traits of its own ([`Local`], [`Maintain`]).
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
    /// It is bound to the generation that is there now: once the cube has been replaced or removed, reads fail with
    /// [`WasReplaced`](crate::WasReplaced) rather than mix two generations.
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

    /// The right to work on the cube `name`, held until the [`Lease`] is given back or its process ends.
    ///
    /// `holder` is shown to others who ask meanwhile, such as `"clms preload, process 4711 on host alpha"`.
    ///
    /// # Errors
    /// [`CacheError::Held`] with the present holder's text if another one has it.
    async fn lease(&self, name: &CubeName, holder: &str) -> Result<Lease, CacheError>;

    /// A handle rooted at the hidden folder where the layers above keep their records (such as the journal of jobs) next to
    /// the cubes. Each `put` there is atomic.
    fn records(&self) -> Arc<dyn ObjectStore>;

    /// What a cache on this computer's own file systems can do, if this is one.
    fn as_local(&self) -> Option<&dyn Local>;

    /// Looking after what dead writers left, if this cache can.
    fn as_maintain(&self) -> Option<&dyn Maintain>;
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
    /// Which one of all the cubes that ever had this name, if the cache knows.
    pub generation: Option<Generation>,
}

impl CubeInfo {
    /// A finished cube, as an implementation of [`CacheStore`] found it.
    #[must_use]
    pub fn new(name: CubeName, location: String, committed_at: Timestamp) -> Self {
        Self {
            name,
            location,
            committed_at,
            generation: None,
        }
    }

    /// The same of that `generation`.
    #[must_use]
    pub fn with_generation(self, generation: Generation) -> Self {
        Self {
            generation: Some(generation),
            ..self
        }
    }
}

/// One of all the cubes that ever had a name: 32 hexadecimal digits that no other one has.
///
/// What is staged gets one, and the cube keeps it when it is committed. Unlike a time it can be compared across machines.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Generation(String);

impl Generation {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        // Seeded by the system, once per process and changed with each use: no crate of random numbers is needed.
        let random = || RandomState::new().hash_one(std::process::id());
        Self(format!("{:016x}{:016x}", random(), random()))
    }

    /// `None` if `text` is not the text of a generation.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then(|| Self(text.to_owned()))
    }

    /// Its text; safe as a component of a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Generation {
    type Err = InvalidGeneration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(InvalidGeneration)
    }
}

impl TryFrom<String> for Generation {
    type Error = InvalidGeneration;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A text that is no [`Generation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a generation has 32 hexadecimal digits")]
pub struct InvalidGeneration;

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            objects: self.objects + other.objects,
        }
    }
}

/// A cube that is being written; see [`CacheStore::stage`].
///
/// Dropping it leaves its objects behind, invisible; [`CacheStore::discard`] removes them at once.
#[derive(Debug)]
pub struct Staged {
    name: CubeName,
    generation: Generation,
    store: Arc<dyn ObjectStore>,
    written: Arc<Written>,
    origin: Mutex<Origin>,
    guard: Guard,
}

impl Staged {
    /// A new staging place, as an implementation of [`CacheStore`] made it.
    #[must_use]
    pub fn new(name: CubeName, generation: Generation, store: Arc<dyn ObjectStore>) -> Self {
        let written = Arc::new(Written::default());
        Self {
            name,
            generation,
            store: Arc::new(Recording::new(store, Arc::clone(&written))),
            written,
            origin: Mutex::default(),
            guard: Guard::new(()),
        }
    }

    /// The same with a `guard`, which lives as long and can be [had again](Self::guard): for implementations that mark what is in use, such as by a lock.
    #[must_use]
    pub fn with_guard(self, guard: impl Any + Send + Sync) -> Self {
        Self {
            guard: Guard::new(guard),
            ..self
        }
    }

    /// The same whose [handle](Self::store) is what `adapt` makes of its own.
    #[must_use]
    pub fn adapted(self, adapt: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self {
            store: adapt(self.store),
            ..self
        }
    }

    /// The guard that this staging place was made with, if it is of that type.
    #[must_use]
    pub fn guard<G: Any>(&self) -> Option<&G> {
        self.guard.alive.downcast_ref()
    }

    /// The cube to be.
    #[must_use]
    pub fn name(&self) -> &CubeName {
        &self.name
    }

    /// The generation that this will be, by which the implementation also finds the staging place.
    #[must_use]
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// Says where the cube comes from; kept in its [`Manifest`](crate::Manifest).
    pub fn set_origin(&self, origin: Origin) {
        *self.origin.lock().unwrap_or_else(PoisonError::into_inner) = origin;
    }

    /// Where the cube comes from, as far as anybody said so.
    pub(crate) fn origin(&self) -> Origin {
        let origin = self.origin.lock().unwrap_or_else(PoisonError::into_inner);
        origin.clone()
    }

    /// What was written through [`store`](Self::store).
    pub(crate) fn written(&self) -> &Written {
        &self.written
    }

    /// A handle rooted at the cube to be, for writing. What passes through it is hashed on its way.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }
}

/// What an implementation keeps alive with a staging place.
struct Guard {
    alive: Box<dyn Any + Send + Sync>,
}

impl Guard {
    fn new(alive: impl Any + Send + Sync) -> Self {
        Self {
            alive: Box::new(alive),
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}
