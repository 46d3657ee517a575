//! Starting, steering and stopping a simulated broker.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::habits::HdaHabits;
use super::orders::OrderRecord;
use super::product::{HdaDataset, HdaProduct};
use super::server;
use super::state::Broker;
use crate::server_thread::ServerThread;
use crate::state::{Counts, RequestRecord};

/// The one user's name.
pub(super) const USERNAME: &str = "wekeo-user";
/// And password.
pub(super) const PASSWORD: &str = "wekeo-password-0815";

/// A running simulated broker. Dropping it stops it.
pub struct HdaSim {
    broker: Arc<Broker>,
    _thread: ServerThread,
}

/// How an [`HdaSim`] is to be. See [`HdaSim::builder`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct HdaSimBuilder {
    datasets: Vec<HdaDataset>,
    products: Vec<HdaProduct>,
    habits: HdaHabits,
}

impl HdaSimBuilder {
    /// One more dataset.
    pub fn dataset(mut self, dataset: HdaDataset) -> Self {
        self.datasets.push(dataset);
        self
    }

    /// One more product. Results come in the order in which products are given.
    pub fn product(mut self, product: HdaProduct) -> Self {
        self.products.push(product);
        self
    }

    /// The broker's habits.
    pub fn habits(mut self, habits: HdaHabits) -> Self {
        self.habits = habits;
        self
    }

    /// Starts to listen, on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port or thread can be had.
    pub fn start(self) -> io::Result<HdaSim> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}/hda-broker/", listener.local_addr()?);
        let broker = Arc::new(Broker::new(url, self.datasets, self.products, self.habits));
        let served = Arc::clone(&broker);
        let thread = ServerThread::start("clms-hda-sim", move |stopped| {
            server::serve(served, listener, async {
                // An error means that the sender is gone: stop all the same.
                let _ = stopped.await;
            })
        })?;
        Ok(HdaSim {
            broker,
            _thread: thread,
        })
    }
}

impl HdaSim {
    /// The name of the one user.
    pub const USERNAME: &str = USERNAME;
    /// That user's password.
    pub const PASSWORD: &str = PASSWORD;

    /// A broker without datasets, until told otherwise.
    pub fn builder() -> HdaSimBuilder {
        HdaSimBuilder::default()
    }

    /// `http://127.0.0.1:<port>/hda-broker/`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.broker.url
    }

    /// All requests so far, in the order in which their answers were ready.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.broker.state().requests.clone()
    }

    /// All orders so far, as they are at this moment.
    #[must_use]
    pub fn orders(&self) -> Vec<OrderRecord> {
        let state = self.broker.state();
        let now = state.now();
        state.orders.iter().map(|order| order.record(now)).collect()
    }

    /// Waits until so many requests were answered. Works in any runtime.
    pub async fn answered(&self, requests: usize) {
        let mut answered = self.broker.answered.subscribe();
        // An error means that the broker is gone, and this with it.
        let _ = answered.wait_for(|count| *count >= requests).await;
    }

    /// Changes the habits from now on. What they count starts anew.
    pub fn update_habits(&self, change: impl FnOnce(&mut HdaHabits)) {
        let mut state = self.broker.state();
        change(&mut state.habits);
        state.counts = Counts::default();
    }

    /// Puts one more product into the archive.
    pub fn add(&self, product: HdaProduct) {
        self.broker.state().products.push(product);
    }

    /// Puts the broker's clock ahead: orders get ready, tokens expire, quotas are renewed.
    pub fn advance(&self, time: Duration) {
        self.broker.state().advance(time);
    }

    /// The time of the broker's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.broker.state().now()
    }
}
