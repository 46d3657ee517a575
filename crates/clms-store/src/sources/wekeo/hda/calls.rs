//! The broker's endpoints.

use std::collections::HashSet;

use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use super::{HdaClient, HdaError, HdaOrder, Product, SearchPage, exchange::Call};
use crate::sources::wekeo::HdaQuery;

/// Results of one page, and orders of one; the broker gives at most so many.
const PAGE: usize = 200;

/// How many times a search is begun anew because its results changed.
const READINGS: usize = 3;

impl HdaClient {
    /// Finds out whether the account is good; fetches a token, if there is none.
    ///
    /// # Errors
    /// [`HdaError::NoAccount`], [`HdaError::AccountRefused`], or what keeps from the broker.
    pub async fn sign_in(&self) -> Result<(), HdaError> {
        self.token().await.map(drop)
    }

    /// The names that queries of a dataset may have.
    ///
    /// # Errors
    /// [`HdaError::NoSuchDataset`] and all that [`HdaError`] has.
    pub async fn queryables(&self, dataset: &str) -> Result<HashSet<String>, HdaError> {
        let url = self.endpoint(["dataaccess", "queryable", dataset]);
        let call = read("GET dataaccess/queryable", url);
        let answer = self.json(&call).await.map_err(|why| of(dataset, why))?;
        let properties = answer["properties"].as_object().into_iter().flatten();
        Ok(properties.map(|(name, _)| name.clone()).collect())
    }

    /// The names of the terms of a dataset.
    ///
    /// # Errors
    /// As for [`queryables`](Self::queryables).
    pub async fn terms(&self, dataset: &str) -> Result<Vec<String>, HdaError> {
        let call = read("GET datasets", self.endpoint(["datasets", dataset]));
        let answer = self.json(&call).await.map_err(|why| of(dataset, why))?;
        let terms = answer["terms"].as_array().into_iter().flatten();
        Ok(terms
            .filter_map(|terms| Some(terms.as_str()?.to_owned()))
            .collect())
    }

    /// Accepts terms in the name of the account's owner.
    ///
    /// # Errors
    /// All that [`HdaError`] has.
    pub async fn accept_terms(&self, terms: &str) -> Result<(), HdaError> {
        let body = json!({"accepted": true});
        let call = Call {
            name: "PUT termsaccepted",
            method: Method::PUT,
            url: self.endpoint(["termsaccepted", terms]),
            body: Some(&body),
        };
        self.send(&call).await.map(drop)
    }

    /// One page of what a query finds, from `start` (0 is the first product) on.
    ///
    /// # Errors
    /// [`HdaError::TermsNotAccepted`], [`HdaError::NoSuchDataset`], [`HdaError::QuotaReached`], and all that [`HdaError`] has.
    pub async fn search_page(
        &self,
        query: &HdaQuery,
        start: usize,
    ) -> Result<SearchPage, HdaError> {
        const NAME: &str = "POST dataaccess/search";
        let mut body = query.body();
        body.insert("startIndex".to_owned(), json!(start));
        body.insert("itemsPerPage".to_owned(), json!(PAGE));
        let body = Value::Object(body);
        let call = Call {
            name: NAME,
            method: Method::POST,
            url: self.endpoint(["dataaccess", "search"]),
            body: Some(&body),
        };
        let answer = match self.json(&call).await {
            Ok(answer) => answer,
            Err(why) => return Err(self.about_terms(&query.dataset_id, why).await),
        };
        let Some(features) = answer["features"].as_array() else {
            return Err(HdaError::Malformed {
                call: NAME,
                problem: "it has no features".to_owned(),
            });
        };
        let total = answer["properties"]["totalResults"].as_u64();
        let products: Vec<Product> = features.iter().filter_map(Product::read).collect();
        if products.len() < features.len() {
            return Err(HdaError::Malformed {
                call: NAME,
                problem: "a product has no id or location".to_owned(),
            });
        }
        Ok(SearchPage {
            total: total.map_or(start + products.len(), |total| {
                usize::try_from(total).unwrap_or(usize::MAX)
            }),
            products,
        })
    }

    /// All that a query finds, in the order of their ids; `most` of them at most.
    ///
    /// What changes between two pages is read anew, for otherwise a product could be missing or there twice.
    ///
    /// # Errors
    /// As for [`search_page`](Self::search_page); [`HdaError::ResultsChange`]; [`HdaError::Refused`] for more than `most`.
    pub async fn search(&self, query: &HdaQuery, most: usize) -> Result<Vec<Product>, HdaError> {
        for _ in 0..READINGS {
            let first = self.search_page(query, 0).await?;
            let total = first.total;
            if total > most {
                return Err(HdaError::Refused {
                    call: "a search",
                    status: 200,
                    message: format!("it finds {total} products, and at most {most} are taken"),
                });
            }
            let mut products = first.products;
            let mut is_steady = true;
            while is_steady && products.len() < total {
                let page = self.search_page(query, products.len()).await?;
                is_steady = page.total == total && !page.products.is_empty();
                products.extend(page.products);
            }
            products.sort_by(|a, b| a.id.cmp(&b.id));
            let before = products.len();
            products.dedup_by(|a, b| a.id == b.id);
            if is_steady && products.len() == before && before == total {
                return Ok(products);
            }
            tracing::debug!(
                dataset = query.dataset_id,
                "the results change: searching anew"
            );
        }
        Err(HdaError::ResultsChange {
            dataset: query.dataset_id.clone(),
        })
    }

