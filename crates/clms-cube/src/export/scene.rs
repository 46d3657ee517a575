//! The rasters of an export: layers on one grid, north-up, and their pixels tile by tile.

use std::ops::Range;

use super::sampling::Sampling;
use super::time_axis::TimeAxis;
use super::{ExportOptions, Resampling, frame, invalid};
use crate::dataset::TIME;
use crate::range::blocking;
use crate::{ArrayStructure, CubeError, Dataset, Grid, Pixels, Selection, Slab};

/// Bytes of a tile's pixels at one step, unless it is one block.
const TILE_BYTES: u64 = 4 << 20;

/// Pixels of a tile of several steps: how many steps are taken at once depends on it.
const TILE_PIXELS: u64 = 8 << 20;

/// What an export shows, and where.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) dataset: Dataset,
    pub(super) group: String,
    /// North-up.
    pub(super) grid: Grid,
    pub(super) layers: Vec<Layer>,
    /// The times of the layers that have such.
    pub(super) time: Option<TimeAxis>,
    /// How pixels were made; `None` if they are the dataset's own.
    pub(super) resampling: Option<Resampling>,
    sampling: Sampling,
}

/// One variable.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) array: ArrayStructure,
    /// Indices along `time`; one of a variable without it.
    pub(super) steps: Range<u64>,
    /// The axis of `time`.
    pub(super) time_axis: Option<usize>,
    /// What stands where there is no data.
    pub(super) fill: Option<f64>,
    pub(super) validity: Option<Validity>,
}

/// How it is known which pixels are data, where no value of the type says so.
#[derive(Debug, Clone)]
pub(super) enum Validity {
    /// By a variable.
    Mask(Box<ArrayStructure>),
    /// All of the dataset's are, and what lies outside of it is not.
    Coverage,
}

/// A rectangle of a layer's pixels at some of its steps.
#[derive(Debug, Clone)]
pub(super) struct TilePlace {
    pub(super) layer: usize,
    /// The first is 0.
    pub(super) steps: Range<u64>,
    pub(super) rows: Range<u64>,
    pub(super) cols: Range<u64>,
}

/// Its pixels: step by step, row by row.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) place: TilePlace,
    pub(super) pixels: Pixels,
    pub(super) valid: Option<Vec<bool>>,
}

impl TilePlace {
    pub(super) fn height(&self) -> usize {
        (self.rows.end - self.rows.start) as usize
    }

    pub(super) fn width(&self) -> usize {
        (self.cols.end - self.cols.start) as usize
    }

    pub(super) fn pixels(&self) -> u64 {
        (self.steps.end - self.steps.start) * (self.height() * self.width()) as u64
    }
}

impl Layer {
    pub(super) fn step_count(&self) -> u64 {
        self.steps.end - self.steps.start
    }

    /// Whether its numbers are codes, which have no mean.
    pub(super) fn is_of_classes(&self) -> bool {
        is_of_classes(&self.array)
    }
}

/// Whether the numbers of a variable are codes of classes and nothing else.
pub(super) fn is_of_classes(array: &ArrayStructure) -> bool {
    array.valid_range().is_none() && !array.classes().is_empty()
}

impl Scene {
    /// Finds what the options ask for. Reads no pixels.
    pub(super) async fn new(dataset: &Dataset, options: &ExportOptions) -> Result<Self, CubeError> {
        let arrays = arrays(dataset, options)?;
        let Some(source) = dataset.group(&options.group)?.grid.clone() else {
            return invalid("the dataset does not say where its pixels lie".to_owned());
        };
        let new_grid = {
            let (source, options) = (source.clone(), options.clone());
            blocking(move || frame::new_grid(&source, &options)).await?
        };
        let method = options.resampling.unwrap_or_default();
        let (mut layers, mut window) = (Vec::new(), None);
        for array in arrays {
            let slab = select(dataset, options, &array, new_grid.is_none()).await?;
            let layer = layer(dataset, options, array, &slab, new_grid.is_some())?;
            if new_grid.is_some() {
                check_method(&layer, method)?;
            }
            layers.push(layer);
            window = Some(slab);
        }
        let timed = layers.iter().find(|layer| layer.time_axis.is_some());
        let time = match timed {
            Some(layer) => {
                Some(TimeAxis::read(dataset, &options.group, layer.steps.clone()).await?)
            }
            None => None,
        };
        let Some([.., rows, cols]) = window.as_ref().map(|slab| &slab.ranges[..]) else {
            return invalid("there is no variable on the grid of the dataset".to_owned());
        };
        let resampling = new_grid.is_some().then_some(method);
        let (grid, sampling) = match new_grid {
            Some(grid) => (grid, Sampling::Warped { source, method }),
            None => {
                let (rows, cols) = (rows.clone(), cols.clone());
                Sampling::copied(&source, rows, cols)
            }
        };
        Ok(Self {
            dataset: dataset.clone(),
            group: options.group.clone(),
            grid,
            layers,
            time,
            resampling,
            sampling,
        })
    }

