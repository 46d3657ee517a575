//! The catalogue of datasets (`@search`).

use std::collections::{HashSet, VecDeque};
use std::num::NonZeroU32;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::Client;
use super::exchange::Call;
use crate::error::ApiError;
use crate::model::{Dataset, DatasetUid};

/// The real catalogue has about 250 datasets, so this makes three requests of it.
const BATCH_SIZE: u32 = 100;

/// Which datasets to list; all of them unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetQuery {
    uid: Option<DatasetUid>,
    text: Option<String>,
    batch_size: Option<NonZeroU32>,
}

impl DatasetQuery {
    /// All datasets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only the one with this UID.
    pub fn uid(mut self, uid: DatasetUid) -> Self {
        self.uid = Some(uid);
        self
    }

    /// Only those in which the portal's text search finds these words.
    pub fn text(mut self, words: impl Into<String>) -> Self {
        self.text = Some(words.into());
        self
    }

    /// How many datasets to ask for at a time (100). A dataset is about 40 kB of JSON.
    pub fn batch_size(mut self, datasets: NonZeroU32) -> Self {
        self.batch_size = Some(datasets);
        self
    }

    fn url(&self, mut search: Url) -> Url {
        {
            let mut query = search.query_pairs_mut();
            query.append_pair("portal_type", "DataSet");
            // metadata_fields would be shorter, but leaves out boxes, dates, CRSs and files.
            query.append_pair("fullobjects", "1");
            if let Some(uid) = &self.uid {
                query.append_pair("UID", uid.as_str());
            }
            if let Some(text) = &self.text {
                query.append_pair("SearchableText", text);
            }
            let batch_size = self.batch_size.map_or(BATCH_SIZE, NonZeroU32::get);
            query.append_pair("b_size", &batch_size.to_string());
        }
        search
    }
}

impl Client {
    /// The datasets of the catalogue, page by page as the stream is read. Needs no key.
    ///
    /// An item that can't be decoded is an [`ApiError::Decode`] that names it and the place in
    /// its JSON; the stream goes on after it. After any other error it ends. A dataset that the
    /// portal lists twice, because the catalogue changed between two pages, comes once.
    pub fn datasets(&self, query: DatasetQuery) -> BoxStream<'static, Result<Dataset, ApiError>> {
        let pages = Pages {
            next: Some(query.url(self.endpoint("@search"))),
            client: self.clone(),
            ready: VecDeque::new(),
            seen: HashSet::new(),
            count: 0,
        };
        stream::unfold(pages, |mut pages| async move {
            let item = pages.next_item().await?;
            Some((item, pages))
        })
        .boxed()
    }

    /// The dataset with this UID, or `None` if the portal has no such published dataset. Needs
    /// no key.
    ///
    /// # Errors
    /// As [`Client::datasets`].
    pub async fn dataset(&self, uid: &DatasetUid) -> Result<Option<Dataset>, ApiError> {
        let mut found = self.datasets(DatasetQuery::new().uid(uid.clone()));
        while let Some(dataset) = found.try_next().await? {
            if dataset.uid == *uid {
                return Ok(Some(dataset));
            }
        }
        Ok(None)
    }
}

/// A walk through the pages of a search.
struct Pages {
    client: Client,
    next: Option<Url>,
    ready: VecDeque<Result<Dataset, ApiError>>,
    /// What each item of the pages so far is known by.
    seen: HashSet<String>,
    count: usize,
}

/// One page of a search.
#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    /// Absent when everything fits on one page; without `next` on the last one.
    batching: Option<Batching>,
}

#[derive(Deserialize)]
struct Batching {
    next: Option<String>,
}

impl Pages {
    async fn next_item(&mut self) -> Option<Result<Dataset, ApiError>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            let call = Call::public(self.next.take()?);
            let page = match self.client.json(&call).await {
                Ok(page) => page,
                Err(error) => return Some(Err(error)),
            };
            self.count += 1;
            self.turn(page, &call);
        }
    }

    /// Takes the items of a page, and the way to the next one if this one brought anything:
    /// there are searches whose pages are empty and never end.
    fn turn(&mut self, page: Page, call: &Call) {
        let before = self.ready.len();
        for item in page.items {
            if self.seen.insert(identity(&item)) {
                let dataset = Dataset::from_portal(item).map_err(|error| ApiError::Decode {
                    call: call.name(),
                    error,
                });
                self.ready.push_back(dataset);
            }
        }
        let Some(next) = page.batching.and_then(|batching| batching.next) else {
            return;
        };
        if self.ready.len() == before {
            self.ready.push_back(Err(ApiError::EndlessPaging {
                call: call.name(),
                page: self.count,
            }));
            return;
        }
        // Behind a proxy the portal's links may have another scheme, host or path than ours, so
        // only their query is used.
        let query = next.split_once('?').map(|(_, query)| query);
        let mut url = self.client.endpoint("@search");
        url.set_query(query);
        self.next = Some(url);
    }
}

fn identity(item: &Value) -> String {
    ["UID", "@id"]
        .iter()
        .find_map(|key| item.get(key)?.as_str().map(str::to_owned))
        .unwrap_or_else(|| item.to_string())
}
