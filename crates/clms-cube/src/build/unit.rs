//! What one thread makes in one go.

use super::mosaic::Window;
use crate::plan::{FINE_LEVELS, GroupPlan, Tile};

/// Shards side by side that one thread makes in one go.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) group: usize,
    pub(super) variable: usize,
    /// Which of the times of the variable; 0 of one without.
    pub(super) step: u64,
    pub(super) shard_row: u64,
    /// First shard and the one after the last.
    pub(super) shard_cols: std::ops::Range<u64>,
    /// The pixels, clipped to the array.
    pub(super) window: Window,
}

impl Unit {
    /// All of one time of a variable.
    pub(super) fn all_of(
        group: &GroupPlan,
        group_index: usize,
        variable: usize,
        step: u64,
    ) -> Vec<Self> {
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
                    step,
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
        if let Some(level) = group.levels.iter().find(|level| level.number > FINE_LEVELS) {
            let side = level.layout.chunk[0] << level.number;
            units.sort_by_key(|unit| unit.turn(group, side));
        }
        units
    }

    /// Units whose pixels meet in the same chunk of the first coarse overview, `side` pixels of the full resolution high and wide, come one
    /// after the other, and so do those of the second: chunks that wait for their last piece cost memory. Four of the latter side by side, in
    /// rows from left to right: archives are inflated front to back. Rows of striped sources stay rows.
    fn turn(&self, group: &GroupPlan, side: u64) -> [u64; 6] {
        let layout = &group.layout;
        let (row, col) = (self.window.row, self.window.col);
        if layout.shard[0] == layout.chunk[0] {
            return [row, col, 0, 0, 0, 0];
        }
        let twice = 2 * side;
        [row / twice, col / twice, row / side, col / side, row, col]
    }

    /// Chunks that hold at least one pixel of the array.
    pub(super) fn chunks(&self, group: &GroupPlan) -> u64 {
        let [height, width] = group.layout.chunk;
        self.window.height.div_ceil(height) * self.window.width.div_ceil(width)
    }

    /// What is read at a time: one chunk, which stays in the processor's cache on its way, or one row of chunks where sources are striped.
    pub(super) fn windows(&self, group: &GroupPlan) -> impl Iterator<Item = Window> {
        let layout = &group.layout;
        let [height, chunk_width] = layout.chunk;
        let unit = self.window;
        let is_flat = layout.shard[0] == layout.chunk[0];
        let width = if is_flat { unit.width } else { chunk_width };
        let (bottom, right) = (unit.row + unit.height, unit.col + unit.width);
        let rows = (unit.row..bottom).step_by(height as usize);
        rows.flat_map(move |row| {
            let cols = (unit.col..right).step_by(width as usize);
            cols.map(move |col| Window {
                row,
                col,
                height: height.min(bottom - row),
                width: width.min(right - col),
            })
        })
    }

    pub(super) fn touches(&self, tiles: &[Tile]) -> bool {
        tiles
            .iter()
            .any(|tile| self.window.intersection(tile).is_some())
    }
}
