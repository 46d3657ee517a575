//! `TemporalFilter`: milliseconds since 1970, a limited number of days (point 27).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Refusal;
use crate::catalogue::Entry;

/// A checked range of dates.
pub(super) struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl TimeRange {
    /// Checks the filter of a request for this data set.
    pub(super) fn check(filter: &Value, dataset: Entry<'_>) -> Result<Self, Refusal> {
        if dataset.day_limit() <= 0 {
            return Refusal::tool(
                "Error, temporal restriction is not allowed in not time-series enabled datasets",
            );
        }
        let fields = filter.as_object().map_or(0, serde_json::Map::len);
        if fields > 2 {
            return Refusal::tool("Error, TemporalFilter has too many fields");
        }
        let (Some(start), Some(end)) = (filter.get("StartDate"), filter.get("EndDate")) else {
            return Refusal::tool("Error, TemporalFilter does not have StartDate or EndDate");
        };
        let (Some(start), Some(end)) = (milliseconds(start), milliseconds(end)) else {
            return Refusal::tool("Error, date format is not correct");
        };
        if start > end {
            return Refusal::tool(
                "Error, difference between StartDate and EndDate is not coherent",
            );
        }
        if end.duration_since(start) > SignedDuration::from_hours(24 * dataset.day_limit()) {
            return Err(Refusal::Tool(format!(
                "You are requesting to download a time series enabled dataset and the requested date range is \
                 bigger than the allowed range of {} days. Please check the download documentation to get more \
                 information",
                dataset.day_limit()
            )));
        }
        Ok(Self { start, end })
    }

    /// As tasks show it.
    pub(super) fn stored(&self) -> Value {
        let shown = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%S").to_string();
        json!({"StartDate": shown(self.start), "EndDate": shown(self.end)})
    }

    /// As CDSE tasks show it: whole days (point 37).
    pub(super) fn stored_for_cdse(&self) -> Value {
        json!({
            "StartDate": self.start.strftime("%Y-%m-%dT00:00:00Z").to_string(),
            "EndDate": self.end.strftime("%Y-%m-%dT23:59:59Z").to_string(),
        })
    }
}

/// A number of milliseconds as a time, to the second.
fn milliseconds(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_f64()? / 1000.0;
    // Python's last year is 9999, and so is ours.
    let within = (0.0..253_402_300_800.0).contains(&seconds);
    within
        .then(|| Timestamp::from_second(seconds.floor() as i64).ok())
        .flatten()
}
