//! What one thread does: take the next unit of shards, read its pixels, encode them, hand them over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use object_store::PutPayload;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::mosaic::{Mosaic, OpenRasters, Window};
use super::pyramid::{CoarseLevels, Reduction};
use super::shard::{ChunkCompressor, ShardEncoder, all_same};
use super::unit::Unit;
use crate::dtype::{Element, with_element};
use crate::gdal_source::{LocalConfig, RasterSource};
use crate::metadata::node_path;
use crate::plan::{
    ChunkLayout, CubePlan, FINE_LEVELS, GroupPlan, Note, Tile, VariablePlan, halved,
};
use crate::{CubeError, ZarrFormat};

/// All work of a build, shared by the threads.
pub(super) struct Job {
    pub(super) plan: CubePlan,
    pub(super) units: Vec<Unit>,
    pub(super) chunks: u64,
    /// Chunks of units that are left out because no tile touches them.
    pub(super) chunks_without_tiles: u64,
    next: AtomicUsize,
    units_without_tiles: Vec<Unit>,
    /// Of each variable of each group.
    coarse: Vec<Vec<CoarseLevels>>,
    /// Pixels of overlapping tiles that differ, by variable and tile.
    differing: Mutex<BTreeMap<(String, String), u64>>,
}

/// A shard, ready to be stored.
pub(super) struct Shard {
    /// Keys and bytes: one object, or in Zarr v2 one for each chunk; none when it is all fill.
    pub(super) objects: Vec<(String, PutPayload)>,
    pub(super) chunks: u64,
    pub(super) chunks_written: u64,
}

impl Shard {
    /// What an encoder has made of the shard at a step of time (if the array has times), a row and a column of an array. It counts no chunks, as
    /// those of overviews do not.
    pub(super) fn new<T: Element>(
        format: ZarrFormat,
        array: &str,
        (step, [row, col]): (Option<u64>, [u64; 2]),
        layout: &ChunkLayout,
        encoder: ShardEncoder<T>,
    ) -> Self {
        let (chunks_written, objects) = match format {
            ZarrFormat::V3 => {
                let (stored, bytes) = encoder.finish();
                let time = step.map_or_else(String::new, |step| format!("{step}/"));
                let object = bytes.map(|bytes| (format!("{array}/c/{time}{row}/{col}"), bytes));
                (stored, object.into_iter().collect::<Vec<_>>())
            }
            ZarrFormat::V2 => {
                let chunks = [0, 1].map(|axis| layout.shard[axis] / layout.chunk[axis]);
                let time = step.map_or_else(String::new, |step| format!("{step}."));
                let objects: Vec<_> = encoder
                    .finish_apart()
                    .into_iter()
                    .map(|([r, c], bytes)| {
                        let (row, col) = (row * chunks[0] + r, col * chunks[1] + c);
                        (format!("{array}/{time}{row}.{col}"), bytes)
                    })
                    .collect();
                (objects.len() as u64, objects)
            }
        };
        Self {
            objects,
            chunks: 0,
            chunks_written,
        }
    }

    pub(super) fn of_overview(self) -> Self {
        Self {
            chunks_written: 0,
            ..self
        }
    }
}

impl Job {
    /// Tells the coarse levels of overviews where there is nothing: chunks there are whole without it.
    pub(super) fn leave_out_gaps(&self) -> Result<(), CubeError> {
        let mut compressor = ChunkCompressor::new(self.plan.options.compression_level)?;
        for unit in &self.units_without_tiles {
            let group = &self.plan.groups[unit.group];
            with_element!(group.dtype, T => {
                let reduction = self.reduction::<T>(unit);
                let number = FINE_LEVELS + 1;
                let window = Window {
                    row: unit.window.row >> number,
                    col: unit.window.col >> number,
                    height: halved(unit.window.height, number),
                    width: halved(unit.window.width, number),
                };
                // Nothing is whole yet that holds data.
                let _ = self.coarse[unit.group][unit.variable].add(&reduction, window, None, &mut compressor)?;
            });
        }
        Ok(())
    }

