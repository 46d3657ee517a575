//! Cubes and those who read them.

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use futures::{TryStreamExt, future::try_join_all};
use object_store::{ObjectStore, ObjectStoreExt, path::Path, prefix::PrefixStore};

use super::{World, forest};
use crate::{
    CacheError, CacheStore, WasReplaced,
    conformance::{
        Broken, Checked, Extent, commit, ensure, ensure_absent, ensure_present, objects, write,
    },
};

pub(super) async fn cut_answers(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let name = forest()?;
    let (cache, faults) = world.process();
    commit(&cache, &name, &objects("old")).await?;
    faults.cut_reads_after(5);
    for answer in [
        cache.look_up(&name).await.map(|found| format!("{found:?}")),
        cache.open(&name).await.map(|found| format!("{found:?}")),
        cache.usage(&name).await.map(|found| format!("{found:?}")),
        cache.stage(&name).await.map(|found| format!("{found:?}")),
        cache.remove(&name).await.map(|found| format!("{found:?}")),
    ] {
        match answer {
            Err(CacheError::Storage(_)) => {}
            Err(error) => ensure!(false, "the answer was {error}"),
            Ok(answer) => ensure!(false, "the answer was {answer}"),
        }
    }
    faults.reset();
    let cube = cache.open(&name).await?;
    faults.cut_reads_after(5);
    let chunk = cube.get(&Path::from("band/c/0/0")).await?.bytes().await;
    ensure!(chunk.is_err(), "a chunk that was cut was read as {chunk:?}");
    faults.reset();
    ensure_present(&cache, &name, &objects("old")).await
}

pub(super) async fn pinned_readers(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let name = forest()?;
    let (cache, _) = world.process();
    let (chunk, hole) = (Path::from("band/c/0/0"), Path::from("band/c/7/7"));
    commit(&cache, &name, &objects("old")).await?;
    let old = cache.open(&name).await?;
    let mut larger = objects("new");
    larger.insert(hole.to_string(), b"not in the old one".to_vec());
    commit(&cache, &name, &larger).await?;
    let ranges = old.get_ranges(&chunk, &[0..2, 3..5]).await.map(|_| ());
    let got = old.get(&chunk).await.map(|_| ());
    let head = old.head(&chunk).await.map(|_| ());
    for answer in [ranges, got, head] {
        let Err(error) = answer else {
            return Err(Broken(
                "a chunk of the new one was read as the old one's".to_owned(),
            ));
        };
        ensure!(
            WasReplaced::in_error(&error).is_some_and(|found| found.name == name)
                && error.to_string().contains("was replaced"),
            "the reader is told {error}"
        );
    }
    let answer = old.get(&hole).await;
    ensure!(
        matches!(answer, Err(object_store::Error::NotFound { .. })),
        "a hole of the old one is {answer:?}"
    );
    let new = cache.open(&name).await?;
    cache.remove(&name).await?;
    let Err(error) = new.get(&chunk).await else {
        return Err(Broken("a chunk of a removed cube was read".to_owned()));
    };
    ensure!(
        WasReplaced::in_error(&error).is_some(),
        "the reader of a removed cube is told {error}"
    );
    Ok(())
}

pub(super) async fn uploads(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    const PART: usize = 5 << 20;
    let world = World::new(store, "cubes");
    let name = forest()?;
    let key = Path::from("band/c/9/9");
    let (cache, faults) = world.process();
    let staged = cache.stage(&name).await?;
    let cube = staged.store();
    write(&*cube, &objects("new")).await?;

    let mut whole = cube.put_multipart(&key).await?;
    whole.put_part(vec![1; PART].into()).await?;
    whole.put_part(vec![2; 10].into()).await?;
    whole.complete().await?;

    let other = Path::from("band/c/9/8");
    let mut dropped = cube.put_multipart(&other).await?;
    dropped.put_part(vec![1; PART].into()).await?;
    drop(dropped);

    let mut failed = cube.put_multipart(&other).await?;
    let next = faults.writes() + 1;
    faults.fail(next..next + 1);
    let part = failed.put_part(vec![1; PART].into()).await;
    ensure!(part.is_err(), "the fault was not injected");
    drop(failed);

    let mut incomplete = cube.put_multipart(&other).await?;
    incomplete.put_part(vec![1; PART].into()).await?;
    let next = faults.writes() + 1;
    faults.fail(next..next + 1);
    ensure!(
        incomplete.complete().await.is_err(),
        "the fault was not injected"
    );
    drop(incomplete);

    let mut forgotten = cube.put_multipart(&other).await?;
    forgotten.put_part(vec![1; PART].into()).await?;
    let committed = cache.commit(staged).await;
    ensure!(
        committed.is_ok(),
        "the commit was answered by {committed:?}"
    );
    let late = forgotten.complete().await;
    ensure!(
        late.is_err(),
        "an upload was completed after the commit: {late:?}"
    );
    ensure!(
        faults.open_uploads() == 0,
        "{} uploads are left",
        faults.open_uploads()
    );
    let mut expected = objects("new");
    let mut bytes = vec![1; PART];
    bytes.extend([2; 10]);
    expected.insert(key.to_string(), bytes);
    ensure_present(&cache, &name, &expected).await?;

    let staged = cache.stage(&name).await?;
    let mut discarded = staged.store().put_multipart(&other).await?;
    discarded.put_part(vec![1; PART].into()).await?;
    cache.discard(staged).await?;
    let left = faults.open_uploads();
    ensure!(left == 0, "{left} uploads are left of what was discarded");
    ensure_present(&cache, &name, &expected).await
}

