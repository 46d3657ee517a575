//! Which rasters share a grid, and where in it they lie. Decided by georeferencing alone.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::crs::SourceCrs;
use crate::gdal_source::{RasterHeader, RasterSource};
use crate::package::stem;
use crate::plan::Note;
use crate::plan::fill::normalise_nodata;
use crate::{CubeError, Grid};

/// How far, in pixels, a raster may lie off the common grid: rounding in a header, not another grid.
const TOLERANCE: f64 = 1e-3;

/// A grid may be this many times larger than the rasters in it, this many pixels long on a side, and this large. Ten
/// metres of all Europe are 3e11 pixels.
const MAX_EMPTINESS: f64 = 1e5;
const MAX_SIDE: f64 = 5e7;
const MAX_PIXELS: f64 = 4e12;
/// Coordinates beyond this are no place on Earth in any unit.
const MAX_COORDINATE: f64 = 1e12;
/// Grids of one package. More are no product, and each is a group with arrays of its own.
const MAX_GROUPS: usize = 256;

/// A raster and its place in the grid of its group.
#[derive(Debug)]
pub(crate) struct PlacedRaster {
    pub(crate) header: RasterHeader,
    pub(crate) row: u64,
    pub(crate) col: u64,
    south_up: bool,
}

impl PlacedRaster {
    pub(crate) fn stem(&self) -> &str {
        stem(&self.header.source.name)
    }
}

/// Rasters on one grid, in the order of their names.
#[derive(Debug)]
pub(crate) struct PlacedGroup {
    pub(crate) grid: Grid,
    pub(crate) rasters: Vec<PlacedRaster>,
}

/// One raster of a variable.
#[derive(Debug, Clone)]
pub(crate) struct Tile {
    pub(crate) source: RasterSource,
    pub(crate) row: u64,
    pub(crate) col: u64,
    pub(crate) height: u64,
    pub(crate) width: u64,
    /// Its rows are stored from south to north.
    pub(crate) south_up: bool,
    /// The raster's own nodata, if the data type can hold it.
    pub(crate) nodata: Option<f64>,
    /// Whether another tile of the variable covers a part of it.
    pub(crate) overlaps: bool,
}

/// Georeferencing that every raster has by now.
struct Georeferenced {
    header: RasterHeader,
    crs: SourceCrs,
    /// Of the north-up grid that its pixels are on.
    geotransform: [f64; 6],
    /// Its rows run from south to north.
    south_up: bool,
}

impl Georeferenced {
    fn check(header: RasterHeader) -> Result<Self, CubeError> {
        let file = || header.source.name.clone();
        let crs = header.crs.clone();
        let crs = crs.ok_or_else(|| CubeError::NotGeoreferenced {
            file: file(),
            missing: "coordinate reference system",
        })?;
        let stated = header.geotransform;
        let stated = stated.ok_or_else(|| CubeError::NotGeoreferenced {
            file: file(),
            missing: "geotransform",
        })?;
        let [west, dx, row_rotation, mut north, column_rotation, mut dy] = stated;
        let (width, height) = (header.width as f64, header.height as f64);
        // What a rotation moves the farthest corner by, in pixels.
        let skew = (row_rotation * height / dx)
            .abs()
            .max((column_rotation * width / dy).abs());
        // Not `skew > TOLERANCE`: pixels of no size make it NaN.
        if !(dx > 0.0 && dy != 0.0 && skew <= TOLERANCE) {
            return Err(CubeError::NotNorthUp {
                file: file(),
                geotransform: stated,
            });
        }
        let south_up = dy > 0.0;
        if south_up {
            north += dy * height;
            dy = -dy;
        }
        let edges = [west, north, west + dx * width, north + dy * height];
        // Steps of no effect at these coordinates: all pixels would be at one place.
        let vanishing = west + dx == west || north + dy == north;
        if vanishing || edges.iter().any(|edge| edge.abs() > MAX_COORDINATE) {
            return Err(CubeError::AbsurdGeotransform {
                file: file(),
                geotransform: stated,
            });
        }
        Ok(Self {
            header,
            crs,
            geotransform: [west, dx, 0.0, north, 0.0, dy],
            south_up,
        })
    }

