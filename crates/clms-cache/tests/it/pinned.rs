//! Handles that stay with the generation that they were opened on.

use std::{collections::BTreeSet, fs, sync::Arc};

use clms_cache::{CacheStore, FilesystemCache, WasReplaced};
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, path::Path as Key};

use crate::sample::{KEYS, commit, name};

/// Every way of reading.
async fn errors(cube: &dyn ObjectStore) -> Vec<object_store::Error> {
    let key = Key::from("band/c/0/0");
    vec![
        cube.get(&key).await.map(|_| ()).unwrap_err(),
        cube.head(&key).await.map(|_| ()).unwrap_err(),
        cube.get_range(&key, 0..1).await.map(|_| ()).unwrap_err(),
        cube.get_ranges(&key, &[0..1, 2..3])
            .await
            .map(|_| ())
            .unwrap_err(),
        // Not "not found": a chunk that is not there reads as fill.
        cube.get(&Key::from("band/c/9/9"))
            .await
            .map(|_| ())
            .unwrap_err(),
        cube.list(None).try_collect::<Vec<_>>().await.unwrap_err(),
        cube.list_with_delimiter(None)
            .await
            .map(|_| ())
            .unwrap_err(),
    ]
}

#[tokio::test]
async fn who_opened_a_cube_that_is_replaced_or_removed_is_told() {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    commit(&cache, &name(), "old").await;
    for removed in [false, true] {
        let opened = cache.open(&name()).await.unwrap();
        let begun = opened.get(&Key::from("band/c/0/0")).await.unwrap();
        let expected = fs::read(format!("{}/band/c/0/0", cache.cube_location(&name()))).unwrap();
        if removed {
            cache.remove(&name()).await.unwrap();
        } else {
            commit(&cache, &name(), "new").await;
        }
        for error in errors(&*opened).await {
            assert!(
                matches!(error, object_store::Error::Precondition { .. }),
                "{error:?}"
            );
            let told = WasReplaced::in_error(&error).unwrap();
            assert_eq!(told.name, name());
            assert!(
                error.to_string().contains("was replaced or removed"),
                "{error}"
            );
        }
        // What was begun is read to its end.
        assert_eq!(begun.bytes().await.unwrap(), expected);
        if !removed {
            let again = cache.open(&name()).await.unwrap();
            let found = again.get(&Key::from("band/c/0/0")).await.unwrap();
            assert_eq!(found.bytes().await.unwrap(), "new");
            let missing = again.get(&Key::from("band/c/9/9")).await.unwrap_err();
            assert!(
                matches!(missing, object_store::Error::NotFound { .. }),
                "{missing}"
            );
        }
    }
}

#[tokio::test]
async fn a_finished_cube_is_not_written_to() {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    commit(&cache, &name(), "old").await;
    let cube = cache.open(&name()).await.unwrap();
    let (key, other) = (Key::from("zarr.json"), Key::from("other"));
    for error in [
        cube.put(&key, "x".into()).await.map(|_| ()).unwrap_err(),
        cube.put_multipart(&key).await.map(|_| ()).unwrap_err(),
        cube.delete(&key).await.unwrap_err(),
        cube.copy(&key, &other).await.unwrap_err(),
        cube.rename(&key, &other).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, object_store::Error::NotSupported { .. }),
            "{error}"
        );
    }
    assert_eq!(
        cube.list(None).try_collect::<Vec<_>>().await.unwrap().len(),
        4
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_handle_ever_mixes_two_generations() {
    const GENERATIONS: usize = 60;
    let root = tempfile::tempdir().unwrap();
    let cache = Arc::new(FilesystemCache::open(root.path()).unwrap());
    commit(&cache, &name(), "0").await;
    let writer = Arc::clone(&cache);
    let writing = tokio::spawn(async move {
        for generation in 1..=GENERATIONS {
            commit(&writer, &name(), &generation.to_string()).await;
        }
    });
    let (mut whole, mut told) = (0, 0);
    while !writing.is_finished() {
        let cube = cache.open(&name()).await.unwrap();
        let mut seen = BTreeSet::new();
        let read = async {
            for key in KEYS {
                let found = cube.get(&Key::from(key)).await?;
                seen.insert(found.bytes().await?);
            }
            Ok::<_, object_store::Error>(())
        };
        match read.await {
            Ok(()) => whole += 1,
            Err(error) => {
                assert!(WasReplaced::in_error(&error).is_some(), "{error:?}");
                told += 1;
            }
        }
        assert!(seen.len() <= 1, "a mixture: {seen:?}");
    }
    writing.await.unwrap();
    assert!(whole + told > 0);
    let cube = cache.open(&name()).await.unwrap();
    let last = cube.get(&Key::from("zarr.json")).await.unwrap();
    assert_eq!(last.bytes().await.unwrap(), GENERATIONS.to_string());
}
