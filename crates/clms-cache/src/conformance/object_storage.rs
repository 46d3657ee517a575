//! What a cache promises when its object store fails, and when its processes die.

mod cubes;
mod deeds;
mod pauses;
mod signs;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::TryStreamExt;
use object_store::{ObjectStore, path::Path};

use super::{Broken, BrokenPromises, Extent, Promise, check_all};
use crate::{CubeName, Faults, FaultyStore, ManualClock, ObjectStorageCache};

/// How long signs of life live in these checks, by a clock that stands still most of the time.
const LEASE_TIME: Duration = Duration::from_secs(60);

/// How often other tasks get their turn before time passes.
const TURNS: usize = 50;

/// Makes a new, empty store with each call.
pub type NewStore<'a> = &'a (dyn Fn() -> Arc<dyn ObjectStore> + Sync);

/// Runs the promises of caches in object storage, to that `extent`, on stores made by `new_store`, a new one for each
/// promise, and returns how many were kept.
///
/// # Errors
/// All promises that were broken.
pub async fn run_on_object_storage(
    new_store: NewStore<'_>,
    extent: Extent,
) -> Result<usize, BrokenPromises> {
    check_all(OBJECT_STORAGE_PROMISES, new_store, extent).await
}

macro_rules! promises {
    ($($text:literal => $check:expr,)*) => {
        /// What a cache in object storage promises besides [`PROMISES`](super::PROMISES), each of which is checked on a
        /// new, empty store.
        pub const OBJECT_STORAGE_PROMISES: &[Promise<dyn ObjectStore>] = &[
            $(Promise { text: $text, check: |store, extent| Box::pin($check(store, extent)) },)*
        ];
    };
}

promises! {
    "a crash between any two writes leaves the old cube, the new one, or none" => deeds::crashes,
    "a write that fails leaves the old cube, the new one, or none" => deeds::failures,
    "a write whose answer is lost leaves the old cube, the new one, or none" => deeds::lost_answers,
    "a writer who pauses before any write harms nobody" => pauses::writers,
    "a reader who pauses before any request sees one cube or none" => pauses::readers,
    "an answer that is cut is an error and not the absence of a cube" => cubes::cut_answers,
    "a stale lease is taken over, and its holder notices" => signs::stale_lease,
    "one who renews a lease too late has twice the time from then on" => signs::late_lease,
    "a lease that is renewed is not taken over" => signs::renewed_lease,
    "a lease that is given back can be had at once" => signs::given_back_lease,
    "a writer who lost his claim writes no more" => signs::lost_claim,
    "two writers of one cube end in one whole cube" => signs::two_writers,
    "leftovers of the living are left alone" => signs::leftovers_of_the_living,
    "a reader of a cube that was replaced is told so" => cubes::pinned_readers,
    "uploads in parts are completed or aborted, whatever happens" => cubes::uploads,
    "cubes that others put there are cubes" => cubes::foreign_cubes,
    "a cube of thousands of objects is like any other" => cubes::many_objects,
    "a list of thousands of cubes is a stream" => cubes::many_cubes,
}

/// Processes that share a store and a clock.
#[derive(Clone)]
struct World {
    store: Arc<dyn ObjectStore>,
    root: Path,
    clock: ManualClock,
    /// What each process asks of the store.
    requests: Arc<Mutex<Vec<Faults>>>,
}

impl World {
    fn new(store: Arc<dyn ObjectStore>, root: &str) -> Self {
        Self {
            store,
            root: Path::from(root),
            clock: ManualClock::new(),
            requests: Arc::default(),
        }
    }

    /// A process, and what can go wrong between it and the store.
    fn process(&self) -> (ObjectStorageCache, Faults) {
        let (store, faults) = FaultyStore::new(Arc::clone(&self.store));
        self.requests().push(faults.clone());
        let cache = ObjectStorageCache::new(Arc::new(store), self.root.clone(), "test://cubes")
            .with_lease_time(LEASE_TIME)
            .with_clock(Arc::new(self.clock.clone()));
        (cache, faults)
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Faults>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass while `work` is done, in steps small enough for those who renew something. While the store is busy no
    /// time passes, so that it may be a real server.
    async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        let passing = async {
            loop {
                let mut turns = 0;
                while turns < TURNS {
                    tokio::task::yield_now().await;
                    turns = if self.requests().iter().any(Faults::is_busy) {
                        0
                    } else {
                        turns + 1
                    };
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