    /// Whether both may be parts of one grid, as far as their pixels go.
    fn shares_kind(&self, other: &Self) -> bool {
        let same_size = |index: usize, pixels: u64| {
            let (a, b) = (self.geotransform[index], other.geotransform[index]);
            ((a - b) / a).abs() * pixels as f64 <= TOLERANCE
        };
        let bands = self.header.bands.iter().zip(&other.header.bands);
        self.header.dtype == other.header.dtype
            && self.header.bands.len() == other.header.bands.len()
            && bands
                .into_iter()
                .all(|(a, b)| (a.scale, a.offset) == (b.scale, b.offset))
            && same_size(1, self.header.width.max(other.header.width))
            && same_size(5, self.header.height.max(other.header.height))
            && self.crs.same(&other.crs)
    }

    /// Columns and rows from the upper left corner of another raster to that of this one, whole or not.
    fn steps(&self, from: &Self) -> [f64; 2] {
        let [west, dx, _, north, _, dy] = from.geotransform;
        [
            (self.geotransform[0] - west) / dx,
            (self.geotransform[3] - north) / dy,
        ]
    }

    /// How far, in pixels, its grid lies off that of another one.
    fn offset(&self, other: &Self) -> f64 {
        let [cols, rows] = self.steps(other);
        (cols - cols.round()).abs().max((rows - rows.round()).abs())
    }

    fn pixels(&self) -> u64 {
        self.header.width.saturating_mul(self.header.height)
    }
}

/// Sorts rasters into groups and gives each group its grid. The group with the most pixels comes first.
pub(crate) fn place(
    headers: Vec<RasterHeader>,
    notes: &mut Vec<Note>,
) -> Result<Vec<PlacedGroup>, CubeError> {
    let mut groups: Vec<Vec<Georeferenced>> = Vec::new();
    for header in headers {
        let raster = Georeferenced::check(header)?;
        let file = &raster.header.source.name;
        if raster.south_up {
            notes.push(Note::on(
                file,
                "its rows run from south to north: they are turned over",
            ));
        }
        let mut of_kind = groups
            .iter_mut()
            .filter(|group| group[0].shares_kind(&raster));
        let fitting = of_kind.find(|group| raster.offset(&group[0]) <= TOLERANCE);
        if let Some(group) = fitting {
            group.push(raster);
            continue;
        }
        let other = groups.iter().find(|group| group[0].shares_kind(&raster));
        if let Some(other) = other {
            let (offset, reference) = (raster.offset(&other[0]), &other[0].header.source.name);
            let message = format!(
                "lies off the grid of {reference} by {offset:.4} pixels: it is in another group"
            );
            notes.push(Note::on(file, message));
        }
        if groups.len() >= MAX_GROUPS {
            return Err(CubeError::TooManyGrids {
                file: file.clone(),
                most: MAX_GROUPS,
            });
        }
        groups.push(vec![raster]);
    }
    // Stable: among equals, the one with the first file.
    groups.sort_by_key(|group| Reverse(group.iter().map(Georeferenced::pixels).sum::<u64>()));
    groups.into_iter().map(place_group).collect()
}

