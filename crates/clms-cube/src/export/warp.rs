//! From one grid to another, piece by piece: which part of the source a piece needs, and GDAL's reprojection of it in memory.

use std::ops::Range;

use gdal::spatial_ref::CoordTransform;

use super::Resampling;
use super::gdal_calls::reproject;
use super::gdal_raster::{gdal_dtype, in_memory, read_all};
use crate::dtype::{Element, with_element};
use crate::{CubeError, DataType, Grid, Pixels};

/// Points along each side of a piece whose places in the source are looked up.
const SAMPLES: usize = 21;

/// Pixels around the found part that are read as well: GDAL rounds, and looks at neighbours.
const MARGIN: f64 = 3.0;
/// The same as a part of the found part, because what lies between the points may lie outside of what they span.
const BULGE: f64 = 0.01;

/// A rectangle of a grid: rows and columns.
pub(super) type Part = (Range<u64>, Range<u64>);

/// Pieces of a target grid, each with the part of the source that is under it; `None` where there is none.
pub(super) fn pieces(
    source: &Grid,
    target: &Grid,
    (rows, cols): Part,
    most: u64,
) -> Result<Vec<(Part, Option<Part>)>, CubeError> {
    let transform = source.crs.transform_from(&target.crs);
    let transform = transform.map_err(|error| CubeError::InvalidExport {
        reason: format!("there is no way from one CRS to the other: {error}"),
    })?;
    let mut pieces = Vec::new();
    let mut open = vec![(rows, cols)];
    while let Some((rows, cols)) = open.pop() {
        let under = under(&transform, source, &target.window(&rows, &cols));
        let pixels = under.as_ref().map_or(0, |(rows, cols)| {
            (rows.end - rows.start) * (cols.end - cols.start)
        });
        let (height, width) = (rows.end - rows.start, cols.end - cols.start);
        if pixels <= most || height * width == 1 {
            pieces.push(((rows, cols), under));
        } else if height >= width {
            let middle = rows.start + height / 2;
            open.push((rows.start..middle, cols.clone()));
            open.push((middle..rows.end, cols));
        } else {
            let middle = cols.start + width / 2;
            open.push((rows.clone(), cols.start..middle));
            open.push((rows, middle..cols.end));
        }
    }
    Ok(pieces)
}

/// The rows and columns of the source that a piece of the target may need.
fn under(transform: &CoordTransform, source: &Grid, piece: &Grid) -> Option<Part> {
    let [west, south, east, north] = piece.bbox();
    let between = |a: f64, b: f64, index: usize| a + (b - a) * index as f64 / (SAMPLES - 1) as f64;
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for row in 0..SAMPLES {
        for col in 0..SAMPLES {
            x.push(between(west, east, col));
            y.push(between(south, north, row));
        }
    }
    // What has no place in the source comes out infinite, and makes the call as a whole fail.
    let all_have_a_place = transform.transform_coords(&mut x, &mut y, &mut []).is_ok();
    let [left, dx, _, top, _, dy] = source.geotransform;
    let placed = x
        .iter()
        .zip(&y)
        .filter(|(x, y)| x.is_finite() && y.is_finite());
    let mut span: Option<[f64; 4]> = None;
    for (x, y) in placed {
        let (col, row) = ((x - left) / dx, (y - top) / dy);
        let [first_col, first_row, last_col, last_row] = span.unwrap_or([col, row, col, row]);
        span = Some([
            first_col.min(col),
            first_row.min(row),
            last_col.max(col),
            last_row.max(row),
        ]);
    }
    let [mut first_col, first_row, mut last_col, last_row] = span?;
    let bulge = if all_have_a_place {
        BULGE
    } else {
        10.0 * BULGE
    };
    if source.crs.is_geographic() && (last_col - first_col) * dx > 180.0 {
        // Around a pole, or across the antimeridian.
        (first_col, last_col) = (0.0, source.width as f64);
    }
    let range = |first: f64, last: f64, size: u64| {
        let margin = MARGIN + (last - first) * bulge;
        let first = (first - margin).floor().max(0.0);
        let end = (last + margin).ceil().min(size as f64);
        (first < end).then_some(first as u64..end as u64)
    };
    let rows = range(first_row, last_row, source.height)?;
    Some((rows, range(first_col, last_col, source.width)?))
}

/// Pixels of one grid on another one. What nothing lies under is `empty`; `nodata` counts for nothing.
pub(super) fn warp(
    (source, pixels): (&Grid, Pixels),
    target: &Grid,
    method: Resampling,
    nodata: Option<f64>,
    empty: f64,
) -> Result<Pixels, CubeError> {
    let failed = |reason: String| CubeError::internal("reprojecting", reason);
    let words = |error: gdal::errors::GdalError| failed(error.to_string());
    let dtype = pixels.dtype();
    let from = in_memory(source, pixels, nodata).map_err(words)?;
    let blank = blank(gdal_dtype(dtype), target.width * target.height, empty);
    let into = in_memory(target, blank, nodata).map_err(words)?;
    reproject(&from, &into, method).map_err(failed)?;
    let band = into.rasterband(1).map_err(words)?;
    read_all(&band, dtype).map_err(words)
}

/// Pixels that all have one value.
pub(super) fn blank(dtype: DataType, pixels: u64, value: f64) -> Pixels {
    with_element!(dtype, T => T::pixels(vec![T::from_f64(value); pixels as usize]))
}