    fn reduction<T: Element>(&self, unit: &Unit) -> Reduction<'_, T> {
        let group = &self.plan.groups[unit.group];
        let variable = &group.variables[unit.variable];
        Reduction::new(
            (group, variable, unit.step),
            &self.plan.options,
            keeps_all(self, variable),
        )
    }

    pub(super) fn of(
        plan: CubePlan,
        units: Vec<Unit>,
        units_without_tiles: Vec<Unit>,
        chunks: u64,
        chunks_without_tiles: u64,
    ) -> Self {
        let of_group = |group: &GroupPlan| {
            let variables = group.variables.iter();
            variables.map(|_| CoarseLevels::default()).collect()
        };
        Self {
            coarse: plan.groups.iter().map(of_group).collect(),
            units_without_tiles,
            plan,
            units,
            chunks,
            chunks_without_tiles,
            next: AtomicUsize::new(0),
            differing: Mutex::default(),
        }
    }
}

impl Job {
    /// Adds notes on overlapping tiles that don't agree, once all is read.
    pub(super) fn note_differences(&mut self) {
        let differing = std::mem::take(&mut self.differing);
        let differing = differing
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let notes = differing.into_iter().map(|((variable, file), pixels)| {
            let message = format!(
                "{variable}: {pixels} pixels differ from those of tiles before it, which are kept"
            );
            Note::on(&file, message)
        });
        let mut all = std::mem::take(&mut self.plan.notes);
        all.extend(notes);
        self.plan.notes = Note::bounded(all);
    }

    /// Entries of archives that tiles are in, in the order in which they are needed.
    fn entries(&self) -> Vec<&RasterSource> {
        let mut tiles: Vec<(usize, &Tile)> = Vec::new();
        for (index, group) in self.plan.groups.iter().enumerate() {
            let of_group = group.variables.iter().flat_map(|variable| &variable.tiles);
            tiles.extend(of_group.map(|tile| (index, tile)));
        }
        let is_inflating = |tile: &Tile| tile.source.inflating().is_some();
        tiles.retain(|(_, tile)| is_inflating(tile));
        tiles.sort_by_key(|(group, tile)| (*group, tile.step, tile.row, tile.col));
        tiles.into_iter().map(|(_, tile)| &tile.source).collect()
    }

    /// Reads the entries to their ends, if nobody has: their checksums stand for pixels that are in the cube.
    pub(super) fn check_archives(&self) -> Result<(), CubeError> {
        for source in self.entries() {
            if let Some(entry) = source.inflating() {
                entry
                    .require(entry.len())
                    .map_err(|fault| fault.of(&source.name))?;
            }
        }
        Ok(())
    }
}

/// Inflates what will be needed. What goes wrong is said by those who need it.
pub(super) fn inflate_ahead(job: &Job, stop: &CancellationToken) {
    for entry in job
        .entries()
        .into_iter()
        .filter_map(RasterSource::inflating)
    {
        while !stop.is_cancelled() && matches!(entry.advance(), Ok(true)) {}
    }
}

/// What one thread works with.
struct Tools {
    rasters: OpenRasters,
    compressor: ChunkCompressor,
}

/// Works until nothing is left, the work is stopped, or nobody listens any more.
pub(super) fn run(job: &Job, sender: &Sender<Result<Shard, CubeError>>, stop: &CancellationToken) {
    let _config = LocalConfig::without_side_cars();
    let failed = |error| {
        // The first error ends the build: nothing more is to be done here.
        let _ = sender.blocking_send(Err(error));
    };
    let mut tools = match ChunkCompressor::new(job.plan.options.compression_level) {
        Ok(compressor) => Tools {
            rasters: OpenRasters::new(&job.plan.reading),
            compressor,
        },
        Err(error) => return failed(error),
    };
    if let Err(error) = make_all(job, sender, stop, &mut tools) {
        failed(error);
    }
    let mut differing = job.differing.lock().unwrap_or_else(PoisonError::into_inner);
    for (place, pixels) in tools.rasters.differing {
        *differing.entry(place).or_default() += pixels;
    }
}

