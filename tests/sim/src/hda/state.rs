//! What the broker knows, and its clock.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::habits::HdaHabits;
use super::orders::Order;
use super::product::{HdaDataset, HdaProduct};
use crate::state::{Counts, RequestRecord, later};

/// Everything behind the handlers.
pub(super) struct Broker {
    /// With a slash at its end.
    pub(super) url: String,
    state: Mutex<State>,
    /// How many requests have been answered.
    pub(super) answered: watch::Sender<usize>,
}

/// What changes while the broker runs.
pub(super) struct State {
    pub(super) habits: HdaHabits,
    pub(super) datasets: Vec<HdaDataset>,
    pub(super) products: Vec<HdaProduct>,
    pub(super) accepted_terms: BTreeSet<String>,
    /// Access tokens, and until when they are good.
    pub(super) access: HashMap<String, Timestamp>,
    /// The same of refresh tokens.
    pub(super) refresh: HashMap<String, Timestamp>,
    pub(super) orders: Vec<Order>,
    pub(super) searches: u32,
    pub(super) search_window: QuotaWindow,
    pub(super) order_window: QuotaWindow,
    pub(super) requests: Vec<RequestRecord>,
    pub(super) counts: Counts,
    clock_ahead: Duration,
}

/// What has been used of a quota.
#[derive(Debug, Default)]
pub(super) struct QuotaWindow {
    pub(super) ends: Option<Timestamp>,
    pub(super) used: u32,
}

impl Broker {
    pub(super) fn new(
        url: String,
        datasets: Vec<HdaDataset>,
        products: Vec<HdaProduct>,
        habits: HdaHabits,
    ) -> Self {
        let state = State {
            habits,
            datasets,
            products,
            accepted_terms: BTreeSet::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            orders: Vec::new(),
            searches: 0,
            search_window: QuotaWindow::default(),
            order_window: QuotaWindow::default(),
            requests: Vec::new(),
            counts: Counts::default(),
            clock_ahead: Duration::ZERO,
        };
        Self {
            url,
            state: Mutex::new(state),
            answered: watch::Sender::new(0),
        }
    }

    /// The state, for a short time: nobody awaits while holding it.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The time of the broker's clock.
    pub(super) fn now(&self) -> Timestamp {
        later(Timestamp::now(), self.clock_ahead)
    }

    pub(super) fn advance(&mut self, time: Duration) {
        self.clock_ahead = self.clock_ahead.saturating_add(time);
    }

    pub(super) fn dataset(&self, id: &str) -> Option<&HdaDataset> {
        self.datasets.iter().find(|dataset| dataset.id == id)
    }
}
