//! WEkEO as the jobs of `clms-preload` see it.
//!
//! A job is about one query and makes one cube. Its task stands for the orders of all products that the query found; it is finished when those that were
//! ordered first are ready, and the rest are ordered while these are fetched. Its package is a zip of all products.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use clms_preload::{
    CancelOutcome, Download, DownloadLink, Meter, Order as JobOrder, PortalSource, PortalTask,
    PostOutcome, Problem, ProblemKind, TaskId, TaskStatus,
};
use jiff::SignedDuration;
use object_store::ObjectStore;
use tokio_util::sync::CancellationToken;

use super::{
    HdaClient, HdaError, OrderStatus,
    hda::HdaOrder,
    ledger::{Ledger, QueryOrders},
    ordering::Hindrance,
};

/// How a [`WekeoSource`] goes about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WekeoOptions {
    /// Accepts the terms of datasets in the account's name, where they have not been accepted. Else the job fails and says what is to be read.
    pub accepts_terms: bool,
    /// Most products of one query.
    pub most_products: usize,
    /// How many products are ordered before the first of them is fetched; the broker prepares at most 20 at a time.
    pub at_once: usize,
    /// How long an order without an answer is looked for in the broker's list before it is made again.
    pub settle: SignedDuration,
    /// The pause between two looks at a product that is being prepared, while others are fetched.
    pub pause: Duration,
}

impl Default for WekeoOptions {
    /// Terms are not accepted; 1000 products, 20 at once; 20 seconds; 10 seconds.
    fn default() -> Self {
        Self {
            accepts_terms: false,
            most_products: 1000,
            at_once: 20,
            settle: SignedDuration::from_secs(20),
            pause: Duration::from_secs(10),
        }
    }
}

/// [`PortalSource`] on top of an [`HdaClient`].
///
/// WEkEO can't cancel orders: a job that is given up orders nothing more, and what it had ordered is prepared there for nobody.
#[derive(Debug, Clone)]
pub struct WekeoSource {
    pub(super) client: HdaClient,
    pub(super) files: clms_api::Client,
    pub(super) ledger: Ledger,
    pub(super) options: WekeoOptions,
}

impl WekeoSource {
    /// A source for the jobs of the cache whose [records](clms_cache::CacheStore::records) these are.
    ///
    /// # Errors
    /// [`HdaError::Configuration`] if TLS can't be set up.
    pub fn new(
        client: HdaClient,
        records: Arc<dyn ObjectStore>,
        options: WekeoOptions,
    ) -> Result<Self, HdaError> {
        let files = clms_api::Client::builder().build();
        Ok(Self {
            client,
            files: files.map_err(|why| HdaError::Configuration {
                problem: why.to_string(),
            })?,
            ledger: Ledger::new(records),
            options,
        })
    }

    /// Gets a token, which shows whether the account is good.
    ///
    /// # Errors
    /// [`HdaError::NoAccount`], [`HdaError::AccountRefused`], and whatever can happen on the way.
    pub async fn sign_in(&self) -> Result<(), HdaError> {
        self.client.bearer().await.map(drop)
    }

    /// The task that a query's orders are, as far as any is known to have been made.
    fn task(&self, orders: &QueryOrders, states: &HashMap<String, HdaOrder>) -> Option<PortalTask> {
        let (mut known, mut running, mut failed) = (0_usize, 0_usize, None);
        for ordered in &orders.products {
            let Some(id) = &ordered.download_id else {
                continue;
            };
            known += 1;
            match states.get(id) {
                // One that the broker has forgotten is found out when it is fetched.
                None => {}
                Some(order) => match &order.status {
                    OrderStatus::Done => {}
                    OrderStatus::Failed => {
                        let why = order.message.as_deref().unwrap_or("it does not say why");
                        failed = Some(format!("{}: {why}", ordered.product.id));
                    }
                    OrderStatus::Unknown(_) => running += 1,
                },
            }
        }
        let status = match (&failed, running) {
            _ if known == 0 => return None,
            (Some(_), _) => TaskStatus::FinishedNok,
            (None, 0) => TaskStatus::FinishedOk,
            (None, _) => TaskStatus::InProgress,
        };
        let is_finished = status == TaskStatus::FinishedOk;
        let mut task = PortalTask::new(orders.task.clone(), orders.content.clone(), status);
        task.link = is_finished.then(|| DownloadLink::new(self.client.file_url("")));
        task.registered = Some(orders.made);
        task.message = failed;
        Some(task)
    }
}

#[async_trait]
impl PortalSource for WekeoSource {
    async fn find_tasks(&self) -> Result<Vec<PortalTask>, Problem> {
        let all = self.ledger.list().await?;
        let ids: Vec<&str> = all
            .iter()
            .flat_map(|orders| &orders.products)
            .filter_map(|ordered| ordered.download_id.as_deref())
            .collect();
        let states = self.states(&ids).await?;
        Ok(all
            .iter()
            .filter_map(|orders| self.task(orders, &states))
            .collect())
    }

    async fn post(&self, order: &JobOrder) -> PostOutcome {
        match self.begin(order).await {
            Ok(orders) => PostOutcome::Accepted(vec![orders.task]),
            Err(Hindrance::Refused(problem)) => PostOutcome::Refused(problem),
            Err(Hindrance::Unclear(problem)) => PostOutcome::Unclear(problem.with_retryable(true)),
        }
    }

    async fn cancel(&self, task: &TaskId) -> Result<CancelOutcome, Problem> {
        let Some(orders) = self.ledger.of_task(task).await? else {
            return Ok(CancelOutcome::NoSuchTask);
        };
        let ordered = orders.products.iter().filter(|p| p.download_id.is_some());
        let message = format!(
            "WEkEO can't cancel orders: {} products are prepared there for nothing, and expire",
            ordered.count()
        );
        Err(Problem::new(ProblemKind::Refused, message))
    }

    async fn probe(&self, _: &DownloadLink) -> Result<(), Problem> {
        // Each product proves itself when it is fetched, and is ordered anew if there is nothing.
        Ok(())
    }

    async fn download(
        &self,
        download: Download<'_>,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<u64, Problem> {
        match self.ledger.of_task(download.task).await? {
            Some(orders) => self.fetch(orders, download.into, meter, cancel).await,
            None => {
                let message = format!("the orders of task {} are forgotten", download.task);
                Err(Problem::new(ProblemKind::LinkExpired, message))
            }
        }
    }
}
