//! Numbers, times and tables as people read them.

use console::{Term, measure_text_width};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

/// Bytes with three significant digits and binary units, as in `1.53 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        // What would be shown as 1024 belongs to the next unit.
        if value < 1023.5 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    match value {
        value if value < 9.995 => format!("{value:.2} {unit}"),
        value if value < 99.95 => format!("{value:.1} {unit}"),
        value => format!("{value:.0} {unit}"),
    }
}

/// Square metres in the unit that suits them, as in `1,234 km²` or `0.25 ha`.
pub(crate) fn area(square_metres: f64) -> String {
    let (value, unit) = match square_metres {
        area if area >= 1e6 => (area / 1e6, "km²"),
        area => (area / 1e4, "ha"),
    };
    match value {
        value if value < 10.0 => format!("{value:.2} {unit}"),
        value if value < 100.0 => format!("{value:.1} {unit}"),
        value => format!("{} {unit}", grouped(value.round() as u64)),
    }
}

/// A whole number with its thousands apart, as in `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A coordinate or the size of a pixel without the noise of its last digits, as in `0.01` for 0.009999999999999983.
pub(crate) fn number(number: f64) -> String {
    let rounded: Result<f64, _> = format!("{number:.11e}").parse();
    rounded.unwrap_or(number).to_string()
}

/// So many of something, as in `1 file` and `2 files`.
pub(crate) fn count(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// An attribute's value as people write it: a whole number without a point, a text without quotes.
pub(crate) fn value(value: &Value) -> String {
    // Up to here floating-point numbers can tell whole numbers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match (value, value.as_f64()) {
        (Value::String(text), _) => text.clone(),
        (_, Some(number)) if number.fract() == 0.0 && number.abs() <= EXACT => number.to_string(),
        _ => value.to_string(),
    }
}

/// The edges of a rectangle: west, south, east, north.
pub(crate) fn bbox(bbox: [f64; 4]) -> String {
    let [west, south, east, north] = bbox.map(number);
    format!("{west} {south} {east} {north}  (west south east north)")
}

/// A time as people read it, to the second, in UTC.
pub(crate) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A day, in UTC.
pub(crate) fn day(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).date().to_string()
}

/// How long ago that is, in one unit, as in `3 min ago`.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    format!("{} ago", span(now.duration_since(time).as_secs()))
}

/// So many seconds, in one unit, as in `3 min`.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (number, unit) = match seconds {
        0..=89 => (seconds, "s"),
        90..=5399 => (seconds / 60, "min"),
        5400..=172_799 => (seconds / 3600, "h"),
        _ => (seconds / 86400, "days"),
    };
    format!("{number} {unit}")
}

/// A table with a header line and columns divided by two blanks, easy to `grep` and `awk`. Those whose numbers stand in `right` end in one line.
pub(crate) fn table(
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
    right: &[usize],
) -> String {
    let header = header.iter().map(|title| title.to_uppercase()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (cell, width) in row.iter().zip(&mut widths) {
            let widest = cell.split('\n').map(measure_text_width).max();
            *width = (*width).max(widest.unwrap_or(0));
        }
    }
    let mut out = String::new();
    for row in &rows {
        let height = row.iter().map(|cell| cell.split('\n').count()).max();
        for line in 0..height.unwrap_or(0) {
            let begin = out.len();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let text = cell.split('\n').nth(line).unwrap_or_default();
                let blanks = width - measure_text_width(text);
                let (before, after) = match right.contains(&column) {
                    true => (blanks, 0),
                    false => (0, blanks),
                };
                let between = if column == 0 { 0 } else { 2 };
                out.extend(std::iter::repeat_n(' ', between + before));
                out.push_str(text);
                out.extend(std::iter::repeat_n(' ', after));
            }
            out.truncate(begin + out[begin..].trim_end().len());
            out.push('\n');
        }
    }
    out
}

/// Pairs of name and value, one a line. Values are as they are: paths, ids and commands are to be copied.
pub(crate) fn pairs(pairs: &[(&str, String)]) -> String {
    pairs_within(usize::MAX, pairs, |_| false)
}

/// The same, with long values folded under themselves where the name is that of prose.
pub(crate) fn pairs_with_prose(
    pairs: &[(&str, String)],
    is_prose: impl Fn(&str) -> bool,
) -> String {
    pairs_within(width(), pairs, is_prose)
}

