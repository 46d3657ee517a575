//! What a part is, whoever tells of it: a request, or a task that was made for one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use serde_json::json;

use super::area::Area;
use super::part::PartRequest;
use crate::model::{BBox, DatasetUid, Format, Source, TaskDataset};

/// What tells one part of a dataset from another: equal for a [request](PartRequest::content) and
/// for the [task](TaskDataset::part_content) that the portal makes of it.
///
/// As text it is a line of JSON, which is equal for equal parts and stays so from version to
/// version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PartContent {
    dataset: Option<DatasetUid>,
    /// Where the data of the collection lie, which is all that tasks tell of it; of CDSE its
    /// collection there.
    collection: Option<String>,
    format: Option<Format>,
    crs: Option<String>,
    area: Option<String>,
    days: Option<(Date, Date)>,
    layer: Option<String>,
}

impl PartContent {
    /// Whether both are the same part, for all that is told: not all tasks name a collection.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        let collections_differ = match (&self.collection, &other.collection) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        };
        let anywhere = |content: &Self| Self {
            collection: None,
            ..content.clone()
        };
        !collections_differ && anywhere(self) == anywhere(other)
    }
}

impl fmt::Display for PartContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            dataset,
            collection,
            format,
            crs,
            area,
            days,
            layer,
        } = self;
        let days = days.map(|(first, last)| format!("{first}/{last}"));
        // A list, whose order no setting of a library changes.
        write!(
            f,
            "{}",
            json!([dataset, collection, format, crs, area, days, layer])
        )
    }
}

impl PartRequest {
    /// What it asks for, to be compared with what tasks are for.
    pub fn content(&self) -> PartContent {
        PartContent {
            dataset: Some(self.dataset_uid.clone()),
            collection: match self.source {
                Source::Cdse | Source::CdseCsv => self.byoc_collection.clone(),
                _ => self.path.as_deref().map(|path| path.trim().to_owned()),
            },
            format: Some(self.format.clone()),
            crs: Some(self.crs.clone()),
            area: self.area.as_ref().map(|area| match area {
                Area::BBox(bbox) => of_box(*bbox),
                Area::Nuts(code) => of_region(code.as_str()),
            }),
            days: self.days.map(|days| (days.first(), days.last())),
            layer: self.layer.as_deref().map(|layer| layer.trim().to_owned()),
        }
    }
}

impl TaskDataset {
    /// What part of a dataset it is; `None` for a prepackaged file.
    pub fn part_content(&self) -> Option<PartContent> {
        if self.file_id.is_some() {
            return None;
        }
        Some(PartContent {
            dataset: self.dataset_uid.clone(),
            collection: match &self.source {
                Some(Source::Cdse | Source::CdseCsv) => self.byoc_collection.clone(),
                _ => self.path.as_deref().map(decoded),
            },
            format: self.format.clone(),
            crs: self.crs.clone(),
            area: match (&self.nuts, self.bbox) {
                (None, None) => None,
                (Some(code), None) => Some(of_region(code)),
                (None, Some(bbox)) => Some(of_box(bbox)),
                // The portal refuses both at once; whatever it is, it is nothing else.
                (Some(code), Some(bbox)) => Some(format!("{} {}", of_region(code), of_box(bbox))),
            },
            days: self.days,
            layer: self.layer.as_deref().map(|layer| layer.trim().to_owned()),
        })
    }
}

fn of_region(code: &str) -> String {
    format!("nuts {code}")
}

/// Sides in degrees, to a tenth of a millimetre.
fn of_box(bbox: BBox) -> String {
    let side = |degrees: f64| (degrees * 1e9).round() as i64;
    let BBox {
        west,
        south,
        east,
        north,
    } = bbox;
    let sides = [side(west), side(south), side(east), side(north)];
    format!("bbox {sides:?}e-9")
}

/// The portal's base64 of a path, or else the text as it is.
fn decoded(path: &str) -> String {
    match STANDARD.decode(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(_) => path.trim().to_owned(),
    }
}
