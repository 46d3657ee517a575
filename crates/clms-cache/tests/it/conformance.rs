//! The suite, run on what we have, and on what is broken on purpose.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use clms_cache::{
    CacheStore, FilesystemCache, ObjectStorageCache,
    conformance::{self, Extent},
};
use object_store::{ObjectStore, memory::InMemory, path::Path};

use crate::faulty::{Fault, Faulty};

/// Gives out caches in new folders below `root`, each put into what `wrap` makes of it.
fn caches(
    root: &std::path::Path,
    wrap: impl Fn(FilesystemCache) -> Arc<dyn CacheStore> + Sync,
) -> impl Fn() -> Arc<dyn CacheStore> + Sync {
    let number = AtomicUsize::new(0);
    move || {
        let folder = root.join(number.fetch_add(1, Ordering::Relaxed).to_string());
        wrap(FilesystemCache::open(folder).unwrap())
    }
}

#[tokio::test]
async fn the_filesystem_keeps_every_promise() {
    // In memory where that is possible: ten thousand commits are flushed to a disk one by one. The next test is on disk.
    let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let root = root.unwrap();
    let kept = conformance::run(&caches(root.path(), |cache| Arc::new(cache))).await;
    assert_eq!(
        kept.unwrap_or_else(|broken| panic!("{broken}")),
        conformance::PROMISES.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_filesystem_keeps_every_promise_with_odd_roots_and_many_threads() {
    let root = tempfile::tempdir().unwrap();
    let odd = root.path().join("a|b c#1/%7C ü");
    let kept = conformance::run_to(&caches(&odd, |cache| Arc::new(cache)), Extent::SERVER).await;
    assert_eq!(
        kept.unwrap_or_else(|broken| panic!("{broken}")),
        conformance::PROMISES.len()
    );
}

/// A new cache in memory with each call, and a root within it.
fn in_memory() -> Arc<dyn CacheStore> {
    let root = Path::parse("cubes of/~us|#1").unwrap();
    Arc::new(ObjectStorageCache::new(
        Arc::new(InMemory::new()),
        root,
        "memory://",
    ))
}

#[tokio::test]
async fn object_storage_keeps_every_promise() {
    let kept = conformance::run(&in_memory).await;
    assert_eq!(
        kept.unwrap_or_else(|broken| panic!("{broken}")),
        conformance::PROMISES.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn object_storage_keeps_every_promise_with_many_threads() {
    let kept = conformance::run_to(&in_memory, Extent::SERVER).await;
    assert_eq!(
        kept.unwrap_or_else(|broken| panic!("{broken}")),
        conformance::PROMISES.len()
    );
}

#[tokio::test]
async fn object_storage_keeps_its_promises_when_it_fails() {
    let new_store = || -> Arc<dyn ObjectStore> { Arc::new(InMemory::new()) };
    let kept = conformance::run_on_object_storage(&new_store, Extent::FULL).await;
    assert_eq!(
        kept.unwrap_or_else(|broken| panic!("{broken}")),
        conformance::OBJECT_STORAGE_PROMISES.len()
    );
}

#[tokio::test]
async fn each_fault_is_found_under_the_promise_it_breaks() {
    let expected = [
        (Fault::ListsNothing, "many cubes are listed, each once"),
        (Fault::ListsTwice, "many cubes are listed, each once"),
        (Fault::ListsStaged, "what is staged is invisible"),
        (Fault::LooksUpEverything, "an empty cache shows nothing"),
        (Fault::CountsTooFew, "usage counts every object and byte"),
        (Fault::OpensAnother, "a committed cube is whole and visible"),
        (
            Fault::StagesInPlace,
            "what a writer abandons is invisible and in nobody's way",
        ),
        (Fault::StagesInPlace, "what is staged is invisible"),
        (Fault::StagesInPlace, "a failed commit leaves the old cube"),
        (
            Fault::StagesInOneFolder,
            "staging places of one name are separate",
        ),
        (Fault::StartsFromTheOld, "a commit replaces the whole cube"),
        (
            Fault::CommitsNothing,
            "a committed cube is whole and visible",
        ),
        (Fault::CommitsNothing, "cubes are both Zarr formats"),
        (Fault::TearsCubes, "a cube is what its manifest says"),
        (
            Fault::CommitsAnything,
            "what has no root metadata cannot be committed",
        ),
        (Fault::DiscardsByCommit, "what is discarded never appears"),
        (
            Fault::RemovesNothing,
            "a removed cube is gone, and no other",
        ),
        (Fault::RemovesAll, "a removed cube is gone, and no other"),
        (
            Fault::LeasesToAll,
            "of many who want a lease at once one gets it",
        ),
        (
            Fault::LeasesToAll,
            "a lease excludes others until it is dropped",
        ),
        (
            Fault::LeasesOneAtATime,
            "leases of different cubes are independent",
        ),
        (
            Fault::HidesTheHolder,
            "a lease excludes others until it is dropped",
        ),
        (
            Fault::ForgetsRecords,
            "records are kept and invisible among the cubes",
        ),
        (
            Fault::RecordsAmongCubes,
            "records are kept and invisible among the cubes",
        ),
        (
            Fault::ScratchAmongCubes,
            "scratch is invisible among the cubes",
        ),
        (Fault::MixesGenerations, "a commit replaces the whole cube"),
        (
            Fault::MixesGenerations,
            "commits at once end in one whole cube",
        ),
        (
            Fault::LeavesUploads,
            "unfinished writes are not part of a cube",
        ),
        (
            Fault::TearsCubes,
            "readers of a cube that is replaced see no torn objects",
        ),
        (
            Fault::OpensWhatComes,
            "a reader of a cube that was replaced is told so",
        ),
        (Fault::TearsRecords, "each put of a record is atomic"),
        (Fault::ConfusesNames, "every valid name works"),
        (
            Fault::ConfusesNames,
            "names that resemble each other are different",
        ),
    ];
    for (fault, text) in expected {
        let root = tempfile::tempdir().unwrap();
        let cache = caches(root.path(), move |inner| {
            Arc::new(Faulty::new(inner, fault))
        })();
        let promise = conformance::PROMISES
            .iter()
            .find(|promise| promise.text() == text)
            .unwrap();
        let broken = promise.check_to(cache, Extent::SERVER).await.unwrap_err();
        assert_eq!(broken.promise, text, "{fault:?}");
    }
    let covered: BTreeSet<_> = expected.iter().map(|(_, text)| *text).collect();
    for promise in conformance::PROMISES {
        assert!(
            covered.contains(promise.text()),
            "nothing shows that this check can fail: {promise:?}"
        );
    }
}

/// What is found above is due to the faults.
#[tokio::test]
async fn the_cache_without_a_fault_keeps_every_promise() {
    let root = tempfile::tempdir().unwrap();
    let new_cache = caches(root.path(), |inner| {
        Arc::new(Faulty::new(inner, Fault::None))
    });
    conformance::run_to(&new_cache, Extent::SERVER)
        .await
        .unwrap_or_else(|broken| panic!("{broken}"));
}
