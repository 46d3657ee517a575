//! What a cache promises when its object store fails, and when its processes die.

use std::{fmt::Write, sync::Arc, time::Duration};

use futures::{TryStreamExt, future::join};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};

use super::{
    Broken, BrokenPromises, Checked, Objects, Promise, commit, ensure, ensure_absent,
    ensure_present, objects, read, write,
};
use crate::{
    CacheError, CacheStore, CubeName, Faults, FaultyStore, Leftover, Maintain, ManualClock,
    ObjectStorageCache, Usage, WasReplaced,
};

/// How long signs of life live in these checks, by a clock that stands still most of the time.
const LEASE_TIME: Duration = Duration::from_secs(60);

/// How often other tasks get their turn before time passes.
const TURNS: usize = 50;

/// Runs the promises of caches in object storage on stores made by `new_store`, a new, empty one for each promise, and
/// returns how many were kept.
///
/// # Errors
/// All promises that were broken.
pub async fn run_on_object_storage(
    new_store: &(dyn Fn() -> Arc<dyn ObjectStore> + Sync),
) -> Result<usize, BrokenPromises> {
    let mut broken = Vec::new();
    for promise in OBJECT_STORAGE_PROMISES {
        if let Err(error) = promise.check(new_store()).await {
            broken.push(error);
        }
    }
    if broken.is_empty() {
        Ok(OBJECT_STORAGE_PROMISES.len())
    } else {
        Err(BrokenPromises(broken))
    }
}

macro_rules! promises {
    ($($text:literal => $check:expr,)*) => {
        /// What a cache in object storage promises besides [`PROMISES`](super::PROMISES), each of which is checked on a
        /// new, empty store.
        pub const OBJECT_STORAGE_PROMISES: &[Promise<dyn ObjectStore>] = &[
            $(Promise { text: $text, check: |store| Box::pin($check(store)) },)*
        ];
    };
}

promises! {
    "a crash between any two writes leaves the old cube, the new one, or none" => crashes,
    "a write that fails leaves the old cube, the new one, or none" => failures,
    "a write whose answer is lost leaves the old cube, the new one, or none" => lost_answers,
    "an answer that is cut is an error and not the absence of a cube" => cut_answers,
    "a stale lease is taken over, and its holder notices" => stale_lease,
    "a lease that is renewed is not taken over" => renewed_lease,
    "a lease that is given back can be had at once" => given_back_lease,
    "a writer who lost his claim writes no more" => lost_claim,
    "two writers of one cube end in one whole cube" => two_writers,
    "leftovers of the living are left alone" => leftovers_of_the_living,
    "a reader of a cube that was replaced is told so" => pinned_readers,
    "uploads in parts are completed or aborted, whatever happens" => uploads,
    "cubes that others put there are cubes" => foreign_cubes,
    "a cube of thousands of objects is like any other" => many_objects,
}

/// Processes that share a store and a clock.
#[derive(Clone)]
struct World {
    store: Arc<dyn ObjectStore>,
    root: Path,
    clock: ManualClock,
}

impl World {
    fn new(store: Arc<dyn ObjectStore>, root: &str) -> Self {
        Self {
            store,
            root: Path::from(root),
            clock: ManualClock::new(),
        }
    }

    /// A process, and what can go wrong between it and the store.
    fn process(&self) -> (ObjectStorageCache, Faults) {
        let (store, faults) = FaultyStore::new(Arc::clone(&self.store));
        let cache = ObjectStorageCache::new(Arc::new(store), self.root.clone(), "test://cubes")
            .with_lease_time(LEASE_TIME)
            .with_clock(Arc::new(self.clock.clone()));
        (cache, faults)
    }

    /// Lets time pass while `work` is done, in steps small enough for those who renew something.
    async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        let passing = async {
            loop {
                for _ in 0..TURNS {
                    tokio::task::yield_now().await;
                }
                self.clock.advance(LEASE_TIME / 8);
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            never = passing => never,
        }
    }

    async fn keys(&self) -> Result<Vec<String>, Broken> {
        let metas: Vec<_> = self.store.list(Some(&self.root)).try_collect().await?;
        Ok(metas.iter().map(|meta| meta.location.to_string()).collect())
    }
}

fn forest() -> Result<CubeName, Broken> {
    Ok(CubeName::new("forest|2018")?)
}

/// What a process does that may die of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    CommitsTheFirst,
    Replaces,
    Removes,
    Discards,
    DiscardsTheFirst,
}

const DEEDS: [Deed; 5] = [
    Deed::CommitsTheFirst,
    Deed::Replaces,
    Deed::Removes,
    Deed::Discards,
    Deed::DiscardsTheFirst,
];

impl Deed {
    fn begins_with_a_cube(self) -> bool {
        matches!(self, Self::Replaces | Self::Removes | Self::Discards)
    }

    async fn is_done_by(self, cache: &ObjectStorageCache) -> Checked {
        let name = forest()?;
        match self {
            Self::CommitsTheFirst | Self::Replaces => {
                commit(cache, &name, &objects("new")).await?;
            }
            Self::Removes => {
                cache.remove(&name).await?;
            }
            Self::Discards | Self::DiscardsTheFirst => {
                let staged = cache.stage(&name).await?;
                write(&*staged.store(), &objects("discarded")).await?;
                cache.discard(staged).await?;
            }
        }
        Ok(())
    }

