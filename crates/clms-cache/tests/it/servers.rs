//! The suite, run on real servers; each of which is first asked whether it honours what leases stand on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use clms_cache::{
    CacheStore, CubeName, ObjectStorageCache,
    conformance::{self, Extent},
};
use clms_servers::{Server, proof};
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, path::Path, prefix::PrefixStore};

fn cache_at(server: &Server, root: &str) -> ObjectStorageCache {
    let root_path = Path::parse(root).unwrap();
    ObjectStorageCache::new(server.store(), root_path, server.url(root))
}

/// The suite on one server, with a place of its own for each promise.
async fn keeps_every_promise(server: &Server) {
    proof::conditional_writes(&*server.store()).await.unwrap();
    let number = AtomicUsize::new(0);
    let new_cache = || -> Arc<dyn CacheStore> {
        let number = number.fetch_add(1, Ordering::Relaxed);
        Arc::new(cache_at(server, &format!("all of/a|b ü/{number}")))
    };
    let kept = conformance::run_to(&new_cache, Extent::SERVER).await;
    assert_eq!(kept.unwrap(), conformance::PROMISES.len());
}

/// What a cache promises when requests to that server fail and processes die.
async fn keeps_its_promises_when_it_fails(server: &Server) {
    let number = AtomicUsize::new(0);
    let new_store = || -> Arc<dyn ObjectStore> {
        let number = number.fetch_add(1, Ordering::Relaxed);
        Arc::new(PrefixStore::new(
            server.store(),
            format!("failing/{number}"),
        ))
    };
    // Those about pauses take thousands of requests each: they are for storages in memory.
    let promises = conformance::OBJECT_STORAGE_PROMISES.iter();
    for promise in promises.filter(|promise| !promise.text().contains("pauses")) {
        let kept = promise.check_to(new_store(), Extent::SERVER).await;
        kept.unwrap();
    }
}

#[tokio::test]
async fn s3_keeps_its_promises_when_it_fails() {
    let server = Server::s3();
    keeps_its_promises_when_it_fails(&server).await;
    assert_eq!(server.uploads_in_progress(), [""; 0]);
}

#[tokio::test]
async fn google_keeps_its_promises_when_it_fails() {
    keeps_its_promises_when_it_fails(&Server::google()).await;
}

#[tokio::test]
async fn azure_keeps_its_promises_when_it_fails() {
    keeps_its_promises_when_it_fails(&Server::azure()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_every_promise() {
    let server = Server::s3();
    keeps_every_promise(&server).await;
    assert_eq!(server.uploads_in_progress(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn google_keeps_every_promise() {
    let server = Server::google();
    keeps_every_promise(&server).await;
    assert_eq!(server.uploads_in_progress(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_keeps_every_promise() {
    keeps_every_promise(&Server::azure()).await;
}

/// On a server that ignores conditions nothing is written, for nobody could be kept from writing the same cube. What was
/// copied there from elsewhere is read as on any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_conditional_writes_is_for_reading() {
    let server = Server::plain_s3();
    let cache = cache_at(&server, "copied");
    let name = CubeName::new("clc2018|u2018 ü").unwrap();
    for refused in [
        cache.stage(&name).await.map(|_| ()),
        cache.lease(&name, "a test").await.map(|_| ()),
    ] {
        let error = refused.unwrap_err();
        assert!(!error.is_retryable(), "{error}");
        assert!(error.to_string().contains("condition"), "{error}");
    }

    let store = server.store();
    for (key, text) in [("zarr.json", "{}"), ("band/c/0/0", "pixels")] {
        let key = Path::parse(format!("copied/{name}.zarr/{key}")).unwrap();
        store.put(&key, text.into()).await.unwrap();
    }
    let listed: Vec<_> = cache.list().try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, name);
    let cube = cache.open(&name).await.unwrap();
    let chunk = cube.get_range(&Path::from("band/c/0/0"), 1..4).await;
    assert_eq!(chunk.unwrap(), "ixe");
}
