//! What every implementation of [`CacheStore`] promises, as a suite that its tests run.
//!
//! ```
//! use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
//! use clms_cache::{CacheStore, FilesystemCache, conformance};
//!
//! # let folder = std::env::temp_dir().join(format!("clms-conformance-doc-{}", std::process::id()));
//! let number = AtomicUsize::new(0);
//! let new_cache = || -> Arc<dyn CacheStore> {
//!     let empty = folder.join(number.fetch_add(1, Ordering::Relaxed).to_string());
//!     Arc::new(FilesystemCache::open(empty).unwrap())
//! };
//! # let runtime = tokio::runtime::Runtime::new().unwrap();
//! # runtime.block_on(async {
//! let kept = conformance::run_to(&new_cache, conformance::Extent::SERVER).await.unwrap();
//! assert!(kept > 20);
//! # });
//! # std::fs::remove_dir_all(folder).unwrap();
//! ```
//!
//! [`run_on_object_storage`] has more for caches in object stores: faults at every write, processes that die, and time that passes.
//!
//! What a single process cannot show (that a lease ends with its process, that a killed writer leaves nothing visible) is
//! left to the tests of each implementation.

mod commits;
mod leases;
mod manifests;
mod names;
mod object_storage;
mod records;

use std::{collections::BTreeMap, fmt, sync::Arc};

use futures::{TryStreamExt, future::BoxFuture};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};

pub use self::object_storage::{NewStore, OBJECT_STORAGE_PROMISES, run_on_object_storage};
use crate::{CacheError, CacheStore, CubeInfo, CubeName, InvalidCubeName};

/// Makes a new, empty cache with each call.
pub type NewCache<'a> = &'a (dyn Fn() -> Arc<dyn CacheStore> + Sync);

/// How much is asked of a cache by the promises that take the longer the more they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extent {
    /// So many cubes are in one cache.
    pub cubes: usize,
    /// So many objects are in one cube.
    pub objects: usize,
    /// Of the writes of what is done, a fault is put at every so many-th.
    pub fault_step: usize,
}

impl Extent {
    /// What every cache has to stand.
    pub const FULL: Self = Self {
        cubes: 10_000,
        objects: 10_000,
        fault_step: 1,
    };

    /// For servers that take milliseconds for each request, of which a cube takes a dozen. More than a page of a listing, which
    /// has a thousand objects, is in it nevertheless.
    pub const SERVER: Self = Self {
        cubes: 200,
        objects: 1_100,
        fault_step: 3,
    };
}

/// Runs the suite to its [full extent](Extent::FULL) on caches made by `new_cache`, a new one for each promise, and returns
/// how many promises were kept.
///
/// # Errors
/// All promises that were broken.
pub async fn run(new_cache: NewCache<'_>) -> Result<usize, BrokenPromises> {
    run_to(new_cache, Extent::FULL).await
}

/// Like [`run`], to that `extent`.
///
/// # Errors
/// All promises that were broken.
pub async fn run_to(new_cache: NewCache<'_>, extent: Extent) -> Result<usize, BrokenPromises> {
    check_all(PROMISES, new_cache, extent).await
}

/// Checks each promise on what `new` makes for it.
async fn check_all<S: ?Sized + 'static>(
    promises: &[Promise<S>],
    new: &(dyn Fn() -> Arc<S> + Sync),
    extent: Extent,
) -> Result<usize, BrokenPromises> {
    let mut broken = Vec::new();
    for promise in promises {
        if let Err(error) = promise.check_to(new(), extent).await {
            broken.push(error);
        }
    }
    if broken.is_empty() {
        Ok(promises.len())
    } else {
        Err(BrokenPromises(broken))
    }
}

/// One thing that every cache promises.
///
/// It is checked on a whole cache, or on the object store `S` that caches are made of.
pub struct Promise<S: ?Sized + 'static = dyn CacheStore> {
    text: &'static str,
    check: fn(Arc<S>, Extent) -> BoxFuture<'static, Checked>,
}

