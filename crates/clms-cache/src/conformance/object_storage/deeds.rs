//! Faults at each write of what a process does.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::ObjectStore;

use super::{LEASE_TIME, World, forest};
use crate::{
    CacheError, CacheStore, CubeName, Faults, Leftover, Maintain, ObjectStorageCache,
    conformance::{
        Broken, Checked, Extent, Objects, commit, ensure, ensure_absent, ensure_present, objects,
        read, write,
    },
};

/// A small cube that has more at its root than what makes a cube of it.
pub(super) fn cube(generation: &str) -> Objects {
    let mut cube = objects(generation);
    for root in [".zattrs", ".zmetadata"] {
        cube.insert(root.to_owned(), generation.as_bytes().to_vec());
    }
    cube
}

/// What a process does that may die of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    CommitsTheFirst,
    Replaces,
    Removes,
    Discards,
    DiscardsTheFirst,
}

pub(super) const DEEDS: [Deed; 5] = [
    Deed::CommitsTheFirst,
    Deed::Replaces,
    Deed::Removes,
    Deed::Discards,
    Deed::DiscardsTheFirst,
];

impl Deed {
    pub(super) fn begins_with_a_cube(self) -> bool {
        matches!(self, Self::Replaces | Self::Removes | Self::Discards)
    }

    pub(super) async fn is_done_by(self, cache: &ObjectStorageCache) -> Checked {
        let name = forest()?;
        match self {
            Self::CommitsTheFirst | Self::Replaces => {
                commit(cache, &name, &cube("new")).await?;
            }
            Self::Removes => {
                cache.remove(&name).await?;
            }
            Self::Discards | Self::DiscardsTheFirst => {
                let staged = cache.stage(&name).await?;
                write(&*staged.store(), &cube("discarded")).await?;
                cache.discard(staged).await?;
            }
        }
        Ok(())
    }

    /// What may be there afterwards; `None` stands for no cube.
    pub(super) fn outcomes(self, was_done: bool) -> Vec<Option<Objects>> {
        let (old, new) = (Some(cube("old")), Some(cube("new")));
        match (self, was_done) {
            (Self::CommitsTheFirst | Self::Replaces, true) => vec![new],
            (Self::CommitsTheFirst, false) => vec![None, new],
            (Self::Replaces, false) => vec![old, None, new],
            (Self::Removes, true) | (Self::DiscardsTheFirst, _) => vec![None],
            (Self::Removes, false) => vec![old, None],
            (Self::Discards, _) => vec![old],
        }
    }
}

pub(super) async fn crashes(store: Arc<dyn ObjectStore>, extent: Extent) -> Checked {
    let writes = (1..).step_by(extent.fault_step);
    after_each_write(store, "crash", writes, |faults, write| {
        faults.crash_before(write);
    })
    .await
}

pub(super) async fn failures(store: Arc<dyn ObjectStore>, extent: Extent) -> Checked {
    let writes = (1..).step_by(extent.fault_step);
    after_each_write(store, "failure", writes, |faults, write| {
        faults.fail(write..write + 1);
    })
    .await
}

pub(super) async fn lost_answers(store: Arc<dyn ObjectStore>, extent: Extent) -> Checked {
    let writes = (1..).step_by(extent.fault_step);
    after_each_write(store, "lost answer", writes, |faults, write| {
        faults.lose_answer_of(write);
    })
    .await
}

/// Does each deed with a fault at each of these `writes` up to its last, and looks at what is left with the eyes of another process.
async fn after_each_write(
    store: Arc<dyn ObjectStore>,
    fault: &str,
    writes: impl Iterator<Item = usize> + Clone,
    inject: impl Fn(&Faults, usize),
) -> Checked {
    for deed in DEEDS {
        for write in writes.clone() {
            let root = format!("{fault} {deed:?} {write}");
            let world = World::new(Arc::clone(&store), &root);
            let failed = |Broken(seen)| Broken(format!("{root}: {seen}"));
            let is_last = deed_with_fault(&world, deed, |faults| inject(faults, write));
            if is_last.await.map_err(failed)? {
                break;
            }
        }
    }
    Ok(())
}

/// Whether the fault was behind the last write.
async fn deed_with_fault(
    world: &World,
    deed: Deed,
    inject: impl Fn(&Faults),
) -> Result<bool, Broken> {
    let name = forest()?;
    let (cache, faults) = world.process();
    if deed.begins_with_a_cube() {
        commit(&cache, &name, &cube("old")).await?;
    }
    faults.reset();
    inject(&faults);
    let done = deed.is_done_by(&cache).await;
    let was_harmed = faults.was_hit();
    drop(cache);

    let (other, _) = world.process();
    let found = present(&other, &name).await?;
    let expected = deed.outcomes(done.is_ok());
    ensure!(
        expected.contains(&found),
        "the process ended with {} and left {found:?}",
        done.as_ref().err().map_or("success", |Broken(seen)| seen)
    );
    match &found {
        Some(objects) => ensure_present(&other, &name, objects).await?,
        None => ensure_absent(&other, &name).await?,
    }

    // A new writer goes on at once, even if it has to find out first that the other one is dead.
    let staged = other.stage(&name).await?;
    write(&*staged.store(), &cube("newest")).await?;
    world.clock.advance(LEASE_TIME);
    other.commit(staged).await?;
    ensure_present(&other, &name, &cube("newest")).await?;

    // And nothing is left but the cube, once it was looked after.
    clean(world, &other).await?;
    ensure_present(&other, &name, &cube("newest")).await?;
    let keys = world.keys().await?;
    let strange = keys
        .iter()
        .filter(|key| key.contains("/staging/") || key.contains("/writers/"));
    let strange: Vec<_> = strange.collect();
    ensure!(strange.is_empty(), "{strange:?} are left");
    ensure!(
        other.usage(&name).await?.objects == cube("newest").len() as u64,
        "there is more than the cube: {keys:?}"
    );
    Ok(!was_harmed)
}

/// The objects of the cube, if it is there.
pub(super) async fn present(
    cache: &ObjectStorageCache,
    name: &CubeName,
) -> Result<Option<Objects>, Broken> {
    match cache.open(name).await {
        Ok(cube) => Ok(Some(read(&*cube).await?)),
        Err(CacheError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes what dead writers left.
pub(super) async fn clean(
    world: &World,
    cache: &ObjectStorageCache,
) -> Result<Vec<Leftover>, Broken> {
    let leftovers: Vec<Leftover> = world
        .while_time_passes(Maintain::leftovers(cache).try_collect())
        .await?;
    for leftover in &leftovers {
        ensure!(
            world.while_time_passes(cache.clear(leftover)).await?,
            "{leftover:?} was not cleared"
        );
    }
    Ok(leftovers)
}