    /// Orders a product, once; gives the broker's name of the order.
    ///
    /// # Errors
    /// As for [`search_page`](Self::search_page). After one that [is unclear](HdaError::is_unclear) there may be an order.
    pub async fn order(&self, dataset: &str, product: &Product) -> Result<String, HdaError> {
        const NAME: &str = "POST dataaccess/download";
        let body = json!({
            "dataset_id": dataset,
            "product_id": product.id,
            "location": product.location,
        });
        let call = Call {
            name: NAME,
            method: Method::POST,
            url: self.endpoint(["dataaccess", "download"]),
            body: Some(&body),
        };
        let answer = match self.json(&call).await {
            Ok(answer) => answer,
            Err(why) => return Err(self.about_terms(dataset, why).await),
        };
        let id = answer["download_id"].as_str();
        id.map(str::to_owned).ok_or_else(|| HdaError::Malformed {
            call: NAME,
            problem: "it has no download_id".to_owned(),
        })
    }

    /// The account's orders, the newest first as far as the broker keeps that order; `most` of them at most.
    ///
    /// # Errors
    /// All that [`HdaError`] has.
    pub async fn orders(&self, most: usize) -> Result<Vec<HdaOrder>, HdaError> {
        let mut orders: Vec<HdaOrder> = Vec::new();
        loop {
            let mut url = self.endpoint(["dataaccess", "downloads"]);
            url.query_pairs_mut()
                .append_pair("startIndex", &orders.len().to_string())
                .append_pair("itemsPerPage", &PAGE.to_string());
            let answer = self.json(&read("GET dataaccess/downloads", url)).await?;
            let page = answer["features"].as_array().map_or(&[][..], Vec::as_slice);
            orders.extend(page.iter().filter_map(HdaOrder::read));
            let total = answer["properties"]["totalResults"].as_u64().unwrap_or(0);
            let is_last = page.is_empty() || orders.len() as u64 >= total;
            if is_last || orders.len() >= most {
                return Ok(orders);
            }
        }
    }

    /// One order; `None` if the broker does not know it.
    ///
    /// # Errors
    /// All that [`HdaError`] has.
    pub async fn order_state(&self, download_id: &str) -> Result<Option<HdaOrder>, HdaError> {
        let mut url = self.endpoint(["dataaccess", "downloads"]);
        url.query_pairs_mut()
            .append_pair("download_id", download_id);
        match self.json(&read("GET dataaccess/downloads", url)).await {
            Ok(answer) => Ok(answer["features"][0]
                .as_object()
                .and_then(|_| HdaOrder::read(&answer["features"][0]))),
            Err(HdaError::Refused { status: 404, .. }) => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Whether the file of an order is ready; `None` if there is none (any more).
    ///
    /// # Errors
    /// [`HdaError::QuotaReached`], and all that [`HdaError`] has.
    pub async fn is_ready(&self, download_id: &str) -> Result<Option<bool>, HdaError> {
        let call = Call {
            name: "HEAD dataaccess/download",
            method: Method::HEAD,
            url: self.file_url(download_id),
            body: None,
        };
        match self.send(&call).await {
            Ok(answer) => Ok(Some(answer.status() != StatusCode::ACCEPTED)),
            Err(HdaError::Refused {
                status: 404 | 410, ..
            }) => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Where the file of an order is. It needs a token.
    #[must_use]
    pub fn file_url(&self, download_id: &str) -> Url {
        self.endpoint(["dataaccess", "download", download_id])
    }

    /// A refusal that speaks of terms names them.
    async fn about_terms(&self, dataset: &str, why: HdaError) -> HdaError {
        match why {
            HdaError::Refused {
                status: 403,
                message,
                ..
            } if message.to_lowercase().contains("terms") => HdaError::TermsNotAccepted {
                dataset: dataset.to_owned(),
                terms: self.terms(dataset).await.unwrap_or_default(),
                message,
            },
            why => of(dataset, why),
        }
    }
}

fn read(name: &'static str, url: Url) -> Call<'static> {
    Call {
        name,
        method: Method::GET,
        url,
        body: None,
    }
}

/// A 404 of what is asked of a dataset means that there is none.
fn of(dataset: &str, why: HdaError) -> HdaError {
    match why {
        HdaError::Refused { status: 404, .. } => HdaError::NoSuchDataset {
            dataset: dataset.to_owned(),
        },
        why => why,
    }
}
