//! Giving room back.

use std::{fs, sync::Arc};

use clms_cache::{
    CacheStore, CubeName, FilesystemCache, Generation, LeftoverKind, Manifest,
    gc::{Fate, Garbage, Limits, Plan},
};
use futures::StreamExt;
use jiff::Timestamp;
use object_store::{ObjectStoreExt, path::Path as Key};

use crate::sample::{commit, entries, name, write};

fn cache() -> (tempfile::TempDir, Arc<FilesystemCache>, Arc<dyn CacheStore>) {
    let root = tempfile::tempdir().unwrap();
    let cache = Arc::new(FilesystemCache::open(root.path()).unwrap());
    let store = Arc::clone(&cache) as Arc<dyn CacheStore>;
    (root, cache, store)
}

fn named(text: &str) -> CubeName {
    CubeName::new(text).unwrap()
}

async fn visible(cache: &dyn CacheStore) -> Vec<String> {
    let cubes: Vec<_> = cache.list().map(|cube| cube.unwrap()).collect().await;
    let mut names: Vec<_> = cubes.iter().map(|cube| cube.name.to_string()).collect();
    names.sort();
    names
}

/// Three cubes, the first one the oldest, of 40 bytes each.
async fn three(cache: &FilesystemCache) -> [CubeName; 3] {
    let names = ["b", "c", "a"].map(named);
    for name in &names {
        commit(cache, name, "0123456789").await;
    }
    names
}

