//! The suite through adapters, and what each of them adds.

use std::{num::NonZeroU64, sync::Arc, time::Duration};

use clms_cache::{
    AdaptedCache, CacheStore, FaultyStore, FilesystemCache, ManualClock, ObjectStorageCache, Rate,
    StorageOptions, Throttle,
    conformance::{self, Extent},
    open_cache,
};
use futures::FutureExt;
use object_store::{
    ObjectStore, ObjectStoreExt,
    limit::LimitStore,
    memory::InMemory,
    path::Path,
    throttle::{ThrottleConfig, ThrottledStore},
};

use crate::sample::{name, write};

/// So fast that nothing waits for long.
fn fast() -> Rate {
    Rate::default()
        .with_requests_per_second(NonZeroU64::new(1_000_000).unwrap())
        .with_bytes_per_second(NonZeroU64::new(1 << 40).unwrap())
}

/// A cache in memory whose every request, its own too, passes what `adapt` makes of the memory.
fn on<S: ObjectStore>(adapt: impl Fn(InMemory) -> S) -> Arc<dyn CacheStore> {
    let store = Arc::new(adapt(InMemory::new()));
    Arc::new(ObjectStorageCache::new(
        store,
        Path::from("cubes"),
        "test://cubes",
    ))
}

async fn keeps_every_promise(new_cache: conformance::NewCache<'_>) {
    let kept = conformance::run_to(new_cache, Extent::SERVER).await;
    assert_eq!(kept.unwrap(), conformance::PROMISES.len());
}

#[tokio::test]
async fn with_few_requests_at_a_time_every_promise_is_kept() {
    keeps_every_promise(&|| on(|memory| LimitStore::new(memory, 2))).await;
}

#[tokio::test]
async fn at_a_given_rate_every_promise_is_kept() {
    keeps_every_promise(&|| on(|memory| Throttle::new(fast()).before(Arc::new(memory)))).await;
}

#[tokio::test]
async fn with_slow_answers_every_promise_is_kept() {
    let wait = Duration::from_millis(1);
    let config = ThrottleConfig {
        wait_delete_per_call: wait,
        wait_get_per_call: wait,
        wait_list_per_call: wait,
        wait_list_with_delimiter_per_call: wait,
        wait_put_per_call: wait,
        ..ThrottleConfig::default()
    };
    keeps_every_promise(&|| on(|memory| ThrottledStore::new(memory, config))).await;
}

#[tokio::test]
async fn on_a_store_whose_faults_nobody_asks_for_every_promise_is_kept() {
    keeps_every_promise(&|| on(|memory| FaultyStore::new(Arc::new(memory)).0)).await;
}

/// All three around a cache of another kind, each through the other's handles.
#[tokio::test]
async fn adapters_of_a_whole_cache_keep_every_promise() {
    let root = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicUsize::new(0);
    keeps_every_promise(&|| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = FilesystemCache::open(root.path().join(number.to_string())).unwrap();
        let limited = AdaptedCache::limited(Arc::new(folder), 2);
        let throttled = AdaptedCache::throttled(Arc::new(limited), fast());
        Arc::new(AdaptedCache::faulty(Arc::new(throttled)).0)
    })
    .await;
}

#[tokio::test]
async fn a_fault_in_a_handle_leaves_no_cube() {
    let root = tempfile::tempdir().unwrap();
    let folder = FilesystemCache::open(root.path()).unwrap();
    let (cache, faults) = AdaptedCache::faulty(Arc::new(folder));
    let staged = cache.stage(&name()).await.unwrap();
    faults.fail(2..3);
    let key = Path::from("band/c/0/0");
    staged.store().put(&key, "first".into()).await.unwrap();
    staged.store().put(&key, "second".into()).await.unwrap_err();
    cache.discard(staged).await.unwrap();
    assert_eq!(cache.look_up(&name()).await.unwrap(), None);
}

#[tokio::test]
async fn a_throttle_lets_pass_what_its_rate_allows() {
    let clock = ManualClock::new();
    let rate = Rate::default()
        .with_requests_per_second(NonZeroU64::new(10).unwrap())
        .with_bytes_per_second(NonZeroU64::new(100).unwrap());
    let throttle = Throttle::with_clock(rate, Arc::new(clock.clone()));
    let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    // Two handles share one rate.
    let (one, other) = (
        throttle.before(Arc::clone(&memory)),
        throttle.before(memory),
    );
    let (small, large) = (Path::from("small"), Path::from("large"));
    let first = one.put(&large, vec![0; 50].into()).now_or_never();
    assert!(first.is_some(), "the first one waits for nobody");

    let mut second = Box::pin(other.put(&small, vec![0; 10].into()));
    assert!(
        second.as_mut().now_or_never().is_none(),
        "a request too many"
    );
    clock.advance(Duration::from_millis(100));
    assert!(second.as_mut().now_or_never().is_none(), "bytes too many");
    clock.advance(Duration::from_millis(399));
    assert!(second.as_mut().now_or_never().is_none());
    clock.advance(Duration::from_millis(1));
    assert!(second.as_mut().now_or_never().is_some());

    // What is read counts as well.
    clock.advance(Duration::from_secs(1));
    let read = async { one.get(&large).await.unwrap().bytes().await.unwrap() };
    assert_eq!(read.now_or_never().unwrap().len(), 50);
    clock.advance(Duration::from_millis(100));
    let mut again = Box::pin(async { one.get(&small).await.unwrap().bytes().await.unwrap() });
    assert!(again.as_mut().now_or_never().is_none());
    clock.advance(Duration::from_millis(400));
    assert_eq!(again.as_mut().now_or_never().unwrap().len(), 10);
}

#[tokio::test]
async fn a_rate_is_a_storage_option() {
    let pairs = ["requests-per-second=100000", "bytes-per-second=1000000000"];
    let cache = open_cache("memory://", &StorageOptions::parse(pairs).unwrap()).unwrap();
    assert!(format!("{cache:?}").contains("ThrottledStore"), "{cache:?}");
    let staged = cache.stage(&name()).await.unwrap();
    write(&*staged.store(), "new").await;
    cache.commit(staged).await.unwrap();
    for pair in ["requests_per_second=0", "bytes_per_second=fast"] {
        open_cache("memory://", &StorageOptions::parse([pair]).unwrap()).unwrap_err();
    }
}
