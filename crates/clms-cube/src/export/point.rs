//! The values of points as a table: one row for each point, variable and time.

use std::sync::Arc;

use super::pipeline::Watch;
use super::scene::{Layer, Scene, Tile, TilePlace};
use super::staging::Staging;
use super::table::{Table, number};
use super::{ExportOptions, ExportReport, ExportState, frame, invalid};
use crate::dataset::Decoding;
use crate::dtype::each_pixels;
use crate::range::blocking;
use crate::{CubeError, Dataset, Grid};

/// `value` is scaled and empty for no data, `raw` as it is stored; `class` is the name of a class.
const COLUMNS: [&str; 8] = [
    "x", "y", "variable", "time", "value", "raw", "unit", "class",
];

pub(super) async fn export(
    dataset: &Dataset,
    options: &ExportOptions,
    staging: &Arc<Staging>,
    watch: Watch<'_>,
) -> Result<ExportReport, CubeError> {
    let scene = watch.reading(Scene::new(dataset, options)).await?;
    let places = {
        let (grid, options) = (scene.grid.clone(), options.clone());
        watch
            .reading(blocking(move || places(&grid, &options)))
            .await?
    };
    let mut table = Table::new(staging, &COLUMNS)?;
    let steps: u64 = scene.layers.iter().map(Layer::step_count).sum();
    let total = steps * places.len() as u64;
    let mut done = 0;
    for ([x, y], [row, col]) in options.points.iter().zip(places) {
        for (number, layer) in scene.layers.iter().enumerate() {
            let place = TilePlace {
                layer: number,
                steps: 0..layer.step_count(),
                rows: row..row + 1,
                cols: col..col + 1,
            };
            let tile = watch.reading(scene.tile(place)).await?;
            for step in 0..layer.step_count() as usize {
                let mut cells = vec![x.to_string(), y.to_string()];
                cells.extend(values(&scene, layer, &tile, step));
                table.row(&cells)?;
            }
            done += layer.step_count();
            watch.progress.advanced(ExportState { done, total });
        }
    }
    table.publish(&scene)
}

/// Rows and columns of the pixels that the points lie in.
fn places(grid: &Grid, options: &ExportOptions) -> Result<Vec<[u64; 2]>, CubeError> {
    let crs = options
        .bbox_crs
        .as_deref()
        .map(frame::known_crs)
        .transpose()?;
    let own: Vec<Option<[f64; 2]>> = match &crs {
        Some(crs) if !crs.is_same(&grid.crs) => options
            .points
            .iter()
            .map(|point| grid.crs.point_from(crs, *point))
            .collect(),
        _ => options.points.iter().copied().map(Some).collect(),
    };
    let found = options.points.iter().zip(own).map(|(point, own)| {
        let place = own.and_then(|own| grid.pixel_at(own));
        let [x, y] = point;
        place.map_or_else(
            || invalid(format!("the point {x}, {y} lies outside of the data")),
            Ok,
        )
    });
    found.collect()
}

/// The cells behind the point's coordinates.
fn values(scene: &Scene, layer: &Layer, tile: &Tile, step: usize) -> [String; 6] {
    let array = &layer.array;
    let stored = tile.pixels.value(step);
    let is_valid = tile.valid.as_ref().is_none_or(|valid| valid[step]);
    let value = if is_valid {
        Decoding::of(array).value(stored)
    } else {
        f64::NAN
    };
    let raw = each_pixels!(&tile.pixels, values => values[step].to_string());
    let value = if value == stored {
        raw.clone()
    } else {
        number(value)
    };
    let classes = array.classes();
    let class = classes.iter().find(|class| class.value as f64 == stored);
    let name = class.and_then(|class| class.name.clone());
    [
        array.name.clone(),
        scene.time_of(layer, step),
        value,
        raw,
        array.units().unwrap_or_default().to_owned(),
        name.unwrap_or_default(),
    ]
}
