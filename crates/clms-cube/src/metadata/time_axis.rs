//! The coordinate `time` of a cube.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::dataset::TIME;

const DAY_SECONDS: i64 = 86_400;

/// Numbers since 1970, and the CF attributes that say so.
#[derive(Debug)]
pub(crate) struct TimeAxis {
    pub(crate) numbers: Vec<f64>,
    pub(crate) attributes: Map<String, Value>,
}

impl TimeAxis {
    /// Whole days where all times are such, else seconds with their fractions.
    pub(crate) fn of(times: &[Timestamp]) -> Self {
        let is_day = |time: &Timestamp| {
            time.as_second().rem_euclid(DAY_SECONDS) == 0 && time.subsec_nanosecond() == 0
        };
        let (unit, number): (_, fn(&Timestamp) -> f64) = if times.iter().all(is_day) {
            ("days", |time| (time.as_second() / DAY_SECONDS) as f64)
        } else {
            ("seconds", |time| time.as_nanosecond() as f64 / 1e9)
        };
        Self {
            numbers: times.iter().map(number).collect(),
            attributes: time_attributes(&format!("{unit} since 1970-01-01")),
        }
    }
}

/// CF attributes of a coordinate `time` in some units.
pub(crate) fn time_attributes(units: &str) -> Map<String, Value> {
    let attributes = json!({
        "standard_name": TIME,
        "axis": "T",
        "units": units,
        "calendar": "proleptic_gregorian",
    });
    attributes.as_object().cloned().unwrap_or_default()
}
