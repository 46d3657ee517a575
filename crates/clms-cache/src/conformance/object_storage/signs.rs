//! Leases and writers, living and dead.

use std::{sync::Arc, time::Duration};

use futures::{TryStreamExt, future::join};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};

use super::{
    LEASE_TIME, World,
    deeds::{clean, present},
    forest,
};
use crate::{
    CacheError, CacheStore, CubeName, Usage,
    conformance::{Broken, Checked, Extent, commit, ensure, ensure_present, objects, write},
};

pub(super) async fn stale_lease(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let name = forest()?;
    let (dying, faults) = world.process();
    let (other, _) = world.process();
    let lease = dying.lease(&name, "one who dies").await?;
    ensure!(!lease.is_lost(), "it is lost from the beginning");
    faults.crash_before(1);
    for _ in 0..2 {
        match other.lease(&name, "another").await {
            Err(error @ CacheError::Held { .. }) => ensure!(
                error.to_string().contains("one who dies"),
                "the holder is not shown: {error}"
            ),
            lease => ensure!(false, "before its time it was answered by {lease:?}"),
        }
        world
            .clock
            .advance(LEASE_TIME / 2 - Duration::from_millis(1));
    }
    ensure!(
        lease.is_lost(),
        "its holder does not know that it may be lost"
    );
    world.clock.advance(Duration::from_millis(2));
    let taken = other.lease(&name, "another").await?;
    // Whoever comes back finds it taken, and leaves it alone.
    faults.reset();
    drop(lease);
    let refused = dying.lease(&name, "one who came back").await;
    ensure!(
        matches!(&refused, Err(error @ CacheError::Held { .. }) if error.to_string().contains("another")),
        "one who came back was answered by {refused:?}"
    );
    ensure!(!taken.is_lost(), "the new one is lost");
    taken.give_back().await?;
    dying.lease(&name, "at last").await?.give_back().await?;
    Ok(())
}

pub(super) async fn late_lease(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let name = forest()?;
    let (slow, faults) = world.process();
    // Each time it is late again, it is given twice the time.
    let mut lives = LEASE_TIME;
    for _ in 0..2 {
        let lease = slow.lease(&name, "a slow one").await?;
        faults.hold();
        world.clock.advance(lives / 2 - Duration::from_millis(1));
        ensure!(!lease.is_lost(), "a lease of {lives:?} is lost too early");
        world.clock.advance(Duration::from_millis(1));
        ensure!(lease.is_lost(), "a lease of {lives:?} is never lost");
        faults.release();
        lease.give_back().await?;
        lives *= 2;
    }
    Ok(())
}

pub(super) async fn renewed_lease(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let name = forest()?;
    let (first, _) = world.process();
    let (other, _) = world.process();
    let lease = first.lease(&name, "one who lives").await?;
    let sign = Path::from_iter(["cubes", ".clms", "v1", "leases"]);
    let version = || async {
        let signs: Vec<_> = world.store.list(Some(&sign)).try_collect().await?;
        Ok::<_, Broken>(signs.into_iter().map(|meta| meta.e_tag).collect::<Vec<_>>())
    };
    for _ in 0..20 {
        let before = version().await?;
        let renewed = async {
            while version().await? == before {
                tokio::task::yield_now().await;
            }
            Ok::<_, Broken>(())
        };
        world.while_time_passes(renewed).await?;
        let refused = other.lease(&name, "another").await;
        ensure!(
            matches!(refused, Err(CacheError::Held { .. })),
            "another one was answered by {refused:?}"
        );
        ensure!(!lease.is_lost(), "it is lost");
    }
    lease.give_back().await?;
    other.lease(&name, "another").await?.give_back().await?;
    Ok(())
}

pub(super) async fn given_back_lease(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let name = forest()?;
    let ((first, _), (other, _)) = (world.process(), world.process());
    for _ in 0..3 {
        first.lease(&name, "first").await?.give_back().await?;
        other.lease(&name, "other").await?.give_back().await?;
        drop(first.lease(&name, "dropped").await?);
        first.lease(&name, "again").await?.give_back().await?;
    }
    Ok(())
}

pub(super) async fn lost_claim(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let name = forest()?;
    let (sleeper, faults) = world.process();
    let (other, _) = world.process();
    let first = sleeper.stage(&name).await?;
    write(&*first.store(), &objects("the sleeper's")).await?;
    // It falls asleep: nothing of it goes on, while time goes on for others.
    faults.hold();
    let second = other.stage(&name).await?;
    write(&*second.store(), &objects("the other's")).await?;
    world.clock.advance(LEASE_TIME + Duration::from_secs(1));
    other.commit(second).await?;
    ensure_present(&other, &name, &objects("the other's")).await?;

    faults.release();
    let key = Path::from("band/c/0/0");
    let put = first.store().put(&key, "too late".into()).await;
    ensure!(put.is_err(), "it still writes: {put:?}");
    let committed = sleeper.commit(first).await;
    ensure!(
        matches!(
            committed,
            Err(CacheError::LostToAnother { .. } | CacheError::Overwritten { .. })
        ),
        "its commit was answered by {committed:?}"
    );
    ensure_present(&sleeper, &name, &objects("the other's")).await
}

pub(super) async fn two_writers(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let name = forest()?;
    let ((one, _), (other, _)) = (world.process(), world.process());
    for round in 0..5 {
        let contents =
            [format!("one {round}"), format!("other {round}")].map(|text| objects(&text));
        let (first, second) = world
            .while_time_passes(join(
                commit(&one, &name, &contents[0]),
                commit(&other, &name, &contents[1]),
            ))
            .await;
        first?;
        second?;
        let found = present(&one, &name).await?;
        ensure!(
            found.as_ref().is_some_and(|found| contents.contains(found)),
            "the cube is {found:?}"
        );
    }
    Ok(())
}

pub(super) async fn leftovers_of_the_living(store: Arc<dyn ObjectStore>, _: Extent) -> Checked {
    let world = World::new(store, "cubes");
    let (writer, _) = world.process();
    let (other, _) = world.process();
    let names = [CubeName::new("new")?, CubeName::new("replaced")?];
    commit(&writer, &names[1], &objects("old")).await?;
    let mut staged = Vec::new();
    for name in &names {
        let place = writer.stage(name).await?;
        write(&*place.store(), &objects("living")).await?;
        staged.push(place);
    }
    let found = clean(&world, &other).await?;
    ensure!(found.is_empty(), "{found:?} are taken for leftovers");
    for (place, name) in staged.into_iter().zip(&names) {
        writer.commit(place).await?;
        ensure_present(&other, name, &objects("living")).await?;
    }
    let name = CubeName::new("dead")?;
    let place = writer.stage(&name).await?;
    write(&*place.store(), &objects("dead")).await?;
    drop(place);
    let found = clean(&world, &other).await?;
    let expected = objects("dead");
    let usage = Usage {
        // Its root metadata never arrived.
        objects: expected.len() as u64 - 1,
        bytes: expected
            .iter()
            .filter(|(key, _)| *key != "zarr.json")
            .map(|(_, bytes)| bytes.len() as u64)
            .sum(),
    };
    ensure!(
        matches!(&found[..], [one] if one.usage == usage && one.name.as_ref() == Some(&name)),
        "{found:?} are found instead of {usage:?}"
    );
    Ok(())
}
