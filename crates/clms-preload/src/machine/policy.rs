//! How patient a job is.

use std::time::Duration;

/// How patient a job is with the server.
///
/// The defaults are from what is known of the service: links come alive up to three minutes after a task is finished and promise to live for
/// three days; an order may take effect although its answer was an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How many times a file may be ordered in one run, counting orders whose fate is unknown.
    pub max_requests: u32,
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
    /// In how many consecutive lists a task must be missing before it counts as gone, or as never made.
    pub vanish_looks: u32,
    /// How many looks may fail in a row before the server has ever answered.
    pub max_first_looks: u32,
    /// How long the server may be out of reach while a job waits for a task.
    pub max_outage: Duration,
    /// How many times in a row the server may refuse an order for now.
    pub max_refusals: u32,
    /// How many downloads in a row may break off without a single new byte.
    pub max_broken_transfers: u32,
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
            link_grace: Duration::from_secs(5 * 60),
            link_retry: Duration::from_secs(15),
            old_link_attempts: 3,
            max_link_age: Duration::from_secs(24 * 3600),
            settle: Duration::from_secs(30),
            vanish_looks: 3,
            max_first_looks: 5,
            max_outage: Duration::from_secs(6 * 3600),
            max_refusals: 12,
            max_broken_transfers: 6,
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
