//! Times as CF writes them: numbers since a moment.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Units and calendar of a time coordinate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimeUnits {
    origin: Timestamp,
    /// Seconds of a unit.
    unit: f64,
}

impl TimeUnits {
    /// Reads units such as `days since 1970-01-01 00:00:00`; the reason when they mean nothing here. Calendars other than the one in
    /// use since 1582 are refused: their days have no place on the time line.
    pub(super) fn parse(units: &str, calendar: Option<&str>) -> Result<Self, String> {
        let calendar = calendar.unwrap_or("standard").to_ascii_lowercase();
        if !["standard", "gregorian", "proleptic_gregorian"].contains(&calendar.as_str()) {
            return Err(format!("calendar {calendar:?} is not supported"));
        }
        let unknown = || format!("{units:?} are no units of time");
        let (unit, origin) = units.split_once(" since ").ok_or_else(unknown)?;
        let unit = match unit.trim().to_ascii_lowercase().as_str() {
            "days" | "day" | "d" => 86_400.0,
            "hours" | "hour" | "hrs" | "hr" | "h" => 3_600.0,
            "minutes" | "minute" | "mins" | "min" => 60.0,
            "seconds" | "second" | "secs" | "sec" | "s" => 1.0,
            "milliseconds" | "millisecond" | "msecs" | "msec" | "ms" => 1e-3,
            "microseconds" | "microsecond" | "us" => 1e-6,
            "nanoseconds" | "nanosecond" | "ns" => 1e-9,
            _ => return Err(unknown()),
        };
        Ok(Self {
            origin: moment(origin.trim()).ok_or_else(unknown)?,
            unit,
        })
    }

    /// The moment of a number; `None` for NaN and what lies beyond all calendars.
    pub(super) fn timestamp(&self, number: f64) -> Option<Timestamp> {
        let whole_seconds = (number * self.unit).floor();
        // The rest by itself, so that it keeps its digits.
        let rest = number * self.unit - whole_seconds;
        if !whole_seconds.is_finite() || whole_seconds.abs() > 1e15 {
            return None;
        }
        let nanoseconds = ((rest * 1e6).round() as i32).saturating_mul(1000);
        let since = SignedDuration::new(whole_seconds as i64, 0)
            .checked_add(SignedDuration::from_nanos(i64::from(nanoseconds)))?;
        self.origin.checked_add(since).ok()
    }
}

/// A date, maybe with a time (UTC unless it says otherwise), also without leading zeros.
fn moment(text: &str) -> Option<Timestamp> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, ""),
    };
    let mut numbers = date
        .trim_end_matches('Z')
        .splitn(3, '-')
        .map(str::parse::<i16>);
    let mut number = || numbers.next()?.ok();
    let (year, month, day) = (number()?, number()?, number()?);
    let (time, offset) = offset(time)?;
    let mut parts = time.split(':');
    let hour: i8 = parts
        .next()
        .filter(|hour| !hour.is_empty())
        .map_or(Some(0), |hour| hour.parse().ok())?;
    let minute: i8 = parts.next().map_or(Some(0), |minute| minute.parse().ok())?;
    let second: f64 = parts
        .next()
        .map_or(Some(0.0), |second| second.parse().ok())?;
    if !(0.0..60.0).contains(&second) {
        return None;
    }
    let date_time = DateTime::new(
        year,
        month.try_into().ok()?,
        day.try_into().ok()?,
        hour,
        minute,
        second as i8,
        (second.fract() * 1e9) as i32,
    );
    offset.to_timestamp(date_time.ok()?).ok()
}

/// Splits a time from the zone behind it.
fn offset(time: &str) -> Option<(&str, Offset)> {
    let time = time
        .trim_end_matches("UTC")
        .trim_end_matches('Z')
        .trim_end();
    let Some(at) = time.find(['+', '-']) else {
        return Some((time, Offset::UTC));
    };
    let (time, zone) = time.split_at(at);
    let (hours, minutes) = zone[1..].split_once(':').unwrap_or((&zone[1..], "0"));
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    let signed = if zone.starts_with('-') {
        -seconds
    } else {
        seconds
    };
    Some((time.trim_end(), Offset::from_seconds(signed).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(units: &str, number: f64) -> String {
        TimeUnits::parse(units, None)
            .unwrap()
            .timestamp(number)
            .unwrap()
            .to_string()
    }

    #[test]
    fn numbers_are_moments() {
        assert_eq!(
            at("days since 1970-01-01", 18_312.0),
            "2020-02-20T00:00:00Z"
        );
        assert_eq!(
            at("days since 1970-1-1 00:00:00", 0.5),
            "1970-01-01T12:00:00Z"
        );
        assert_eq!(
            at("hours since 2000-01-01T06:00:00Z", -6.0),
            "2000-01-01T00:00:00Z"
        );
        assert_eq!(
            at("seconds since 1970-01-01 00:00:00.5 UTC", 1.25),
            "1970-01-01T00:00:01.75Z"
        );
        assert_eq!(
            at("minutes since 2020-02-20 02:00 +02:00", 1.0),
            "2020-02-20T00:01:00Z"
        );
        for (units, calendar) in [
            ("days", None),
            ("days since yesterday", None),
            ("fortnights since 1970-01-01", None),
            ("days since 1970-01-01", Some("360_day")),
            ("days since 1970-13-01", None),
            ("days since 1970-01-01 25:00", None),
        ] {
            assert!(TimeUnits::parse(units, calendar).is_err(), "{units}");
        }
        let units = TimeUnits::parse("days since 1970-01-01", Some("gregorian")).unwrap();
        assert_eq!(units.timestamp(f64::NAN), None);
        assert_eq!(units.timestamp(1e300), None);
    }
}
