//! Links that are had without a task (`@get-download-file-urls`).

use jiff::civil::Date;
use serde_json::Value;

use super::Client;
use super::exchange::{Call, undecodable};
use crate::error::ApiError;
use crate::model::{
    BBox, Dataset, DatasetUid, DirectLinks, DownloadInformation, InformationId, Source,
};
use crate::request::{Days, InvalidRequest};

/// What to get direct links of. Each source of data wants other things, so there is one
/// constructor for each.
///
/// ```
/// # use clms_api::{DirectLinksRequest, Days};
/// # fn example(dataset: &clms_api::Dataset, days: Days) -> Result<(), clms_api::InvalidRequest> {
/// let collection = &dataset.download_information[0];
/// let request = DirectLinksRequest::legacy(dataset, collection, days)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DirectLinksRequest {
    dataset_uid: DatasetUid,
    information_id: InformationId,
    dates: Option<(Date, Date)>,
    bbox: Option<BBox>,
}

impl DirectLinksRequest {
    /// Files of the former global land service, from the first to the last day.
    ///
    /// # Errors
    /// When the collection's source is another one.
    pub fn legacy(
        dataset: &Dataset,
        collection: &DownloadInformation,
        days: Days,
    ) -> Result<Self, InvalidRequest> {
        let dates = Some((days.first(), days.last()));
        Self::of(dataset, collection, &Source::Legacy, dates, None)
    }

    /// A query to be made at WEkEO. Without days the portal fills in the year 2020, without a box
    /// Europe.
    ///
    /// # Errors
    /// When the collection's source is another one, or the box is none.
    pub fn wekeo(
        dataset: &Dataset,
        collection: &DownloadInformation,
        days: Option<Days>,
        bbox: Option<BBox>,
    ) -> Result<Self, InvalidRequest> {
        let dates = days.map(|days| (days.first(), days.last()));
        Self::of(dataset, collection, &Source::Wekeo, dates, bbox)
    }

    /// Tiles of the global land cover that touch a box, or all of them. The bucket behind the
    /// links is closed since June 2025.
    ///
    /// # Errors
    /// When the collection's source is another one, or the box is none.
    pub fn land_cover(
        dataset: &Dataset,
        collection: &DownloadInformation,
        bbox: Option<BBox>,
    ) -> Result<Self, InvalidRequest> {
        Self::of(dataset, collection, &Source::Landcover, None, bbox)
    }

    fn of(
        dataset: &Dataset,
        collection: &DownloadInformation,
        source: &Source,
        dates: Option<(Date, Date)>,
        bbox: Option<BBox>,
    ) -> Result<Self, InvalidRequest> {
        if collection.source.as_ref() != Some(source) {
            let found = collection.source.as_ref().map_or("nothing", Source::as_str);
            return Err(InvalidRequest::NotDownloadable {
                dataset: dataset.id.clone(),
                collection: collection.id.to_string(),
                problem: format!("its source is {found}, not {source}"),
            });
        }
        bbox.as_ref().map(BBox::check).transpose()?;
        Ok(Self {
            dataset_uid: dataset.uid.clone(),
            information_id: collection.id.clone(),
            dates,
            bbox,
        })
    }
}

impl Client {
    /// Links to files of some sources of data, without a task (`@get-download-file-urls`).
    ///
    /// Hidden here: that parameters have one form of error and dates another, that the lack of
    /// anything is a success with an error inside, and that an answer is a list or a query.
    ///
    /// # Errors
    /// [`ApiError::Status`] with a [`refusal`](ApiError::refusal), or with status 404: the real
    /// portal was seen without this endpoint in 2026. [`ApiError::Unauthorized`] also for a
    /// dataset that is not published.
    pub async fn direct_links(
        &self,
        request: &DirectLinksRequest,
    ) -> Result<DirectLinks, ApiError> {
        let mut url = self.endpoint("@get-download-file-urls");
        {
            let mut query = url.query_pairs_mut();
            if let Some((first, last)) = request.dates {
                query.append_pair("date_from", &first.to_string());
                query.append_pair("date_to", &last.to_string());
            }
            if let Some(bbox) = request.bbox {
                for (name, side) in [
                    ("x_min", bbox.west),
                    ("y_min", bbox.south),
                    ("x_max", bbox.east),
                    ("y_max", bbox.north),
                ] {
                    query.append_pair(name, &side.to_string());
                }
            }
            query.append_pair("dataset_uid", request.dataset_uid.as_str());
            query.append_pair("download_information_id", request.information_id.as_str());
        }
        let call = Call::read(url);
        let answer: Value = self.json(&call).await?;
        DirectLinks::from_portal(answer).map_err(|error| undecodable(&call, error))
    }
}
