//! Days of a time series.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invalid::InvalidRequest;

/// A first and a last day.
///
/// The portal wants milliseconds since 1970. It takes seconds too, and then looks for data of
/// January 1970; text it refuses. Both days are sent as their midnight in UTC: 30 days and a few
/// hours are over a limit of 30 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Days {
    first: Date,
    last: Date,
}

impl Days {
    /// From the first day to the last one.
    ///
    /// # Errors
    /// [`InvalidRequest::Days`] when the first day comes after the last one, or before 1970.
    pub fn new(first: Date, last: Date) -> Result<Self, InvalidRequest> {
        let problem = if first > last {
            "the first one must not come after the last one"
        } else if first.year() < 1970 {
            "the portal knows none before 1970"
        } else {
            return Ok(Self { first, last });
        };
        Err(InvalidRequest::Days {
            first,
            last,
            problem: problem.to_owned(),
        })
    }

    /// The first day.
    pub fn first(&self) -> Date {
        self.first
    }

    /// The last day.
    pub fn last(&self) -> Date {
        self.last
    }

    /// How many days the last one comes after the first one: what the portal compares with a
    /// dataset's limit.
    pub fn span(&self) -> i32 {
        let span = self.first.until(self.last);
        span.map_or(i32::MAX, |span| span.get_days())
    }

    /// The same number of days or fewer, and no later.
    #[must_use]
    pub fn shortened_to(&self, days: u32) -> Self {
        let days = i64::from(days);
        let last = self.first.checked_add(days.days()).unwrap_or(self.last);
        Self {
            first: self.first,
            last: last.min(self.last),
        }
    }

    /// `TemporalFilter`.
    pub(crate) fn to_json(self) -> Value {
        json!({"StartDate": milliseconds(self.first), "EndDate": milliseconds(self.last)})
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.first, self.last)
    }
}

fn milliseconds(day: Date) -> i64 {
    day.to_zoned(TimeZone::UTC)
        .map_or(i64::MAX, |midnight| midnight.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn milliseconds_of_the_recordings() {
        let days = Days::new(date(2021, 1, 1), date(2021, 1, 20)).unwrap();
        assert_eq!(
            days.to_json(),
            json!({"StartDate": 1_609_459_200_000_i64, "EndDate": 1_611_100_800_000_i64})
        );
        assert_eq!(days.span(), 19);
        assert_eq!(days.shortened_to(7).last(), date(2021, 1, 8));
        assert_eq!(days.shortened_to(100), days);
    }

    #[test]
    fn days_that_are_none() {
        assert!(Days::new(date(2021, 1, 2), date(2021, 1, 1)).is_err());
        assert!(Days::new(date(1969, 12, 31), date(2021, 1, 1)).is_err());
    }

    proptest! {
        #[test]
        fn the_span_is_what_the_milliseconds_say(year in 1970_i16..9000, day in 1_i16..365, more in 0_i32..4000) {
            let first = date(year, 1, 1).saturating_add(i64::from(day).days());
            let last = first.saturating_add(i64::from(more).days());
            let days = Days::new(first, last).unwrap();
            prop_assert_eq!(days.span(), more);
            let sent = days.to_json();
            let span = sent["EndDate"].as_i64().unwrap() - sent["StartDate"].as_i64().unwrap();
            prop_assert_eq!(span, i64::from(more) * 86_400_000);
            prop_assert!(days.shortened_to(30).span() <= 30);
        }
    }
}
