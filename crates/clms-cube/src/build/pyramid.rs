//! Overviews, made from the pixels of the full resolution while they are in memory.
//!
//! The fine levels have shards that are made of one shard of the full resolution each. The coarse levels are put together from pieces
//! of many; a chunk of them is encoded as soon as its last piece has come, and is a piece of the next level then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::halve::halve;
use super::mosaic::Window;
use super::shard::{ChunkCompressor, ShardEncoder};
use super::worker::Shard;
use crate::dtype::Element;
use crate::metadata::node_path;
use crate::plan::{FINE_LEVELS, GroupPlan, Level, Resampling, VariablePlan, halved};
use crate::{BuildOptions, CubeError};

/// How one variable at one of its times is reduced and written.
pub(super) struct Reduction<'a, T> {
    group: &'a GroupPlan,
    variable: &'a VariablePlan,
    /// Which of the variable's times.
    step: u64,
    options: &'a BuildOptions,
    keep: bool,
    method: Resampling,
    fill: Option<T>,
}

impl<'a, T: Element> Reduction<'a, T> {
    pub(super) fn new(
        (group, variable, step): (&'a GroupPlan, &'a VariablePlan, u64),
        options: &'a BuildOptions,
        keep: bool,
    ) -> Self {
        Self {
            group,
            variable,
            step,
            options,
            keep,
            method: variable.resampling(group.dtype),
            fill: variable.fill.value.map(T::from_f64),
        }
    }

    fn halve(&self, pixels: &[T], width: usize, out: &mut Vec<T>) {
        halve(pixels, width, self.fill, self.method, out);
    }

    /// Room for the pixels of a unit at the resolution of the finest overview.
    pub(super) fn plane(&self, unit: &Window) -> Plane<T> {
        let times = self.group.levels.first().map_or(0, |level| level.number);
        let [height, width] = [unit.height, unit.width].map(|size| halved(size, times) as usize);
        Plane {
            times,
            width,
            pixels: vec![self.empty(); height * width],
            scratch: Default::default(),
        }
    }

    /// What stands where nothing is stored.
    fn empty(&self) -> T {
        self.fill.unwrap_or_else(|| T::from_f64(0.0))
    }

    fn encoder(&self, level: &Level) -> ShardEncoder<T> {
        ShardEncoder::new(&level.layout, self.empty(), self.keep)
    }

    fn shard(&self, level: &Level, place: [u64; 2], encoder: ShardEncoder<T>) -> Shard {
        let path = node_path(&self.group.path, &level.path());
        let array = node_path(&path, &self.variable.name);
        let step = self.variable.has_times.then_some(self.step);
        Shard::new(
            self.options.zarr_format,
            &array,
            (step, place),
            &level.layout,
            encoder,
        )
        .of_overview()
    }

    /// The shards of all levels that become whole with a unit.
    pub(super) fn shards(
        &self,
        unit: &Window,
        plane: Plane<T>,
        coarse: &CoarseLevels,
        compressor: &mut ChunkCompressor,
    ) -> Result<Vec<Shard>, CubeError> {
        let mut shards = Vec::new();
        let Plane {
            mut width,
            mut pixels,
            ..
        } = plane;
        for level in &self.group.levels {
            if level.number > FINE_LEVELS {
                let window = Window {
                    row: unit.row >> level.number,
                    col: unit.col >> level.number,
                    height: (pixels.len() / width) as u64,
                    width: width as u64,
                };
                shards.extend(coarse.add(self, window, Some(pixels), compressor)?);
                break;
            }
            self.encode(level, unit, &pixels, width, compressor, &mut shards)?;
            let mut next = Vec::with_capacity(pixels.len() / 4 + width);
            self.halve(&pixels, width, &mut next);
            pixels = next;
            width = width.div_ceil(2);
        }
        Ok(shards)
    }

    /// Encodes the shards side by side of a unit.
    fn encode(
        &self,
        level: &Level,
        unit: &Window,
        pixels: &[T],
        width: usize,
        compressor: &mut ChunkCompressor,
        shards: &mut Vec<Shard>,
    ) -> Result<(), CubeError> {
        let [shard_height, shard_width] = level.layout.shard;
        let (row, col) = (unit.row >> level.number, unit.col >> level.number);
        let height = level.layout.chunk[0] as usize;
        for first in (0..width).step_by(shard_width as usize) {
            let columns = first..(first + shard_width as usize).min(width);
            let mut encoder = self.encoder(level);
            for (number, band) in pixels.chunks(height * width).enumerate() {
                let place = [number * height, 0];
                encoder.encode(compressor, place, band, width, columns.clone())?;
            }
            let place = [row / shard_height, (col + first as u64) / shard_width];
            shards.push(self.shard(level, place, encoder));
        }
        Ok(())
    }
}

/// The pixels of a unit at the resolution of the finest overview, put together from windows.
pub(super) struct Plane<T> {
    /// How often a window is halved on its way here.
    times: u32,
    width: usize,
    pixels: Vec<T>,
    scratch: [Vec<T>; 2],
}

