//! The pixels that statistics are made of.

use std::ops::Range;

use super::Counted;
use crate::dataset::TIME;
use crate::{ArrayStructure, CubeError, Dataset, GroupStructure, Pixels};

/// The most pixels that are counted.
const MOST: u64 = 1 << 20;
/// The most pixels that are read to take a sample of them: cubes with more have overviews, unless somebody asked for none.
const MOST_READ: u64 = 4096 * 4096;

/// Pixels of a variable, row by row, and the rows and columns of the full resolution that each of them stands for.
pub(super) struct Sample {
    pub(super) counted: Counted,
    pub(super) pixels: Pixels,
    /// Which pixels are data, if a mask beside the variable says so.
    pub(super) valid: Option<Vec<bool>>,
    pub(super) rows: Vec<Range<f64>>,
    pub(super) cols: Vec<Range<f64>>,
}

/// Reads them at an index along `time`; `None` where that means to read too much.
pub(super) async fn read(
    dataset: &Dataset,
    group: &str,
    array: &ArrayStructure,
    index: u64,
) -> Result<Option<Sample>, CubeError> {
    let Some(size) = sides(array).filter(|size| !size.contains(&0)) else {
        return Err(out_of_bounds(array));
    };
    let structure = dataset.group(group)?;
    if let Some((level, of_level)) = finest(structure, array) {
        let whole = whole(of_level, index).ok_or_else(|| out_of_bounds(array))?;
        let window = dataset
            .read(&dataset.slab(&level.path, of_level, whole)?)
            .await?;
        let lengths = sides(of_level).unwrap_or(size);
        let scale = (size[0] as f64 / lengths[0] as f64).round().max(1.0) as u64;
        return Ok(Some(Sample {
            counted: match scale {
                1 => Counted::All,
                scale => Counted::Overview { scale },
            },
            valid: window.valid().map(<[bool]>::to_vec),
            pixels: window.pixels,
            rows: stretches(size[0], lengths[0], scale),
            cols: stretches(size[1], lengths[1], scale),
        }));
    }
    if size[0].saturating_mul(size[1]) > MOST_READ {
        return Ok(None);
    }
    let part = (MOST as f64 / (size[0] * size[1]) as f64).sqrt();
    let [height, width] = size.map(|side| ((side as f64 * part) as u32).max(1));
    let overview = dataset
        .overview_at(group, &array.name, index, width, height)
        .await?;
    let lengths = [u64::from(overview.height), u64::from(overview.width)];
    Ok(Some(Sample {
        counted: Counted::Sample {
            scale: size[0] as f64 / lengths[0] as f64,
        },
        pixels: overview.pixels,
        valid: overview.valid,
        rows: evenly(size[0], lengths[0]),
        cols: evenly(size[1], lengths[1]),
    }))
}

/// The finest of a variable and its overviews that has few enough pixels.
fn finest<'a>(
    group: &'a GroupStructure,
    full: &'a ArrayStructure,
) -> Option<(&'a GroupStructure, &'a ArrayStructure)> {
    let of_overviews = group.overviews.iter().filter_map(|overview| {
        let of_name = |array: &&ArrayStructure| {
            array.name == full.name
                && array.dtype == full.dtype
                && array.shape.len() == full.shape.len()
        };
        Some((overview, overview.variables.iter().find(of_name)?))
    });
    let is_small = |array: &ArrayStructure| {
        sides(array).is_some_and(|[height, width]| height.saturating_mul(width) <= MOST)
    };
    std::iter::once((group, full))
        .chain(of_overviews)
        .filter(|(_, array)| is_small(array))
        .max_by_key(|(_, array)| array.shape.iter().product::<u64>())
}

/// All of an array at an index along `time`; `None` if there is no such time, or another dimension with several indices.
fn whole(array: &ArrayStructure, index: u64) -> Option<Vec<Range<u64>>> {
    let axes = array.shape.len() - 2;
    let sized = array.dims.iter().zip(&array.shape).enumerate();
    sized
        .map(|(axis, (dim, size))| {
            if axis >= axes {
                Some(0..*size)
            } else if dim == TIME {
                (index < *size).then_some(index..index + 1)
            } else {
                (*size == 1).then_some(0..1)
            }
        })
        .collect()
}

/// Rows and columns.
fn sides(array: &ArrayStructure) -> Option<[u64; 2]> {
    match array.shape[..] {
        [.., height, width] => Some([height, width]),
        _ => None,
    }
}

/// What each pixel of an overview stands for along an axis: the last one for what is left over.
fn stretches(size: u64, length: u64, scale: u64) -> Vec<Range<f64>> {
    if size.div_ceil(scale) != length {
        return evenly(size, length);
    }
    let edge = |index: u64| (index * scale).min(size) as f64;
    (0..length)
        .map(|index| edge(index)..edge(index + 1))
        .collect()
}

fn evenly(size: u64, length: u64) -> Vec<Range<f64>> {
    let edge = |index: u64| size as f64 * index as f64 / length as f64;
    (0..length)
        .map(|index| edge(index)..edge(index + 1))
        .collect()
}

fn out_of_bounds(array: &ArrayStructure) -> CubeError {
    CubeError::OutOfBounds {
        ranges: Vec::new(),
        shape: array.shape.clone(),
    }
}
