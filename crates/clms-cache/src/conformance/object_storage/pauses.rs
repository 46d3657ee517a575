//! Processes that stop in the middle, such as those of a laptop that sleeps, and go on when others have been there.

use std::{future::Future, pin::pin, sync::Arc};

use object_store::ObjectStore;

use super::{
    World,
    deeds::{DEEDS, Deed, clean, cube, present},
    forest,
};
use crate::{
    CacheError,
    conformance::{Broken, Checked, Extent, commit, ensure, read},
};

/// One stops before each write of each deed, another one commits meanwhile, and the first goes on.
pub(super) async fn writers(store: Arc<dyn ObjectStore>, extent: Extent) -> Checked {
    for deed in DEEDS {
        for write in (1..).step_by(extent.fault_step) {
            let root = format!("{deed:?} {write}");
            let failed = |Broken(seen)| Broken(format!("{root}: {seen}"));
            let world = World::new(Arc::clone(&store), &root);
            if !writer(&world, deed, write).await.map_err(failed)? {
                break;
            }
        }
    }
    Ok(())
}

/// Whether the pause came before the deed was done.
async fn writer(world: &World, deed: Deed, write: usize) -> Result<bool, Broken> {
    let name = forest()?;
    let ((sleeper, faults), (other, _)) = (world.process(), world.process());
    if deed.begins_with_a_cube() {
        commit(&sleeper, &name, &cube("old")).await?;
    }
    faults.reset();
    faults.hold_before(write);
    let mut work = pin!(deed.is_done_by(&sleeper));
    if done_before(&mut work, faults.until_held()).await.is_some() {
        return Ok(false);
    }
    let others = cube("another's");
    world
        .while_time_passes(commit(&other, &name, &others))
        .await?;
    let found = present(&other, &name).await?;
    ensure!(
        found.as_ref() == Some(&others),
        "while it pauses there is {found:?}"
    );
    faults.release();
    let done = world.while_time_passes(work).await;
    let found = present(&other, &name).await?;
    let is_others = found.as_ref() == Some(&others);
    let is_its = done.is_ok() && deed.outcomes(true).contains(&found);
    ensure!(
        is_others || is_its,
        "it ended with {} and left {found:?}",
        done.as_ref().err().map_or("success", |Broken(seen)| seen)
    );
    clean(world, &other).await?;
    ensure!(
        present(&other, &name).await? == found,
        "after a clean-up it is another cube"
    );
    Ok(true)
}

/// One stops before each request of opening a cube, and another one before each write of replacing it.
pub(super) async fn readers(store: Arc<dyn ObjectStore>, extent: Extent) -> Checked {
    for read in (1..).step_by(extent.fault_step) {
        let mut was_held = false;
        for write in (1..).step_by(extent.fault_step) {
            let root = format!("{read} {write}");
            let failed = |Broken(seen)| Broken(format!("{root}: {seen}"));
            let world = World::new(Arc::clone(&store), &root);
            let (reader_held, writer_held) = reader(&world, read, write).await.map_err(failed)?;
            was_held |= reader_held;
            if !writer_held {
                break;
            }
        }
        if !was_held {
            break;
        }
    }
    Ok(())
}

/// Whether the reader and the writer were held before they were done.
async fn reader(world: &World, at_read: usize, at_write: usize) -> Result<(bool, bool), Broken> {
    let name = forest()?;
    let ((writer, writes), (reader, reads)) = (world.process(), world.process());
    commit(&writer, &name, &cube("old")).await?;
    writes.reset();
    reads.hold_before_read(at_read);
    writes.hold_before(at_write);
    let mut opening = pin!(async {
        let opened = match crate::CacheStore::open(&reader, &name).await {
            Err(CacheError::NotFound { .. }) => return Ok(None),
            opened => opened?,
        };
        match read(&*opened).await {
            Ok(found) => Ok(Some(found)),
            Err(Broken(seen)) if seen.contains(REPLACED) => Ok(None),
            Err(error) => Err(error),
        }
    });
    let mut opened = done_before(&mut opening, reads.until_held()).await;
    let reader_held = opened.is_none();
    let mut replacing = pin!(Deed::Replaces.is_done_by(&writer));
    let replaced = done_before(&mut replacing, writes.until_held()).await;
    reads.release();
    if opened.is_none() {
        opened = Some(opening.await);
    }
    let found = opened.transpose()?.flatten();
    ensure!(
        found
            .as_ref()
            .is_none_or(|found| *found == cube("old") || *found == cube("new")),
        "a reader sees {found:?}"
    );
    writes.release();
    let writer_held = replaced.is_none();
    match replaced {
        Some(done) => done?,
        None => world.while_time_passes(replacing).await?,
    }
    Ok((reader_held, writer_held))
}

/// What a handle says whose cube is gone.
const REPLACED: &str = "was replaced or removed";

/// The outcome of `work`, unless `held` comes before it.
async fn done_before<T>(
    work: &mut (impl Future<Output = T> + Unpin),
    held: impl Future<Output = ()>,
) -> Option<T> {
    tokio::select! {
        biased;
        () = held => None,
        done = work => Some(done),
    }
}
