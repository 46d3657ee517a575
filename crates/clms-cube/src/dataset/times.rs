//! The coordinate `time`, in moments of the time line and in the words of its calendar.

use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::Dataset;
use super::calendar::CfDateTime;
use super::cf_time::TimeUnits;
use super::selection::{TIME, invalid};
use crate::CubeError;

impl Dataset {
    /// The moments of the coordinate `time`.
    ///
    /// # Errors
    /// [`CubeError::NoSuchVariable`] if there is none, [`CubeError::InvalidSelection`] if its units or calendar are none that this crate
    /// reads, or its calendar is one of climate models (`noleap`, `all_leap`, `360_day`), whose days are not those of the time line:
    /// [`Dataset::dates`] tells these; what the store says.
    pub async fn times(&self, group: &str) -> Result<Vec<Timestamp>, CubeError> {
        let (units, numbers) = self.encoded_times(group).await?;
        if !units.is_real() {
            let reason = "its calendar has days that never were, so that it has no timestamps: ask for its dates, or select by indices";
            return Err(invalid(TIME, reason.to_owned()));
        }
        let moment = |number: &f64| units.timestamp(*number).ok_or_else(|| no_time(*number));
        numbers.iter().map(moment).collect()
    }

    /// The moments of the coordinate `time` in the words of its own calendar, whichever of CF's that is.
    ///
    /// # Errors
    /// As [`Dataset::times`], but for calendars.
    pub async fn dates(&self, group: &str) -> Result<Vec<CfDateTime>, CubeError> {
        let (units, numbers) = self.encoded_times(group).await?;
        let date = |number: &f64| units.date_time(*number).ok_or_else(|| no_time(*number));
        numbers.iter().map(date).collect()
    }

    /// Which times lie within a range: by the time line, or in the calendars of climate models by the words of their dates.
    pub(super) async fn within_times(
        &self,
        group: &str,
        range: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<bool>, CubeError> {
        let (units, numbers) = self.encoded_times(group).await?;
        if units.is_real() {
            let within = |number: &f64| {
                let time = units.timestamp(*number).ok_or_else(|| no_time(*number))?;
                Ok(range.contains(&time))
            };
            return numbers.iter().map(within).collect();
        }
        let words = |time: &Timestamp| {
            let time = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
            CfDateTime {
                year: time.year().into(),
                month: time.month().unsigned_abs(),
                day: time.day().unsigned_abs(),
                hour: time.hour().unsigned_abs(),
                minute: time.minute().unsigned_abs(),
                second: time.second().unsigned_abs(),
                nanosecond: time.subsec_nanosecond().unsigned_abs(),
            }
        };
        let range = words(range.start())..=words(range.end());
        let within = |number: &f64| {
            let date = units.date_time(*number).ok_or_else(|| no_time(*number))?;
            Ok(range.contains(&date))
        };
        numbers.iter().map(within).collect()
    }

    /// The units of the coordinate `time` and its numbers.
    async fn encoded_times(&self, group: &str) -> Result<(TimeUnits, Vec<f64>), CubeError> {
        let coordinate = self.group(group)?.coordinate(TIME)?;
        let calendar = coordinate
            .attributes
            .get("calendar")
            .and_then(|c| c.as_str());
        let units = TimeUnits::parse(coordinate.units().unwrap_or_default(), calendar)
            .map_err(|reason| invalid(TIME, reason))?;
        Ok((units, self.coordinate(group, TIME).await?))
    }
}

fn no_time(number: f64) -> CubeError {
    invalid(TIME, format!("{number} is no time"))
}
