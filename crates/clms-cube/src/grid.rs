//! Where the pixels of a group lie.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

use crate::Crs;

/// A grid of square or rectangular pixels, north-up in every cube made here. Datasets of others may be south-up: their first row is
/// the southernmost, and the last number of the geotransform is positive.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Grid {
    /// The coordinate reference system.
    pub crs: Crs,
    /// In GDAL's order: west edge, pixel width, 0, edge of the first row, 0, minus pixel height; in units of the CRS, x (or
    /// longitude) before y (or latitude).
    pub geotransform: [f64; 6],
    /// Columns.
    pub width: u64,
    /// Rows.
    pub height: u64,
}

impl Grid {
    /// Outer edges: west, south, east, north, in units of the CRS.
    #[must_use]
    pub fn bbox(&self) -> [f64; 4] {
        let [west, dx, _, north, _, dy] = self.geotransform;
        let last = north + dy * self.height as f64;
        [
            west,
            north.min(last),
            west + dx * self.width as f64,
            north.max(last),
        ]
    }

    /// Width and height of a pixel, both positive, in units of the CRS.
    #[must_use]
    pub fn pixel_size(&self) -> [f64; 2] {
        [self.geotransform[1], self.geotransform[5].abs()]
    }

    /// Why a bbox in a CRS (its own, if none is named) has no pixel: both boxes in the CRS in which it was asked for.
    pub(crate) fn misses(&self, bbox: [f64; 4], crs: Option<&Crs>) -> String {
        let there = match crs {
            Some(other) if !other.is_same(&self.crs) => other.bbox_from(&self.crs, self.bbox()),
            _ => Some(self.bbox()),
        };
        let named = match (&there, crs) {
            (Some(_), Some(other)) => other,
            _ => &self.crs,
        };
        let text = |sides: [f64; 4]| {
            let sides = sides.map(|side| ((side * 1e4).round() / 1e4 + 0.0).to_string());
            sides.join(",")
        };
        format!(
            "the bbox {} lies outside of the data's, {} (west,south,east,north in {})",
            text(bbox),
            text(there.unwrap_or_else(|| self.bbox())),
            named.code.as_deref().unwrap_or("the data's CRS")
        )
    }

    /// The rows and columns of the pixels that a bbox (west, south, east, north, in the CRS of the grid) touches;
    /// `None` when it lies outside.
    #[must_use]
    pub fn rows_cols(&self, bbox: [f64; 4]) -> Option<(Range<u64>, Range<u64>)> {
        let [west, dx, _, north, _, dy] = self.geotransform;
        let cols = indices((bbox[0] - west) / dx, (bbox[2] - west) / dx, self.width)?;
        let (first, end) = if dy < 0.0 {
            (bbox[3], bbox[1])
        } else {
            (bbox[1], bbox[3])
        };
        let rows = indices((first - north) / dy, (end - north) / dy, self.height)?;
        Some((rows, cols))
    }

    /// Row and column of the pixel that a point (x, y, in the CRS of the grid) lies in; longitudes may be a turn off. `None` when it lies outside.
    pub(crate) fn pixel_at(&self, [x, y]: [f64; 2]) -> Option<[u64; 2]> {
        let [west, dx, _, north, _, dy] = self.geotransform;
        let turns: &[f64] = if self.crs.is_geographic() {
            &[0.0, 360.0, -360.0]
        } else {
            &[0.0]
        };
        let index = |position: f64, size: u64| {
            (position >= 0.0 && position < size as f64).then_some(position as u64)
        };
        let row = index((y - north) / dy, self.height)?;
        let mut cols = turns
            .iter()
            .filter_map(|turn| index((x + turn - west) / dx, self.width));
        Some([row, cols.next()?])
    }

    /// The part of the grid under some rows and columns.
    #[must_use]
    pub fn window(&self, rows: &Range<u64>, cols: &Range<u64>) -> Self {
        let [west, dx, _, north, _, dy] = self.geotransform;
        Self {
            crs: self.crs.clone(),
            geotransform: [
                west + dx * cols.start as f64,
                dx,
                0.0,
                north + dy * rows.start as f64,
                0.0,
                dy,
            ],
            width: cols.end.saturating_sub(cols.start),
            height: rows.end.saturating_sub(rows.start),
        }
    }

    /// Coordinates of the pixel centres of all columns.
    pub(crate) fn x(&self) -> Vec<f64> {
        centres(self.geotransform[0], self.geotransform[1], self.width)
    }

    /// Coordinates of the pixel centres of all rows.
    pub(crate) fn y(&self) -> Vec<f64> {
        centres(self.geotransform[3], self.geotransform[5], self.height)
    }
}

/// The pixels between two positions along an axis. Edges that miss a pixel's edge by rounding only don't count as touching it.
fn indices(first: f64, end: f64, size: u64) -> Option<Range<u64>> {
    const ROUNDING: f64 = 1e-6;
    let first = (first + ROUNDING).floor().max(0.0);
    let end = (end - ROUNDING).ceil().min(size as f64);
    // Not `first >= end`: NaN must give none.
    if first < end {
        Some(first as u64..end as u64)
    } else {
        None
    }
}

fn centres(edge: f64, step: f64, size: u64) -> Vec<f64> {
    (0..size).map(|i| edge + (i as f64 + 0.5) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let crs = Crs {
            code: None,
            name: None,
            wkt: String::new(),
        };
        Grid {
            crs,
            geotransform: [1000.0, 10.0, 0.0, 2000.0, 0.0, -10.0],
            width: 20,
            height: 30,
        }
    }

    #[test]
    fn bbox_and_centres() {
        assert_eq!(grid().bbox(), [1000.0, 1700.0, 1200.0, 2000.0]);
        assert_eq!(grid().x()[..2], [1005.0, 1015.0]);
        assert_eq!(grid().y()[29], 1705.0);
    }

    #[test]
    fn pixels_of_a_bbox() {
        assert_eq!(
            grid().rows_cols([1000.0, 1700.0, 1200.0, 2000.0]),
            Some((0..30, 0..20))
        );
        assert_eq!(
            grid().rows_cols([1010.0, 1970.0, 1030.0, 1990.0]),
            Some((1..3, 1..3))
        );
        assert_eq!(
            grid().rows_cols([1015.0, 1975.0, 1016.0, 1976.0]),
            Some((2..3, 1..2))
        );
        assert_eq!(grid().rows_cols([0.0, 0.0, 1e9, 1e9]), Some((0..30, 0..20)));
        assert_eq!(grid().rows_cols([0.0, 0.0, 10.0, 10.0]), None);
        assert_eq!(grid().rows_cols([f64::NAN, 0.0, 10.0, 10.0]), None);
    }
}
