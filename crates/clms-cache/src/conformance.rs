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
//! let kept = conformance::run(&new_cache).await.unwrap();
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

pub use self::object_storage::{OBJECT_STORAGE_PROMISES, run_on_object_storage};
use crate::{CacheError, CacheStore, CubeInfo, CubeName, InvalidCubeName};

/// Makes a new, empty cache with each call.
pub type NewCache<'a> = &'a (dyn Fn() -> Arc<dyn CacheStore> + Sync);

/// Runs the suite on caches made by `new_cache`, a new one for each promise, and returns how many promises were kept.
///
/// # Errors
/// All promises that were broken.
pub async fn run(new_cache: NewCache<'_>) -> Result<usize, BrokenPromises> {
    let mut broken = Vec::new();
    for promise in PROMISES {
        if let Err(error) = promise.check(new_cache()).await {
            broken.push(error);
        }
    }
    if broken.is_empty() {
        Ok(PROMISES.len())
    } else {
        Err(BrokenPromises(broken))
    }
}

/// One thing that every cache promises.
///
/// It is checked on a whole cache, or on the object store `S` that caches are made of.
pub struct Promise<S: ?Sized + 'static = dyn CacheStore> {
    text: &'static str,
    check: fn(Arc<S>) -> BoxFuture<'static, Checked>,
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
        (self.check)(empty)
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
    promise("an empty cache shows nothing", |cache| {
        Box::pin(commits::empty(cache))
    }),
    promise("what is staged is invisible", |cache| {
        Box::pin(commits::staged_is_invisible(cache))
    }),
    promise("a committed cube is whole and visible", |cache| {
        Box::pin(commits::committed_is_visible(cache))
    }),
    promise("what has no root metadata cannot be committed", |cache| {
        Box::pin(commits::not_whole_is_refused(cache))
    }),
    promise("a commit replaces the whole cube", |cache| {
        Box::pin(commits::replaces_wholly(cache))
    }),
    promise("a failed commit leaves the old cube", |cache| {
        Box::pin(commits::failed_commit_keeps_the_old(cache))
    }),
    promise("what is discarded never appears", |cache| {
        Box::pin(commits::discarded_is_gone(cache))
    }),
    promise(
        "what a writer abandons is invisible and in nobody's way",
        |cache| Box::pin(commits::abandoned_is_invisible(cache)),
    ),
    promise("staging places of one name are separate", |cache| {
        Box::pin(commits::stagings_are_separate(cache))
    }),
    promise("unfinished writes are not part of a cube", |cache| {
        Box::pin(commits::unfinished_writes_vanish(cache))
    }),
    promise("a removed cube is gone, and no other", |cache| {
        Box::pin(commits::removed_is_gone(cache))
    }),
    promise("usage counts every object and byte", |cache| {
        Box::pin(commits::usage_is_exact(cache))
    }),
    promise("a cube is what its manifest says", |cache| {
        Box::pin(manifests::agree_with_their_cubes(cache))
    }),
    promise("cubes are both Zarr formats", |cache| {
        Box::pin(commits::both_formats_count(cache))
    }),
    promise("commits at once end in one whole cube", |cache| {
        Box::pin(commits::commits_at_once(cache))
    }),
    promise(
        "readers of a cube that is replaced see no torn objects",
        |cache| Box::pin(commits::readers_see_whole_objects(cache)),
    ),
    promise("every valid name works", |cache| {
        Box::pin(names::every_name_works(cache))
    }),
    promise("names that resemble each other are different", |cache| {
        Box::pin(names::similar_names_differ(cache))
    }),
    promise("many cubes are listed, each once", |cache| {
        Box::pin(names::many_are_listed(cache))
    }),
    promise("a lease excludes others until it is dropped", |cache| {
        Box::pin(leases::excludes(cache))
    }),
    promise("leases of different cubes are independent", |cache| {
        Box::pin(leases::are_independent(cache))
    }),
    promise("of many who want a lease at once one gets it", |cache| {
        Box::pin(leases::one_of_many(cache))
    }),
    promise("records are kept and invisible among the cubes", |cache| {
        Box::pin(records::kept_and_invisible(cache))
    }),
    promise("each put of a record is atomic", |cache| {
        Box::pin(records::puts_are_atomic(cache))
    }),
    promise("scratch is invisible among the cubes", |cache| {
        Box::pin(records::scratch_is_invisible(cache))
    }),
];

const fn promise(
    text: &'static str,
    check: fn(Arc<dyn CacheStore>) -> BoxFuture<'static, Checked>,
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