pub(super) async fn foreign_cubes(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let (cache, _) = world.process();
    let name = forest()?;
    for folder in [name.folder(), name.portable_folder()] {
        let root = Path::parse(format!("cubes/{folder}")).map_err(object_store::Error::from)?;
        let place = PrefixStore::new(Arc::clone(&world.store), root);
        write(&place, &objects("copied")).await?;
        ensure_present(&cache, &name, &objects("copied")).await?;
        let old = cache.open(&name).await?;
        let staged = cache.stage(&name).await?;
        write(&*staged.store(), &objects("new")).await?;
        ensure_present(&cache, &name, &objects("copied")).await?;
        cache.commit(staged).await?;
        ensure_present(&cache, &name, &objects("new")).await?;
        drop(old);
        ensure!(cache.remove(&name).await?, "nothing was removed");
        ensure_absent(&cache, &name).await?;
    }
    Ok(())
}

pub(super) async fn many_objects(store: Arc<dyn ObjectStore>, extent: Extent) -> Checked {
    const AT_A_TIME: usize = 20;
    let many = extent.objects;
    let world = World::new(store, "cubes");
    let (cache, _) = world.process();
    let name = forest()?;
    let staged = cache.stage(&name).await?;
    let cube = staged.store();
    for some in (0..many - 1).step_by(AT_A_TIME) {
        let puts = (some..many - 1).take(AT_A_TIME).map(|chunk| {
            let cube = Arc::clone(&cube);
            async move {
                let key = Path::from(format!("band/c/{}/{}", chunk / 100, chunk % 100));
                cube.put(&key, chunk.to_string().into()).await
            }
        });
        try_join_all(puts).await?;
    }
    cube.put(&Path::from("zarr.json"), "{}".into()).await?;
    cache.commit(staged).await?;
    let usage = cache.usage(&name).await?;
    ensure!(usage.objects == many as u64, "it has {usage:?}");
    let cube = cache.open(&name).await?;
    let listed: Vec<_> = cube.list(None).try_collect().await?;
    ensure!(listed.len() == many, "{} are listed", listed.len());
    let last = many - 2;
    let key = Path::from(format!("band/c/{}/{}", last / 100, last % 100));
    let chunk = cube.get(&key).await?.bytes().await?;
    ensure!(chunk == last.to_string(), "a chunk is {chunk:?}");
    ensure!(cache.remove(&name).await?, "nothing was removed");
    let mut left = String::new();
    for key in world
        .keys()
        .await?
        .iter()
        .filter(|key| key.contains(".zarr/"))
    {
        write!(left, "{key} ").map_err(|error| Broken(error.to_string()))?;
    }
    ensure!(left.is_empty(), "{left} are left");
    Ok(())
}

/// More than a page of a listing, put there by others, since that takes one request for each.
pub(super) async fn many_cubes(store: Arc<dyn ObjectStore>, extent: Extent) -> Checked {
    const AT_A_TIME: usize = 20;
    let many = extent.objects;
    let world = World::new(store, "cubes");
    let (cache, faults) = world.process();
    let numbers: Vec<usize> = (0..many).collect();
    for some in numbers.chunks(AT_A_TIME) {
        let puts = some.iter().map(|number| {
            let store = Arc::clone(&world.store);
            async move {
                let key = Path::from(format!("cubes/{number}.zarr/zarr.json"));
                store.put(&key, "{}".into()).await
            }
        });
        try_join_all(puts).await?;
    }
    let cubes: Vec<_> = cache.list().try_collect().await?;
    let names: BTreeSet<_> = cubes.iter().map(|cube| &cube.name).collect();
    ensure!(
        cubes.len() == many && names.len() == many,
        "{} are listed, {} of them different",
        cubes.len(),
        names.len()
    );
    let before = faults.reads();
    let first = cache.list().try_next().await?;
    let asked = faults.reads() - before;
    ensure!(first.is_some(), "none is first");
    ensure!(
        asked < many / 10,
        "{asked} requests are made for one who only wants the first"
    );
    Ok(())
}