    /// Pixels of all layers and steps.
    pub(super) fn pixels(&self) -> u64 {
        let steps: u64 = self.layers.iter().map(Layer::step_count).sum();
        steps * self.grid.width * self.grid.height
    }

    /// Rows and columns of a tile, multiples of `block`: as few as there can be, but where pixels are the dataset's own enough for its chunks, so that none is
    /// read twice. What tiles take and leave is most of the memory of an export.
    pub(super) fn tile_size(&self, block: u64) -> [u64; 2] {
        let mut size = [block, block];
        if matches!(self.sampling, Sampling::Copied { .. }) {
            for layer in &self.layers {
                let chunk = layer.array.chunks.iter().rev().zip([1, 0]);
                for (chunk, axis) in chunk {
                    size[axis] = size[axis].max(chunk.next_multiple_of(block));
                }
            }
        }
        let widest = self.layers.iter().map(|layer| layer.array.dtype.itemsize());
        let widest = widest.max().unwrap_or(1) as u64;
        while size[0] * size[1] * widest > TILE_BYTES && size != [block, block] {
            let longer = usize::from(size[1] > size[0]);
            size[longer] = (size[longer] / 2).next_multiple_of(block);
        }
        size
    }

    /// The tiles of all layers, at most so many rows high and columns wide, step after step. Several steps are taken at once where the dataset keeps them
    /// together.
    pub(super) fn tiles(&self, [height, width]: [u64; 2]) -> Vec<TilePlace> {
        let mut tiles = Vec::new();
        for (layer, known) in self.layers.iter().enumerate() {
            for steps in self.step_groups(known, height * width) {
                for row in (0..self.grid.height).step_by(height.max(1) as usize) {
                    for col in (0..self.grid.width).step_by(width.max(1) as usize) {
                        tiles.push(TilePlace {
                            layer,
                            steps: steps.clone(),
                            rows: row..(row + height).min(self.grid.height),
                            cols: col..(col + width).min(self.grid.width),
                        });
                    }
                }
            }
        }
        tiles
    }

    fn step_groups(&self, layer: &Layer, tile: u64) -> Vec<Range<u64>> {
        let chunk = layer
            .time_axis
            .map_or(1, |axis| layer.array.chunks[axis].max(1));
        let most = (TILE_PIXELS / tile.max(1)).max(1);
        let mut groups = Vec::new();
        let mut start = layer.steps.start;
        while start < layer.steps.end {
            let of_chunk = (start / chunk + 1) * chunk;
            let end = of_chunk.min(start + most).min(layer.steps.end);
            groups.push(start - layer.steps.start..end - layer.steps.start);
            start = end;
        }
        groups
    }

    /// A rectangle of all layers and steps, step after step.
    pub(super) fn tiles_of(&self, rows: &Range<u64>, cols: &Range<u64>) -> Vec<TilePlace> {
        let area = (rows.end - rows.start) * (cols.end - cols.start);
        let layers = self.layers.iter().enumerate();
        let tiles = layers.flat_map(|(layer, known)| {
            let groups = self.step_groups(known, area).into_iter();
            groups.map(move |steps| TilePlace {
                layer,
                steps,
                rows: rows.clone(),
                cols: cols.clone(),
            })
        });
        tiles.collect()
    }

    /// Names of the variables.
    pub(super) fn variables(&self) -> Vec<String> {
        let names = self.layers.iter().map(|layer| layer.array.name.clone());
        names.collect()
    }

    /// Authority and code of the CRS, or its WKT if it has none.
    pub(super) fn crs_name(&self) -> String {
        let crs = &self.grid.crs;
        crs.code.clone().unwrap_or_else(|| crs.wkt.clone())
    }

    pub(super) fn first_and_last_time(&self) -> Option<[String; 2]> {
        let texts = &self.time.as_ref()?.texts;
        Some([texts.first()?.clone(), texts.last()?.clone()])
    }

    /// The time of a step of a layer in words; nothing if it has none.
    pub(super) fn time_of(&self, layer: &Layer, step: usize) -> String {
        let time = self.time.as_ref().filter(|_| layer.time_axis.is_some());
        time.and_then(|time| time.texts.get(step).cloned())
            .unwrap_or_default()
    }

