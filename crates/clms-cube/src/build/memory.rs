//! How much memory a build takes at most, known before it begins.

use super::{WRITES, worker_count};
use crate::gdal_source::BLOCK_CACHE_BYTES;
use crate::plan::{CubePlan, GroupPlan};
use crate::tiff;

/// The program itself with GDAL, PROJ and their tables.
const BASE: u64 = 48 << 20;
/// Compressor, decoder and the buffers of one worker that do not depend on the layout.
const WORKER: u64 = 4 << 20;

impl CubePlan {
    /// Bytes of memory that [`build`](crate::build) needs at most for this plan, the process included: what a scheduler should hold free.
    ///
    /// `base + workers x (2 bands + overviews + shards + blocks) + shards on their way to the store`, where a band is as wide as the unit
    /// that a worker makes in one go and one chunk high, overviews are a third of the unit, and shards count as if nothing in them could be
    /// compressed; and GDAL's cache of blocks, where a source has a layout that only GDAL reads. It depends on chunk and shard sizes and on
    /// the number of workers, not on the size of the product; real products take about half of it.
    #[must_use]
    pub fn memory_needed(&self) -> u64 {
        let workers = worker_count(&self.options) as u64;
        let most = |size: fn(&GroupPlan) -> u64| self.groups.iter().map(size).max().unwrap_or(0);
        let per_worker = WORKER + most(GroupPlan::bytes_of_a_worker);
        let on_their_way = (1 + WRITES as u64) * most(GroupPlan::bytes_of_a_shard);
        let needs_gdal = |group: &GroupPlan| {
            let tiles = group.variables.iter().flat_map(|variable| &variable.tiles);
            tiles.into_iter().any(|tile| tile.source.needs_gdal())
        };
        let cache = if self.groups.iter().any(needs_gdal) {
            BLOCK_CACHE_BYTES
        } else {
            0
        };
        BASE + cache + workers * per_worker + on_their_way
    }
}

impl GroupPlan {
    fn bytes_of_a_shard(&self) -> u64 {
        let [height, width] = self.layout.shard;
        height * width * self.dtype.itemsize() as u64
    }

    fn bytes_of_a_worker(&self) -> u64 {
        let unit = self.bytes_of_a_shard() * self.layout.shards_per_unit;
        let band = unit / (self.layout.shard[0] / self.layout.chunk[0]).max(1);
        let overviews = if self.levels.is_empty() { 0 } else { unit / 3 };
        2 * band + unit + overviews + tiff::KEPT_BYTES as u64
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use clms_factory::{DType, Pattern, RasterSpec};

    use crate::{BuildOptions, Package, TileSize, plan};

    fn needed(side: usize, workers: usize) -> u64 {
        let dir = tempfile::tempdir().unwrap();
        // Large pixels in small chunks, so that even a small raster has several shards.
        let spec = RasterSpec::new("a.tif", side, side).dtype(DType::F64);
        let spec = spec.pattern(Pattern::Constant(0.0));
        spec.write(dir.path()).unwrap();
        let options = BuildOptions {
            workers: NonZeroUsize::new(workers),
            tile_size: TileSize::new(64, 64).ok(),
            ..BuildOptions::default()
        };
        let package = Package::from_dir(dir.path()).unwrap();
        plan(&package, &options).unwrap().memory_needed()
    }

    #[test]
    fn workers_cost_memory_and_pixels_do_not() {
        assert_eq!(needed(1450, 2), needed(1800, 2));
        assert!(needed(100, 2) < needed(1450, 2));
        assert!(needed(1450, 2) < needed(1450, 4));
    }
}