impl<S: ?Sized + 'static> Promise<S> {
    /// What is promised.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Finds out whether the promise is kept on `empty`, where nothing must be yet.
    ///
    /// # Errors
    /// What was seen instead.
    pub async fn check(&self, empty: Arc<S>) -> Result<(), BrokenPromise> {
        self.check_to(empty, Extent::FULL).await
    }

    /// Like [`check`](Self::check), to that `extent`.
    ///
    /// # Errors
    /// What was seen instead.
    pub async fn check_to(&self, empty: Arc<S>, extent: Extent) -> Result<(), BrokenPromise> {
        (self.check)(empty, extent)
            .await
            .map_err(|Broken(seen)| BrokenPromise {
                promise: self.text,
                seen,
            })
    }
}

impl<S: ?Sized + 'static> fmt::Debug for Promise<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Promise").field(&self.text).finish()
    }
}

/// A promise that a cache does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("broken promise: {promise}: {seen}")]
#[non_exhaustive]
pub struct BrokenPromise {
    /// The [text](Promise::text) of the promise.
    pub promise: &'static str,
    /// What was seen instead.
    pub seen: String,
}

/// All the promises that a cache does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct BrokenPromises(pub Vec<BrokenPromise>);

/// All promises, each of which is checked on a new, empty cache.
pub const PROMISES: &[Promise] = &[
    promise("an empty cache shows nothing", |cache, _| {
        Box::pin(commits::empty(cache))
    }),
    promise("what is staged is invisible", |cache, _| {
        Box::pin(commits::staged_is_invisible(cache))
    }),
    promise("a committed cube is whole and visible", |cache, _| {
        Box::pin(commits::committed_is_visible(cache))
    }),
    promise(
        "what has no root metadata cannot be committed",
        |cache, _| Box::pin(commits::not_whole_is_refused(cache)),
    ),
    promise("a commit replaces the whole cube", |cache, _| {
        Box::pin(commits::replaces_wholly(cache))
    }),
    promise("a failed commit leaves the old cube", |cache, _| {
        Box::pin(commits::failed_commit_keeps_the_old(cache))
    }),
    promise("what is discarded never appears", |cache, _| {
        Box::pin(commits::discarded_is_gone(cache))
    }),
    promise(
        "what a writer abandons is invisible and in nobody's way",
        |cache, _| Box::pin(commits::abandoned_is_invisible(cache)),
    ),
    promise("staging places of one name are separate", |cache, _| {
        Box::pin(commits::stagings_are_separate(cache))
    }),
    promise("unfinished writes are not part of a cube", |cache, _| {
        Box::pin(commits::unfinished_writes_vanish(cache))
    }),
    promise("a removed cube is gone, and no other", |cache, _| {
        Box::pin(commits::removed_is_gone(cache))
    }),
    promise("usage counts every object and byte", |cache, _| {
        Box::pin(commits::usage_is_exact(cache))
    }),
    promise("a cube is what its manifest says", |cache, _| {
        Box::pin(manifests::agree_with_their_cubes(cache))
    }),
    promise("cubes are both Zarr formats", |cache, _| {
        Box::pin(commits::both_formats_count(cache))
    }),
    promise("commits at once end in one whole cube", |cache, _| {
        Box::pin(commits::commits_at_once(cache))
    }),
    promise(
        "readers of a cube that is replaced see no torn objects",
        |cache, _| Box::pin(commits::readers_see_whole_objects(cache)),
    ),
    promise(
        "a reader of a cube that was replaced is told so",
        |cache, _| Box::pin(commits::readers_are_told(cache)),
    ),
    promise("every valid name works", |cache, _| {
        Box::pin(names::every_name_works(cache))
    }),
    promise(
        "names that resemble each other are different",
        |cache, _| Box::pin(names::similar_names_differ(cache)),
    ),
    promise("many cubes are listed, each once", |cache, extent| {
        Box::pin(names::many_are_listed(cache, extent))
    }),
    promise("a lease excludes others until it is dropped", |cache, _| {
        Box::pin(leases::excludes(cache))
    }),
    promise("leases of different cubes are independent", |cache, _| {
        Box::pin(leases::are_independent(cache))
    }),
    promise(
        "of many who want a lease at once one gets it",
        |cache, _| Box::pin(leases::one_of_many(cache)),
    ),
    promise(
        "records are kept and invisible among the cubes",
        |cache, _| Box::pin(records::kept_and_invisible(cache)),
    ),
    promise("each put of a record is atomic", |cache, _| {
        Box::pin(records::puts_are_atomic(cache))
    }),
    promise("scratch is invisible among the cubes", |cache, _| {
        Box::pin(records::scratch_is_invisible(cache))
    }),
];

