//! Rows of a list of products.

use std::io::{self, Read};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::Deserialize;

use super::{Product, ProductName, Tile};

/// Bytes of a row, give or take a buffer. Real ones have some five hundred.
const MOST_OF_ROW: usize = 1 << 20;

/// A reader that fails when a row is longer than any that makes sense: memory holds a whole one, and one quote without its twin makes all
/// that follows a single row.
pub(super) struct RowLimit<R> {
    source: R,
    since_row: usize,
}

impl<R> RowLimit<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            since_row: 0,
        }
    }

    /// The row before is whole.
    pub(super) fn begin_row(&mut self) {
        self.since_row = 0;
    }
}

impl<R: Read> Read for RowLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row > MOST_OF_ROW {
            return Err(io::Error::other(format!(
                "one of its rows has more than {MOST_OF_ROW} bytes"
            )));
        }
        let count = self.source.read(buffer)?;
        self.since_row += count;
        Ok(count)
    }
}

/// A row, by the names of its columns.
#[derive(Debug, Deserialize)]
pub(super) struct Row<'r> {
    pub(super) name: &'r str,
    s3_path: &'r str,
    #[serde(default)]
    content_length: &'r str,
    #[serde(default)]
    content_date_start: &'r str,
    #[serde(default)]
    content_date_end: &'r str,
    #[serde(default)]
    nominal_date: &'r str,
    #[serde(default)]
    modification_date: &'r str,
    #[serde(default)]
    bbox: &'r str,
}

impl Row<'_> {
    /// The product that it tells of; `None` if it has no date.
    pub(super) fn product(&self, name: Option<&ProductName>) -> Option<Product> {
        let start = timestamp(self.content_date_start);
        let nominal = timestamp(self.nominal_date).or(start)?;
        let start = start.unwrap_or(nominal);
        let end = timestamp(self.content_date_end).unwrap_or(start);
        let bbox = bbox_of(self.bbox);
        Some(Product {
            name: self.name.to_owned(),
            s3_path: self.s3_path.to_owned(),
            time: name.and_then(|name| name.observed).unwrap_or(nominal),
            period: start.min(end)..=end.max(start),
            modified: timestamp(self.modification_date),
            size: self.content_length.parse().ok(),
            bbox,
            tile: match (name.and_then(|name| name.tile.clone()), bbox) {
                (Some(tile), _) => Tile::Named(tile),
                (None, Some(bbox)) => {
                    Tile::Around(bbox.map(|degrees| (degrees * 10.0).round() as i32))
                }
                (None, None) => Tile::Unknown,
            },
        })
    }
}

/// `2025-06-01T00:00:00.000`, which is UTC, with or without saying so.
fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

/// The box around a polygon in WKT: west, south, east, north. One across the antimeridian is as wide as its coordinates say.
fn bbox_of(wkt: &str) -> Option<[f64; 4]> {
    let mut bbox = [
        f64::INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NEG_INFINITY,
    ];
    let coordinates = wkt.split_once('(')?.1;
    for point in coordinates.split(',') {
        let mut numbers = point
            .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')'))
            .filter(|word| !word.is_empty())
            .map(str::parse::<f64>);
        let (Some(Ok(x)), Some(Ok(y))) = (numbers.next(), numbers.next()) else {
            return None;
        };
        bbox = [
            bbox[0].min(x),
            bbox[1].min(y),
            bbox[2].max(x),
            bbox[3].max(y),
        ];
    }
    bbox.iter().all(|number| number.is_finite()).then_some(bbox)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polygons_become_boxes() {
        let globe = "POLYGON((-180.0014881 -59.9985119,-180.0014881 80.0014881,179.9985119 80.0014881,179.9985119 -59.9985119,-180.0014881 -59.9985119))";
        assert_eq!(
            bbox_of(globe),
            Some([-180.0014881, -59.9985119, 179.9985119, 80.0014881])
        );
        let several = "MULTIPOLYGON (((1 2, 3 4, 1 2)), ((-5 6.5, 7 8, -5 6.5)))";
        assert_eq!(bbox_of(several), Some([-5.0, 2.0, 7.0, 8.0]));
        for none in [
            "",
            "POLYGON",
            "POLYGON(())",
            "POLYGON((a b))",
            "POLYGON((1 2,3))",
            "POLYGON((NaN 1))",
        ] {
            assert_eq!(bbox_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_row_without_an_end_is_refused_before_it_fills_the_memory() {
        let read = |text: &[u8]| {
            let many = io::Cursor::new(text).chain(io::repeat(b'x').take(1 << 30));
            let mut rows = csv::Reader::from_reader(RowLimit::new(many));
            let mut record = csv::StringRecord::new();
            let outcome = rows.read_record(&mut record);
            (outcome, rows.get_ref().since_row)
        };
        for beginning in ["name\n", "name\n\""] {
            let (outcome, read) = read(beginning.as_bytes());
            let error = outcome.unwrap_err();
            assert!(error.to_string().contains("bytes"), "{error}");
            assert!(read < 2 * MOST_OF_ROW, "{read}");
        }
    }

    #[test]
    fn times_are_utc() {
        let expected: Timestamp = "2025-06-01T00:00:00Z".parse().unwrap();
        for text in [
            "2025-06-01T00:00:00.000",
            "2025-06-01T00:00:00Z",
            " 2025-06-01T00:00:00 ",
            "2025-06-01T02:00:00+02:00",
        ] {
            assert_eq!(timestamp(text), Some(expected), "{text}");
        }
        assert_eq!(timestamp("yesterday"), None);
    }
}
