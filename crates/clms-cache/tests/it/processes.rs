//! The filesystem backend among other processes, living and killed, and on disks that are full or unwritable.

use std::{collections::BTreeSet, fs, num::NonZeroUsize, path::Path, sync::Arc};

use clms_cache::{
    CacheError, CacheStore, CubeName, FilesystemCache, LeftoverKind,
    gc::{Fate, Garbage, Limits, Plan},
    verify::{Checked, Verification},
};
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectStoreExt, path::Path as Key};
use tokio::runtime::Runtime;

use crate::{
    child::{PRIVATE_MOUNTS, childs_cache, in_namespace, spawn, wait_for},
    sample::{KEYS, commit, entries, name, write},
};

#[test]
#[ignore = "the other process of a_lease_ends_with_its_process"]
fn child_holds_a_lease() {
    let Some(cache) = childs_cache() else { return };
    Runtime::new().unwrap().block_on(async {
        let _lease = cache
            .lease(&name(), "process 4711 on host alpha")
            .await
            .unwrap();
        println!("held");
        std::io::stdin().lines().next();
    });
}

#[tokio::test]
async fn a_lease_ends_with_its_process() {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    let (mut child, mut output) = spawn("processes::child_holds_a_lease", root.path(), &[]);
    wait_for(&mut output, "held");
    let error = cache.lease(&name(), "us").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "clc2018|raster is being worked on by process 4711 on host alpha"
    );
    cache
        .lease(&CubeName::new("another").unwrap(), "us")
        .await
        .unwrap();

    child.kill().unwrap();
    child.wait().unwrap();
    let lease = cache.lease(&name(), "us").await.unwrap();
    let error = cache.lease(&name(), "them").await.unwrap_err();
    assert!(error.to_string().ends_with("by us"), "{error}");
    drop(lease);
}

#[test]
#[ignore = "the other process of what_a_killed_writer_left_is_swept_up_but_not_a_living_ones"]
fn child_stages() {
    let Some(cache) = childs_cache() else { return };
    Runtime::new().unwrap().block_on(async {
        let staged = cache.stage(&name()).await.unwrap();
        write(&*staged.store(), "of the child").await;
        println!("staged");
        std::io::stdin().lines().next();
        cache.commit(staged).await.unwrap();
        println!("committed");
    });
}

#[tokio::test]
async fn what_a_killed_writer_left_is_swept_up_but_not_a_living_ones() {
    let root = tempfile::tempdir().unwrap();
    let staging = root.path().join(".clms/v1/staging");
    let cache = FilesystemCache::open(root.path()).unwrap();
    let (mut killed, mut output) = spawn("processes::child_stages", root.path(), &[]);
    wait_for(&mut output, "staged");
    killed.kill().unwrap();
    killed.wait().unwrap();
    let left = entries(&staging);
    assert_eq!(left.len(), 2, "a folder and its lock: {left:?}");
    assert_eq!(cache.list().count().await, 0);

    let (mut alive, mut output) = spawn("processes::child_stages", root.path(), &[]);
    wait_for(&mut output, "staged");
    let kept = entries(&staging);
    assert!(
        kept.len() == 2 && kept.iter().all(|entry| !left.contains(entry)),
        "{left:?}, {kept:?}"
    );
    commit(&cache, &CubeName::new("another").unwrap(), "ours").await;
    assert_eq!(
        entries(&staging),
        kept,
        "what the living one stages is left alone"
    );
    drop(alive.stdin.take());
    wait_for(&mut output, "committed");
    assert!(alive.wait().unwrap().success());
    assert_eq!(entries(&staging), Vec::<String>::new());
    assert!(cache.look_up(&name()).await.unwrap().is_some());
}

#[tokio::test]
async fn gc_removes_what_the_dead_left_and_nothing_of_the_living() {
    let root = tempfile::tempdir().unwrap();
    let store: Arc<dyn CacheStore> = Arc::new(FilesystemCache::open(root.path()).unwrap());
    let (mut alive, mut output) = spawn("processes::child_stages", root.path(), &[]);
    wait_for(&mut output, "staged");
    let living = entries(root.path().join(".clms/v1/staging"));
    assert_eq!(
        Plan::make(&store, Limits::none()).await.unwrap().garbage(),
        []
    );
    let (mut killed, mut dead_output) = spawn("processes::child_stages", root.path(), &[]);
    wait_for(&mut dead_output, "staged");
    // A plan made while it lives does not hurt it, nor does one made after it is dead hurt the other.
    let early = Plan::make(&store, Limits::none()).await.unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(early.execute("us").count().await, 0);

    let plan = Plan::make(&store, Limits::none()).await.unwrap();
    let garbage = plan.garbage();
    let [Garbage::Leftover(leftover)] = &garbage[..] else {
        panic!("{garbage:?}");
    };
    assert_eq!(leftover.kind, LeftoverKind::Staged);
    assert_eq!(leftover.name, Some(name()));
    assert_eq!(leftover.usage.objects, KEYS.len() as u64);
    let fates: Vec<_> = plan.execute("us").collect().await;
    assert!(matches!(fates[..], [(_, Fate::Removed)]), "{fates:?}");
    assert_eq!(entries(root.path().join(".clms/v1/staging")), living);

    drop(alive.stdin.take());
    wait_for(&mut output, "committed");
    assert!(alive.wait().unwrap().success());
    assert!(store.look_up(&name()).await.unwrap().is_some());
}

