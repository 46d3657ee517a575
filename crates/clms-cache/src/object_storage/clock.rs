//! Time as leases need it, which tests can let pass.

use std::{
    fmt,
    time::{Duration, Instant, SystemTime},
};

use futures::{FutureExt, future::BoxFuture};

/// Measures how long leases live. Only lengths of time on one machine are ever compared, never the clocks of two.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time since some instant in the past.
    fn now(&self) -> Moment;

    /// Waits.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// A point in time by two clocks, because one stands still while a computer sleeps and a person can set the other.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    steady: Duration,
    wall: SystemTime,
}

impl Moment {
    /// What a clock that never jumps and one that is set by people show.
    #[must_use]
    pub fn new(steady: Duration, wall: SystemTime) -> Self {
        Self { steady, wall }
    }

    /// The time that has surely passed since `earlier`.
    pub(crate) fn at_least_since(self, earlier: Self) -> Duration {
        self.steady.saturating_sub(earlier.steady)
    }

    /// The time that may have passed since `earlier`.
    pub(super) fn at_most_since(self, earlier: Self) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        self.at_least_since(earlier).max(wall)
    }
}

/// The computer's clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment::new(self.origin.elapsed(), SystemTime::now())
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time).boxed()
    }
}