    /// Reads a tile.
    pub(super) async fn tile(&self, place: TilePlace) -> Result<Tile, CubeError> {
        self.sampling.tile(self, place).await
    }

    /// Some rows and columns of the dataset's own grid, at steps of a layer counted from its first.
    pub(super) fn slab(
        &self,
        layer: &Layer,
        array: &ArrayStructure,
        steps: &Range<u64>,
        rows: Range<u64>,
        cols: Range<u64>,
    ) -> Result<Slab, CubeError> {
        let mut ranges = vec![0..1; array.shape.len() - 2];
        if let Some(axis) = layer.time_axis {
            ranges[axis] = layer.steps.start + steps.start..layer.steps.start + steps.end;
        }
        ranges.extend([rows, cols]);
        self.dataset.slab(&self.group, array, ranges)
    }
}

/// The variables that the options name: all on the group's grid but for masks, which go with what they are of.
fn arrays(dataset: &Dataset, options: &ExportOptions) -> Result<Vec<ArrayStructure>, CubeError> {
    let group = dataset.group(&options.group)?;
    if let Some(name) = &options.variable {
        let array = dataset.variable(&options.group, name)?;
        if group.spatial_axes(array).is_none() {
            return invalid(format!("{name} does not lie on the grid of the dataset"));
        }
        return Ok(vec![array.clone()]);
    }
    let masks: Vec<&str> = group
        .variables
        .iter()
        .filter_map(|variable| Some(group.validity_mask(variable)?.name.as_str()))
        .collect();
    let on_grid = |array: &&ArrayStructure| {
        group.spatial_axes(array).is_some() && !masks.contains(&array.name.as_str())
    };
    Ok(group.variables.iter().filter(on_grid).cloned().collect())
}

/// The wanted part of a variable in the dataset's own grid; all of its rows and columns unless `by_bbox`.
async fn select(
    dataset: &Dataset,
    options: &ExportOptions,
    array: &ArrayStructure,
    by_bbox: bool,
) -> Result<Slab, CubeError> {
    let mut selection = Selection::new();
    let has_time = array.dims.iter().any(|dim| dim == TIME);
    if let Some(time) = options.time.clone()
        && (has_time || options.variable.is_some())
    {
        selection = selection.time(time);
    }
    match (options.bbox.filter(|_| by_bbox), &options.bbox_crs) {
        (Some(bbox), Some(crs)) => selection = selection.bbox_in(bbox, crs),
        (Some(bbox), None) => selection = selection.bbox(bbox),
        (None, _) => {}
    }
    dataset
        .select(&options.group, &array.name, &selection)
        .await
}

fn layer(
    dataset: &Dataset,
    options: &ExportOptions,
    array: ArrayStructure,
    slab: &Slab,
    is_warped: bool,
) -> Result<Layer, CubeError> {
    let leading = array.dims.len() - 2;
    let time_axis = array.dims[..leading].iter().position(|dim| dim == TIME);
    let other = (0..leading).find(|axis| Some(*axis) != time_axis && array.shape[*axis] != 1);
    if let Some(axis) = other {
        return invalid(format!(
            "{} has {} steps along {}: only time, y and x are exported",
            array.name, array.shape[axis], array.dims[axis]
        ));
    }
    let group = dataset.group(&options.group)?;
    let mask = group.validity_mask(&array).cloned();
    let fill = match array.fill_value {
        None if is_warped && array.dtype.is_float() && mask.is_none() => Some(f64::NAN),
        fill => fill,
    };
    let validity = match mask {
        Some(mask) => Some(Validity::Mask(Box::new(mask))),
        None if is_warped && fill.is_none() => Some(Validity::Coverage),
        None => None,
    };
    Ok(Layer {
        steps: time_axis.map_or(0..1, |axis| slab.ranges[axis].clone()),
        time_axis,
        fill,
        validity,
        array,
    })
}

/// That a layer can be resampled so.
fn check_method(layer: &Layer, method: Resampling) -> Result<(), CubeError> {
    let name = &layer.array.name;
    match (method, &layer.validity) {
        (Resampling::Mean, _) if layer.is_of_classes() => invalid(format!(
            "the values of {name} are codes of classes, which have no mean: use nearest or mode"
        )),
        (Resampling::Mean, _) if layer.array.valid_range().is_some() && layer.fill.is_none() => {
            invalid(format!(
                "{name} has codes beyond its valid range and no fill value to put in their place: use nearest"
            ))
        }
        (Resampling::Mode | Resampling::Mean, Some(Validity::Mask(mask))) => invalid(format!(
            "{name} has no value that means no data but a mask, {}: use nearest",
            mask.name
        )),
        _ => Ok(()),
    }
}
