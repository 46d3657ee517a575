//! What has been ordered at WEkEO, for queries as a whole.
//!
//! The broker knows orders of single products only, so it can't tell which of them belong together. That is written down beside the journal of jobs,
//! one document for each query (`wekeo/<digest>.json` below [`CacheStore::records`](clms_cache::CacheStore::records)), and before an order is made
//! that it is about to be made: whoever reads the document after a kill knows what to look for.

use std::sync::Arc;

use clms_cache::CacheError;
use clms_preload::{ContentKey, Problem, ProblemKind, TaskId};
use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Product;

/// The version of the documents.
const VERSION: u32 = 1;
/// Their folder.
const FOLDER: &str = "wekeo";
/// What nobody has touched for so long is forgotten: products may have been replaced meanwhile, and their files are gone.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// All orders of one query: what a job takes for a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct QueryOrders {
    version: u32,
    /// The task's name. Another one whenever other products are found or an order is repeated.
    pub(super) task: TaskId,
    pub(super) content: ContentKey,
    pub(super) dataset: String,
    /// What the search has found, in the order of their ids.
    pub(super) products: Vec<OrderedProduct>,
    attempt: u32,
    pub(super) made: Timestamp,
    updated: Timestamp,
}

/// A product and what has become of its order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OrderedProduct {
    #[serde(flatten)]
    pub(super) product: Product,
    /// When its order was about to be sent. Without a `download_id`, nobody knows whether it came to be.
    pub(super) asked_at: Option<Timestamp>,
    /// The broker's name of the order.
    pub(super) download_id: Option<String>,
    /// How many orders of it came to nothing.
    #[serde(default)]
    pub(super) failures: u32,
}

impl OrderedProduct {
    /// Its order came to nothing.
    pub(super) fn fail(&mut self) {
        self.download_id = None;
        self.asked_at = None;
        self.failures += 1;
    }

    /// Whether there may be an order that nobody knows the name of.
    pub(super) fn is_unclear(&self) -> bool {
        self.asked_at.is_some() && self.download_id.is_none()
    }
}

impl QueryOrders {
    pub(super) fn new(content: ContentKey, dataset: String, products: Vec<Product>) -> Self {
        let now = Timestamp::now();
        let products = products.into_iter().map(|product| OrderedProduct {
            product,
            asked_at: None,
            download_id: None,
            failures: 0,
        });
        let mut orders = Self {
            version: VERSION,
            task: TaskId::new(""),
            content,
            dataset,
            products: products.collect(),
            attempt: 0,
            made: now,
            updated: now,
        };
        orders.begin_anew();
        orders
    }

    /// A new task of the same products.
    pub(super) fn begin_anew(&mut self) {
        self.attempt += 1;
        let mut digest = Sha256::new().chain_update(self.content.as_str());
        for OrderedProduct { product, .. } in &self.products {
            digest = digest.chain_update([0]).chain_update(&product.id);
            digest = digest.chain_update([1]).chain_update(&product.location);
        }
        let digest = digest.finalize();
        let hexadecimal: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
        self.task = TaskId::new(format!("wekeo-{hexadecimal}-{}", self.attempt));
    }

    fn is_fresh(&self) -> bool {
        Timestamp::now().duration_since(self.updated) < KEPT
    }
}

/// The documents of a cache.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    records: Arc<dyn ObjectStore>,
}

impl Ledger {
    pub(super) fn new(records: Arc<dyn ObjectStore>) -> Self {
        Self { records }
    }

    /// The orders of a content, unless they are too old to be of use.
    pub(super) async fn read(&self, content: &ContentKey) -> Result<Option<QueryOrders>, Problem> {
        let found = self.read_path(&path(content)).await?;
        Ok(found.filter(|orders| orders.content == *content && orders.is_fresh()))
    }

    /// The orders of a task.
    pub(super) async fn of_task(&self, task: &TaskId) -> Result<Option<QueryOrders>, Problem> {
        let all = self.list().await?;
        Ok(all.into_iter().find(|orders| orders.task == *task))
    }

    /// All orders that are of use. Others are removed.
    pub(super) async fn list(&self) -> Result<Vec<QueryOrders>, Problem> {
        let folder = Path::from(FOLDER);
        let objects = match self
            .records
            .list(Some(&folder))
            .try_collect::<Vec<_>>()
            .await
        {
            Ok(objects) => objects,
            Err(object_store::Error::NotFound { .. }) => Vec::new(),
            Err(why) => return Err(of_storage(why)),
        };
        let mut all = Vec::new();
        for object in objects {
            match self.read_path(&object.location).await? {
                Some(orders) if orders.is_fresh() => all.push(orders),
                Some(_) => match self.records.delete(&object.location).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    // It is tried again at the next look.
                    Err(error) => tracing::warn!(%error, "a note about old orders was not removed"),
                },
                None => {}
            }
        }
        Ok(all)
    }

    /// Writes the orders of a query down in one step.
    pub(super) async fn write(&self, orders: &mut QueryOrders) -> Result<(), Problem> {
        orders.updated = Timestamp::now();
        let json = serde_json::to_vec_pretty(orders)
            .map_err(|why| Problem::new(ProblemKind::Journal, why.to_string()))?;
        let path = path(&orders.content);
        self.records
            .put(&path, json.into())
            .await
            .map_err(of_storage)?;
        Ok(())
    }

    /// A document that can't be understood is none: the orders are then looked for at the broker.
    async fn read_path(&self, path: &Path) -> Result<Option<QueryOrders>, Problem> {
        let bytes = match self.records.get(path).await {
            Ok(found) => found.bytes().await.map_err(of_storage)?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(why) => return Err(of_storage(why)),
        };
        let orders = serde_json::from_slice::<QueryOrders>(&bytes);
        if let Err(error) = &orders {
            tracing::warn!(%path, %error, "a note about orders at WEkEO can't be read");
        }
        Ok(orders.ok().filter(|orders| orders.version == VERSION))
    }
}

fn of_storage(why: object_store::Error) -> Problem {
    Problem::from(CacheError::from(why))
}

fn path(content: &ContentKey) -> Path {
    let digest = Sha256::digest(content.as_str());
    let name: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
    Path::from_iter([FOLDER.to_owned(), format!("{name}.json")])
}