/// So wide are lines that can be folded: as the terminal that they are for, if it is one.
fn width() -> usize {
    const NARROWEST: usize = 40;
    const USUAL: usize = 100;
    let terminal = Term::stdout().size_checked();
    terminal.map_or(USUAL, |(_, columns)| {
        usize::from(columns).clamp(NARROWEST, USUAL)
    })
}

fn pairs_within(width: usize, pairs: &[(&str, String)], is_prose: impl Fn(&str) -> bool) -> String {
    const WIDEST_NAME: usize = 24;
    let name_width = pairs
        .iter()
        .map(|(name, _)| name.chars().count().min(WIDEST_NAME))
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for (name, value) in pairs {
        let mut lines = value.lines().flat_map(|line| match is_prose(name) {
            true => fold(line, width - name_width - 2),
            false => vec![line.to_owned()],
        });
        out.push_str(&format!(
            "{name:name_width$}  {}\n",
            lines.next().unwrap_or_default()
        ));
        for line in lines {
            out.push_str(&format!("{:name_width$}  {line}\n", ""));
        }
    }
    trim_line_ends(&out)
}

/// Breaks a line at blanks.
pub(crate) fn fold(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split_whitespace() {
        let last = lines.len() - 1;
        let length = lines[last].chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if length > 0 {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

fn trim_line_ends(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn areas_have_units_that_suit_them() {
        for (square_metres, text) in [
            (0.0, "0.00 ha"),
            (2_500.0, "0.25 ha"),
            (990_000.0, "99.0 ha"),
            (1e6, "1.00 km²"),
            (123_456_789.0, "123 km²"),
            (1.234_567_8e12, "1,234,568 km²"),
        ] {
            assert_eq!(area(square_metres), text);
        }
    }

    #[test]
    fn bytes_have_three_digits() {
        for (number, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1_048_575, "1.00 MiB"),
            (10 << 20, "10.0 MiB"),
            (500 << 30, "500 GiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn numbers_have_no_noise() {
        assert_eq!(number(0.009_999_999_999_999_983), "0.01");
        assert_eq!(number(-11.004_464_285_714_286), "-11.0044642857");
        assert_eq!(
            (number(4e6), number(0.0)),
            ("4000000".to_owned(), "0".to_owned())
        );
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(
            (count(0, "file"), count(2, "file")),
            ("0 files".to_owned(), "2 files".to_owned())
        );
    }

    #[test]
    fn attributes_are_as_people_write_them() {
        for (attribute, text) in [
            (json!(255.0), "255"),
            (json!(-1), "-1"),
            (json!(0.1), "0.1"),
            (
                json!(-3.402_823_466_385_288_6e38),
                "-3.4028234663852886e+38",
            ),
            (json!(u64::MAX), "18446744073709551615"),
            (json!("NaN"), "NaN"),
        ] {
            assert_eq!(value(&attribute), text);
        }
    }

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["Çé", "5", ""]), row(["a", "1234", "two\nlines"])];
        let table = table(&["id", "size", "why not"], rows, &[1]);
        let lines = "ID  SIZE  WHY NOT\nÇé     5\na   1234  two\n          lines\n";
        assert_eq!(table, lines);
    }

    #[test]
    fn prose_is_folded_under_itself() {
        let value = "word ".repeat(40);
        for width in [40, 100] {
            let shown = [("name", value.clone()), ("x", "y".to_owned())];
            assert!(pairs(&shown).starts_with(&format!("name  {}", value.trim_end())));
            let text = pairs_within(width, &shown, |name| name == "name");
            let widest = text.lines().map(str::len).max().unwrap();
            assert!((width - 5..=width).contains(&widest), "{text}");
            assert!(text.lines().nth(1).unwrap().starts_with("      word"));
            assert!(text.ends_with("x     y\n"));
        }
    }

    #[test]
    fn a_very_long_name_costs_its_own_line_only() {
        let text = pairs(&[
            (&"n".repeat(200), "value".to_owned()),
            ("x", "y".to_owned()),
        ]);
        assert!(text.ends_with(&format!("x{:25}y\n", "")), "{text}");
    }

    #[test]
    fn ages() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let before = |seconds: i64| ago(Timestamp::from_second(1_000_000 - seconds).unwrap(), now);
        assert_eq!(before(5), "5 s ago");
        assert_eq!(before(600), "10 min ago");
        assert_eq!(before(7200), "2 h ago");
        assert_eq!(before(864_000), "10 days ago");
        assert_eq!(before(-5), "0 s ago");
    }
}
