//! A clock for tests: time passes when they say so.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::watch;

use super::{Clock, Moment};

/// A clock that stands still until it is [advanced](Self::advance). A clone is the same clock.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<watch::Sender<Duration>>);

impl ManualClock {
    /// A clock that stands still.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a clock has no natural default")]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Duration::ZERO)))
    }

    /// Lets that time pass. Whoever sleeps until then is woken.
    pub fn advance(&self, time: Duration) {
        self.0.send_modify(|now| *now += time);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        let now = *self.0.borrow();
        Moment::new(now, SystemTime::UNIX_EPOCH + now)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let mut time_is = self.0.subscribe();
        let until = *time_is.borrow() + time;
        async move {
            // Without a clock no time passes.
            if time_is.wait_for(|now| *now >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}
