//! Tiles put together by their georeferencing, read lazily.
//!
//! Tiles of one CRS, pixel size, pixel edges and set of variables make a grid that is the union of theirs; each set of tiles that has these
//! in common makes a group. A window reads only the tiles under it. Where tiles overlap, the first one in the list wins where it has a valid
//! pixel; where there is none, the fill value stands. Times are the union of those of all tiles.

mod build;
mod structure;
mod tile;

use std::ops::Range;
use std::sync::Arc;

use super::source::{Request, Source};
use super::span::Span;
use super::{ArrayStructure, Dataset};
use crate::dtype::{Element, each_pixels};
use crate::range::on_threads;
use crate::reference::StoredArray;
use crate::{CubeError, Grid, Pixels};

/// Tiles that one window reads at the same time.
const READ_AT_ONCE: usize = 4;

impl Dataset {
    /// Tiles as one dataset. The tiles are open already; nothing more is read of them, and of a tile only its root group is taken.
    ///
    /// A variable that has no fill value, or one that its type can't hold, gets one for the gaps: NaN, or the greatest value of its type, in
    /// which the service's products write "outside of the area". What does not lie on a tile's grid, such as bounds of coordinates, is left
    /// out.
    ///
    /// # Errors
    /// [`CubeError::Differing`] if a tile says nowhere where it lies, has more dimensions than time, rows and columns, or times without
    /// saying which, if the grid around all would be absurdly large, or if there are no tiles; what the tiles say.
    pub async fn mosaic(tiles: Vec<Self>) -> Result<Self, CubeError> {
        build::mosaic(tiles).await
    }
}

/// All groups of a mosaic, overviews among them.
#[derive(Debug)]
struct Mosaic {
    tiles: Vec<Arc<dyn Source>>,
    levels: Vec<Level>,
}

/// One group.
#[derive(Debug)]
struct Level {
    path: String,
    grid: Grid,
    /// Moments of the coordinate `time`, in seconds since 1970; empty if there is none.
    times: Vec<f64>,
    placed: Vec<Placed>,
}

/// Where a tile lies in a group.
#[derive(Debug)]
struct Placed {
    /// Which tile.
    tile: usize,
    /// The group of the tile.
    group: String,
    /// The arrays as the tile has them.
    arrays: Vec<ArrayStructure>,
    rows: Range<u64>,
    cols: Range<u64>,
    /// For each time of the mosaic, which of the tile's it is.
    steps: Vec<Option<u64>>,
    /// Whether another tile lies there, too.
    overlapped: bool,
}

/// A part of a tile that goes into a window.
struct Part<'a> {
    placed: &'a Placed,
    array: &'a ArrayStructure,
    /// In the mosaic, one range for each dimension.
    to: Vec<Range<u64>>,
    /// In the tile.
    from: Vec<Range<u64>>,
}

impl Source for Mosaic {
    fn read(&self, request: Request<'_>) -> Result<Pixels, CubeError> {
        let level = self.levels.iter().find(|level| level.path == request.group);
        let level =
            level.ok_or_else(|| CubeError::internal("finding a mosaic's group", request.group))?;
        match request.ranges {
            [along] => Ok(Pixels::Float64(level.coordinate(request.array, along))),
            [] => Err(CubeError::internal("reading a mosaic", "no dimension")),
            _ => self.pixels(level, &request),
        }
    }

    fn files(&self) -> Vec<&str> {
        self.tiles.iter().flat_map(|tile| tile.files()).collect()
    }

    fn stored(&self, _: usize, _: &str, array: &ArrayStructure) -> Result<StoredArray, CubeError> {
        Err(CubeError::NoReference {
            file: self.files().first().map_or("", |name| name).to_owned(),
            array: array.name.clone(),
            reason: "tiles that don't begin where chunks of the whole do can't be referred to; choose one tile with a bbox".to_owned(),
        })
    }
}

