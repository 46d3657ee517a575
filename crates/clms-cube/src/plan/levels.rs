//! Overviews of a group: the same ground with half as many rows and columns, level after level.

use super::{ChunkLayout, GroupPlan, Note, VariablePlan};
use crate::products::Values;
use crate::{Grid, Levels};

/// Levels whose shards one worker makes together with those of the full resolution.
pub(crate) const FINE: u32 = 2;

/// The finest level that is made where nobody asks for certain ones, a quarter of the resolution: half of it would take three times as
/// long and four times the room of all the others together, and spares those who draw a map little.
const FIRST: u32 = 2;
/// Groups with up to so many pixels have no overviews unless they are asked for: any map of them is drawn at once.
const SMALL: u64 = 4096 * 4096;
/// Overviews end when both sides are at most this long.
const LAST_SIDE: u64 = 1024;
/// Each level halves the sides; longer ones don't exist.
const MOST: u32 = 24;
/// Bytes of a chunk of the coarse levels, uncompressed.
const COARSE_CHUNK_BYTES: u64 = 1 << 20;

/// One level of a pyramid.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    /// 1 for half the resolution, 2 for a quarter.
    pub(crate) number: u32,
    pub(crate) grid: Grid,
    pub(crate) layout: ChunkLayout,
}

/// How several pixels become one. Pixels without data are left out; where all are, the result is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Resampling {
    /// The most frequent value, the first one of several: classes stay classes.
    Mode,
    /// The mean of the values in a range; codes beyond it only where there is nothing else.
    Mean { min: f64, max: f64 },
}

impl Resampling {
    /// The name that the `multiscales` convention has for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mode => "mode",
            Self::Mean { .. } => "average",
        }
    }
}

impl VariablePlan {
    pub(crate) fn resampling(&self, dtype: crate::DataType) -> Resampling {
        match self.product.map(|product| product.values) {
            Some(Values::Quantity { min, max, .. }) => Resampling::Mean { min, max },
            // Numbers of which nothing is known may be codes.
            _ if dtype.is_float() && self.classes.is_empty() => Resampling::Mean {
                min: f64::NEG_INFINITY,
                max: f64::INFINITY,
            },
            _ => Resampling::Mode,
        }
    }
}

impl Level {
    /// Path below the group.
    pub(crate) fn path(&self) -> String {
        format!("{OVERVIEWS}/r{}", 1_u64 << self.number)
    }
}

/// The group that all levels of a group are in.
pub(crate) const OVERVIEWS: &str = "overviews";

/// The levels of a group; none, with a note, where chunks of the wanted size can't be halved.
pub(super) fn levels(wanted: Levels, group: &GroupPlan, notes: &mut Vec<Note>) -> Vec<Level> {
    let Grid { width, height, .. } = group.grid;
    let (first, last) = match wanted {
        Levels::Exactly(count) => (1, u32::from(count).min(MOST)),
        Levels::Auto if width * height <= SMALL => (1, 0),
        Levels::Auto => {
            let small = |number: &u32| halved(width.max(height), *number) <= LAST_SIDE;
            (FIRST, (FIRST..MOST).find(small).unwrap_or(MOST))
        }
    };
    let divisible = |size: u64, chunk: u64| size <= chunk || chunk.is_multiple_of(2 << FINE);
    let [chunk_height, chunk_width] = group.layout.chunk;
    if first <= last && !(divisible(height, chunk_height) && divisible(width, chunk_width)) {
        notes.push(Note {
            file: None,
            message: format!(
                "no overviews: chunks of {chunk_height} x {chunk_width} pixels can't be halved; choose a multiple of 8"
            ),
        });
        return Vec::new();
    }
    (first..=last)
        .map(|number| Level {
            number,
            grid: coarser(&group.grid, number),
            layout: layout(group, number),
        })
        .collect()
}

/// The pixels of a side that is halved several times, with what is left over as a pixel.
pub(crate) fn halved(size: u64, times: u32) -> u64 {
    size.div_ceil(1 << times)
}

fn coarser(grid: &Grid, number: u32) -> Grid {
    let scale = (1_u64 << number) as f64;
    let mut geotransform = grid.geotransform;
    geotransform[1] *= scale;
    geotransform[5] *= scale;
    Grid {
        crs: grid.crs.clone(),
        geotransform,
        width: halved(grid.width, number),
        height: halved(grid.height, number),
    }
}

fn layout(group: &GroupPlan, number: u32) -> ChunkLayout {
    let of = &group.layout;
    if number > FINE {
        let mut side = 1;
        while 4 * side * side * group.dtype.itemsize() as u64 <= COARSE_CHUNK_BYTES {
            side *= 2;
        }
        return ChunkLayout {
            chunk: [side; 2],
            shard: [side; 2],
            shards_per_unit: 1,
        };
    }
    // Each shard is made of one shard of the full resolution.
    let shard = of.shard.map(|size| halved(size, number));
    let chunk = [0, 1].map(|axis| {
        if shard[axis] % of.chunk[axis] == 0 {
            of.chunk[axis]
        } else if of.shard[axis] == of.chunk[axis] {
            shard[axis]
        } else {
            halved(of.chunk[axis], number)
        }
    });
    ChunkLayout {
        chunk,
        shard,
        shards_per_unit: of.shards_per_unit,
    }
}
