//! A small picture of a whole variable.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::samples::Samples;
use super::selection::TIME;
use super::source::{Request, Source};
use super::{ArrayStructure, Dataset};
use crate::dtype::{Element, each_pixels};
use crate::range::blocking;
use crate::{CubeError, Pixels};

/// A variable reduced by nearest neighbour: each pixel is one pixel of the source, so that classes stay classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Raw values, row by row.
    pub pixels: Pixels,
    /// Which pixels are data, if a mask beside the variable says so.
    pub valid: Option<Vec<bool>>,
    /// Width and height of a pixel on the ground, in units of the CRS; 1 is a pixel of the source when the cube has no grid.
    pub pixel_size: [f64; 2],
    /// Outer edges: west, south, east, north.
    pub bbox: [f64; 4],
}

impl Dataset {
    /// A picture of a whole variable, at the last of its times if it has such, that is at most as large as wanted, and has the variable's
    /// shape, taken from the coarsest of the cube's overviews that has enough pixels. Read chunk by
    /// chunk on a few threads: memory is bounded by the size of a chunk. Objects that don't exist (all fill) cost one look.
    ///
    /// # Errors
    /// [`CubeError::OutOfBounds`] when a wanted side or the variable is empty, or the variable has more than one index along a dimension
    /// other than `time` and the last two; what the store says.
    pub async fn overview(
        &self,
        group: &str,
        variable: &str,
        max_width: u32,
        max_height: u32,
    ) -> Result<Overview, CubeError> {
        let steps = self.variable(group, variable)?.steps();
        let last = steps.unwrap_or(1).saturating_sub(1);
        self.overview_at(group, variable, last, max_width, max_height)
            .await
    }

    /// The same at another index along `time`: 0 is the first, and all there is of a variable without times.
    ///
    /// # Errors
    /// As for [`Dataset::overview`], and [`CubeError::OutOfBounds`] when there is no such time.
    pub async fn overview_at(
        &self,
        group: &str,
        variable: &str,
        index: u64,
        max_width: u32,
        max_height: u32,
    ) -> Result<Overview, CubeError> {
        let structure = self.variable(group, variable)?;
        let [ref leading @ .., source_height, source_width] = structure.shape[..] else {
            return Err(out_of_bounds(&structure.shape));
        };
        let mut other = leading.iter().zip(&structure.dims);
        let is_beyond = index >= structure.steps().unwrap_or(1);
        if is_beyond || other.any(|(size, dim)| *size != 1 && dim != TIME) {
            return Err(out_of_bounds(&structure.shape));
        }
        if max_width == 0 || max_height == 0 || source_width == 0 || source_height == 0 {
            return Err(out_of_bounds(&structure.shape));
        }
        let [step_x, step_y] = [
            source_width as f64 / f64::from(max_width),
            source_height as f64 / f64::from(max_height),
        ];
        let step = step_x.max(step_y).max(1.0);
        let side =
            |size: u64, max: u32| ((size as f64 / step).round() as u64).clamp(1, u64::from(max));
        let [len_rows, len_cols] = [
            side(source_height, max_height),
            side(source_width, max_width),
        ];
        let level = self.coarsest(group, structure, [len_rows, len_cols])?;
        let samples = |size: u64, len: u64| Samples {
            size,
            len,
            factor: level.factor,
        };
        let (rows, cols) = (
            samples(level.size[0], len_rows),
            samples(level.size[1], len_cols),
        );
        let pixels = self
            .sampled(&level, level.array, index, [rows, cols])
            .await?;
        let valid = match self.group(level.group)?.validity_mask(level.array) {
            Some(mask) => {
                let mask = self.sampled(&level, mask, index, [rows, cols]).await?;
                Some(mask.is_not_zero())
            }
            None => None,
        };
        let grid = self.group(group)?.grid.as_ref();
        let bbox = grid.map_or(
            [0.0, 0.0, source_width as f64, source_height as f64],
            crate::Grid::bbox,
        );
        Ok(Overview {
            width: cols.len as u32,
            height: rows.len as u32,
            pixels,
            valid,
            pixel_size: [
                (bbox[2] - bbox[0]) / cols.len as f64,
                (bbox[3] - bbox[1]) / rows.len as f64,
            ],
            bbox,
        })
    }

    /// The sampled pixels of an array of a level at one index along `time`.
    async fn sampled(
        &self,
        level: &Level<'_>,
        array: &ArrayStructure,
        index: u64,
        [rows, cols]: [Samples; 2],
    ) -> Result<Pixels, CubeError> {
        let stored = array.shards.as_ref().unwrap_or(&array.chunks);
        let axes = array.shape.len() - 2;
        let plan = Arc::new(Plan {
            source: Arc::clone(&self.source),
            group: level.group.to_owned(),
            leading: array.dims[..axes]
                .iter()
                .map(|dim| if dim == TIME { index..index + 1 } else { 0..1 })
                .collect(),
            rows,
            cols,
            stored: [stored[axes], stored[axes + 1]],
            chunk: [array.chunks[axes], array.chunks[axes + 1]],
            itemsize: array.dtype.itemsize(),
            next: AtomicUsize::new(0),
            array: array.clone(),
        });
        let threads = std::thread::available_parallelism()
            .map_or(2, std::num::NonZeroUsize::get)
            .min(8);
        let parts = (0..threads).map(|_| {
            let plan = Arc::clone(&plan);
            blocking(move || plan.run())
        });
        let mut bytes = vec![0; (rows.len * cols.len) as usize * plan.itemsize];
        for block in futures::future::try_join_all(parts)
            .await?
            .into_iter()
            .flatten()
        {
            block.copy_to(&mut bytes, cols.len as usize * plan.itemsize, plan.itemsize);
        }
        Ok(Pixels::from_bytes(array.dtype, &bytes))
    }
}

