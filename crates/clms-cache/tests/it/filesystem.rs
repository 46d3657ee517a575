//! The filesystem backend: what is on the disk.

use std::{fs, path::Path, sync::Arc};

use clms_cache::{
    CacheError, CacheStore, CubeName, FilesystemCache, Local, StorageOptions, open_cache,
};
use futures::StreamExt;
use object_store::{ObjectStoreExt, path::Path as Key};

use crate::sample::{commit, entries, name, write};

#[tokio::test]
async fn looking_into_a_cache_that_is_not_there_creates_nothing() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("not/there");
    let cache = FilesystemCache::open(&path).unwrap();
    assert_eq!(cache.list().count().await, 0);
    assert_eq!(cache.look_up(&name()).await.unwrap(), None);
    assert!(!cache.remove(&name()).await.unwrap());
    assert_eq!(cache.records().list(None).count().await, 0);
    assert!(cache.scratch_folder().starts_with(&path));
    assert_eq!(entries(root.path()), Vec::<String>::new());

    cache
        .records()
        .put(&Key::from("jobs/1"), "x".into())
        .await
        .unwrap();
    assert_eq!(entries(&path), [".clms"]);
}

#[tokio::test]
async fn the_disk_holds_the_cube_and_one_hidden_folder() {
    let root = tempfile::tempdir().unwrap();
    let location = format!("file://{}", root.path().display());
    let cache = open_cache(&location, &StorageOptions::new()).unwrap();
    let staged = cache.stage(&name()).await.unwrap();
    write(&*staged.store(), "new").await;
    let deleted = Key::from("gone/c/0");
    staged.store().put(&deleted, "x".into()).await.unwrap();
    staged.store().delete(&deleted).await.unwrap();
    let committed = cache.commit(staged).await.unwrap();

    assert_eq!(entries(root.path()), [".clms", "clc2018|raster.zarr"]);
    assert_eq!(
        committed.location,
        root.path().join("clc2018|raster.zarr").to_str().unwrap()
    );
    assert_eq!(
        entries(&committed.location),
        ["band", "zarr.json"],
        "no empty folders are left"
    );
    let hidden = root.path().join(".clms/v1");
    assert_eq!(entries(root.path().join(".clms")), ["v1"]);
    assert_eq!(
        entries(&hidden),
        [
            "locks",
            "manifests",
            "records",
            "scratch",
            "staging",
            "trash"
        ]
    );
    assert_eq!(entries(hidden.join("scratch")), ["CACHEDIR.TAG"]);
    assert_eq!(entries(hidden.join("staging")), Vec::<String>::new());
    assert_eq!(entries(hidden.join("trash")), Vec::<String>::new());
}

#[tokio::test]
async fn what_object_store_leaves_of_unfinished_writes_does_not_survive_a_commit() {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    let staged = cache.stage(&name()).await.unwrap();
    write(&*staged.store(), "new").await;
    let place = root
        .path()
        .join(".clms/v1/staging")
        .join(staged.generation().as_str())
        .join("clc2018|raster.zarr");
    let upload = staged
        .store()
        .put_multipart(&Key::from("band/c/1/0"))
        .await
        .unwrap();
    assert_eq!(
        entries(place.join("band/c/1")),
        ["0#1"],
        "object_store works as it is thought to"
    );
    // Of killed processes: a put, and one of an object whose own name has the mark, which listings would show.
    fs::write(place.join("zarr.json#2"), "torn").unwrap();
    fs::write(place.join("a#b#1"), "torn").unwrap();
    fs::write(place.join("kept#"), "whole").unwrap();
    let cube = cache.commit(staged).await.unwrap();

    assert_eq!(entries(&cube.location), ["band", "kept#", "zarr.json"]);
    assert_eq!(entries(Path::new(&cube.location).join("band/c")), ["0"]);
    drop(upload);
}

