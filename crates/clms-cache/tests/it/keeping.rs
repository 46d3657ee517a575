//! Cubes that stay right: what is written down of them, and how what changed is found.

use std::{fs, num::NonZeroUsize, path::Path, sync::Arc};

use clms_cache::{
    CacheError, CacheStore, Checksum, Content, FilesystemCache, Manifest, ManifestObject,
    verify::{Checked, Verdict, Verification},
};
use futures::TryStreamExt;
use object_store::{ObjectStoreExt, path::Path as Key};

use crate::sample::{KEYS, commit, entries, name, write};

const READERS: NonZeroUsize = NonZeroUsize::new(3).unwrap();

fn cache() -> (tempfile::TempDir, FilesystemCache) {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    (root, cache)
}

/// What is wrong with the cube, by key, and how many objects are as they were.
async fn verify(cache: &FilesystemCache) -> (Vec<(String, Verdict)>, usize) {
    let verification = Verification::of(cache, &name()).await.unwrap();
    let checked: Vec<Checked> = verification.run(READERS).try_collect().await.unwrap();
    let (good, bad): (Vec<_>, Vec<_>) = checked
        .into_iter()
        .partition(|checked| checked.verdict.is_good());
    let mut bad: Vec<_> = bad
        .into_iter()
        .map(|checked| (checked.key, checked.verdict))
        .collect();
    bad.sort_by(|a, b| a.0.cmp(&b.0));
    (bad, good.len())
}

fn content(bytes: &[u8]) -> Content {
    Content {
        bytes: bytes.len() as u64,
        checksum: Checksum::of(bytes),
    }
}

#[tokio::test]
async fn the_manifest_says_what_a_cube_is_made_of_and_where_it_came_from() {
    let (root, cache) = cache();
    let staged = cache.stage(&name()).await.unwrap();
    let generation = staged.generation().clone();
    write(&*staged.store(), "content").await;
    // Written twice, in parts, copied and deleted: what counts is what is there in the end.
    let store = staged.store();
    store
        .put(&Key::from("band/c/0/1"), "later".into())
        .await
        .unwrap();
    let mut upload = store.put_multipart(&Key::from("band/c/1/0")).await.unwrap();
    upload.put_part(vec![1; 6 << 20].into()).await.unwrap();
    upload.put_part("end".into()).await.unwrap();
    upload.complete().await.unwrap();
    store
        .copy(&Key::from("band/c/1/0"), &Key::from("band/c/1/1"))
        .await
        .unwrap();
    store
        .put(&Key::from("band/c/9/9"), "x".into())
        .await
        .unwrap();
    store.delete(&Key::from("band/c/9/9")).await.unwrap();
    let origin = serde_json::json!({"data_id": "clc2018|raster", "source": "EEA"});
    staged.set_origin(origin.as_object().unwrap().clone());
    let cube = cache.commit(staged).await.unwrap();

    let manifest = Manifest::of(&cache, &name()).await.unwrap().unwrap();
    assert_eq!(manifest.cube, name());
    assert_eq!(manifest.generation, generation);
    assert_eq!(manifest.committed_at, cube.committed_at);
    assert_eq!(manifest.usage(), cache.usage(&name()).await.unwrap());
    assert_eq!(serde_json::Value::from(manifest.origin), origin);

    let folder = root.path().join(".clms/v1/manifests/clc2018%7Craster.zarr");
    let files = [format!("{generation}.json"), format!("{generation}.jsonl")];
    assert_eq!(entries(&folder), files);
    let lines = fs::read_to_string(folder.join(&files[1])).unwrap();
    let mut keys = Vec::new();
    for line in lines.lines() {
        let object: ManifestObject = serde_json::from_str(line).unwrap();
        let bytes = fs::read(Path::new(&cube.location).join(&object.key)).unwrap();
        assert_eq!(object.bytes, bytes.len() as u64, "{}", object.key);
        assert_eq!(object.xxh3, Checksum::of(&bytes), "{}", object.key);
        keys.push(object.key);
    }
    keys.sort();
    let mut expected = KEYS.map(str::to_owned).to_vec();
    expected.extend(["band/c/1/0", "band/c/1/1"].map(str::to_owned));
    expected.sort();
    assert_eq!(keys, expected);
    assert_eq!(verify(&cache).await, (Vec::new(), 6));
}

