//! Queries of the API's second version.

use std::collections::{BTreeMap, HashSet};

use clms_api::BBox;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Which part of a dataset is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Selection {
    /// Where: degrees on WGS 84.
    pub bbox: BBox,
    /// The first day, in UTC.
    pub first: Date,
    /// The last day.
    pub last: Date,
}

impl Selection {
    /// The first and the last instant, to the millisecond.
    pub(super) fn instants(&self) -> (Timestamp, Timestamp) {
        let of_day = |day: Date, hour, minute, second, nanos| {
            let time = day.at(hour, minute, second, nanos);
            let zoned = time.to_zoned(TimeZone::UTC);
            zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
        };
        (
            of_day(self.first, 0, 0, 0, 0),
            of_day(self.last, 23, 59, 59, 999_000_000),
        )
    }
}

/// What a dataset's queries call the first and the last instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeNames {
    /// Such as `startdate`.
    pub start: String,
    /// Such as `enddate`.
    pub end: String,
}

impl TimeNames {
    pub(super) fn new(start: &str, end: &str) -> Self {
        Self {
            start: start.to_owned(),
            end: end.to_owned(),
        }
    }

    /// The names that have been seen, the most frequent first.
    pub(super) fn seen() -> impl Iterator<Item = Self> {
        [
            ("startdate", "enddate"),
            ("start", "end"),
            ("dtstart", "dtend"),
            ("startDate", "completionDate"),
        ]
        .into_iter()
        .map(|(start, end)| Self::new(start, end))
    }
}

/// A query: a dataset, what, where and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HdaQuery {
    /// The dataset, such as `EO:JRC:DAT:CLMS`.
    pub dataset_id: String,
    /// What the products have to be, such as `productType` `FSC`.
    pub filters: BTreeMap<String, Value>,
    /// Degrees on WGS 84: west, south, east, north.
    pub bbox: Option<[f64; 4]>,
    /// The first and the last instant.
    pub time: Option<(Timestamp, Timestamp)>,
    /// What these are called.
    pub time_names: TimeNames,
}

impl HdaQuery {
    /// A query of all that a dataset has.
    #[must_use]
    pub fn new(dataset_id: impl Into<String>) -> Self {
        Self {
            dataset_id: dataset_id.into(),
            filters: BTreeMap::new(),
            bbox: None,
            time: None,
            time_names: TimeNames::new("startdate", "enddate"),
        }
    }

    /// With one more filter.
    #[must_use]
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.filters.insert(name.into(), value.into());
        self
    }

    /// Only that part.
    #[must_use]
    pub fn select(mut self, part: &Selection) -> Self {
        let BBox {
            west,
            south,
            east,
            north,
        } = part.bbox;
        self.bbox = Some([west, south, east, north]);
        self.time = Some(part.instants());
        self
    }

    /// The JSON that is sent, without paging.
    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("dataset_id".to_owned(), json!(self.dataset_id));
        body.extend(self.filters.clone());
        if let Some(bbox) = self.bbox {
            body.insert("bbox".to_owned(), json!(bbox));
        }
        if let Some((start, end)) = self.time {
            let text = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
            body.insert(self.time_names.start.clone(), json!(text(start)));
            body.insert(self.time_names.end.clone(), json!(text(end)));
        }
        body
    }

    /// The same query in the names that the dataset's queries really have, or the names of what they have not.
    pub(super) fn fitted(mut self, queryables: &HashSet<String>) -> Result<Self, Vec<String>> {
        let has = |names: &TimeNames| {
            queryables.contains(&names.start) && queryables.contains(&names.end)
        };
        if !has(&self.time_names)
            && let Some(names) = TimeNames::seen().find(has)
        {
            self.time_names = names;
        }
        let unknown: Vec<String> = self
            .body()
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| name != "dataset_id" && !queryables.contains(name))
            .collect();
        // A dataset whose names are not told is believed to have all of them.
        match queryables.is_empty() || unknown.is_empty() {
            true => Ok(self),
            false => Err(unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> Selection {
        Selection {
            bbox: BBox {
                west: 8.0,
                south: 46.0,
                east: 9.5,
                north: 47.0,
            },
            first: "2018-01-05".parse().unwrap(),
            last: "2018-01-06".parse().unwrap(),
        }
    }

    #[test]
    fn days_are_whole_days_of_utc() {
        let query = HdaQuery::new("EO:X")
            .filter("productType", "FSC")
            .select(&part());
        let expected = json!({
            "dataset_id": "EO:X",
            "productType": "FSC",
            "bbox": [8.0, 46.0, 9.5, 47.0],
            "startdate": "2018-01-05T00:00:00.000Z",
            "enddate": "2018-01-06T23:59:59.999Z",
        });
        assert_eq!(Value::Object(query.body()), expected);
        let json = serde_json::to_string(&query).unwrap();
        assert_eq!(serde_json::from_str::<HdaQuery>(&json).unwrap(), query);
    }

    #[test]
    fn names_of_times_are_the_datasets_own() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        let query = HdaQuery::new("EO:X").select(&part());
        let fitted = query
            .clone()
            .fitted(&names(&["bbox", "start", "end"]))
            .unwrap();
        assert_eq!(fitted.time_names, TimeNames::new("start", "end"));
        let fitted = query.clone().fitted(&HashSet::new()).unwrap();
        assert_eq!(fitted, query);
        let filtered = query.filter("colour", "blue");
        let unknown = filtered.fitted(&names(&["bbox", "startdate", "enddate"]));
        assert_eq!(unknown.unwrap_err(), ["colour"]);
    }
}
