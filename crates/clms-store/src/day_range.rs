//! Ranges of days as people write them.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Days from the first to the last one, both of them included; an end that is not given is open.
///
/// Written as two dates with `/` between them, `..` or nothing for an open end. A date may be a year or a month, which stand for all their
/// days; one of them alone is a range as well.
///
/// ```
/// use clms_store::DayRange;
/// use jiff::civil::date;
///
/// let range: DayRange = "2020-02/2020-03-05".parse()?;
/// assert_eq!((range.first, range.last), (Some(date(2020, 2, 1)), Some(date(2020, 3, 5))));
/// assert_eq!("2018".parse::<DayRange>()?.to_string(), "2018-01-01/2018-12-31");
/// assert_eq!("2018/..".parse::<DayRange>()?.last, None);
/// # Ok::<(), clms_store::InvalidDayRange>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DayRange {
    /// The first day.
    pub first: Option<Date>,
    /// The last day.
    pub last: Option<Date>,
}

/// A text that is no range of days.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no range of days: {why}; ranges look like 2020-01-01/2020-01-31, 2020-03 or 2018/.."
)]
pub struct InvalidDayRange {
    text: String,
    why: String,
}

impl InvalidDayRange {
    /// What is wrong with it.
    pub(crate) fn reason(&self) -> &str {
        &self.why
    }
}

impl DayRange {
    /// From the first instant of the first day to the last one of the last, in UTC.
    #[must_use]
    pub fn instants(self) -> RangeInclusive<Timestamp> {
        let begin = |day: Date| day.to_zoned(TimeZone::UTC).map(|day| day.timestamp());
        let first = self.first.and_then(|day| begin(day).ok());
        let behind = self.last.and_then(|day| begin(day.tomorrow().ok()?).ok());
        let last = behind.and_then(|behind| behind.checked_sub(1.nanosecond()).ok());
        first.unwrap_or(Timestamp::MIN)..=last.unwrap_or(Timestamp::MAX)
    }

    /// Whether any of its days is one of those from `first` to `last`, of which an end that is not known is open.
    #[must_use]
    pub fn overlaps(&self, first: Option<Date>, last: Option<Date>) -> bool {
        let ends_before = |end: Option<Date>, start: Option<Date>| {
            end.zip(start).is_some_and(|(end, start)| end < start)
        };
        !ends_before(last, self.first) && !ends_before(self.last, first)
    }
}

impl FromStr for DayRange {
    type Err = InvalidDayRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |why: String| InvalidDayRange {
            text: text.to_owned(),
            why,
        };
        let (first, last) = match text.split_once('/') {
            Some((first, last)) => (end(first), end(last)),
            None => (end(text), end(text)),
        };
        let (first, last) = (first.map_err(invalid)?, last.map_err(invalid)?);
        let range = Self {
            first: first.map(|(first, _)| first),
            last: last.map(|(_, last)| last),
        };
        match (range.first, range.last) {
            (Some(first), Some(last)) if first > last => {
                Err(invalid(format!("{first} is after {last}")))
            }
            (None, None) => Err(invalid("no day is named".to_owned())),
            _ => Ok(range),
        }
    }
}

/// The first and the last day that a date of a day, a month or a year stands for; `None` for an open end.
fn end(text: &str) -> Result<Option<(Date, Date)>, String> {
    let text = text.trim();
    if text.is_empty() || text == ".." {
        return Ok(None);
    }
    let whole = |text: String| text.parse::<Date>();
    let found = match text.len() {
        4 => whole(format!("{text}-01-01")).map(|day| (day, day.last_of_year())),
        7 => whole(format!("{text}-01")).map(|day| (day, day.last_of_month())),
        10 => whole(text.to_owned()).map(|day| (day, day)),
        // A date with a time of day would lose that.
        _ => return Err(format!("{text:?} is no date")),
    };
    found.map(Some).map_err(|_| format!("{text:?} is no date"))
}

impl fmt::Display for DayRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first {
            Some(first) => write!(f, "{first}/")?,
            None => f.write_str("../")?,
        }
        match self.last {
            Some(last) => write!(f, "{last}"),
            None => f.write_str(".."),
        }
    }
}

impl Serialize for DayRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DayRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn written_and_read() {
        for (text, same) in [
            ("2020-01-01/2020-01-31", "2020-01-01/2020-01-31"),
            ("2020-02", "2020-02-01/2020-02-29"),
            (" 2018 / 2019-03 ", "2018-01-01/2019-03-31"),
            ("../2019", "../2019-12-31"),
            ("2019/", "2019-01-01/.."),
        ] {
            let range: DayRange = text.parse().unwrap();
            assert_eq!(range.to_string(), same, "{text}");
            assert_eq!(same.parse(), Ok(range));
        }
        for text in [
            "",
            "/",
            "..",
            "20",
            "2020-13",
            "2021/2020",
            "a/b",
            "2020-01-01/2020-01-32",
            "2020-01-01T12:00/2020-01-02",
        ] {
            assert!(text.parse::<DayRange>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn overlaps() {
        let range: DayRange = "2018".parse().unwrap();
        let day = |year| Some(date(year, 6, 1));
        assert!(range.overlaps(day(2017), None));
        assert!(range.overlaps(None, day(2018)));
        assert!(!range.overlaps(day(2019), None));
        assert!(!range.overlaps(None, day(2017)));
        assert!(range.overlaps(None, None));
    }
}
