//! Calendars of CF: which day a number of days is.

use std::fmt;

/// A moment in the words of its calendar, which may have a 30th of February. Ordered as its calendar runs.
///
/// Shown as ISO 8601 writes it, without a zone: CF's moments are in UTC unless their units say otherwise, and then they are moved to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CfDateTime {
    /// The year; 0 is the one before 1.
    pub year: i32,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour.
    pub hour: u8,
    /// The minute.
    pub minute: u8,
    /// The second.
    pub second: u8,
    /// The rest of the second.
    pub nanosecond: u32,
}

impl fmt::Display for CfDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nanosecond,
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if *nanosecond > 0 {
            write!(f, ".{}", format!("{nanosecond:09}").trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// The calendars of CF 1.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calendar {
    /// Julian up to 1582-10-04, and Gregorian from the day after, which is 1582-10-15.
    Standard,
    ProlepticGregorian,
    Julian,
    NoLeap,
    AllLeap,
    /// Twelve months of 30 days.
    Days360,
}

/// The first day of the Gregorian calendar, as year, month and day.
const REFORM: (i32, u8, u8) = (1582, 10, 15);

impl Calendar {
    /// By its name in CF; the reason when it is unknown.
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        match name.to_ascii_lowercase().as_str() {
            "standard" | "gregorian" => Ok(Self::Standard),
            "proleptic_gregorian" => Ok(Self::ProlepticGregorian),
            "julian" => Ok(Self::Julian),
            "noleap" | "365_day" => Ok(Self::NoLeap),
            "all_leap" | "366_day" => Ok(Self::AllLeap),
            "360_day" => Ok(Self::Days360),
            _ => Err(format!("calendar {name:?} is not known")),
        }
    }

    /// Whether each of its days is a day on the time line.
    pub(super) fn is_real(self) -> bool {
        matches!(
            self,
            Self::Standard | Self::ProlepticGregorian | Self::Julian
        )
    }

    /// The number of a day; in real calendars since 1970-01-01 of the Gregorian one. `None` for a day that the calendar has not.
    pub(super) fn number(self, year: i32, month: u8, day: u8) -> Option<i64> {
        let y = i64::from(year);
        let number = match self {
            Self::Standard if (year, month, day) >= REFORM => gregorian(y, month, day),
            Self::Standard | Self::Julian => julian(y, month, day),
            Self::ProlepticGregorian => gregorian(y, month, day),
            Self::NoLeap => y * 365 + day_of_year(self, month, day),
            Self::AllLeap => y * 366 + day_of_year(self, month, day),
            Self::Days360 => y * 360 + i64::from(month) * 30 + i64::from(day) - 31,
        };
        // Days that there are not have the number of another one.
        (self.date(number) == Some((year, month, day))).then_some(number)
    }

    /// The day of a number; `None` beyond all years.
    pub(super) fn date(self, number: i64) -> Option<(i32, u8, u8)> {
        let (year, month, day) = match self {
            Self::Standard => {
                let date = gregorian_date(number);
                if date >= (1582, 10, 15) {
                    date
                } else {
                    julian_date(number)
                }
            }
            Self::ProlepticGregorian => gregorian_date(number),
            Self::Julian => julian_date(number),
            Self::NoLeap => in_year(self, number.div_euclid(365), number.rem_euclid(365)),
            Self::AllLeap => in_year(self, number.div_euclid(366), number.rem_euclid(366)),
            Self::Days360 => {
                let rest = number.rem_euclid(360);
                (number.div_euclid(360), rest / 30 + 1, rest % 30 + 1)
            }
        };
        Some((year.try_into().ok()?, month as u8, day as u8))
    }
}