/// The array that a picture is taken from.
struct Level<'a> {
    group: &'a str,
    array: &'a ArrayStructure,
    /// Rows and columns that are sampled.
    size: [u64; 2],
    /// How many of them, along each axis, a pixel of the array stands for.
    factor: u64,
}

impl Dataset {
    /// The coarsest array of a variable that has at least so many rows and columns.
    fn coarsest<'a>(
        &'a self,
        group: &str,
        full: &'a ArrayStructure,
        least: [u64; 2],
    ) -> Result<Level<'a>, CubeError> {
        let group = self.group(group)?;
        let size_of = |array: &ArrayStructure| -> [u64; 2] {
            let axes = array.shape.len() - 2;
            [array.shape[axes], array.shape[axes + 1]]
        };
        let size = size_of(full);
        let mut best = Level {
            group: &group.path,
            array: full,
            size,
            factor: 1,
        };
        for overview in &group.overviews {
            let of_name = overview.variables.iter().find(|v| v.name == full.name);
            let Some(array) = of_name
                .filter(|array| array.dtype == full.dtype && array.shape.len() == full.shape.len())
            else {
                continue;
            };
            let of_level = size_of(array);
            if of_level
                .iter()
                .zip(least)
                .any(|(size, least)| *size < least)
            {
                continue;
            }
            let factor = (size[0] as f64 / of_level[0] as f64).round().max(1.0) as u64;
            // Someone else's pyramid may cut off what does not fill a pixel: then its own pixels are all that is known.
            let (size, factor) = if size.map(|size| size.div_ceil(factor)) == of_level {
                (size, factor)
            } else {
                (of_level, 1)
            };
            best = Level {
                group: &overview.path,
                array,
                size,
                factor,
            };
        }
        Ok(best)
    }
}

fn out_of_bounds(shape: &[u64]) -> CubeError {
    CubeError::OutOfBounds {
        ranges: Vec::new(),
        shape: shape.to_owned(),
    }
}

/// The work of an overview, shared by its threads.
struct Plan {
    source: Arc<dyn Source>,
    group: String,
    array: ArrayStructure,
    /// Indices along the dimensions before rows and columns.
    leading: Vec<Range<u64>>,
    rows: Samples,
    cols: Samples,
    /// Shape of an object.
    stored: [u64; 2],
    chunk: [u64; 2],
    itemsize: usize,
    next: AtomicUsize,
}

/// Samples of a rectangle of the overview.
struct Block {
    rows: Range<u64>,
    cols: Range<u64>,
    bytes: Vec<u8>,
}

impl Block {
    fn copy_to(&self, bytes: &mut [u8], stride: usize, itemsize: usize) {
        let width = (self.cols.end - self.cols.start) as usize * itemsize;
        for (row, from) in self.rows.clone().zip(self.bytes.chunks_exact(width.max(1))) {
            let start = row as usize * stride + self.cols.start as usize * itemsize;
            bytes[start..start + width].copy_from_slice(from);
        }
    }
}

impl Plan {
    /// Reads object after object until none is left.
    fn run(&self) -> Result<Vec<Block>, CubeError> {
        let objects = [
            self.rows.extent().div_ceil(self.stored[0]),
            self.cols.extent().div_ceil(self.stored[1]),
        ];
        let mut blocks = Vec::new();
        loop {
            let next = self.next.fetch_add(1, Ordering::Relaxed) as u64;
            if next >= objects[0] * objects[1] {
                return Ok(blocks);
            }
            self.read_object([next / objects[1], next % objects[1]], &mut blocks)?;
        }
    }

    fn read_object(&self, object: [u64; 2], blocks: &mut Vec<Block>) -> Result<(), CubeError> {
        let origin = [object[0] * self.stored[0], object[1] * self.stored[1]];
        let end = [
            (origin[0] + self.stored[0]).min(self.rows.extent()),
            (origin[1] + self.stored[1]).min(self.cols.extent()),
        ];
        if self.rows.within(&(origin[0]..end[0])).is_empty()
            || self.cols.within(&(origin[1]..end[1])).is_empty()
        {
            return Ok(());
        }
        for row in (origin[0]..end[0]).step_by(self.chunk[0] as usize) {
            let rows = row..(row + self.chunk[0]).min(end[0]);
            let sampled_rows = self.rows.within(&rows);
            for col in (origin[1]..end[1]).step_by(self.chunk[1] as usize) {
                let cols = col..(col + self.chunk[1]).min(end[1]);
                let sampled_cols = self.cols.within(&cols);
                if sampled_rows.is_empty() || sampled_cols.is_empty() {
                    continue;
                }
                let mut ranges = self.leading.clone();
                ranges.extend([rows.clone(), cols.clone()]);
                let pixels = self.source.read(Request {
                    group: &self.group,
                    array: &self.array,
                    ranges: &ranges,
                })?;
                let decoded = each_pixels!(&pixels, values => Element::bytes(values));
                let mut bytes = Vec::new();
                let width = (cols.end - cols.start) as usize;
                for r in sampled_rows.clone() {
                    let line = (self.rows.source(r) - rows.start) as usize * width;
                    for c in sampled_cols.clone() {
                        let at =
                            (line + (self.cols.source(c) - cols.start) as usize) * self.itemsize;
                        bytes.extend_from_slice(&decoded[at..at + self.itemsize]);
                    }
                }
                blocks.push(Block {
                    rows: sampled_rows.clone(),
                    cols: sampled_cols,
                    bytes,
                });
            }
        }
        Ok(())
    }
}
