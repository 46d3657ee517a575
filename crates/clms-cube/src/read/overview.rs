//! A small picture of a whole variable.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use zarrs::array::ArraySubset;

use super::{ArrayStructure, BlockingArray, Cube, blocking};
use crate::plan::halved;
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
    /// Width and height of a pixel on the ground, in units of the CRS; 1 is a pixel of the source when the cube has no grid.
    pub pixel_size: [f64; 2],
    /// Outer edges: west, south, east, north.
    pub bbox: [f64; 4],
}

/// Which source pixels are taken along one axis: one from the middle of each of `len` equal parts of `size`.
#[derive(Debug, Clone, Copy)]
struct Samples {
    /// Pixels of the full resolution.
    size: u64,
    len: u64,
    /// How often the pixels that are read have been halved.
    halved: u32,
}

impl Samples {
    /// The pixel that is read.
    fn source(&self, index: u64) -> u64 {
        let full = u128::from(2 * index + 1) * u128::from(self.size) / u128::from(2 * self.len);
        (full as u64) >> self.halved
    }

    /// Pixels that there are to read.
    fn extent(&self) -> u64 {
        halved(self.size, self.halved)
    }

    /// The samples whose source lies in a range.
    fn within(&self, range: &Range<u64>) -> Range<u64> {
        let first_at = |position: u64| {
            let guess = (u128::from(position << self.halved) * u128::from(self.len)
                / u128::from(self.size)) as u64;
            // The middle of a part may lie on either side of the position.
            (guess.saturating_sub(1)..=guess + 1)
                .find(|index| *index >= self.len || self.source(*index) >= position)
        };
        let bound = |position| first_at(position).unwrap_or(self.len).min(self.len);
        bound(range.start)..bound(range.end)
    }
}

impl Cube {
    /// A picture of a whole variable that is at most as large as wanted, and has the variable's shape, taken from the coarsest of the
    /// cube's overviews that has enough pixels. Read chunk by
    /// chunk on a few threads: memory is bounded by the size of a chunk. Objects that don't exist (all fill) cost one look.
    ///
    /// # Errors
    /// [`CubeError::OutOfBounds`] when a wanted side or the variable is empty; what the store says.
    pub async fn overview(
        &self,
        group: &str,
        variable: &str,
        max_width: u32,
        max_height: u32,
    ) -> Result<Overview, CubeError> {
        let structure = self.variable(group, variable)?;
        let [source_height, source_width] = structure.shape[..] else {
            return Err(out_of_bounds(&structure.shape));
        };
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
        let (number, path, structure) = self.coarsest(group, structure, [len_rows, len_cols])?;
        let samples = |size: u64, len: u64| Samples {
            size,
            len,
            halved: number,
        };
        let (rows, cols) = (
            samples(source_height, len_rows),
            samples(source_width, len_cols),
        );
        let dtype = structure.dtype;
        let stored = structure.shards.as_ref().unwrap_or(&structure.chunks);
        let plan = Arc::new(Plan {
            array: self.array(&path, variable)?,
            rows,
            cols,
            stored: [stored[0], stored[1]],
            chunk: [structure.chunks[0], structure.chunks[1]],
            itemsize: dtype.itemsize(),
            next: AtomicUsize::new(0),
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
        let grid = self.group(group)?.grid.as_ref();
        let bbox = grid.map_or(
            [0.0, 0.0, source_width as f64, source_height as f64],
            crate::Grid::bbox,
        );
        Ok(Overview {
            width: cols.len as u32,
            height: rows.len as u32,
            pixels: Pixels::from_bytes(dtype, &bytes),
            pixel_size: [
                (bbox[2] - bbox[0]) / cols.len as f64,
                (bbox[3] - bbox[1]) / rows.len as f64,
            ],
            bbox,
        })
    }
}

impl Cube {
    /// The coarsest array of a variable that has at least so many rows and columns: how often it was halved, its group, and itself.
    fn coarsest<'a>(
        &'a self,
        group: &str,
        full: &'a ArrayStructure,
        least: [u64; 2],
    ) -> Result<(u32, String, &'a ArrayStructure), CubeError> {
        let mut best = (0, group.to_owned(), full);
        for (number, overview) in (1..).zip(&self.group(group)?.overviews) {
            let of_name = overview.variables.iter().find(|v| v.name == full.name);
            let Some(array) = of_name else { break };
            let expected: Vec<u64> = full
                .shape
                .iter()
                .map(|size| halved(*size, number))
                .collect();
            let has_enough = array
                .shape
                .iter()
                .zip(least)
                .all(|(size, least)| *size >= least);
            // Someone else's pyramid may go down by other steps.
            if array.shape != expected || array.dtype != full.dtype || !has_enough {
                break;
            }
            best = (number, overview.path.clone(), array);
        }
        Ok(best)
    }
}

fn out_of_bounds(shape: &[u64]) -> CubeError {
    CubeError::OutOfBounds {
        rows: 0..0,
        cols: 0..0,
        shape: shape.to_owned(),
    }
}

/// The work of an overview, shared by its threads.
struct Plan {
    array: BlockingArray,
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
        let options = BlockingArray::single_threaded();
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
        // Reads the index of a shard once for all its chunks.
        let decoder = self
            .array
            .read(|array| array.partial_decoder_opt(&object, &options))?;
        for row in (origin[0]..end[0]).step_by(self.chunk[0] as usize) {
            let rows = row..(row + self.chunk[0]).min(end[0]);
            let sampled_rows = self.rows.within(&rows);
            for col in (origin[1]..end[1]).step_by(self.chunk[1] as usize) {
                let cols = col..(col + self.chunk[1]).min(end[1]);
                let sampled_cols = self.cols.within(&cols);
                if sampled_rows.is_empty() || sampled_cols.is_empty() {
                    continue;
                }
                let local = |range: &Range<u64>, axis: usize| {
                    range.start - origin[axis]..range.end - origin[axis]
                };
                let subset = ArraySubset::new_with_ranges(&[local(&rows, 0), local(&cols, 1)]);
                let decoded = self
                    .array
                    .read(|_| decoder.partial_decode(&subset, &options))?;
                let decoded = self.array.pixels_bytes(decoded)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_in_the_middle_and_in_one_range_each() {
        for (size, len) in [
            (10, 5),
            (10, 10),
            (7, 3),
            (65_000, 997),
            (5, 1),
            (1000, 999),
        ] {
            for halved in [0, 1, 3] {
                let samples = Samples { size, len, halved };
                let extent = samples.extent();
                assert!((0..len).all(|index| samples.source(index) < extent));
                // A level is read only where it has enough pixels.
                for step in [1, 3, 4096].into_iter().filter(|_| extent >= len) {
                    let mut next = 0;
                    for start in (0..extent).step_by(step) {
                        let range = start..(start + step as u64).min(extent);
                        let within = samples.within(&range);
                        assert!(
                            within.is_empty() || within.start == next,
                            "{size} {len} {range:?} {within:?}"
                        );
                        assert!(
                            within
                                .clone()
                                .all(|index| range.contains(&samples.source(index)))
                        );
                        next = next.max(within.end);
                    }
                    assert_eq!(next, len);
                }
            }
        }
    }
}