const fn promise(
    text: &'static str,
    check: fn(Arc<dyn CacheStore>, Extent) -> BoxFuture<'static, Checked>,
) -> Promise {
    Promise { text, check }
}

/// What a check found.
type Checked = Result<(), Broken>;

/// What was seen instead of what was promised.
struct Broken(String);

macro_rules! broken_by {
    ($($error:ty),*) => {
        $(impl From<$error> for Broken {
            fn from(error: $error) -> Self {
                Self(format!("failed: {error}"))
            }
        })*
    };
}
broken_by!(
    CacheError,
    object_store::Error,
    InvalidCubeName,
    std::io::Error
);

/// Ends a check unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($seen:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Broken(format!($($seen)+)));
        }
    };
}
use ensure;

/// The objects of a cube, by key.
type Objects = BTreeMap<String, Vec<u8>>;

/// The objects of a small cube whose every object bears the mark `generation`.
fn objects(generation: &str) -> Objects {
    let keys = [
        "zarr.json",
        "band/zarr.json",
        "band/c/0/0",
        "band/c/0/1",
        "spatial_ref/zarr.json",
    ];
    keys.into_iter()
        .map(|key| {
            (
                key.to_owned(),
                format!("{{\"{key}\": \"{generation}\"}}").into_bytes(),
            )
        })
        .collect()
}

async fn write(store: &dyn ObjectStore, objects: &Objects) -> Checked {
    for (key, bytes) in objects {
        store
            .put(&Path::from(key.as_str()), bytes.clone().into())
            .await?;
    }
    Ok(())
}

async fn read(store: &dyn ObjectStore) -> Result<Objects, Broken> {
    let mut objects = Objects::new();
    let listed: Vec<_> = store.list(None).try_collect().await?;
    for meta in listed {
        let bytes = store.get(&meta.location).await?.bytes().await?;
        ensure!(
            bytes.len() as u64 == meta.size,
            "{} is listed with {} bytes and has {}",
            meta.location,
            meta.size,
            bytes.len()
        );
        objects.insert(meta.location.to_string(), bytes.to_vec());
    }
    Ok(objects)
}

async fn commit(
    cache: &dyn CacheStore,
    name: &CubeName,
    objects: &Objects,
) -> Result<CubeInfo, Broken> {
    let staged = cache.stage(name).await?;
    write(&*staged.store(), objects).await?;
    Ok(cache.commit(staged).await?)
}

/// The names of all listed cubes, sorted, with their repetitions.
async fn listed(cache: &dyn CacheStore) -> Result<Vec<CubeName>, Broken> {
    let mut names: Vec<_> = cache.list().map_ok(|cube| cube.name).try_collect().await?;
    names.sort();
    Ok(names)
}

/// Ends a check unless `name` is nowhere to be seen.
async fn ensure_absent(cache: &dyn CacheStore, name: &CubeName) -> Checked {
    let seen = cache.look_up(name).await?;
    ensure!(seen.is_none(), "{name} is looked up as {seen:?}");
    ensure!(!listed(cache).await?.contains(name), "{name} is listed");
    let opened = cache.open(name).await;
    ensure!(
        matches!(opened, Err(CacheError::NotFound { .. })),
        "{name} is opened as {opened:?}"
    );
    let usage = cache.usage(name).await;
    ensure!(
        matches!(usage, Err(CacheError::NotFound { .. })),
        "the usage of {name} is {usage:?}"
    );
    Ok(())
}

/// Ends a check unless `name` is visible everywhere and has these objects.
async fn ensure_present(cache: &dyn CacheStore, name: &CubeName, objects: &Objects) -> Checked {
    let seen = cache.look_up(name).await?;
    ensure!(
        seen.as_ref().is_some_and(|cube| cube.name == *name),
        "{name} is looked up as {seen:?}"
    );
    let times = listed(cache)
        .await?
        .iter()
        .filter(|listed| *listed == name)
        .count();
    ensure!(times == 1, "{name} is listed {times} times");
    let found = read(&*cache.open(name).await?).await?;
    ensure!(
        found == *objects,
        "{name} has {found:?} instead of {objects:?}"
    );
    Ok(())
}
