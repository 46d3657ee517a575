//! What one thread does: take the next unit of shards, read its pixels, encode them, hand them over.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::mosaic::{Mosaic, OpenRasters, Window};
use super::shard::ShardEncoder;
use crate::CubeError;
use crate::dtype::{Element, with_element};
use crate::gdal_source::LocalConfig;
use crate::metadata::node_path;
use crate::plan::{CubePlan, GroupPlan, Tile};

/// All work of a build, shared by the threads.
pub(super) struct Job {
    pub(super) plan: CubePlan,
    pub(super) units: Vec<Unit>,
    pub(super) chunks: u64,
    /// Chunks of units that are left out because no tile touches them.
    pub(super) chunks_without_tiles: u64,
    next: AtomicUsize,
}

/// Shards side by side that one thread makes in one go.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    group: usize,
    variable: usize,
    shard_row: u64,
    /// First shard and the one after the last.
    shard_cols: std::ops::Range<u64>,
    /// The pixels, clipped to the array.
    window: Window,
}

/// A shard, ready to be stored.
pub(super) struct Shard {
    pub(super) key: String,
    /// `None` when it is all fill.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) chunks: u64,
    pub(super) chunks_written: u64,
}

impl Job {
    pub(super) fn of(
        plan: CubePlan,
        units: Vec<Unit>,
        chunks: u64,
        chunks_without_tiles: u64,
    ) -> Self {
        Self {
            plan,
            units,
            chunks,
            chunks_without_tiles,
            next: AtomicUsize::new(0),
        }
    }
}

impl Unit {
    pub(super) fn all_of(group: &GroupPlan, group_index: usize, variable: usize) -> Vec<Self> {
        let [height, width] = group.layout.shard;
        let together = group.layout.shards_per_unit;
        let shards = [
            group.grid.height.div_ceil(height),
            group.grid.width.div_ceil(width),
        ];
        let mut units = Vec::new();
        for shard_row in 0..shards[0] {
            for first in (0..shards[1]).step_by(together as usize) {
                let end = (first + together).min(shards[1]);
                let (row, col) = (shard_row * height, first * width);
                units.push(Self {
                    group: group_index,
                    variable,
                    shard_row,
                    shard_cols: first..end,
                    window: Window {
                        row,
                        col,
                        height: height.min(group.grid.height - row),
                        width: ((end - first) * width).min(group.grid.width - col),
                    },
                });
            }
        }
        units
    }

    /// Chunks that hold at least one pixel of the array.
    pub(super) fn chunks(&self, group: &GroupPlan) -> u64 {
        let [height, width] = group.layout.chunk;
        self.window.height.div_ceil(height) * self.window.width.div_ceil(width)
    }

    pub(super) fn touches(&self, tiles: &[Tile]) -> bool {
        tiles
            .iter()
            .any(|tile| self.window.intersection(tile).is_some())
    }
}

/// Works until nothing is left, the work is stopped, or nobody listens any more.
pub(super) fn run(job: &Job, sender: &Sender<Result<Shard, CubeError>>, stop: &CancellationToken) {
    let _config = LocalConfig::without_side_cars();
    let mut rasters = OpenRasters::default();
    let stopped = || stop.is_cancelled() || sender.is_closed();
    while let Some(unit) = job.units.get(job.next.fetch_add(1, Ordering::Relaxed)) {
        let dtype = job.plan.groups[unit.group].dtype;
        let made = with_element!(dtype, T => make::<T>(job, unit, &mut rasters, &stopped));
        let sent = match made {
            Ok(shards) => shards
                .into_iter()
                .try_for_each(|shard| sender.blocking_send(Ok(shard))),
            Err(error) => {
                // The first error ends the build: nothing more is to be done here.
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        if sent.is_err() || stopped() {
            return;
        }
    }
}

/// Reads the pixels of a unit, a band of one chunk's height after the other, and encodes them.
fn make<T: Element>(
    job: &Job,
    unit: &Unit,
    rasters: &mut OpenRasters,
    stopped: &dyn Fn() -> bool,
) -> Result<Vec<Shard>, CubeError> {
    let group = &job.plan.groups[unit.group];
    let variable = &group.variables[unit.variable];
    let mosaic = Mosaic::<T>::new(variable, &unit.window);
    let ([chunk_height, _], [_, shard_width]) = (group.layout.chunk, group.layout.shard);
    let mut encoders = Vec::new();
    for _ in unit.shard_cols.clone() {
        encoders.push(ShardEncoder::<T>::new(
            &group.layout,
            mosaic.fill(),
            job.plan.options.compression_level,
        )?);
    }
    let mut band = Vec::new();
    let end = unit.window.row + unit.window.height;
    for row in (unit.window.row..end).step_by(chunk_height as usize) {
        if stopped() {
            return Err(CubeError::Cancelled);
        }
        let window = Window {
            row,
            height: chunk_height.min(end - row),
            ..unit.window
        };
        let whole_is_fill = !mosaic.read(window, rasters, &mut band)?;
        for (index, encoder) in encoders.iter_mut().enumerate() {
            if whole_is_fill {
                encoder.skip_row();
            } else {
                let first = index as u64 * shard_width;
                let columns = first as usize..(first + shard_width).min(window.width) as usize;
                encoder.encode_row(&band, window.width as usize, columns)?;
            }
        }
    }
    let path = node_path(&group.path, &variable.name);
    Ok(encoders
        .into_iter()
        .zip(unit.shard_cols.clone())
        .enumerate()
        .map(|(index, (encoder, shard_col))| {
            let width = shard_width.min(unit.window.width - index as u64 * shard_width);
            let [height, chunk_width] = group.layout.chunk;
            let (chunks_written, bytes) = encoder.finish();
            Shard {
                key: format!("{path}/c/{}/{shard_col}", unit.shard_row),
                bytes,
                chunks: unit.window.height.div_ceil(height) * width.div_ceil(chunk_width),
                chunks_written,
            }
        })
        .collect())
}
