//! Simulated time.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use clms_preload::Clock;
use jiff::{SignedDuration, Timestamp};

/// The clock of all processes and the server: it stands still while anybody has anything to do.
#[derive(Debug, Clone)]
pub(crate) struct SimClock(Arc<Mutex<Waits>>);

#[derive(Debug)]
struct Waits {
    now: Timestamp,
    ends: BTreeMap<(Timestamp, u64), Waker>,
    next: u64,
}

impl SimClock {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Waits {
            now,
            ends: BTreeMap::new(),
            next: 0,
        })))
    }

    /// Ends the wait that ends first; `false` if nobody waits.
    pub(crate) fn advance(&self) -> bool {
        let mut waits = self.0.lock().unwrap();
        let Some(((end, _), waker)) = waits.ends.pop_first() else {
            return false;
        };
        waits.now = waits.now.max(end);
        drop(waits);
        waker.wake();
        true
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
