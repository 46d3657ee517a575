//! The catalogue of datasets (`@search`, `@datasets_by_uid`, and their own addresses).

use std::collections::{HashSet, VecDeque};

use futures::future;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::Client;
use super::exchange::{Call, undecodable};
use super::query::{DatasetQuery, Told};
use crate::error::{ApiError, DecodeError};
use crate::model::{Dataset, DatasetSummary, DatasetUid, Source};
use crate::request::InvalidRequest;

/// Keeps addresses below 4 kB.
const UIDS_AT_A_TIME: usize = 50;

impl Client {
    /// The datasets of the catalogue, page by page as the stream is read. Needs no key.
    ///
    /// An item that can't be decoded is an [`ApiError::Decode`] that names it and the place in
    /// its JSON; the stream goes on after it. After any other error it ends. A dataset that the
    /// portal lists twice, because the catalogue changed between two pages, comes once.
    pub fn datasets(&self, query: DatasetQuery) -> BoxStream<'static, Result<Dataset, ApiError>> {
        let url = query.url(self.endpoint("@search"), Told::All);
        let found = self.pages("@search", url, Dataset::from_portal);
        let Some(source) = query.source else {
            return found;
        };
        let is_wanted = move |found: &Result<Dataset, ApiError>| match found {
            Ok(dataset) => is_from(dataset, &source),
            Err(_) => true,
        };
        found
            .filter(move |found| future::ready(is_wanted(found)))
            .boxed()
    }

    /// Short entries of what a search finds (`@search` without `fullobjects`), with the further
    /// `fields` that are asked for; without `UID` among them, entries have none. Needs no key.
    ///
    /// Of the fields, `dataset_full_format`, which the documentation shows, is always null, and
    /// `_all` is all but the collections and files.
    ///
    /// ```no_run
    /// # use clms_api::{Client, DatasetQuery, futures::TryStreamExt};
    /// # async fn example(client: Client) -> Result<(), clms_api::ApiError> {
    /// let products = DatasetQuery::new().portal_type("Product");
    /// let mut products = client.search(products, &["UID"]);
    /// while let Some(product) = products.try_next().await? {
    ///     println!("{}", product.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Errors are as for [`Client::datasets`].
    pub fn search(
        &self,
        query: DatasetQuery,
        fields: &[&str],
    ) -> BoxStream<'static, Result<DatasetSummary, ApiError>> {
        let url = query.url(self.endpoint("@search"), Told::Summary(fields));
        self.pages("@search", url, DatasetSummary::from_portal)
    }

    /// What can be requested of some datasets (`@datasets_by_uid`): their files, collections and
    /// CRSs, and nothing that describes them. A fraction of what a search brings. Unknown UIDs
    /// bring nothing; without any UID the portal lists all its pages, so then this asks nothing.
    /// Needs no key.
    ///
    /// Errors are as for [`Client::datasets`].
    pub fn datasets_by_uid(
        &self,
        uids: &[DatasetUid],
    ) -> BoxStream<'static, Result<Dataset, ApiError>> {
        const ENDPOINT: &str = "@datasets_by_uid";
        let streams: Vec<_> = uids
            .chunks(UIDS_AT_A_TIME)
            .map(|uids| {
                let uids: Vec<_> = uids.iter().map(DatasetUid::as_str).collect();
                let mut url = self.endpoint(ENDPOINT);
                url.query_pairs_mut()
                    .append_pair("UID", &uids.join(","))
                    .append_pair("b_size", &UIDS_AT_A_TIME.to_string());
                self.pages(ENDPOINT, url, Dataset::from_portal)
            })
            .collect();
        stream::iter(streams).flatten().boxed()
    }

    /// The dataset at an address: its page at the portal, or the path of it, such as
    /// `en/products/corine-land-cover/clc2018`. `None` if there is nothing. Needs no key.
    ///
    /// # Errors
    /// [`ApiError::Status`] with status 401 for one that is not published,
    /// [`ApiError::InvalidRequest`] for an address of another host, [`ApiError::Decode`] for an
    /// object that is no dataset, and whatever can happen on the way.
    pub async fn dataset_at(&self, address: &str) -> Result<Option<Dataset>, ApiError> {
        let path = match Url::parse(address.trim()) {
            Ok(page) if page.host() == self.base_url().host() => page.path().to_owned(),
            Ok(page) => {
                return Err(InvalidRequest::Other {
                    problem: format!("{page} is not a page of {}", self.base_url()),
                }
                .into());
            }
            Err(_) => address.trim().to_owned(),
        };
        let path = path.trim_matches('/');
        let path = path.strip_prefix("api/").unwrap_or(path);
        let call = Call::public(self.endpoint(path));
        match self.json(&call).await {
            Ok(object) => Dataset::from_portal(object)
                .map(Some)
                .map_err(|error| undecodable(&call, error)),
            Err(ApiError::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
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

    fn pages<T: Send + 'static>(
        &self,
        endpoint: &'static str,
        url: Url,
        read: fn(Value) -> Result<T, DecodeError>,
    ) -> BoxStream<'static, Result<T, ApiError>> {
        let pages = Pages {
            client: self.clone(),
            endpoint,
            read,
            next: Some(url),
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
}

/// Whether the portal takes anything of a dataset from a source.
fn is_from(dataset: &Dataset, source: &Source) -> bool {
    let files = dataset.files.iter().map(|file| &file.source);
    let collections = dataset.download_information.iter().map(|info| &info.source);
    files
        .chain(collections)
        .any(|found| found.as_ref() == Some(source))
}

/// A walk through the pages of a search.
struct Pages<T> {
    client: Client,
    endpoint: &'static str,
    read: fn(Value) -> Result<T, DecodeError>,
    next: Option<Url>,
    ready: VecDeque<Result<T, ApiError>>,
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

impl<T> Pages<T> {
    async fn next_item(&mut self) -> Option<Result<T, ApiError>> {
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
                let item = (self.read)(item).map_err(|error| ApiError::Decode {
                    call: call.name(),
                    error,
                });
                self.ready.push_back(item);
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
        let mut url = self.client.endpoint(self.endpoint);
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
