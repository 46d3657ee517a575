//! Simulated time, chance, and death.

use std::{
    collections::BTreeMap,
    future::{Future, pending},
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use clms_preload::Clock;
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// All that happens by chance, and how often it did.
#[derive(Debug)]
pub(super) struct Chance {
    rng: Mutex<StdRng>,
    /// While there is a storm, things go wrong.
    storm: AtomicBool,
    tally: Mutex<BTreeMap<&'static str, u64>>,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            storm: AtomicBool::new(true),
            tally: Mutex::default(),
        }
    }

    pub(super) fn range(&self, from: u64, to: u64) -> u64 {
        self.rng.lock().unwrap().random_range(from..=to)
    }

    pub(super) fn percent(&self, percent: u64) -> bool {
        self.range(0, 99) < percent
    }

    pub(super) fn pick<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.range(0, choices.len() as u64 - 1) as usize]
    }

    pub(super) fn is_storm(&self) -> bool {
        self.storm.load(Ordering::Relaxed)
    }

    pub(super) fn calm_down(&self) {
        self.storm.store(false, Ordering::Relaxed);
    }

    /// Whether a fault of that name strikes; never in fair weather.
    pub(super) fn fault(&self, name: &'static str, percent: u64) -> bool {
        let strikes = self.is_storm() && self.percent(percent);
        if strikes {
            self.count(name);
        }
        strikes
    }

    pub(super) fn count(&self, name: &'static str) {
        *self.tally.lock().unwrap().entry(name).or_default() += 1;
    }

    pub(super) fn tally(&self) -> BTreeMap<&'static str, u64> {
        self.tally.lock().unwrap().clone()
    }
}

/// The clock of all processes and the server: it stands still while anybody has anything to do.
#[derive(Debug, Clone)]
pub(super) struct SimClock(Arc<Mutex<Waits>>);

#[derive(Debug)]
struct Waits {
    now: Timestamp,
    ends: BTreeMap<(Timestamp, u64), Waker>,
    next: u64,
}

impl SimClock {
    pub(super) fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Waits {
            now,
            ends: BTreeMap::new(),
            next: 0,
        })))
    }

    /// Ends the wait that ends first; `false` if nobody waits.
    pub(super) fn advance(&self) -> bool {
        let mut waits = self.0.lock().unwrap();
        let Some(((end, _), waker)) = waits.ends.pop_first() else {
            return false;
        };
        waits.now = waits.now.max(end);
        drop(waits);
        waker.wake();
        true
    }

    pub(super) async fn millis(&self, millis: u64) {
        self.sleep(Duration::from_millis(millis)).await;
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    async fn sleep(&self, duration: Duration) {
        let end = self
            .now()
            .checked_add(SignedDuration::try_from(duration).unwrap())
            .unwrap();
        Sleep {
            clock: self.clone(),
            end,
            key: None,
        }
        .await;
    }
}

struct Sleep {
    clock: SimClock,
    end: Timestamp,
    key: Option<(Timestamp, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut waits = clock.0.lock().unwrap();
        if let Some(key) = self.key.take() {
            waits.ends.remove(&key);
        }
        if waits.now >= self.end {
            return Poll::Ready(());
        }
        let key = (self.end, waits.next);
        waits.next += 1;
        waits.ends.insert(key, context.waker().clone());
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.clock.0.lock().unwrap().ends.remove(&key);
        }
    }
}

/// The life of one process: it can end at any write, before or after this takes effect. What is dead does nothing more.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) id: u32,
    dead: AtomicBool,
    /// It dies at so many writes from now; 0 is never.
    fuse: AtomicU32,
    dies_after: bool,
}

impl Life {
    pub(super) fn new(id: u32, fuse: u32, dies_after: bool) -> Self {
        Self {
            id,
            dead: AtomicBool::new(false),
            fuse: AtomicU32::new(fuse),
            dies_after,
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(super) fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// True if this is the last write.
    fn burns_down(&self) -> bool {
        let left = self.fuse.load(Ordering::Relaxed);
        self.fuse.store(left.saturating_sub(1), Ordering::Relaxed);
        left == 1
    }

    /// Returns to the living only.
    pub(super) async fn check(&self) {
        if self.is_dead() {
            pending::<()>().await;
        }
    }

    /// Does something that lasts, or dies of it.
    pub(super) async fn write<T>(&self, effect: impl Future<Output = T>) -> T {
        self.check().await;
        let is_last = self.burns_down();
        if is_last && !self.dies_after {
            self.die();
            pending::<()>().await;
        }
        let done = effect.await;
        if is_last {
            self.die();
        }
        self.check().await;
        done
    }

    /// The same for what can't wait.
    pub(super) fn write_now(&self, effect: impl FnOnce()) -> io::Result<()> {
        let dead = || Err(io::Error::other("the process is dead"));
        if self.is_dead() {
            return dead();
        }
        let is_last = self.burns_down();
        if !is_last || self.dies_after {
            effect();
        }
        if is_last {
            self.die();
            return dead();
        }
        Ok(())
    }
}