fn place_group(rasters: Vec<Georeferenced>) -> Result<PlacedGroup, CubeError> {
    let [west, dx, _, north, _, dy] = rasters[0].geotransform;
    // Rows and columns from the first raster, which all others are in step with.
    let offsets: Vec<(f64, f64)> = rasters
        .iter()
        .map(|raster| {
            let [col, row] = raster.steps(&rasters[0]);
            (row.round(), col.round())
        })
        .collect();
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
    let first_row = least(&mut offsets.iter().map(|offset| offset.0));
    let first_col = least(&mut offsets.iter().map(|offset| offset.1));
    let sized = || rasters.iter().zip(&offsets);
    let height = sized()
        .map(|(r, offset)| offset.0 - first_row + r.header.height as f64)
        .fold(0.0, f64::max);
    let width = sized()
        .map(|(r, offset)| offset.1 - first_col + r.header.width as f64)
        .fold(0.0, f64::max);
    let pixels: u64 = rasters.iter().map(Georeferenced::pixels).sum();
    let most = MAX_PIXELS.min(MAX_EMPTINESS * pixels as f64);
    if width > MAX_SIDE || height > MAX_SIDE || width * height > most {
        return Err(CubeError::AbsurdGrid {
            width,
            height,
            pixels,
        });
    }
    // A definition with a code serves its readers best.
    let crs = rasters
        .iter()
        .map(|raster| &raster.crs)
        .find(|crs| crs.has_code())
        .unwrap_or(&rasters[0].crs);
    let crs = crs
        .clone()
        .identified()
        .to_crs()
        .map_err(|error| CubeError::internal("writing the CRS as WKT", error))?;
    let geotransform = [
        west + first_col * dx,
        dx,
        0.0,
        north + first_row * dy,
        0.0,
        dy,
    ];
    let grid = Grid {
        crs,
        geotransform,
        width: width as u64,
        height: height as u64,
    };
    let rasters = rasters
        .into_iter()
        .zip(offsets)
        .map(|(raster, (row, col))| PlacedRaster {
            header: raster.header,
            row: (row - first_row) as u64,
            col: (col - first_col) as u64,
            south_up: raster.south_up,
        })
        .collect();
    Ok(PlacedGroup { grid, rasters })
}

/// The tiles of one variable, with a note on each overlap and each odd nodata value.
pub(crate) fn tiles(rasters: &[&PlacedRaster], band: usize, notes: &mut Vec<Note>) -> Vec<Tile> {
    let mut tiles: Vec<Tile> = rasters
        .iter()
        .map(|raster| {
            let RasterHeader {
                source,
                width,
                height,
                dtype,
                bands,
                ..
            } = &raster.header;
            let stated = bands[band - 1].nodata;
            let nodata = stated.and_then(|value| normalise_nodata(value, *dtype));
            if let Some(stated) = stated
                && !nodata.is_some_and(|nodata| nodata == stated || nodata.is_nan())
            {
                let action =
                    nodata.map_or("ignored".to_owned(), |value| format!("read as {value}"));
                notes.push(Note::on(
                    &source.name,
                    format!("nodata {stated} does not fit {dtype}: {action}"),
                ));
            }
            Tile {
                source: source.clone(),
                row: raster.row,
                col: raster.col,
                height: *height,
                width: *width,
                south_up: raster.south_up,
                nodata,
                overlaps: false,
            }
        })
        .collect();
    mark_overlaps(&mut tiles);
    tiles
}

/// Finds the tiles that share pixels with others.
///
/// Sweeps over the rows. The tiles under the sweep are kept by their last column, so that only near ones are compared; and each is
/// marked once, so that many tiles on one heap cost no more than many side by side.
fn mark_overlaps(tiles: &mut [Tile]) {
    let mut by_row: Vec<usize> = (0..tiles.len()).collect();
    by_row.sort_by_key(|index| tiles[*index].row);
    // Tiles under the sweep by the column behind their last one: those without an overlap so far, and the others.
    let (mut alone, mut marked) = (BTreeSet::new(), BTreeSet::new());
    // When each of them ends.
    let mut ends: BinaryHeap<Reverse<(u64, u64, usize)>> = BinaryHeap::new();
    let mut widest = 0;
    for index in by_row {
        let (row, col) = (tiles[index].row, tiles[index].col);
        let (bottom, right) = (row + tiles[index].height, col + tiles[index].width);
        while let Some(Reverse((end, end_col, other))) = ends.peek().copied() {
            if end > row {
                break;
            }
            alone.remove(&(end_col, other));
            marked.remove(&(end_col, other));
            ends.pop();
        }
        widest = widest.max(tiles[index].width);
        // One that ends beyond `right + widest` begins beyond `right`.
        let near = (col + 1, 0)..(right.saturating_add(widest), 0);
        let touches = |(_, other): &&(u64, usize)| tiles[*other].col < right;
        let newly: Vec<(u64, usize)> = alone.range(near.clone()).filter(touches).copied().collect();
        let overlaps = !newly.is_empty() || marked.range(near).any(|place| touches(&place));
        for place in newly {
            alone.remove(&place);
            marked.insert(place);
            tiles[place.1].overlaps = true;
        }
        tiles[index].overlaps = overlaps;
        let under = if overlaps { &mut marked } else { &mut alone };
        under.insert((right, index));
        ends.push(Reverse((bottom, right, index)));
    }
}