#[test]
#[ignore = "the other process of a_writer_killed_at_any_instant_leaves_a_whole_cube"]
fn child_commits_for_ever() {
    let Some(cache) = childs_cache() else { return };
    Runtime::new().unwrap().block_on(async {
        for generation in 0_u64.. {
            commit(
                &cache,
                &name(),
                &format!("{} {generation}", std::process::id()),
            )
            .await;
            println!("committed");
        }
    });
}

#[tokio::test]
async fn a_writer_killed_at_any_instant_leaves_a_whole_cube() {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    for commits in 1..=25 {
        let (mut child, mut output) = spawn("processes::child_commits_for_ever", root.path(), &[]);
        for _ in 0..commits % 4 {
            wait_for(&mut output, "committed");
        }
        // The instant differs with what the machine does between the last line and the signal.
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(cache.list().count().await <= 1);
        let Some(cube) = cache.look_up(&name()).await.unwrap() else {
            assert!(
                commits % 4 == 0 || cfg!(not(target_os = "linux")),
                "the cube is gone"
            );
            continue;
        };
        let contents: BTreeSet<_> = KEYS
            .map(|key| fs::read(Path::new(&cube.location).join(key)).unwrap())
            .into();
        assert_eq!(contents.len(), 1, "a mixture of generations: {contents:?}");
        // Whatever the dead one was about, the manifest is that of the cube which is there.
        let verification = Verification::of(&cache, &name()).await.unwrap();
        assert!(verification.manifest().is_some());
        let checked: Vec<Checked> = verification
            .run(NonZeroUsize::MIN)
            .try_collect()
            .await
            .unwrap();
        assert!(
            checked.iter().all(|checked| checked.verdict.is_good()),
            "{checked:?}"
        );
        assert_eq!(checked.len(), KEYS.len());
    }
    let store: Arc<dyn CacheStore> = Arc::new(cache.clone());
    let plan = Plan::make(&store, Limits::none()).await.unwrap();
    let fates: Vec<_> = plan.execute("us").collect().await;
    assert!(
        fates.iter().all(|(_, fate)| matches!(fate, Fate::Removed)),
        "{fates:?}"
    );
    let manifests = root.path().join(".clms/v1/manifests/clc2018%7Craster.zarr");
    assert_eq!(entries(&manifests).len(), 2, "those of the dead are gone");
    cache.remove(&name()).await.unwrap();
    assert_eq!(entries(&manifests), Vec::<String>::new());
    assert_eq!(
        entries(root.path().join(".clms/v1/staging")),
        Vec::<String>::new()
    );
    assert_eq!(
        entries(root.path().join(".clms/v1/trash")),
        Vec::<String>::new()
    );
}

#[test]
#[ignore = "runs in a mount namespace of its own, for a_full_disk_leaves_the_old_cube"]
fn child_fills_the_disk() {
    let Some(cache) = childs_cache() else { return };
    Runtime::new().unwrap().block_on(async {
        commit(&cache, &name(), "old").await;
        let staged = cache.stage(&name()).await.unwrap();
        let big = vec![7_u8; 4 << 20];
        let error = staged
            .store()
            .put(&Key::from("band/c/0/0"), big.into())
            .await
            .unwrap_err();
        let error = CacheError::from(error);
        assert!(
            error.hint().unwrap().starts_with("free some space"),
            "{error:?}"
        );
        cache.discard(staged).await.unwrap();
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
        // And there is room again.
        commit(&cache, &name(), "new").await;
        println!("seen");
    });
}

#[test]
#[ignore = "runs in a mount namespace of its own, for a_folder_that_cannot_be_written_is_named"]
fn child_cannot_write() {
    let Some(cache) = childs_cache() else { return };
    Runtime::new().unwrap().block_on(async {
        assert_eq!(cache.list().count().await, 1, "reading works");
        cache.open(&name()).await.unwrap();
        let errors = [
            cache.stage(&name()).await.map(|_| ()).unwrap_err(),
            cache.lease(&name(), "us").await.map(|_| ()).unwrap_err(),
            cache.remove(&name()).await.map(|_| ()).unwrap_err(),
            cache
                .records()
                .put(&Key::from("x"), "y".into())
                .await
                .map(|_| ())
                .unwrap_err()
                .into(),
        ];
        for error in errors {
            assert!(
                error.hint().unwrap().contains("writable"),
                "{error}: {:?}",
                error.hint()
            );
            assert!(!error.is_retryable(), "{error}");
        }
        println!("seen");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_cube() {
    let root = tempfile::tempdir().unwrap();
    in_namespace(
        "processes::child_fills_the_disk",
        root.path(),
        PRIVATE_MOUNTS,
        "mount -t tmpfs -o size=1m tmpfs \"$cache\"",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let root = tempfile::tempdir().unwrap();
    let cache = FilesystemCache::open(root.path()).unwrap();
    Runtime::new()
        .unwrap()
        .block_on(commit(&cache, &name(), "old"));
    in_namespace(
        "processes::child_cannot_write",
        root.path(),
        PRIVATE_MOUNTS,
        "mount --bind \"$cache\" \"$cache\"; mount -o remount,bind,ro \"$cache\"",
    );
}