#[tokio::test]
async fn folders_that_are_not_cubes_are_neither_listed_nor_replaced() {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    let theirs = root.path().join("clc2018|raster.zarr");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("notes.txt"), "mine").unwrap();
    fs::write(root.path().join("file.zarr"), "a zip, perhaps").unwrap();
    fs::create_dir(root.path().join("plain")).unwrap();
    fs::write(root.path().join("plain/zarr.json"), "{}").unwrap();
    assert_eq!(cache.list().count().await, 0);

    let staged = cache.stage(&name()).await.unwrap();
    write(&*staged.store(), "new").await;
    let error = cache.commit(staged).await.unwrap_err();
    assert!(matches!(error, CacheError::InTheWay { .. }), "{error}");
    assert!(error.hint().unwrap().contains("raster.zarr"));
    assert!(!cache.remove(&name()).await.unwrap());
    assert_eq!(
        fs::read_to_string(theirs.join("notes.txt")).unwrap(),
        "mine"
    );

    // An empty folder is nobody's work.
    fs::remove_file(theirs.join("notes.txt")).unwrap();
    commit(&cache, &name(), "new").await;
    assert_eq!(cache.list().count().await, 1);
}

#[tokio::test]
async fn cubes_with_portable_names_are_found_replaced_and_removed() {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    let portable = root.path().join("clc2018%7Craster.zarr");
    fs::create_dir(&portable).unwrap();
    fs::write(portable.join("zarr.json"), "copied from an exFAT disk").unwrap();
    let listed: Vec<_> = cache.list().map(|cube| cube.unwrap()).collect().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0].name, &listed[0].location),
        (&name(), &portable.display().to_string())
    );

    commit(&cache, &name(), "new").await;
    assert_eq!(entries(root.path()), [".clms", "clc2018%7Craster.zarr"]);
    assert_eq!(
        fs::read_to_string(portable.join("zarr.json")).unwrap(),
        "new"
    );
    assert!(cache.remove(&name()).await.unwrap());
    assert_eq!(entries(root.path()), [".clms"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_cube_is_a_cube_and_its_target_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("zarr.json"), "theirs").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), root.path().join("clc2018|raster.zarr")).unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    assert!(cache.look_up(&name()).await.unwrap().is_some());
    commit(&cache, &name(), "new").await;
    assert_eq!(
        fs::read_to_string(elsewhere.path().join("zarr.json")).unwrap(),
        "theirs"
    );
    assert!(!root.path().join("clc2018|raster.zarr").is_symlink());

    let linked = root.path().join("linked.zarr");
    std::os::unix::fs::symlink(elsewhere.path(), &linked).unwrap();
    assert!(
        cache
            .remove(&CubeName::new("linked").unwrap())
            .await
            .unwrap()
    );
    assert!(!linked.is_symlink());
    assert_eq!(entries(elsewhere.path()), ["zarr.json"]);
}

#[test]
fn a_newer_version_on_the_disk_is_refused() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(".clms/v1")).unwrap();
    FilesystemCache::open(root.path()).unwrap();
    fs::create_dir_all(root.path().join(".clms/v12")).unwrap();
    let error = FilesystemCache::open(root.path()).unwrap_err();
    assert!(
        matches!(
            error,
            CacheError::NewerLayout {
                found: 12,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("update"));
}

#[test]
fn a_file_is_not_a_cache() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path().to_owned(), file.path().join("below")] {
        let error = FilesystemCache::open(path).unwrap_err();
        assert!(matches!(error, CacheError::Io { .. }), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
}

/// The cube is there at every instant while it is replaced, where the file system can exchange two folders.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cube_that_is_replaced_is_never_absent() {
    let root = tempfile::tempdir().unwrap();
    let cache = Arc::new(FilesystemCache::open(root.path()).unwrap());
    commit(&cache, &name(), "0").await;
    let writer = Arc::clone(&cache);
    let writing = tokio::spawn(async move {
        for generation in 1..50 {
            commit(&writer, &name(), &generation.to_string()).await;
        }
    });
    while !writing.is_finished() {
        assert!(cache.look_up(&name()).await.unwrap().is_some());
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
}

/// Without an exchange a crash between the two renames leaves the old cube in the staging place of the dead process.
#[tokio::test]
async fn a_cube_that_a_dead_process_was_replacing_is_put_back() {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    commit(&cache, &name(), "old").await;
    let staged = cache.stage(&name()).await.unwrap();
    write(&*staged.store(), "new").await;
    let place = root
        .path()
        .join(".clms/v1/staging")
        .join(staged.generation().as_str());
    fs::rename(
        root.path().join("clc2018|raster.zarr"),
        place.join("replaced"),
    )
    .unwrap();
    drop(staged);

    cache
        .stage(&CubeName::new("another").unwrap())
        .await
        .unwrap();
    let cube = cache.open(&name()).await.unwrap();
    assert_eq!(
        cube.get(&Key::from("zarr.json"))
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap(),
        "old"
    );
}