fn month_lengths(calendar: Calendar) -> [i64; 12] {
    let february = if calendar == Calendar::AllLeap {
        29
    } else {
        28
    };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

fn day_of_year(calendar: Calendar, month: u8, day: u8) -> i64 {
    let before = month_lengths(calendar)
        .into_iter()
        .take(usize::from(month.saturating_sub(1)));
    before.sum::<i64>() + i64::from(day) - 1
}

fn in_year(calendar: Calendar, year: i64, mut rest: i64) -> (i64, i64, i64) {
    let mut month = 1;
    for length in month_lengths(calendar) {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    (year, month, rest + 1)
}

/// Days before March 1 of year 0 when counted from 1970-01-01, in the Gregorian and in the Julian calendar.
const GREGORIAN_EPOCH: i64 = 719_468;
const JULIAN_EPOCH: i64 = 719_470;

/// Years that begin in March have the leap day at their end, so that all months begin on the same day of the year.
fn from_march(year: i64, month: u8, day: u8) -> (i64, i64) {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (i64::from(month) + 9) % 12;
    (year, (153 * month + 2) / 5 + i64::from(day) - 1)
}

fn to_january(year: i64, day_of_year: i64) -> (i64, i64, i64) {
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (if month <= 2 { year + 1 } else { year }, month, day)
}

fn gregorian(year: i64, month: u8, day: u8) -> i64 {
    let (year, day) = from_march(year, month, day);
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day
        - GREGORIAN_EPOCH
}

fn julian(year: i64, month: u8, day: u8) -> i64 {
    let (year, day) = from_march(year, month, day);
    365 * year + year.div_euclid(4) + day - JULIAN_EPOCH
}

fn gregorian_date(number: i64) -> (i64, i64, i64) {
    let days = number.saturating_add(GREGORIAN_EPOCH);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    to_january(year + era * 400, day - (365 * year + year / 4 - year / 100))
}

fn julian_date(number: i64) -> (i64, i64, i64) {
    let days = number.saturating_add(JULIAN_EPOCH);
    let (era, day) = (days.div_euclid(1461), days.rem_euclid(1461));
    let year = (day - day / 1460) / 365;
    to_january(year + era * 4, day - 365 * year)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Calendar; 6] = [
        Calendar::Standard,
        Calendar::ProlepticGregorian,
        Calendar::Julian,
        Calendar::NoLeap,
        Calendar::AllLeap,
        Calendar::Days360,
    ];

    #[test]
    fn days_follow_one_another_in_all_calendars() {
        for calendar in ALL {
            let start = calendar.number(-5, 1, 1).unwrap();
            let mut before = calendar.date(start - 1).unwrap();
            for number in start..start + 800_000 {
                let (year, month, day) = calendar.date(number).unwrap();
                assert!((year, month, day) > before, "{calendar:?} {before:?}");
                assert_eq!(calendar.number(year, month, day), Some(number));
                before = (year, month, day);
            }
        }
    }

    #[test]
    fn days_that_are_known() {
        for calendar in [Calendar::Standard, Calendar::ProlepticGregorian] {
            assert_eq!(calendar.number(1970, 1, 1), Some(0));
            assert_eq!(calendar.number(2000, 3, 1), Some(11_017));
            assert_eq!(calendar.number(2023, 2, 29), None);
        }
        // The reform: the day after 1582-10-04.
        let standard = Calendar::Standard;
        let first = standard.number(1582, 10, 15).unwrap();
        assert_eq!(standard.date(first - 1), Some((1582, 10, 4)));
        assert_eq!(standard.number(1582, 10, 10), None);
        assert_eq!(Calendar::Julian.number(1969, 12, 19), Some(0));
        assert_eq!(Calendar::Julian.number(1900, 2, 29).map(|_| ()), Some(()));
        assert_eq!(Calendar::NoLeap.number(2020, 2, 29), None);
        assert_eq!(Calendar::AllLeap.number(2019, 2, 29).map(|_| ()), Some(()));
        let days = Calendar::Days360;
        assert_eq!(
            days.date(days.number(2001, 1, 1).unwrap() + 59),
            Some((2001, 2, 30))
        );
        assert_eq!(days.number(2001, 1, 31), None);
        assert_eq!(days.number(2001, 13, 1), None);
    }
}