impl Mosaic {
    fn pixels(&self, level: &Level, request: &Request<'_>) -> Result<Pixels, CubeError> {
        let window = Span::of(request.ranges);
        let itemsize = request.array.dtype.itemsize();
        let fill = structure::fill_of(request.array);
        let mut bytes = fill.repeat(window.len());
        let parts: Vec<Part<'_>> = level
            .placed
            .iter()
            .flat_map(|placed| placed.parts(request))
            .collect();
        let read = on_threads(READ_AT_ONCE, parts.len(), |number| {
            let part = &parts[number];
            self.tiles[part.placed.tile].read(Request {
                group: &part.placed.group,
                array: part.array,
                ranges: &part.from,
            })
        })?;
        // The first tile is pasted last, and so wins.
        for (part, pixels) in parts.iter().zip(&read).rev() {
            let own = each_pixels!(pixels, values => Element::bytes(values));
            if !part.placed.overlapped {
                window.paste(&part.to, own, &mut bytes, itemsize);
                continue;
            }
            let empty = structure::fill_of(part.array);
            let below = window.copied(&part.to, &bytes, itemsize);
            let mut merged = own.to_vec();
            for ((pixel, below), is_nan) in merged
                .chunks_exact_mut(itemsize)
                .zip(below.chunks_exact(itemsize))
                .zip(are_nan(pixels))
            {
                if is_nan || *pixel == *empty {
                    pixel.copy_from_slice(below);
                }
            }
            window.paste(&part.to, &merged, &mut bytes, itemsize);
        }
        Ok(Pixels::from_bytes(request.array.dtype, &bytes))
    }
}

impl Level {
    /// A coordinate along one dimension: that of rows or columns lies at the pixels' centres.
    fn coordinate(&self, array: &ArrayStructure, along: &Range<u64>) -> Vec<f64> {
        let [west, dx, _, north, _, dy] = self.grid.geotransform;
        let centres = |edge: f64, step: f64| {
            along
                .clone()
                .map(|index| edge + (index as f64 + 0.5) * step)
                .collect()
        };
        if array.name == super::selection::TIME {
            self.times[along.start as usize..along.end as usize].to_vec()
        } else if array.attributes.get("axis").is_some_and(|axis| axis == "Y") {
            centres(north, dy)
        } else {
            centres(west, dx)
        }
    }
}

impl Placed {
    /// What of this tile lies under a request: one part for each run of times that follow one another in both.
    fn parts<'a>(&'a self, request: &Request<'_>) -> Vec<Part<'a>> {
        let array = self
            .arrays
            .iter()
            .find(|array| array.name == request.array.name);
        let [leading @ .., rows, cols] = request.ranges else {
            return Vec::new();
        };
        let (Some(array), Some(rows), Some(cols)) =
            (array, meet(rows, &self.rows), meet(cols, &self.cols))
        else {
            return Vec::new();
        };
        let within =
            |range: &Range<u64>, of: &Range<u64>| range.start - of.start..range.end - of.start;
        let from = [within(&rows, &self.rows), within(&cols, &self.cols)];
        let to = [rows, cols];
        match leading {
            [times] => self
                .runs(times)
                .map(|(there, here)| Part {
                    placed: self,
                    array,
                    to: [&[there][..], &to].concat(),
                    from: [&[here][..], &from].concat(),
                })
                .collect(),
            _ => vec![Part {
                placed: self,
                array,
                to: to.to_vec(),
                from: from.to_vec(),
            }],
        }
    }

    /// Runs of times that follow one another in the mosaic and in the tile.
    fn runs(&self, times: &Range<u64>) -> impl Iterator<Item = (Range<u64>, Range<u64>)> {
        let mut runs: Vec<(Range<u64>, Range<u64>)> = Vec::new();
        for there in times.clone() {
            let Some(here) = self.steps.get(there as usize).copied().flatten() else {
                continue;
            };
            match runs.last_mut() {
                Some((to, from)) if to.end == there && from.end == here => {
                    to.end += 1;
                    from.end += 1;
                }
                _ => runs.push((there..there + 1, here..here + 1)),
            }
        }
        runs.into_iter()
    }
}

/// Which pixels are NaN, of which there are many and one is the fill value.
#[expect(clippy::unnecessary_cast, reason = "f64 is one of the types")]
fn are_nan(pixels: &Pixels) -> Vec<bool> {
    each_pixels!(pixels, values => values.iter().map(|value| (*value as f64).is_nan()).collect())
}

/// What two ranges have in common.
fn meet(a: &Range<u64>, b: &Range<u64>) -> Option<Range<u64>> {
    let common = a.start.max(b.start)..a.end.min(b.end);
    (common.start < common.end).then_some(common)
}
