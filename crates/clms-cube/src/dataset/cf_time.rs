//! Times as CF writes them: numbers since a moment.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::calendar::{Calendar, CfDateTime};

/// Units and calendar of a time coordinate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimeUnits {
    calendar: Calendar,
    /// The day that is counted from, by its calendar's number, and the nanoseconds of it, which may be less than none in another zone.
    origin: (i64, i64),
    /// Seconds of a unit.
    unit: f64,
}

const DAY_SECONDS: i64 = 86_400;
const DAY_NANOSECONDS: i64 = DAY_SECONDS * 1_000_000_000;

impl TimeUnits {
    /// Reads units such as `days since 1970-01-01 00:00:00`; the reason when they mean nothing here.
    pub(crate) fn parse(units: &str, calendar: Option<&str>) -> Result<Self, String> {
        let calendar = Calendar::parse(calendar.unwrap_or("standard"))?;
        let unknown = || format!("{units:?} are no units of time in the calendar {calendar:?}");
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
            calendar,
            origin: moment(origin.trim(), calendar).ok_or_else(unknown)?,
            unit,
        })
    }

    /// Whether numbers have a place on the time line: the calendars of climate models have days that never were.
    pub(super) fn is_real(&self) -> bool {
        self.calendar.is_real()
    }

    /// The day and the nanoseconds of it; `None` for NaN and what lies beyond all calendars.
    fn day(&self, number: f64) -> Option<(i64, i64)> {
        let whole_seconds = (number * self.unit).floor();
        let rest = number * self.unit - whole_seconds;
        if !whole_seconds.is_finite() || whole_seconds.abs() > 1e15 {
            return None;
        }
        // Doubles hold no more than this of a moment.
        let nanoseconds = (rest * 1e6).round() as i64 * 1000;
        let seconds = whole_seconds as i64;
        let of_day = self.origin.1 + seconds.rem_euclid(DAY_SECONDS) * 1_000_000_000 + nanoseconds;
        let day =
            self.origin.0 + seconds.div_euclid(DAY_SECONDS) + of_day.div_euclid(DAY_NANOSECONDS);
        Some((day, of_day.rem_euclid(DAY_NANOSECONDS)))
    }

    /// The moment of a number in the words of its calendar; `None` for NaN and what lies beyond all years.
    pub(super) fn date_time(&self, number: f64) -> Option<CfDateTime> {
        let (day, nanoseconds) = self.day(number)?;
        let (year, month, day) = self.calendar.date(day)?;
        let seconds = nanoseconds / 1_000_000_000;
        Some(CfDateTime {
            year,
            month,
            day,
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            nanosecond: (nanoseconds % 1_000_000_000) as u32,
        })
    }

    /// The moment of a number on the time line; `None` also in a calendar that has no place there.
    pub(crate) fn timestamp(&self, number: f64) -> Option<Timestamp> {
        let (day, nanoseconds) = self.day(number).filter(|_| self.is_real())?;
        let seconds = day.checked_mul(DAY_SECONDS)? + nanoseconds / 1_000_000_000;
        Timestamp::new(seconds, (nanoseconds % 1_000_000_000) as i32).ok()
    }
}

/// A date, maybe with a time (UTC unless it says otherwise), also without leading zeros: the day, and the nanoseconds of it.
fn moment(text: &str, calendar: Calendar) -> Option<(i64, i64)> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, ""),
    };
    let mut numbers = date
        .trim_end_matches('Z')
        .splitn(3, '-')
        .map(str::parse::<u16>);
    let mut number = || numbers.next()?.ok();
    let (year, month, day) = (number()?, number()?, number()?);
    let day = calendar.number(year.into(), month.try_into().ok()?, day.try_into().ok()?)?;
    let (time, offset) = offset(time)?;
    let mut parts = time.split(':');
    let number = |digits: &str| digits.parse::<u8>().ok().map(i64::from);
    let hour = parts
        .next()
        .filter(|hour| !hour.is_empty())
        .map_or(Some(0), number)?;
    let minute = parts.next().map_or(Some(0), number)?;
    let second: f64 = parts
        .next()
        .map_or(Some(0.0), |second| second.parse().ok())?;
    let is_time =
        (0..24).contains(&hour) && (0..60).contains(&minute) && (0.0..60.0).contains(&second);
    let seconds = hour * 3600 + minute * 60 - i64::from(offset.seconds());
    is_time.then_some((day, seconds * 1_000_000_000 + (second * 1e9) as i64))
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
    let number = |digits: &str| digits.parse::<u8>().ok().map(i32::from);
    let seconds = number(hours)? * 3600 + number(minutes)? * 60;
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
            ("days since 1970-01-01", Some("mayan")),
            ("days since 1970-01-31", Some("360_day")),
            ("days since 2020-02-29", Some("noleap")),
            ("days since 1970-13-01", None),
            ("days since 1970-01-01 25:00", None),
            ("days since 1970-01-01 9223372036854775807:00", None),
            ("days since 1970-01-01 00:9223372036854775807", None),
            ("days since 1970-01-01 00:00 +2147483647:00", None),
            ("days since 1970-01-01 00:00 -00:2147483647", None),
        ] {
            assert!(TimeUnits::parse(units, calendar).is_err(), "{units}");
        }
        let units = TimeUnits::parse("days since 1970-01-01", Some("gregorian")).unwrap();
        assert_eq!(units.timestamp(f64::NAN), None);
        assert_eq!(units.timestamp(1e300), None);
    }

    #[test]
    fn each_calendar_has_its_own_days() {
        let at = |calendar: &str, units: &str, number: f64| {
            let units = TimeUnits::parse(units, Some(calendar)).unwrap();
            let shown = units.date_time(number).unwrap().to_string();
            (shown, units.timestamp(number).map(|time| time.to_string()))
        };
        let of_2020 = "days since 2020-01-01";
        let date = |text: &str| (text.to_owned(), None);
        let both = |text: &str, time: &str| (text.to_owned(), Some(time.to_owned()));
        assert_eq!(at("noleap", of_2020, 59.0), date("2020-03-01T00:00:00"));
        assert_eq!(at("365_day", of_2020, 365.25), date("2021-01-01T06:00:00"));
        assert_eq!(
            at("all_leap", "days since 2019-01-01", 59.0),
            date("2019-02-29T00:00:00")
        );
        assert_eq!(at("360_day", of_2020, 59.5), date("2020-02-30T12:00:00"));
        assert_eq!(
            at("360_day", "hours since 2020-01-30 12:00 +13:00", 0.0),
            date("2020-01-29T23:00:00")
        );
        assert_eq!(
            at("standard", of_2020, 59.0),
            both("2020-02-29T00:00:00", "2020-02-29T00:00:00Z")
        );
        // Thirteen days of difference between the two old calendars.
        assert_eq!(
            at("julian", "days since 2020-01-01", 0.0),
            both("2020-01-01T00:00:00", "2020-01-14T00:00:00Z")
        );
        // What counts from the year 1 counts from a Julian day, two days before the Gregorian one of that name.
        let from_one = "days since 0001-01-01";
        assert_eq!(at("standard", from_one, 737_426.0).0, "2020-01-01T00:00:00");
        assert_eq!(
            at("proleptic_gregorian", from_one, 737_426.0).0,
            "2020-01-03T00:00:00"
        );
    }
}
