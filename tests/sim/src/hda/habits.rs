//! The switches for what the broker does and a client would rather it did not.

use std::time::Duration;

use crate::habits::{Fault, When};

/// Everything that a simulated broker may do wrong. The default is a broker that does its work.
#[derive(Debug, Clone, PartialEq)]
pub struct HdaHabits {
    /// How long access tokens live.
    pub token_lifetime: Duration,
    /// How long refresh tokens live.
    pub refresh_lifetime: Duration,
    /// The status for tokens that have expired: clients were written for 401 and for 403.
    pub expired_token_status: u16,
    /// Terms have not been accepted: search and order answer 403 until they are, at `termsaccepted/<terms>`.
    pub terms_pending: bool,
    /// From the order to `Done`.
    pub preparation: Duration,
    /// Orders that end in `Error`, by their number.
    pub failing_orders: When,
    /// Requests for files whose connection is closed after `cut_body_after` bytes, counted for each order.
    pub cut_body: When,
    /// See `cut_body`.
    pub cut_body_after: u64,
    /// Files are gone (404) so long after they were ready.
    pub files_live: Duration,
    /// How many searches there may be in a time.
    pub search_quota: Option<HdaQuota>,
    /// How many products may be ordered in a time. One that was ordered before does not count.
    pub order_quota: Option<HdaQuota>,
    /// `X-Quota-Reset` is in milliseconds, as the official client reads it, and not in seconds.
    pub reset_in_milliseconds: bool,
    /// The list of orders answers 400 unless it is asked for one order.
    pub lists_single_orders_only: bool,
    /// Faults of single endpoints, by these names: `gettoken`, `refreshtoken`, `queryable`, `datasets`, `termsaccepted`, `search`, `order`
    /// (POST download), `downloads` (the list), `download` (GET and HEAD of one); `*` for all.
    pub faults: Vec<Fault>,
}

impl Default for HdaHabits {
    fn default() -> Self {
        Self {
            token_lifetime: Duration::from_secs(3600),
            refresh_lifetime: Duration::from_secs(12 * 3600),
            expired_token_status: 401,
            terms_pending: false,
            preparation: Duration::from_millis(50),
            failing_orders: When::Never,
            cut_body: When::Never,
            cut_body_after: 1024,
            files_live: Duration::from_secs(3 * 24 * 3600),
            search_quota: None,
            order_quota: None,
            reset_in_milliseconds: false,
            lists_single_orders_only: false,
            faults: Vec::new(),
        }
    }
}

/// So many in a time; then 429 until the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HdaQuota {
    /// How many.
    pub limit: u32,
    /// In which time, from the first one on.
    pub window: Duration,
}
