//! One limiter for each host: how many calls it gets at a time, and when it wants none.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::{Origin, Url};

use crate::retry::retry_after;

/// No host can ask for a longer silence than this: some send dates that are years ahead.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// The limiters of all hosts that a client speaks to.
pub(crate) struct Limiters {
    at_a_time: usize,
    hosts: Mutex<HashMap<Origin, Arc<Host>>>,
}

struct Host {
    calls: Arc<Semaphore>,
    silent_until: Mutex<Option<Instant>>,
}

/// A turn at a host; the host gets another call when it is dropped.
pub(crate) struct Turn {
    host: Arc<Host>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Limiters {
    pub(crate) fn new(at_a_time: usize) -> Self {
        Self {
            at_a_time: at_a_time.max(1),
            hosts: Mutex::default(),
        }
    }

    /// Waits for a turn at the host of an address, and for the end of its silence.
    ///
    /// # Errors
    /// What is left of the silence, if it is longer than `patience`.
    pub(crate) async fn turn(&self, url: &Url, patience: Duration) -> Result<Turn, Duration> {
        let host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            let host = hosts
                .entry(url.origin())
                .or_insert_with(|| Arc::new(Host::new(self.at_a_time)));
            Arc::clone(host)
        };
        loop {
            // Nobody closes the semaphore, so there is always a permit.
            let permit = Arc::clone(&host.calls).acquire_owned().await.ok();
            let Some(left) = host.silence() else {
                return Ok(Turn {
                    host,
                    _permit: permit,
                });
            };
            drop(permit);
            if left > patience {
                return Err(left);
            }
            tokio::time::sleep(left).await;
        }
    }
}

impl Host {
    fn new(at_a_time: usize) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(at_a_time)),
            silent_until: Mutex::default(),
        }
    }

    fn silence(&self) -> Option<Duration> {
        let until = *self.until();
        until?
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
    }

    fn until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.silent_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Takes note of a host that wants to be left alone for a while: then all calls wait, not
    /// only the one that was told so.
    pub(crate) fn heed(&self, status: StatusCode, headers: &HeaderMap) {
        let is_busy = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        let Some(pause) = retry_after(headers).filter(|_| is_busy) else {
            return;
        };
        let until = Instant::now() + pause.min(LONGEST_PAUSE);
        let mut silent_until = self.host.until();
        *silent_until = Some(silent_until.map_or(until, |before| before.max(until)));
    }
}

impl fmt::Debug for Limiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiters")
            .field("at_a_time", &self.at_a_time)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderValue, RETRY_AFTER};

    use super::*;

    const ANY: Duration = Duration::from_secs(3600);

    fn url(host: &str) -> Url {
        format!("http://{host}/x").parse().unwrap()
    }

    fn in_seconds(seconds: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(seconds))])
    }

    #[tokio::test]
    async fn so_many_at_a_time_for_each_host() {
        let limiters = Limiters::new(2);
        let first = limiters.turn(&url("a"), ANY).await.unwrap();
        let _second = limiters.turn(&url("a"), ANY).await.unwrap();
        let same = url("a");
        let third = limiters.turn(&same, ANY);
        tokio::pin!(third);
        assert!(futures::poll!(&mut third).is_pending());
        assert!(limiters.turn(&url("b"), ANY).await.is_ok(), "another host");
        drop(first);
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn a_host_that_wants_silence_gets_it_from_all() {
        let limiters = Limiters::new(2);
        let turn = limiters.turn(&url("a"), ANY).await.unwrap();
        turn.heed(StatusCode::INTERNAL_SERVER_ERROR, &in_seconds("100"));
        assert!(
            limiters.turn(&url("a"), ANY).await.is_ok(),
            "only when it is busy"
        );
        turn.heed(StatusCode::TOO_MANY_REQUESTS, &in_seconds("100"));
        let left = limiters.turn(&url("a"), Duration::from_secs(50)).await;
        let left = left.err().unwrap();
        assert!(
            left > Duration::from_secs(90) && left <= Duration::from_secs(100),
            "{left:?}"
        );
        turn.heed(StatusCode::SERVICE_UNAVAILABLE, &in_seconds("99999999"));
        let left = limiters
            .turn(&url("a"), Duration::ZERO)
            .await
            .err()
            .unwrap();
        assert!(left <= LONGEST_PAUSE, "{left:?}");
        assert!(limiters.turn(&url("b"), Duration::ZERO).await.is_ok());
    }
}
