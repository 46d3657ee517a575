//! How patient a job is.

use std::time::Duration;

/// How patient a job is with the server.
///
/// The defaults are from what is known of the service: links come alive up to three minutes after a task is finished and promise to live for
/// three days; an order may take effect although its answer was an error; people have waited for three hours.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How many tasks a file may be ordered in one run. An order of which no task came does not count.
    pub max_requests: u32,
    /// How long a task may be queued before it is cancelled and ordered anew: the server makes tasks that it never hands to those who work on
    /// them. A day, since a task that is really in a queue loses its place by this, and none has been known to stand there for more than some
    /// hours.
    pub max_queued: Duration,
    /// How long a finished task may give no good package before it is given up.
    pub link_grace: Duration,
    /// Pause between two attempts at such a task.
    pub link_retry: Duration,
    /// A task that was finished long before gets no more than so many attempts.
    pub old_link_attempts: u32,
    /// Links older than this are not even tried.
    pub max_link_age: Duration,
    /// How long a possibly accepted order is looked for in the server's list before it is ordered again.
    pub settle: Duration,
    /// How long the task of an order of which the server never names a task is looked for in its list.
    pub unnamed_patience: Duration,
    /// In how many consecutive lists a task must be missing before it counts as gone, or as never made.
    pub vanish_looks: u32,
    /// How many looks may fail in a row before the server has ever answered: it is more likely to be named wrongly than to be out of order.
    pub max_first_looks: u32,
    /// How long an outage is sat out: how long all looks may fail, all orders may come to nothing for reasons that may pass, or a download may
    /// get no new byte.
    pub max_outage: Duration,
    /// How many times in a row a cube may fail to be built or committed for a passing reason, such as a storage that is out of reach.
    pub max_build_attempts: u32,
    /// How many looks at the server's list a cancellation gets to show itself.
    pub cancel_looks: u32,
    /// How long another process gets to stop a job that is to be cancelled.
    pub cancel_patience: Duration,
    /// The first pause of a series that doubles.
    pub backoff: Duration,
    /// The longest pause of such a series.
    pub max_backoff: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_requests: 3,
            max_queued: Duration::from_secs(24 * 3600),
            link_grace: Duration::from_secs(5 * 60),
            link_retry: Duration::from_secs(15),
            old_link_attempts: 3,
            max_link_age: Duration::from_secs(24 * 3600),
            settle: Duration::from_secs(30),
            unnamed_patience: Duration::from_secs(180),
            vanish_looks: 3,
            max_first_looks: 5,
            max_outage: Duration::from_secs(6 * 3600),
            max_build_attempts: 3,
            cancel_looks: 3,
            cancel_patience: Duration::from_secs(60),
            backoff: Duration::from_secs(5),
            max_backoff: Duration::from_secs(5 * 60),
        }
    }
}

impl Policy {
    /// The pause after the `failures`th failure in a row (from 1).
    #[must_use]
    pub fn pause_after(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        self.backoff
            .saturating_mul(1 << doublings)
            .min(self.max_backoff)
    }
}