#[tokio::test]
async fn a_manifest_goes_with_its_cube() {
    let (root, cache) = cache();
    let folder = root.path().join(".clms/v1/manifests/clc2018%7Craster.zarr");
    for content in ["first", "second", "second"] {
        commit(&cache, &name(), content).await;
        assert_eq!(entries(&folder).len(), 2, "one manifest for {content}");
        assert_eq!(verify(&cache).await, (Vec::new(), 4));
    }
    assert!(cache.remove(&name()).await.unwrap());
    assert_eq!(entries(&folder), Vec::<String>::new());
    let found = Manifest::of(&cache, &name()).await;
    assert!(
        matches!(found, Err(CacheError::NotFound { .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn everything_that_changed_is_named() {
    let (_root, cache) = cache();
    let staged = cache.stage(&name()).await.unwrap();
    write(&*staged.store(), "content").await;
    for key in ["band/c/1/0", "band/c/1/1"] {
        staged
            .store()
            .put(&Key::from(key), "content".into())
            .await
            .unwrap();
    }
    let cube = cache.commit(staged).await.unwrap();
    let file = |key: &str| Path::new(&cube.location).join(key);
    // A bit that flipped, a file that was cut, one that vanished, and one that was never there.
    fs::write(file("band/c/0/0"), "contenu").unwrap();
    fs::write(file("band/c/0/1"), "con").unwrap();
    fs::remove_file(file("band/c/1/0")).unwrap();
    fs::write(file("band/c/7/7"), "alien").unwrap_err();
    fs::create_dir(file("band/c/7")).unwrap();
    fs::write(file("band/c/7/7"), "alien").unwrap();

    let expected = content(b"content");
    let bad = |found: &[u8]| Verdict::Bad {
        expected,
        found: content(found),
    };
    let findings = [
        ("band/c/0/0", bad(b"contenu")),
        ("band/c/0/1", bad(b"con")),
        ("band/c/1/0", Verdict::Missing { expected }),
        ("band/c/7/7", Verdict::Superfluous { bytes: 5 }),
    ];
    let findings = findings
        .map(|(key, verdict)| (key.to_owned(), verdict))
        .to_vec();
    assert_eq!(verify(&cache).await, (findings, 3));
}

/// By which the manifest would be recognised.
#[tokio::test]
async fn damaged_root_metadata_is_found() {
    let (_root, cache) = cache();
    commit(&cache, &name(), "content").await;
    let location = cache.cube_location(&name());
    fs::write(Path::new(&location).join("zarr.json"), "{}").unwrap();
    let (bad, good) = verify(&cache).await;
    assert_eq!((bad[0].0.as_str(), bad.len(), good), ("zarr.json", 1, 3));
    assert!(matches!(bad[0].1, Verdict::Bad { .. }), "{bad:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_a_finding_and_not_the_end() {
    let (_root, cache) = cache();
    commit(&cache, &name(), "content").await;
    let chunk = Path::new(&cache.cube_location(&name())).join("band/c/0/0");
    fs::remove_file(&chunk).unwrap();
    // Of the many ways in which a file can't be read, one that root is not exempt from.
    fs::create_dir(&chunk).unwrap();
    let (bad, good) = verify(&cache).await;
    assert_eq!((bad.len(), good), (1, 3), "{bad:?}");
    assert_eq!(bad[0].0, "band/c/0/0");
}

#[tokio::test]
async fn a_cube_without_a_manifest_is_read_and_that_is_said() {
    let (root, cache) = cache();
    commit(&cache, &name(), "content").await;
    fs::remove_dir_all(root.path().join(".clms")).unwrap();
    assert_eq!(Manifest::of(&cache, &name()).await.unwrap(), None);
    let verification = Verification::of(&cache, &name()).await.unwrap();
    assert!(verification.manifest().is_none());
    assert_eq!(verification.expected(), cache.usage(&name()).await.unwrap());
    let checked: Vec<Checked> = verification.run(READERS).try_collect().await.unwrap();
    assert_eq!(checked.len(), 4);
    for object in checked {
        assert_eq!(
            object.verdict,
            Verdict::Readable { bytes: 7 },
            "{}",
            object.key
        );
    }
}

#[tokio::test]
async fn a_damaged_manifest_is_an_error_that_says_where_it_is() {
    let (root, cache) = cache();
    commit(&cache, &name(), "content").await;
    let folder = root.path().join(".clms/v1/manifests/clc2018%7Craster.zarr");
    let files = entries(&folder);
    // The list of objects, then the manifest itself.
    fs::write(folder.join(&files[1]), "{\"key\": \"band").unwrap();
    let verification = Verification::of(&cache, &name()).await.unwrap();
    let error = verification
        .run(READERS)
        .try_collect::<Vec<_>>()
        .await
        .unwrap_err();
    assert!(matches!(&error, CacheError::Manifest { .. }), "{error}");
    assert!(error.to_string().contains(&files[1]), "{error}");
    assert!(error.hint().unwrap().contains("--force"));

    fs::write(folder.join(&files[0]), "{}").unwrap();
    let error = Verification::of(&cache, &name()).await.unwrap_err();
    assert!(error.to_string().contains(&files[0]), "{error}");
    // The cube itself is as good as before, and replacing it heals the rest.
    cache.open(&name()).await.unwrap();
    commit(&cache, &name(), "new").await;
    assert_eq!(verify(&cache).await, (Vec::new(), 4));
}

#[tokio::test]
async fn a_cube_that_is_replaced_while_it_is_verified_is_not_called_damaged() {
    let (_root, cache) = cache();
    commit(&cache, &name(), "old").await;
    let mut objects = Verification::of(&cache, &name())
        .await
        .unwrap()
        .run(NonZeroUsize::MIN);
    objects.try_next().await.unwrap().unwrap();
    commit(&cache, &name(), "new").await;
    let error = loop {
        match objects.try_next().await {
            Ok(Some(checked)) => assert!(checked.verdict.is_good(), "{checked:?}"),
            Ok(None) => panic!("the new cube was taken for the old one"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CacheError::Replaced(_)), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_chunk_that_is_lost_before_the_commit_is_missed() {
    let (root, cache) = cache();
    commit(&cache, &name(), "old").await;
    for lose in [
        (|file: &Path| fs::remove_file(file).unwrap()) as fn(&Path),
        |file| fs::write(file, "another length").unwrap(),
    ] {
        let staged = cache.stage(&name()).await.unwrap();
        write(&*staged.store(), "new").await;
        let staging = root.path().join(".clms/v1/staging");
        let place = staging.join(staged.generation().as_str());
        lose(&place.join("clc2018|raster.zarr/band/c/0/1"));
        let error = cache.commit(staged).await.unwrap_err();
        assert!(
            matches!(error, CacheError::Lost { objects: 1, .. }),
            "{error}"
        );
        assert!(error.hint().is_some());
        let cube = cache.open(&name()).await.unwrap();
        let found = cube.get(&Key::from("zarr.json")).await.unwrap();
        assert_eq!(found.bytes().await.unwrap(), "old");
    }
    assert_eq!(verify(&cache).await, (Vec::new(), 4));
}

#[tokio::test]
async fn many_objects_are_verified_side_by_side() {
    const MANY: usize = 5000;
    let (_root, cache) = cache();
    let staged = cache.stage(&name()).await.unwrap();
    let store = staged.store();
    for index in 0..MANY {
        let key = Key::from(format!("band/c/{}/{}", index / 100, index % 100));
        store.put(&key, index.to_string().into()).await.unwrap();
    }
    write(&*store, "content").await;
    let cube = cache.commit(staged).await.unwrap();
    fs::write(Path::new(&cube.location).join("band/c/31/41"), "changed").unwrap();
    let cache: Arc<dyn CacheStore> = Arc::new(cache);
    let verification = Verification::of(&*cache, &name()).await.unwrap();
    let expected = verification.expected();
    let checked: Vec<Checked> = verification
        .run(NonZeroUsize::new(32).unwrap())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(checked.len() as u64, expected.objects);
    let bytes: u64 = checked.iter().map(|checked| checked.verdict.bytes()).sum();
    assert_eq!(bytes, expected.bytes);
    let bad = checked.iter().filter(|checked| !checked.verdict.is_good());
    assert_eq!(
        bad.map(|bad| &*bad.key).collect::<Vec<_>>(),
        ["band/c/31/41"]
    );
}