/// Whether a part of the grid is covered by no tile.
pub(crate) fn has_gaps(tiles: &[Tile], height: u64, width: u64) -> bool {
    /// Beyond this many overlapping tiles the exact answer costs too much, and "yes" is the safe one.
    const EXACT: usize = 512;
    let area: u128 = tiles
        .iter()
        .map(|tile| u128::from(tile.height) * u128::from(tile.width))
        .sum();
    let whole = u128::from(height) * u128::from(width);
    if area < whole {
        return true;
    }
    if tiles.iter().all(|tile| !tile.overlaps) {
        return false;
    }
    if tiles.len() > EXACT {
        return true;
    }
    // Cut the grid along all edges of tiles; then each cell is covered as a whole or not at all.
    let mut rows: Vec<u64> = tiles
        .iter()
        .flat_map(|tile| [tile.row, tile.row + tile.height])
        .chain([0, height])
        .collect();
    rows.sort_unstable();
    rows.dedup();
    rows.windows(2).any(|band| {
        let mut spans: Vec<(u64, u64)> = tiles
            .iter()
            .filter(|tile| tile.row <= band[0] && band[0] < tile.row + tile.height)
            .map(|tile| (tile.col, tile.col + tile.width))
            .collect();
        spans.sort_unstable();
        let covered = spans.iter().try_fold(0, |end, (start, stop)| {
            (*start <= end).then_some(end.max(*stop))
        });
        covered.is_none_or(|end| end < width)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntrySource, PackageEntry};

    fn tile(row: u64, col: u64, height: u64, width: u64) -> Tile {
        let entry = PackageEntry {
            name: "t.tif".to_owned(),
            source: EntrySource::File("t.tif".into()),
        };
        Tile {
            source: RasterSource::new(&entry),
            row,
            col,
            height,
            width,
            south_up: false,
            nodata: None,
            overlaps: false,
        }
    }

    fn marked(mut tiles: Vec<Tile>) -> Vec<Tile> {
        mark_overlaps(&mut tiles);
        tiles
    }

    #[test]
    fn overlapping_tiles() {
        let tiles = marked(vec![
            tile(0, 0, 10, 10),
            tile(0, 10, 10, 10),
            tile(5, 5, 10, 10),
            tile(15, 0, 5, 500),
            tile(20, 0, 5, 5),
        ]);
        let overlapping: Vec<bool> = tiles.iter().map(|tile| tile.overlaps).collect();
        assert_eq!(overlapping, [true, true, true, false, false]);
    }

    proptest::proptest! {
        #[test]
        fn overlaps_are_those_of_all_pairs(
            places in proptest::collection::vec((0_u64..40, 0_u64..40, 1_u64..12, 1_u64..12), 1..30)
        ) {
            let tiles: Vec<Tile> = places.iter().map(|(r, c, h, w)| tile(*r, *c, *h, *w)).collect();
            let share = |a: &Tile, b: &Tile| {
                a.row < b.row + b.height && b.row < a.row + a.height
                    && a.col < b.col + b.width && b.col < a.col + a.width
            };
            let expected: Vec<bool> = (0..tiles.len())
                .map(|a| (0..tiles.len()).any(|b| a != b && share(&tiles[a], &tiles[b])))
                .collect();
            let found: Vec<bool> = marked(tiles).iter().map(|tile| tile.overlaps).collect();
            proptest::prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn gaps_with_and_without_overlaps() {
        assert!(!has_gaps(
            &[tile(0, 0, 10, 10), tile(0, 10, 10, 10)],
            10,
            20
        ));
        assert!(has_gaps(
            &[tile(0, 0, 10, 10), tile(10, 10, 10, 10)],
            20,
            20
        ));
        let cover = marked(vec![tile(0, 0, 10, 12), tile(0, 8, 10, 12)]);
        assert!(!has_gaps(&cover, 10, 20));
        let hole = marked(vec![
            tile(0, 0, 20, 10),
            tile(0, 0, 20, 10),
            tile(0, 10, 10, 10),
        ]);
        assert!(has_gaps(&hole, 20, 20));
    }
}