#[tokio::test]
async fn without_limits_finished_cubes_stay() {
    let (_root, cache, store) = cache();
    three(&cache).await;
    let plan = Plan::make(&store, Limits::none()).await.unwrap();
    assert_eq!(plan.garbage(), []);
    assert_eq!(plan.execute("us").count().await, 0);
    assert_eq!(visible(&*store).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn beyond_a_size_the_oldest_go_first() {
    for (max, left) in [
        (120, &["a", "b", "c"][..]),
        (119, &["a", "c"]),
        (80, &["a", "c"]),
        (79, &["a"]),
        (0, &[]),
    ] {
        let (_root, cache, store) = cache();
        three(&cache).await;
        let limits = Limits::none().with_max_bytes(max);
        let plan = Plan::make(&store, limits).await.unwrap();
        let planned = plan.garbage();
        assert_eq!(planned.len(), 3 - left.len(), "{planned:?}");
        assert_eq!(visible(&*store).await.len(), 3, "a plan removes nothing");
        let done: Vec<_> = plan.execute("us").collect().await;
        for ((garbage, fate), planned) in done.iter().zip(&planned) {
            assert_eq!(garbage, planned);
            assert!(matches!(fate, Fate::Removed), "{fate:?}");
            assert_eq!(garbage.usage().bytes, 40);
        }
        assert_eq!(visible(&*store).await, left, "with room for {max} bytes");
    }
}

#[tokio::test]
async fn a_cube_in_use_stays_and_the_next_one_goes_instead() {
    let (_root, cache, store) = cache();
    let [oldest, second, _] = three(&cache).await;
    let lease = cache.lease(&oldest, "a reader").await.unwrap();
    let plan = Plan::make(&store, Limits::none().with_max_bytes(80))
        .await
        .unwrap();
    let done: Vec<_> = plan.execute("us").collect().await;
    assert_eq!(done.len(), 2);
    assert_eq!(done[0].0.name(), Some(&oldest));
    assert!(matches!(&done[0].1, Fate::InUse { holder } if holder == "a reader"));
    assert_eq!(done[1].0.name(), Some(&second));
    assert_eq!(visible(&*store).await, ["a", "b"]);
    drop(lease);
    // And the lease that was taken for it is given back.
    cache.lease(&second, "another").await.unwrap();
}

#[tokio::test]
async fn what_changes_between_plan_and_execution_is_left_alone() {
    let (_root, cache, store) = cache();
    let [oldest, second, _] = three(&cache).await;
    let plan = Plan::make(&store, Limits::none().with_max_bytes(0))
        .await
        .unwrap();
    commit(&cache, &oldest, "rebuilt").await;
    cache.remove(&second).await.unwrap();
    let fates: Vec<_> = plan.execute("us").map(|(_, fate)| fate).collect().await;
    assert!(
        matches!(fates[..], [Fate::Changed, Fate::Changed, Fate::Removed]),
        "{fates:?}"
    );
    assert_eq!(visible(&*store).await, ["b"]);
}

#[tokio::test]
async fn cubes_older_than_a_time_go_in_any_case() {
    let (_root, cache, store) = cache();
    commit(&cache, &named("old"), "x").await;
    let between = Timestamp::now();
    commit(&cache, &named("new"), "x").await;
    let limits = Limits::none().with_committed_before(between);
    let plan = Plan::make(&store, limits).await.unwrap();
    assert_eq!(plan.execute("us").count().await, 1);
    assert_eq!(visible(&*store).await, ["new"]);
}

#[tokio::test]
async fn what_was_deleted_halfway_is_finished() {
    let (root, cache, store) = cache();
    commit(&cache, &name(), "x").await;
    let trash = root.path().join(".clms/v1/trash").join("0".repeat(32));
    fs::create_dir_all(trash.join("band")).unwrap();
    fs::write(trash.join("band/0.0"), "12345").unwrap();
    let plan = Plan::make(&store, Limits::none()).await.unwrap();
    let garbage = plan.garbage();
    let [Garbage::Leftover(leftover)] = &garbage[..] else {
        panic!("{garbage:?}");
    };
    assert_eq!(leftover.kind, LeftoverKind::Trash);
    assert_eq!((leftover.usage.bytes, leftover.usage.objects), (5, 1));
    let fates: Vec<_> = plan.execute("us").collect().await;
    assert!(matches!(fates[..], [(_, Fate::Removed)]), "{fates:?}");
    assert_eq!(
        entries(root.path().join(".clms/v1/trash")),
        Vec::<String>::new()
    );
}

/// A writer that died between its manifest and its cube leaves the first without the second.
#[tokio::test]
async fn manifests_without_a_cube_go_and_those_of_living_writers_stay() {
    let (root, cache, store) = cache();
    commit(&cache, &name(), "visible").await;
    let current = Manifest::of(&*store, &name())
        .await
        .unwrap()
        .unwrap()
        .generation;
    let staged = cache.stage(&name()).await.unwrap();
    write(&*staged.store(), "new").await;
    // As the commit does it before the cube is put in place.
    let coming = staged.generation().clone();
    let folder = root.path().join(".clms/v1/manifests/clc2018%7Craster.zarr");
    let file =
        |generation: &Generation, ending: &str| folder.join(format!("{generation}.{ending}"));
    fs::copy(file(&current, "jsonl"), file(&coming, "jsonl")).unwrap();
    let text = fs::read_to_string(file(&current, "json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    manifest["generation"] = coming.to_string().into();
    // Even if both have the same root metadata.
    manifest["committed_at"] = Timestamp::now().to_string().into();
    fs::write(file(&coming, "json"), manifest.to_string()).unwrap();
    assert_eq!(
        Plan::make(&store, Limits::none()).await.unwrap().garbage(),
        []
    );

    drop(staged);
    let plan = Plan::make(&store, Limits::none()).await.unwrap();
    let kinds: Vec<_> = plan
        .garbage()
        .iter()
        .map(|garbage| match garbage {
            Garbage::Leftover(leftover) => (leftover.kind, leftover.generation == coming),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        kinds,
        [(LeftoverKind::Staged, true), (LeftoverKind::Manifest, true)]
    );
    assert!(
        plan.execute("us")
            .all(async |(_, fate)| matches!(fate, Fate::Removed))
            .await
    );
    let left = Manifest::of(&*store, &name()).await.unwrap().unwrap();
    assert_eq!(left.generation, current);
    assert_eq!(
        Plan::make(&store, Limits::none()).await.unwrap().garbage(),
        []
    );

    // Somebody who knows nothing of manifests.
    fs::remove_dir_all(root.path().join("clc2018|raster.zarr")).unwrap();
    let plan = Plan::make(&store, Limits::none()).await.unwrap();
    assert_eq!(plan.garbage().len(), 1);
    assert_eq!(plan.execute("us").count().await, 1);
    assert_eq!(entries(&folder), Vec::<String>::new());
}

#[tokio::test]
async fn a_plan_of_a_cache_that_is_not_there_creates_nothing() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("not/there");
    let store: Arc<dyn CacheStore> = Arc::new(FilesystemCache::open(&path).unwrap());
    let plan = Plan::make(&store, Limits::none().with_max_bytes(0))
        .await
        .unwrap();
    assert_eq!(plan.execute("us").count().await, 0);
    assert_eq!(entries(root.path()), Vec::<String>::new());
}

#[tokio::test]
async fn records_are_no_garbage() {
    let (_root, _, store) = cache();
    let key = Key::from("jobs/1.json");
    store.records().put(&key, "{}".into()).await.unwrap();
    let plan = Plan::make(&store, Limits::none().with_max_bytes(0))
        .await
        .unwrap();
    assert_eq!(plan.execute("us").count().await, 0);
    store.records().get(&key).await.unwrap();
}

#[tokio::test]
async fn a_rehearsal_says_what_would_stay_and_removes_nothing() {
    let (_root, cache, store) = cache();
    let [oldest, second, _] = three(&cache).await;
    let lease = cache
        .lease(&oldest, "a reader on host alpha")
        .await
        .unwrap();
    let limits = Limits::none().with_max_bytes(80);
    let plan = Plan::make(&store, limits).await.unwrap();
    let fates: Vec<_> = plan.rehearse().collect().await;
    let [(first, Fate::InUse { holder }), (next, Fate::Removed)] = &fates[..] else {
        panic!("{fates:?}");
    };
    assert_eq!(
        (first.name(), &**holder),
        (Some(&oldest), "a reader on host alpha")
    );
    assert_eq!(next.name(), Some(&second));
    assert_eq!(visible(&*store).await, ["a", "b", "c"]);
    // It has taken no lease, nor taken that one.
    assert!(cache.lease(&oldest, "another").await.is_err());
    cache.lease(&second, "another").await.unwrap();
    drop(lease);
}

/// As `object_store` names what it has not written to its end.
#[tokio::test]
async fn unfinished_records_go_unless_somebody_writes_one() {
    let (root, cache, store) = cache();
    commit(&cache, &name(), "x").await;
    let hidden = root.path().join(".clms/v1");
    fs::create_dir_all(hidden.join("records/jobs")).unwrap();
    let dead = [
        hidden.join("records/jobs/1.json#1"),
        hidden.join("manifests/clc2018%7Craster.zarr/x.jsonl#12"),
    ];
    for path in &dead {
        fs::write(path, "12345").unwrap();
    }
    let key = Key::from("jobs/2.json");
    let mut living = store.records().put_multipart(&key).await.unwrap();
    living.put_part("{".into()).await.unwrap();
    let plan = Plan::make(&store, Limits::none()).await.unwrap();
    assert_eq!(plan.garbage(), [], "somebody writes one of them");
    living.put_part("}".into()).await.unwrap();
    living.complete().await.unwrap();
    drop(living);

    let plan = Plan::make(&store, Limits::none()).await.unwrap();
    let [Garbage::Leftover(leftover)] = &plan.garbage()[..] else {
        panic!("{plan:?}");
    };
    assert_eq!(leftover.kind, LeftoverKind::Temporary);
    assert_eq!((leftover.usage.bytes, leftover.usage.objects), (10, 2));
    let fates: Vec<_> = plan.execute("us").collect().await;
    assert!(matches!(fates[..], [(_, Fate::Removed)]), "{fates:?}");
    assert!(dead.iter().all(|path| !path.exists()));
    assert_eq!(store.records().get(&key).await.unwrap().meta.size, 2);
    assert!(Manifest::of(&*store, &name()).await.unwrap().is_some());
}
