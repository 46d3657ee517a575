//! Time, as jobs see it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// What time it is, and waiting.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Returns after `duration`. Dropping the future ends the wait.
    async fn sleep(&self, duration: Duration);
}

/// The computer's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock for tests: it stands still while anything is being done, and jumps to the end of the earliest wait when all who use it wait.
///
/// "All wait" means that nothing else on the runtime made progress for some rounds, so this belongs on a single-threaded runtime and with
/// neighbours that do no real I/O.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Waits>>);

#[derive(Debug)]
struct Waits {
    now: Timestamp,
    /// Ends of the waits, with a number that makes them unique.
    ends: BTreeMap<(Timestamp, u64), ()>,
    next: u64,
    /// Changes whenever someone comes, leaves, or is served.
    changes: u64,
}

/// How often a waiter lets all others run before it concludes that they all wait too.
const IDLE_ROUNDS: u32 = 200;

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Waits {
            now: start,
            ends: BTreeMap::new(),
            next: 0,
            changes: 0,
        })))
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.waits().now
    }

    async fn sleep(&self, duration: Duration) {
        let wait = Wait::begin(self, duration);
        let (mut idle, mut seen) = (0, None);
        loop {
            tokio::task::yield_now().await;
            let mut waits = self.waits();
            if waits.now >= wait.key.0 {
                return;
            }
            if seen != Some(waits.changes) {
                (idle, seen) = (0, Some(waits.changes));
            }
            idle += 1;
            if idle > IDLE_ROUNDS && waits.ends.keys().next() == Some(&wait.key) {
                waits.now = wait.key.0;
                return;
            }
        }
    }
}

/// A registered wait; dropping it removes it.
struct Wait {
    clock: ManualClock,
    key: (Timestamp, u64),
}

impl Wait {
    fn begin(clock: &ManualClock, duration: Duration) -> Self {
        let mut waits = clock.waits();
        let key = (later(waits.now, duration), waits.next);
        waits.next += 1;
        waits.changes += 1;
        waits.ends.insert(key, ());
        drop(waits);
        Self {
            clock: clock.clone(),
            key,
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waits = self.clock.waits();
        waits.ends.remove(&self.key);
        waits.changes += 1;
    }
}

/// `at` plus `duration`, or the end of time.
pub(crate) fn later(at: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| at.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}

/// From `from` to `to`, or zero if that is the past.
pub(crate) fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_jumps_from_end_to_end() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let order = Mutex::new(Vec::new());
        let sleeper = async |name: &'static str, seconds| {
            clock.sleep(Duration::from_secs(seconds)).await;
            order.lock().unwrap().push((name, clock.now().as_second()));
        };
        futures::join!(
            sleeper("late", 3600),
            sleeper("early", 5),
            sleeper("middle", 60)
        );
        assert_eq!(
            *order.lock().unwrap(),
            [("early", 5), ("middle", 60), ("late", 3600)]
        );
    }

    #[tokio::test]
    async fn a_dropped_wait_does_not_hold_up_the_others() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        tokio::select! {
            biased;
            () = clock.sleep(Duration::from_secs(1)) => {}
            () = clock.sleep(Duration::from_secs(2)) => panic!("the earlier wait ends first"),
        }
        clock.sleep(Duration::from_secs(9)).await;
        assert_eq!(clock.now().as_second(), 10);
    }
}
