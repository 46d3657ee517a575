//! Chunks and shards of a group's arrays.

use crate::{DataType, TileSize};

/// Sizes in pixels, each as height and width. A shard is one stored object; a chunk is the smallest part of it that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkLayout {
    pub(crate) chunk: [u64; 2],
    pub(crate) shard: [u64; 2],
    /// Shards side by side that one worker makes in one go: more than one only where sources are striped, whose rows
    /// would otherwise be decoded once for every shard.
    pub(crate) shards_per_unit: u64,
}

const CHUNK: u64 = 1024;

/// Uncompressed bytes that a worker reads at once from striped sources, where it reads whole rows.
const BAND_BYTES: u64 = 32 << 20;

/// Uncompressed bytes that a shard is made to stay below: shards are written in one piece.
const SHARD_BYTES: u64 = 16 << 20;

impl ChunkLayout {
    pub(crate) fn choose(
        height: u64,
        width: u64,
        dtype: DataType,
        block: (usize, usize),
        tile_size: Option<TileSize>,
    ) -> Self {
        let itemsize = dtype.itemsize() as u64;
        let striped = block.0 as u64 >= 2 * CHUNK && block.1 < block.0;
        let wanted = match tile_size {
            Some(size) => [u64::from(size.height.get()), u64::from(size.width.get())],
            None if striped => {
                let rows = (BAND_BYTES / (width * itemsize).max(1)).clamp(64, CHUNK);
                let rows = 1 << rows.ilog2();
                [rows, rows.max(256)]
            }
            None => [CHUNK; 2],
        };
        let chunk = [wanted[0].min(height).max(1), wanted[1].min(width).max(1)];
        let chunks = [
            height.div_ceil(chunk[0]).max(1),
            width.div_ceil(chunk[1]).max(1),
        ];
        let fitting = (SHARD_BYTES / (chunk[0] * chunk[1] * itemsize)).max(1);
        if striped {
            let columns = fitting.min(chunks[1]);
            let shard = [chunk[0], chunk[1] * columns];
            let together = BAND_BYTES / (shard[0] * shard[1] * itemsize);
            return Self {
                chunk,
                shard,
                shards_per_unit: together.clamp(1, width.div_ceil(shard[1]).max(1)),
            };
        }
        // As square as it gets: 4 x 4 chunks of 1024 x 1024 bytes.
        let side = fitting.isqrt().max(1);
        let rows = side.min(chunks[0]);
        let columns = (fitting / rows).min(side).min(chunks[1]);
        Self {
            chunk,
            shard: [chunk[0] * rows, chunk[1] * columns],
            shards_per_unit: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(height: u64, width: u64, dtype: DataType, block: (usize, usize)) -> ChunkLayout {
        ChunkLayout::choose(height, width, dtype, block, None)
    }

    #[test]
    fn usual_sizes() {
        let europe = choose(46_000, 65_000, DataType::UInt8, (256, 256));
        assert_eq!(
            (europe.chunk, europe.shard, europe.shards_per_unit),
            ([1024; 2], [4096; 2], 1)
        );
        let doubles = choose(46_000, 65_000, DataType::Float64, (256, 256));
        assert_eq!(doubles.shard, [1024, 1024]);
        let small = choose(300, 500, DataType::UInt8, (500, 16));
        assert_eq!((small.chunk, small.shard), ([300, 500], [300, 500]));
    }

    #[test]
    fn striped_sources_make_flat_shards() {
        let striped = choose(46_000, 65_000, DataType::UInt8, (65_000, 1));
        assert_eq!(striped.chunk, [512; 2]);
        assert_eq!(striped.shard, [512, 64 * 512]);
        assert_eq!(striped.shards_per_unit, 2);
        let wider = choose(60_000, 120_000, DataType::Float32, (120_000, 1));
        assert_eq!(wider.chunk, [64, 256]);
        assert!(wider.shards_per_unit * wider.shard[0] * wider.shard[1] * 4 <= BAND_BYTES);
    }

    #[test]
    fn shards_are_whole_chunks_and_bounded() {
        for (height, width) in [
            (1, 1),
            (1, 100_000),
            (100_000, 1),
            (5000, 50_000),
            (1025, 2049),
        ] {
            for dtype in DataType::ALL {
                for block in [(256, 256), (width as usize, 1)] {
                    for tile_size in [
                        None,
                        TileSize::new(100, 300).ok(),
                        TileSize::new(8192, 8192).ok(),
                    ] {
                        let layout = ChunkLayout::choose(height, width, dtype, block, tile_size);
                        assert_eq!(layout.shard[0] % layout.chunk[0], 0);
                        assert_eq!(layout.shard[1] % layout.chunk[1], 0);
                        let bytes = layout.shard[0] * layout.shard[1] * dtype.itemsize() as u64;
                        assert!(bytes <= SHARD_BYTES || layout.shard == layout.chunk);
                    }
                }
            }
        }
    }
}
