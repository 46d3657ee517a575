//! Finished or absent.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, future::try_join_all};
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, path::Path};

use super::{
    Checked, Objects, commit, ensure, ensure_absent, ensure_present, listed, objects, read, write,
};
use crate::{CacheError, CacheStore, CubeName, Usage, WasReplaced};

pub(super) async fn empty(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("nothing")?;
    let names = listed(&*cache).await?;
    ensure!(names.is_empty(), "{names:?} are listed");
    ensure_absent(&*cache, &name).await?;
    ensure!(!cache.remove(&name).await?, "something was removed");
    Ok(())
}

pub(super) async fn staged_is_invisible(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let staged = cache.stage(&name).await?;
    ensure!(
        *staged.name() == name,
        "the staging place is for {}",
        staged.name()
    );
    ensure_absent(&*cache, &name).await?;
    let store = staged.store();
    let found = read(&*store).await?;
    ensure!(found.is_empty(), "the staging place has {found:?}");
    for (key, bytes) in objects("new") {
        store.put(&Path::from(key), bytes.into()).await?;
        ensure_absent(&*cache, &name).await?;
        let names = listed(&*cache).await?;
        ensure!(names.is_empty(), "{names:?} are listed");
    }
    ensure!(
        !cache.remove(&name).await?,
        "what was staged was removed as if finished"
    );
    let found = read(&*store).await?;
    ensure!(
        found == objects("new"),
        "what was staged reads as {found:?}"
    );
    Ok(())
}

pub(super) async fn committed_is_visible(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let committed = commit(&*cache, &name, &objects("new")).await?;
    ensure!(
        committed.name == name,
        "the commit returned the name {}",
        committed.name
    );
    ensure_present(&*cache, &name, &objects("new")).await?;
    let location = cache.cube_location(&name);
    ensure!(
        committed.location == location,
        "it is at {} by the commit and at {location} by its name",
        committed.location
    );
    let looked_up = cache.look_up(&name).await?;
    ensure!(
        looked_up.as_ref() == Some(&committed),
        "it is looked up as {looked_up:?}"
    );
    let listed: Vec<_> = cache.list().try_collect().await?;
    ensure!(listed == [committed], "it is listed as {listed:?}");

    let store = cache.open(&name).await?;
    let range = store.get_range(&Path::from("band/c/0/0"), 2..8).await?;
    ensure!(range == b"band/c"[..], "the range 2..8 is {range:?}");
    let missing = store.get(&Path::from("band/c/7/7")).await;
    ensure!(
        matches!(missing, Err(object_store::Error::NotFound { .. })),
        "a chunk that was never written is {missing:?}"
    );
    Ok(())
}

pub(super) async fn not_whole_is_refused(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("chunks only")?;
    for objects in [
        Objects::new(),
        Objects::from([("band/c/0/0".to_owned(), vec![1])]),
    ] {
        let staged = cache.stage(&name).await?;
        write(&*staged.store(), &objects).await?;
        let committed = cache.commit(staged).await;
        ensure!(
            matches!(committed, Err(CacheError::NotWhole { .. })),
            "the commit returned {committed:?}"
        );
        ensure_absent(&*cache, &name).await?;
    }
    Ok(())
}

pub(super) async fn replaces_wholly(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let mut old = objects("old");
    old.insert("band/c/9/9".to_owned(), b"only in the old one".to_vec());
    old.insert("other/zarr.json".to_owned(), b"{}".to_vec());
    commit(&*cache, &name, &old).await?;

    let staged = cache.stage(&name).await?;
    let found = read(&*staged.store()).await?;
    ensure!(
        found.is_empty(),
        "the new staging place begins with {found:?}"
    );
    write(&*staged.store(), &objects("new")).await?;
    ensure_present(&*cache, &name, &old).await?;
    cache.commit(staged).await?;
    ensure_present(&*cache, &name, &objects("new")).await?;
    let names = listed(&*cache).await?;
    ensure!(names == [name], "{names:?} are listed");
    Ok(())
}

pub(super) async fn failed_commit_keeps_the_old(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    commit(&*cache, &name, &objects("old")).await?;
    let staged = cache.stage(&name).await?;
    staged
        .store()
        .put(&Path::from("band/c/0/0"), "new".into())
        .await?;
    let committed = cache.commit(staged).await;
    ensure!(
        committed.is_err(),
        "a cube without metadata was committed as {committed:?}"
    );
    ensure_present(&*cache, &name, &objects("old")).await
}

pub(super) async fn discarded_is_gone(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let staged = cache.stage(&name).await?;
    let store = staged.store();
    write(&*store, &objects("discarded")).await?;
    cache.discard(staged).await?;
    ensure_absent(&*cache, &name).await?;
    let left = read(&*store).await?;
    ensure!(left.is_empty(), "{left:?} are left in the staging place");

    commit(&*cache, &name, &objects("old")).await?;
    let staged = cache.stage(&name).await?;
    write(&*staged.store(), &objects("discarded")).await?;
    cache.discard(staged).await?;
    ensure_present(&*cache, &name, &objects("old")).await
}

pub(super) async fn abandoned_is_invisible(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    for _ in 0..3 {
        let staged = cache.stage(&name).await?;
        write(&*staged.store(), &objects("abandoned")).await?;
        drop(staged);
        ensure_absent(&*cache, &name).await?;
    }
    commit(&*cache, &name, &objects("new")).await?;
    ensure_present(&*cache, &name, &objects("new")).await?;
    let names = listed(&*cache).await?;
    ensure!(names == [name], "{names:?} are listed");
    Ok(())
}

