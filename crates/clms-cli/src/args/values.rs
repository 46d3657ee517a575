//! Values of options, read from what is typed.

use std::time::Duration;

use clms_store::{DataId, JobId, bbox, catalogue};

/// Bytes, with decimal or binary units.
pub(super) fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 10] = [
        ("b", 1.0),
        ("kb", 1e3),
        ("mb", 1e6),
        ("gb", 1e9),
        ("tb", 1e12),
        ("kib", 1024.0),
        ("mib", 1_048_576.0),
        ("gib", 1_073_741_824.0),
        ("tib", 1_099_511_627_776.0),
        ("", 1.0),
    ];
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let factor = UNITS.iter().find(|(name, _)| *name == unit);
    match (number.parse::<f64>(), factor) {
        // A hand that forgot the unit must not empty a cache.
        (Ok(number), Some(("", _))) if number > 0.0 && number < 1e6 => Err(format!(
            "{text} has no unit: write {text}GB, {text}MB or {text}B"
        )),
        (Ok(number), Some((_, factor))) => Ok((number * factor) as u64),
        _ => Err(format!(
            "{text:?} is no size; sizes look like 500MB, 2.5GiB or 1000000"
        )),
    }
}

/// Two numbers.
fn pair(text: &str) -> Option<[f64; 2]> {
    let (x, y) = text.split_once(',')?;
    let [x, y] = [x, y].map(|side| {
        side.trim()
            .parse::<f64>()
            .ok()
            .filter(|side| side.is_finite())
    });
    Some([x?, y?])
}

pub(super) fn point(text: &str) -> Result<[f64; 2], String> {
    pair(text).ok_or_else(|| format!("{text:?} is no point; points look like 7.45,46.95 (x, y)"))
}

pub(super) fn resolution(text: &str) -> Result<[f64; 2], String> {
    let both = pair(text).or_else(|| Some([text.trim().parse().ok()?; 2]));
    both.filter(|sides| sides.iter().all(|side| *side > 0.0 && side.is_finite()))
        .ok_or_else(|| format!("{text:?} is no size of a pixel; sizes look like 100 or 0.01,0.02"))
}

/// West, south, east, north.
pub(super) fn sides(text: &str) -> Result<[f64; 4], String> {
    let wrong = |why: &str| {
        format!(
            "{text:?} is no box: {why}; boxes look like 5.8,45.8,10.5,47.8 (west, south, east, north)"
        )
    };
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|side| side.trim().parse()).collect();
    let numbers = numbers.map_err(|_| wrong("its sides are not all numbers"))?;
    let [west, south, east, north] = numbers[..] else {
        return Err(wrong("it has not four sides"));
    };
    if !(numbers.iter().all(|side| side.is_finite()) && south < north && west != east) {
        let meant = bbox::in_order([west, south, east, north]);
        return Err(meant.map_or_else(
            || wrong("it is empty"),
            |meant| {
                let meant = bbox::text(meant);
                format!(
                    "{text:?} is no box: its sides are west, south, east, north; did you mean {meant}?"
                )
            },
        ));
    }
    Ok([west, south, east, north])
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| match text.trim().parse::<f64>() {
        Ok(_) => format!(
            "{text:?} needs a unit, as in {0}s, {0}m or {0}h",
            text.trim()
        ),
        Err(_) => format!("{text:?} is no duration; durations look like 200ms, 15s, 2m or 24h"),
    })
}

/// Where data come from.
pub(super) fn source(text: &str) -> Result<String, String> {
    catalogue::source(text).map(str::to_owned).ok_or_else(|| {
        let sources = catalogue::SOURCES.join(", ");
        format!("{text:?} is no source; sources are {sources}")
    })
}

/// A job, or a data id.
pub(super) fn job(text: &str) -> Result<String, String> {
    let is_data_id = || text.parse::<DataId>().is_ok();
    match text.parse::<JobId>() {
        Err(why) if !is_data_id() => Err(why.to_string()),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes() {
        assert_eq!(sides("-10, 35,5.5,45"), Ok([-10.0, 35.0, 5.5, 45.0]));
        let why = sides("9.6,43.1,8.5,41.3").unwrap_err();
        assert!(why.contains("did you mean 8.5,41.3,9.6,43.1?"), "{why}");
        for text in [
            "",
            "1,2,3",
            "1,2,3,4,5",
            "a,b,c,d",
            "5,45,6,45",
            "1,2,3,nan",
        ] {
            assert!(sides(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("0"), Ok(0));
        assert_eq!(size("1000000"), Ok(1_000_000));
        assert_eq!(size("10B"), Ok(10));
        assert!(size("10").is_err());
        assert_eq!(size("500MB"), Ok(500_000_000));
        assert_eq!(size(" 2.5 GiB "), Ok(2_684_354_560));
        for text in ["", "GB", "1.2.3", "-1", "5 parsecs", "1e3"] {
            assert!(size(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn durations_have_no_hidden_lower_bound() {
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        assert!(duration("soon").is_err());
        assert!(duration("5").unwrap_err().contains("5s, 5m"));
    }
}