fn make_all(
    job: &Job,
    sender: &Sender<Result<Shard, CubeError>>,
    stop: &CancellationToken,
    tools: &mut Tools,
) -> Result<(), CubeError> {
    let stopped = || stop.is_cancelled() || sender.is_closed();
    while let Some(unit) = job.units.get(job.next.fetch_add(1, Ordering::Relaxed)) {
        let dtype = job.plan.groups[unit.group].dtype;
        let shards = with_element!(dtype, T => make::<T>(job, unit, tools, &stopped))?;
        let sent = shards
            .into_iter()
            .try_for_each(|shard| sender.blocking_send(Ok(shard)));
        if sent.is_err() || stopped() {
            break;
        }
    }
    Ok(())
}

fn keeps_all(job: &Job, variable: &VariablePlan) -> bool {
    stores_all(job.plan.options.zarr_format, variable)
}

/// Whether chunks of nothing but zeros have to be stored: Zarr v2 without a fill value says nothing about chunks that are not.
pub(super) fn stores_all(format: ZarrFormat, variable: &VariablePlan) -> bool {
    format == ZarrFormat::V2 && variable.fill.value.is_none()
}

/// Reads the pixels of a unit, one window after the other, and encodes them.
fn make<T: Element>(
    job: &Job,
    unit: &Unit,
    tools: &mut Tools,
    stopped: &dyn Fn() -> bool,
) -> Result<Vec<Shard>, CubeError> {
    let Tools {
        rasters,
        compressor,
    } = tools;
    let group = &job.plan.groups[unit.group];
    let variable = &group.variables[unit.variable];
    let mosaic = Mosaic::<T>::new(variable, unit.step, &unit.window);
    let [_, shard_width] = group.layout.shard;
    let keep = keeps_all(job, variable);
    let mut encoders: Vec<_> = unit
        .shard_cols
        .clone()
        .map(|_| ShardEncoder::<T>::new(&group.layout, mosaic.fill(), keep))
        .collect();
    let mut overviews = (!group.levels.is_empty()).then(|| {
        let reduction = job.reduction::<T>(unit);
        let plane = reduction.plane(&unit.window);
        (reduction, plane)
    });
    let mut pixels = Vec::new();
    for window in unit.windows(group) {
        if stopped() {
            return Err(CubeError::Cancelled);
        }
        let is_covered = mosaic.read(window, rasters, &mut pixels)?;
        if !is_covered && keep {
            pixels.clear();
            pixels.resize((window.height * window.width) as usize, mosaic.fill());
        }
        // Fill is what there is as long as nothing else comes.
        if !keep && (!is_covered || all_same(&pixels, mosaic.fill())) {
            continue;
        }
        let width = window.width as usize;
        let row = (window.row - unit.window.row) as usize;
        let col = window.col - unit.window.col;
        if let Some((reduction, plane)) = &mut overviews {
            plane.take(reduction, [row, col as usize], &pixels, width);
        }
        // A window lies in one shard, or is as wide as the unit.
        let first = (col / shard_width) as usize;
        let mut columns = (0..width).step_by(shard_width as usize);
        for encoder in &mut encoders[first..] {
            let Some(start) = columns.next() else { break };
            let columns = start..(start + shard_width as usize).min(width);
            let place = [row, (col % shard_width) as usize];
            encoder.encode(compressor, place, &pixels, width, columns)?;
        }
    }
    drop(pixels);
    let path = node_path(&group.path, &variable.name);
    let step = variable.has_times.then_some(unit.step);
    let overviews = match overviews {
        Some((reduction, plane)) => {
            let coarse = &job.coarse[unit.group][unit.variable];
            reduction.shards(&unit.window, plane, coarse, compressor)?
        }
        None => Vec::new(),
    };
    Ok(encoders
        .into_iter()
        .zip(unit.shard_cols.clone())
        .enumerate()
        .map(|(index, (encoder, shard_col))| {
            let width = shard_width.min(unit.window.width - index as u64 * shard_width);
            let [height, chunk_width] = group.layout.chunk;
            let place = (step, [unit.shard_row, shard_col]);
            let format = job.plan.options.zarr_format;
            Shard {
                chunks: unit.window.height.div_ceil(height) * width.div_ceil(chunk_width),
                ..Shard::new(format, &path, place, &group.layout, encoder)
            }
        })
        .chain(overviews)
        .collect())
}
