//! The tiles of a variable: which of them overlap, and what they leave uncovered.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::Note;
use super::fill::normalise_nodata;
use super::placement::PlacedRaster;
use crate::gdal_source::RasterSource;
use crate::raster_header::RasterHeader;

/// One raster of a variable.
#[derive(Debug, Clone)]
pub(crate) struct Tile {
    pub(crate) source: RasterSource,
    /// The source's band that its pixels are in, counted from 1 as GDAL does.
    pub(crate) band: usize,
    /// Where it lies along the time of its variable; 0 in one without.
    pub(crate) step: u64,
    pub(crate) row: u64,
    pub(crate) col: u64,
    pub(crate) height: u64,
    pub(crate) width: u64,
    /// Its rows are stored from south to north.
    pub(crate) south_up: bool,
    /// The raster's own nodata, if the data type can hold it.
    pub(crate) nodata: Option<f64>,
    /// Whether another tile of the variable and time covers a part of it.
    pub(crate) overlaps: bool,
}

/// The tiles of one variable: by time, and of one time in the order of names. With a note on each odd nodata value.
pub(crate) fn of_band(
    rasters: &[(&PlacedRaster, u64)],
    band: usize,
    notes: &mut Vec<Note>,
) -> Vec<Tile> {
    let mut tiles: Vec<Tile> = rasters
        .iter()
        .map(|(raster, step)| {
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
                band: raster.header.bands_before + band,
                step: *step,
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
    tiles.sort_by_key(|tile| tile.step);
    for of_time in tiles.chunk_by_mut(|a, b| a.step == b.step) {
        mark_overlaps(of_time);
    }
    tiles
}

/// Whether at one of the times a part of the grid is covered by no tile.
pub(crate) fn have_gaps(tiles: &[Tile], steps: u64, height: u64, width: u64) -> bool {
    let mut count = 0;
    let mut gaps = tiles.chunk_by(|a, b| a.step == b.step).map(|of_time| {
        count += 1;
        has_gaps(of_time, height, width)
    });
    gaps.any(|gaps| gaps) || count < steps
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

/// Whether a part of the grid is covered by none of the tiles of one time.
fn has_gaps(tiles: &[Tile], height: u64, width: u64) -> bool {
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
            band: 1,
            step: 0,
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