pub(super) async fn stagings_are_separate(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let (first, second) = (cache.stage(&name).await?, cache.stage(&name).await?);
    write(&*first.store(), &objects("first")).await?;
    let mut larger = objects("second");
    larger.insert("band/c/5/5".to_owned(), vec![5]);
    write(&*second.store(), &larger).await?;
    cache.commit(first).await?;
    ensure_present(&*cache, &name, &objects("first")).await?;
    cache.commit(second).await?;
    ensure_present(&*cache, &name, &larger).await
}

pub(super) async fn unfinished_writes_vanish(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let staged = cache.stage(&name).await?;
    let store = staged.store();
    write(&*store, &objects("new")).await?;
    let mut upload = store.put_multipart(&Path::from("band/c/3/3")).await?;
    upload.put_part(vec![3; 5 << 20].into()).await?;
    // As if its writer had died: neither completed nor aborted, and not dropped before the end.
    let committed = cache.commit(staged).await?;
    ensure_present(&*cache, &name, &objects("new")).await?;
    let usage = cache.usage(&name).await?;
    ensure!(
        usage.objects == objects("new").len() as u64,
        "{usage:?} with an upload that was never completed, at {}",
        committed.location
    );
    drop(upload);
    Ok(())
}

pub(super) async fn removed_is_gone(cache: Arc<dyn CacheStore>) -> Checked {
    let (one, other) = (CubeName::new("forest|2018")?, CubeName::new("forest|2021")?);
    commit(&*cache, &one, &objects("one")).await?;
    commit(&*cache, &other, &objects("other")).await?;
    ensure!(cache.remove(&one).await?, "nothing was removed");
    ensure_absent(&*cache, &one).await?;
    ensure_present(&*cache, &other, &objects("other")).await?;
    ensure!(!cache.remove(&one).await?, "it was removed twice");
    commit(&*cache, &one, &objects("again")).await?;
    ensure_present(&*cache, &one, &objects("again")).await
}

pub(super) async fn usage_is_exact(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let mut objects = objects("new");
    objects.insert("band/c/1/1".to_owned(), vec![0; 1 << 20]);
    objects.insert("band/c/1/2".to_owned(), Vec::new());
    commit(&*cache, &name, &objects).await?;
    let expected = Usage {
        bytes: objects.values().map(|bytes| bytes.len() as u64).sum(),
        objects: objects.len() as u64,
    };
    let usage = cache.usage(&name).await?;
    ensure!(usage == expected, "{usage:?} instead of {expected:?}");
    Ok(())
}

pub(super) async fn both_formats_count(cache: Arc<dyn CacheStore>) -> Checked {
    for root in ["zarr.json", ".zgroup", ".zattrs", ".zmetadata"] {
        let name = CubeName::new(format!("with {root}"))?;
        let objects = Objects::from([
            (root.to_owned(), b"{}".to_vec()),
            ("band/0.0".to_owned(), vec![1]),
        ]);
        commit(&*cache, &name, &objects).await?;
        ensure_present(&*cache, &name, &objects).await?;
    }
    Ok(())
}

pub(super) async fn commits_at_once(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let generations: Vec<_> = (0..8)
        .map(|generation| objects(&generation.to_string()))
        .collect();
    try_join_all(
        generations
            .iter()
            .map(|objects| commit(&*cache, &name, objects)),
    )
    .await?;
    let found = read(&*cache.open(&name).await?).await?;
    ensure!(
        generations.contains(&found),
        "the cube is a mixture: {found:?}"
    );
    ensure_present(&*cache, &name, &found).await
}

pub(super) async fn readers_see_whole_objects(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    // Large enough to be torn.
    let generation = |mark: u8| Objects::from([("zarr.json".to_owned(), vec![mark; 300_000])]);
    commit(&*cache, &name, &generation(0)).await?;
    let replacing = async {
        for mark in 1..30 {
            commit(&*cache, &name, &generation(mark)).await?;
        }
        Ok(())
    };
    let reading = async {
        for _ in 0..60 {
            cache.look_up(&name).await?;
            let store: Arc<dyn ObjectStore> = match cache.open(&name).await {
                Err(CacheError::NotFound { .. }) => continue,
                opened => opened?,
            };
            let bytes = match store
                .get_opts(&Path::from("zarr.json"), GetOptions::default())
                .await
            {
                Err(object_store::Error::NotFound { .. }) => continue,
                Err(error) if WasReplaced::in_error(&error).is_some() => continue,
                got => got?.bytes().await?,
            };
            ensure!(
                bytes.len() == 300_000 && bytes.iter().all(|byte| *byte == bytes[0]),
                "an object of {} bytes is torn",
                bytes.len()
            );
        }
        Ok(())
    };
    let (replaced, read): (Checked, Checked) = futures::join!(replacing, reading);
    replaced?;
    read?;
    let left = cache.list().count().await;
    ensure!(left == 1, "{left} cubes are listed at the end");
    ensure_present(&*cache, &name, &generation(29)).await
}

pub(super) async fn readers_are_told(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let chunk = Path::from("band/c/0/0");
    commit(&*cache, &name, &objects("old")).await?;
    let old = cache.open(&name).await?;
    commit(&*cache, &name, &objects("new")).await?;
    let new = cache.open(&name).await?;
    ensure_present(&*cache, &name, &objects("new")).await?;
    cache.remove(&name).await?;
    for (handle, fate) in [(old, "replaced"), (new, "removed")] {
        match handle.get(&chunk).await {
            Err(error) if WasReplaced::in_error(&error).is_some_and(|found| found.name == name) => {
            }
            Err(error) => ensure!(false, "the reader of a {fate} cube is told {error}"),
            Ok(_) => ensure!(
                false,
                "a chunk was read through the handle of a {fate} cube"
            ),
        }
    }
    Ok(())
}
