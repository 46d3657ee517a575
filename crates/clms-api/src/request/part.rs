//! A part of a dataset, ready to be asked for.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::TaskKind;
use super::area::Area;
use super::days::Days;
use crate::model::{DatasetUid, Format, InformationId, Source};

/// A part of a dataset to be cut by the portal: an area, days, a format, a CRS. It has passed all
/// checks that can be made before it is sent; see
/// [`PartRequestBuilder`](super::PartRequestBuilder).
///
/// `Serialize` and `Deserialize` are this crate's own form, made for keeping a request until it is
/// sent; the portal's is that of [`DataRequest::to_json`](super::DataRequest::to_json).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartRequest {
    pub(super) dataset_uid: DatasetUid,
    pub(super) information_id: InformationId,
    pub(super) format: Format,
    pub(super) crs: String,
    pub(super) area: Option<Area>,
    pub(super) days: Option<Days>,
    pub(super) layer: Option<String>,
    /// What tells the collection in the portal's tasks, which leave out its identifier.
    pub(super) source: Source,
    pub(super) path: Option<String>,
    pub(super) byoc_collection: Option<String>,
}

impl PartRequest {
    /// The dataset.
    pub fn dataset_uid(&self) -> &DatasetUid {
        &self.dataset_uid
    }

    /// The collection.
    pub fn information_id(&self) -> &InformationId {
        &self.information_id
    }

    /// The format that the part will have.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// The CRS that the part will have, such as `EPSG:3035`.
    pub fn crs(&self) -> &str {
        &self.crs
    }

    /// What to cut out; `None` for days of the whole dataset.
    pub fn area(&self) -> Option<&Area> {
        self.area.as_ref()
    }

    /// The days.
    pub fn days(&self) -> Option<Days> {
        self.days
    }

    /// The layer; `None` for all of them.
    pub fn layer(&self) -> Option<&str> {
        self.layer.as_deref()
    }

    /// Which of the portal's tasks it will be in.
    pub fn kind(&self) -> TaskKind {
        match self.source {
            Source::Cdse | Source::CdseCsv => TaskKind::CdseParts,
            _ => TaskKind::Parts,
        }
    }

    /// An item of `Datasets`.
    pub(super) fn to_json(&self) -> Value {
        let mut item = json!({
            "DatasetID": self.dataset_uid,
            "DatasetDownloadInformationID": self.information_id,
            "OutputFormat": self.format.as_str(),
            "OutputGCS": self.crs,
        });
        match &self.area {
            // The order of the portal's documentation. It computes areas from any order.
            Some(Area::BBox(bbox)) => {
                item["BoundingBox"] = json!([bbox.west, bbox.north, bbox.east, bbox.south]);
            }
            Some(Area::Nuts(code)) => item["NUTS"] = json!(code),
            None => {}
        }
        if let Some(days) = self.days {
            item["TemporalFilter"] = days.to_json();
        }
        if let Some(layer) = &self.layer {
            item["Layer"] = json!(layer);
        }
        item
    }
}

impl fmt::Display for PartRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the part of dataset {}", self.dataset_uid)?;
        match &self.area {
            Some(Area::BBox(b)) => write!(f, " in {},{},{},{}", b.west, b.south, b.east, b.north)?,
            Some(Area::Nuts(code)) => write!(f, " in {code}")?,
            None => {}
        }
        if let Some(days) = self.days {
            write!(f, " of {days}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A part that needs no dataset to be built.
    pub(in crate::request) fn part_for(code: &str) -> PartRequest {
        PartRequest {
            dataset_uid: "d".into(),
            information_id: "i".into(),
            format: Format::Geotiff,
            crs: "EPSG:3035".to_owned(),
            area: Some(Area::Nuts(code.parse().unwrap())),
            days: None,
            layer: None,
            source: Source::Eea,
            path: Some("/Land/x".to_owned()),
            byoc_collection: None,
        }
    }

    #[test]
    fn as_the_portal_wants_it() {
        use jiff::civil::date;
        let part = PartRequest {
            area: Some(Area::BBox(BBox::new(6.0, 49.0, 7.0, 50.0).unwrap())),
            days: Some(Days::new(date(2021, 1, 1), date(2021, 1, 2)).unwrap()),
            layer: Some("TCD ".to_owned()),
            ..part_for("LU")
        };
        assert_eq!(
            part.to_json(),
            json!({
                "DatasetID": "d", "DatasetDownloadInformationID": "i", "OutputFormat": "Geotiff", "OutputGCS": "EPSG:3035",
                "BoundingBox": [6.0, 50.0, 7.0, 49.0], "Layer": "TCD ",
                "TemporalFilter": {"StartDate": 1_609_459_200_000_i64, "EndDate": 1_609_545_600_000_i64},
            })
        );
        assert_eq!(part_for("LU").to_json()["NUTS"], "LU");
        assert_eq!(
            part.to_string(),
            "the part of dataset d in 6,49,7,50 of 2021-01-01 to 2021-01-02"
        );
    }

    use crate::model::BBox;
}
