//! Fill values that the pixels decide: before anything is written, all tiles of the variable are read once to see which values occur.
//!
//! Needed only where headers don't decide: the tiles state different nodata values, or there are gaps in a product of which
//! nothing is known. Where every value of the type is data, a variable of its own says where data is.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use super::mosaic::OpenRasters;
use crate::dtype::{Element, SourceWindow, with_element};
use crate::gdal_source::LocalConfig;
use crate::metadata::VALIDITY;
use crate::plan::{Content, CubePlan, Fill, FillOrigin, GroupPlan, Note, Tile, VariablePlan};
use crate::reading_log::ReadingLog;
use crate::{Class, CubeError, DataType};

/// Pixels that are read at a time.
const WINDOW_PIXELS: usize = 4 << 20;
/// Columns of a window at most, so that a few rows of the widest raster fit.
const WINDOW_WIDTH: usize = 1 << 16;

pub(super) fn is_settled(plan: &CubePlan) -> bool {
    plan.groups.iter().all(|group| {
        group
            .variables
            .iter()
            .all(|variable| decided(group, variable))
    })
}

fn decided(group: &GroupPlan, variable: &VariablePlan) -> bool {
    variable.fill.is_settled(&variable.tiles, group.dtype)
}

/// Gives every variable its final fill value, or a validity mask. Blocks.
pub(super) fn settle(mut plan: CubePlan, stop: &CancellationToken) -> Result<CubePlan, CubeError> {
    let _config = LocalConfig::without_side_cars();
    let mut notes = std::mem::take(&mut plan.notes);
    for group in &mut plan.groups {
        for index in 0..group.variables.len() {
            if !decided(group, &group.variables[index]) {
                settle_variable(group, index, &mut notes, &plan.reading, stop)?;
            }
        }
    }
    plan.notes = notes;
    Ok(plan)
}

fn settle_variable(
    group: &mut GroupPlan,
    index: usize,
    notes: &mut Vec<Note>,
    reading: &ReadingLog,
    stop: &CancellationToken,
) -> Result<(), CubeError> {
    let dtype = group.dtype;
    let variable = &mut group.variables[index];
    // A neighbour without the tag means the same by the value as the one with it.
    let stated = variable.tiles.iter().find_map(|tile| tile.nodata);
    for tile in &mut variable.tiles {
        tile.nodata = tile.nodata.or(stated);
    }
    let candidates = Fill::candidates(&variable.tiles, variable.product, dtype);
    let free = first_free(variable, &candidates, dtype, reading, stop)?;
    if let Some((value, origin)) = free {
        variable.fill = Fill {
            value: Some(value as f64),
            origin,
        };
        variable.fill.report(&variable.name, &variable.tiles, notes);
        return Ok(());
    }
    let mask = validity_mask(&group.variables[index], &group.variables);
    let variable = &mut group.variables[index];
    variable.fill = Fill {
        value: None,
        origin: FillOrigin::None,
    };
    variable.validity = Some(mask.name.clone());
    notes.push(Note {
        file: None,
        message: format!(
            "{}: every value of {dtype} occurs as data; {} tells where there is none{}",
            variable.name,
            mask.name,
            if group.levels.is_empty() {
                ""
            } else {
                ", and there are no overviews"
            }
        ),
    });
    // They would have to know it as well: a mean of what is no data is none.
    group.levels.clear();
    group.variables.push(mask);
    Ok(())
}

fn validity_mask(of: &VariablePlan, others: &[VariablePlan]) -> VariablePlan {
    let mut name = format!("{}_valid", of.name);
    while others.iter().any(|other| other.name == name) {
        name.push('_');
    }
    let class = |(value, name): (i64, &str)| Class {
        value,
        name: Some(name.to_owned()),
        colour: None,
    };
    VariablePlan {
        description: Some(format!("whether {} has data", of.name)),
        name,
        product: None,
        content: Content::Validity,
        fill: Fill {
            value: None,
            origin: FillOrigin::None,
        },
        validity: None,
        classes: VALIDITY.map(class).to_vec(),
        unit: None,
        scale: None,
        offset: None,
        attributes: serde_json::Map::new(),
        ..of.clone()
    }
}

/// The first candidate that is no data in any tile.
fn first_free(
    variable: &VariablePlan,
    candidates: &[(i64, FillOrigin)],
    dtype: DataType,
    reading: &ReadingLog,
    stop: &CancellationToken,
) -> Result<Option<(i64, FillOrigin)>, CubeError> {
    // Places of the candidates by value; the first of equal ones counts.
    let mut places = HashMap::new();
    for (place, (value, _)) in candidates.iter().enumerate() {
        places.entry(*value).or_insert(place);
    }
    let mut occurs = vec![false; candidates.len()];
    with_element!(dtype, T => {
        let mut rasters = OpenRasters::new(reading);
        for tile in &variable.tiles {
            each_window::<T>(tile, tile.band, &mut rasters, stop, &mut |pixels| {
                mark(pixels, tile.nodata.map(T::from_f64), &places, &mut occurs);
            })?;
        }
    });
    let free = candidates
        .iter()
        .find(|(value, _)| places.get(value).is_some_and(|place| !occurs[*place]));
    Ok(free.copied())
}

fn mark<T: Element>(
    pixels: &[T],
    nodata: Option<T>,
    places: &HashMap<i64, usize>,
    occurs: &mut [bool],
) {
    // Maps are smooth: most pixels are as the one before.
    let mut before = None;
    for pixel in pixels {
        if before.is_some_and(|before: T| before.same(*pixel)) {
            continue;
        }
        before = Some(*pixel);
        if nodata.is_some_and(|nodata| nodata.same(*pixel)) {
            continue;
        }
        if let Some(place) = places.get(&(pixel.to_f64() as i64)) {
            occurs[*place] = true;
        }
    }
}

fn each_window<T: Element>(
    tile: &Tile,
    band: usize,
    rasters: &mut OpenRasters,
    stop: &CancellationToken,
    see: &mut dyn FnMut(&[T]),
) -> Result<(), CubeError> {
    let (height, width) = (tile.height as usize, tile.width as usize);
    let columns = width.min(WINDOW_WIDTH);
    let rows = (WINDOW_PIXELS / columns).clamp(1, height);
    let whole = SourceWindow {
        col: 0,
        row: 0,
        width,
        height,
    };
    let mut pixels = Vec::new();
    for row in (0..height).step_by(rows) {
        for col in (0..width).step_by(columns) {
            if stop.is_cancelled() {
                return Err(CubeError::Cancelled);
            }
            let window = SourceWindow {
                col,
                row,
                width: columns.min(width - col),
                height: rows.min(height - row),
            };
            pixels.resize(window.width * window.height, T::from_f64(0.0));
            rasters.read(&tile.source, band, window, whole, &mut pixels)?;
            see(&pixels);
        }
    }
    Ok(())
}
