//! The portal's tables: formats, CRSs, names of regions, time series.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Client;
use super::exchange::{Call, undecodable};
use crate::error::{ApiError, DecodeError};
use crate::model::{Dataset, DatasetUid, FormatTable, InformationId, TimeSeriesMetadata};
use crate::request::{NutsCode, PartRequestBuilder};

impl Client {
    /// Which formats can be had of data in which format (`@format_conversion_table`). Asked once
    /// for each client.
    ///
    /// # Errors
    /// Whatever can happen on the way; it needs a key.
    pub async fn format_table(&self) -> Result<FormatTable, ApiError> {
        let fetched = self.inner.formats.get_or_try_init(|| async {
            let call = Call::read(self.endpoint("@format_conversion_table"));
            let table: Value = self.json(&call).await?;
            FormatTable::from_portal(table).map_err(|error| undecodable(&call, error))
        });
        fetched.await.cloned()
    }

    /// The CRSs that parts of a dataset can be had in, or with no dataset those of most
    /// (`@projections`). `None` for a dataset that does not exist, which the portal gives an
    /// empty list.
    ///
    /// # Errors
    /// Whatever can happen on the way; it needs a key.
    pub async fn projections(
        &self,
        dataset: Option<&DatasetUid>,
    ) -> Result<Option<Vec<String>>, ApiError> {
        let mut url = self.endpoint("@projections");
        if let Some(uid) = dataset {
            url.query_pairs_mut().append_pair("uid", uid.as_str());
        }
        let codes: Vec<String> = self.json(&Call::read(url)).await?;
        Ok(Some(codes).filter(|codes| !codes.is_empty()))
    }

    /// The names of regions (`@nuts_name`); `None` for those that do not exist, which the portal
    /// calls by their own code. Without a code it asks nothing.
    ///
    /// # Errors
    /// Whatever can happen on the way; it needs a key.
    pub async fn nuts_names(
        &self,
        codes: &[NutsCode],
    ) -> Result<BTreeMap<NutsCode, Option<String>>, ApiError> {
        if codes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let list: Vec<_> = codes.iter().map(NutsCode::as_str).collect();
        let mut url = self.endpoint("@nuts_name");
        url.query_pairs_mut()
            .append_pair("nuts_ids", &list.join(","));
        let names: BTreeMap<String, String> = self.json(&Call::read(url)).await?;
        let name = |code: &NutsCode| {
            names
                .get(code.as_str())
                .filter(|name| *name != code.as_str())
        };
        Ok(codes
            .iter()
            .map(|code| (code.clone(), name(code).cloned()))
            .collect())
    }

    /// Days, and limits of days, of a dataset (`@get-time-series-metadata`); `None` for one that
    /// does not exist. Needs no key.
    ///
    /// # Errors
    /// Whatever can happen on the way.
    pub async fn time_series_metadata(
        &self,
        dataset: &DatasetUid,
    ) -> Result<Option<TimeSeriesMetadata>, ApiError> {
        let mut url = self.endpoint("@get-time-series-metadata");
        url.query_pairs_mut()
            .append_pair("dataset", dataset.as_str());
        let call = Call::public(url);
        let answer: Map<String, Value> = self.json(&call).await?;
        if answer.is_empty() {
            return Ok(None);
        }
        let metadata = TimeSeriesMetadata::from_portal(Value::Object(answer));
        metadata
            .map(Some)
            .map_err(|error| undecodable(&call, error))
    }

    /// Begins a request for a part of a dataset, with the tables that it is checked against:
    /// asks for [`Client::format_table`] and [`Client::projections`].
    ///
    /// # Errors
    /// [`ApiError::InvalidRequest`] when nothing can be cut from the collection, and whatever can
    /// happen on the way.
    pub async fn part_request(
        &self,
        dataset: &Dataset,
        collection: &InformationId,
    ) -> Result<PartRequestBuilder, ApiError> {
        let formats = self.format_table().await?;
        let projections = self.projections(Some(&dataset.uid)).await?;
        let projections = projections.ok_or_else(|| {
            let problem = format!("the portal has no dataset {}", dataset.uid);
            let error = DecodeError::new("", problem);
            ApiError::Decode {
                call: "GET @projections".to_owned(),
                error,
            }
        })?;
        Ok(PartRequestBuilder::new(
            dataset,
            collection,
            formats,
            projections,
        )?)
    }
}