impl<T: Element> Plane<T> {
    /// Takes a window of `width` columns whose first pixel is `row`, `col` of the unit, at the full resolution.
    pub(super) fn take(
        &mut self,
        reduction: &Reduction<'_, T>,
        [row, col]: [usize; 2],
        window: &[T],
        width: usize,
    ) {
        let [result, scratch] = &mut self.scratch;
        let mut width = width;
        for time in 0..self.times {
            let finer = if time == 0 { window } else { &result[..] };
            scratch.clear();
            reduction.halve(finer, width, scratch);
            std::mem::swap(result, scratch);
            width = width.div_ceil(2);
        }
        let (row, col) = (row >> self.times, col >> self.times);
        let rows = self.pixels.chunks_exact_mut(self.width).skip(row);
        for (to, from) in rows.zip(result.chunks_exact(width)) {
            to[col..col + width].copy_from_slice(from);
        }
    }
}

/// The coarse levels of one variable, shared by all workers.
#[derive(Default)]
pub(super) struct CoarseLevels {
    /// Chunks that are not whole yet, by step of time, level, row and column.
    open: Mutex<HashMap<(u64, u32, u64, u64), OpenChunk>>,
}

#[derive(Default)]
struct OpenChunk {
    /// Pixels that have come.
    known: u64,
    /// In the machine's byte order; empty as long as all that came is fill.
    bytes: Vec<u8>,
}

impl CoarseLevels {
    /// Takes a piece of the first coarse level (`None`: it is all fill), and returns the shards that are whole with it.
    pub(super) fn add<T: Element>(
        &self,
        reduction: &Reduction<'_, T>,
        window: Window,
        pixels: Option<Vec<T>>,
        compressor: &mut ChunkCompressor,
    ) -> Result<Vec<Shard>, CubeError> {
        let mut shards = Vec::new();
        let mut pieces = vec![(FINE_LEVELS + 1, window, pixels)];
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((number, piece, pixels)) = pieces.pop() {
            let mut levels = reduction.group.levels.iter();
            let Some(level) = levels.find(|level| level.number == number) else {
                continue;
            };
            for chunk in chunks_under(level, &piece) {
                let [side, _] = level.layout.chunk;
                let (row, col) = (chunk.row / side, chunk.col / side);
                let place = (reduction.step, number, row, col);
                let mut found = open.remove(&place).unwrap_or_default();
                found.take(&chunk, &piece, pixels.as_deref(), reduction.empty());
                if found.known < chunk.height * chunk.width {
                    open.insert(place, found);
                    continue;
                }
                let whole: Vec<T> = bytemuck::pod_collect_to_vec(&found.bytes);
                let mut next = None;
                if !whole.is_empty() {
                    let width = chunk.width as usize;
                    let mut encoder = reduction.encoder(level);
                    encoder.encode(compressor, [0, 0], &whole, width, 0..width)?;
                    shards.push(reduction.shard(level, [row, col], encoder));
                    let mut halved = Vec::new();
                    reduction.halve(&whole, width, &mut halved);
                    next = Some(halved);
                }
                let window = Window {
                    row: chunk.row / 2,
                    col: chunk.col / 2,
                    height: chunk.height.div_ceil(2),
                    width: chunk.width.div_ceil(2),
                };
                pieces.push((number + 1, window, next));
            }
        }
        Ok(shards)
    }
}

/// The chunks that a piece lies in, clipped to the level.
fn chunks_under(level: &Level, piece: &Window) -> Vec<Window> {
    let [side, _] = level.layout.chunk;
    let mut chunks = Vec::new();
    for row in piece.row / side..(piece.row + piece.height).div_ceil(side) {
        for col in piece.col / side..(piece.col + piece.width).div_ceil(side) {
            let (row, col) = (row * side, col * side);
            chunks.push(Window {
                row,
                col,
                height: side.min(level.grid.height - row),
                width: side.min(level.grid.width - col),
            });
        }
    }
    chunks
}

impl OpenChunk {
    /// Copies the part of a piece that lies in this chunk.
    fn take<T: Element>(&mut self, chunk: &Window, piece: &Window, pixels: Option<&[T]>, empty: T) {
        let rows =
            chunk.row.max(piece.row)..(chunk.row + chunk.height).min(piece.row + piece.height);
        let cols = chunk.col.max(piece.col)..(chunk.col + chunk.width).min(piece.col + piece.width);
        let width = (cols.end - cols.start) as usize;
        self.known += (rows.end - rows.start) * width as u64;
        let Some(pixels) = pixels else { return };
        let size = size_of::<T>();
        if self.bytes.is_empty() {
            let all = (chunk.height * chunk.width) as usize;
            self.bytes = T::bytes(&[empty]).repeat(all);
        }
        for row in rows {
            let from = ((row - piece.row) * piece.width + cols.start - piece.col) as usize;
            let to = ((row - chunk.row) * chunk.width + cols.start - chunk.col) as usize * size;
            self.bytes[to..to + width * size]
                .copy_from_slice(T::bytes(&pixels[from..from + width]));
        }
    }
}