    /// What may be there afterwards; `None` stands for no cube.
    fn outcomes(self, was_done: bool) -> Vec<Option<Objects>> {
        let (old, new) = (Some(objects("old")), Some(objects("new")));
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

async fn crashes(store: Arc<dyn ObjectStore>) -> Checked {
    after_each_write(store, "crash", |faults, write| faults.crash_before(write)).await
}

async fn failures(store: Arc<dyn ObjectStore>) -> Checked {
    after_each_write(store, "failure", |faults, write| {
        faults.fail(write..write + 1);
    })
    .await
}

async fn lost_answers(store: Arc<dyn ObjectStore>) -> Checked {
    after_each_write(store, "lost answer", |faults, write| {
        faults.lose_answer_of(write);
    })
    .await
}

/// Does each deed with a fault at each of its writes, and looks at what is left with the eyes of another process.
async fn after_each_write(
    store: Arc<dyn ObjectStore>,
    fault: &str,
    inject: impl Fn(&Faults, usize),
) -> Checked {
    for deed in DEEDS {
        for write in 1.. {
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
        commit(&cache, &name, &objects("old")).await?;
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
    write(&*staged.store(), &objects("newest")).await?;
    world.clock.advance(LEASE_TIME);
    other.commit(staged).await?;
    ensure_present(&other, &name, &objects("newest")).await?;

    // And nothing is left but the cube, once it was looked after.
    clean(world, &other).await?;
    ensure_present(&other, &name, &objects("newest")).await?;
    let keys = world.keys().await?;
    let strange = keys
        .iter()
        .filter(|key| key.contains("/staging/") || key.contains("/writers/"));
    let strange: Vec<_> = strange.collect();
    ensure!(strange.is_empty(), "{strange:?} are left");
    ensure!(
        other.usage(&name).await?.objects == objects("newest").len() as u64,
        "there is more than the cube: {keys:?}"
    );
    Ok(!was_harmed)
}

/// The objects of the cube, if it is there.
async fn present(cache: &ObjectStorageCache, name: &CubeName) -> Result<Option<Objects>, Broken> {
    match cache.open(name).await {
        Ok(cube) => Ok(Some(read(&*cube).await?)),
        Err(CacheError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes what dead writers left.
async fn clean(world: &World, cache: &ObjectStorageCache) -> Result<Vec<Leftover>, Broken> {
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

async fn cut_answers(store: Arc<dyn ObjectStore>) -> Checked {
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

async fn stale_lease(store: Arc<dyn ObjectStore>) -> Checked {
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

async fn renewed_lease(store: Arc<dyn ObjectStore>) -> Checked {
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

async fn given_back_lease(store: Arc<dyn ObjectStore>) -> Checked {
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

async fn lost_claim(store: Arc<dyn ObjectStore>) -> Checked {
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

async fn two_writers(store: Arc<dyn ObjectStore>) -> Checked {
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

async fn leftovers_of_the_living(store: Arc<dyn ObjectStore>) -> Checked {
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

async fn pinned_readers(store: Arc<dyn ObjectStore>) -> Checked {
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

async fn uploads(store: Arc<dyn ObjectStore>) -> Checked {
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

async fn foreign_cubes(store: Arc<dyn ObjectStore>) -> Checked {
    let world = World::new(store, "cubes");
    let (cache, _) = world.process();
    let name = forest()?;
    for folder in [name.folder(), name.portable_folder()] {
        let root = Path::parse(format!("cubes/{folder}")).map_err(object_store::Error::from)?;
        let place = object_store::prefix::PrefixStore::new(Arc::clone(&world.store), root);
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

async fn many_objects(store: Arc<dyn ObjectStore>) -> Checked {
    const MANY: u64 = 10_000;
    const AT_A_TIME: u64 = 20;
    let world = World::new(store, "cubes");
    let (cache, _) = world.process();
    let name = forest()?;
    let staged = cache.stage(&name).await?;
    let cube = staged.store();
    for some in (0..MANY - 1).step_by(AT_A_TIME as usize) {
        let puts = (some..MANY - 1).take(AT_A_TIME as usize).map(|chunk| {
            let cube = Arc::clone(&cube);
            async move {
                let key = Path::from(format!("band/c/{}/{}", chunk / 100, chunk % 100));
                cube.put(&key, chunk.to_string().into()).await
            }
        });
        futures::future::try_join_all(puts).await?;
    }
    cube.put(&Path::from("zarr.json"), "{}".into()).await?;
    cache.commit(staged).await?;
    let usage = cache.usage(&name).await?;
    ensure!(usage.objects == MANY, "it has {usage:?}");
    let cube = cache.open(&name).await?;
    let listed: Vec<_> = cube.list(None).try_collect().await?;
    ensure!(listed.len() as u64 == MANY, "{} are listed", listed.len());
    let chunk = cube.get(&Path::from("band/c/99/98")).await?.bytes().await?;
    ensure!(chunk == "9998", "a chunk is {chunk:?}");
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
