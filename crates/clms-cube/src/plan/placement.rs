//! Which rasters share a grid, and where in it they lie. Decided by georeferencing alone.

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

/// A raster and its place in the grid of its group.
#[derive(Debug)]
pub(crate) struct PlacedRaster {
    pub(crate) header: RasterHeader,
    pub(crate) row: u64,
    pub(crate) col: u64,
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
    /// The raster's own nodata, if the data type can hold it.
    pub(crate) nodata: Option<f64>,
    /// Whether another tile of the variable covers a part of it.
    pub(crate) overlaps: bool,
}

/// Georeferencing that every raster has by now.
struct Georeferenced {
    header: RasterHeader,
    crs: SourceCrs,
    geotransform: [f64; 6],
}

impl Georeferenced {
    fn check(header: RasterHeader) -> Result<Self, CubeError> {
        let file = || header.source.name.clone();
        let crs = header.crs.clone();
        let crs = crs.ok_or_else(|| CubeError::NotGeoreferenced {
            file: file(),
            missing: "coordinate reference system",
        })?;
        let geotransform = header.geotransform;
        let geotransform = geotransform.ok_or_else(|| CubeError::NotGeoreferenced {
            file: file(),
            missing: "geotransform",
        })?;
        let [_, dx, row_rotation, _, column_rotation, dy] = geotransform;
        if !(dx > 0.0 && dy < 0.0 && row_rotation == 0.0 && column_rotation == 0.0) {
            return Err(CubeError::NotNorthUp {
                file: file(),
                geotransform,
            });
        }
        Ok(Self {
            header,
            crs,
            geotransform,
        })
    }

    /// Whether both may be parts of one grid, as far as their pixels go.
    fn shares_kind(&self, other: &Self) -> bool {
        let same_size = |index: usize, pixels: u64| {
            let (a, b) = (self.geotransform[index], other.geotransform[index]);
            ((a - b) / a).abs() * pixels as f64 <= TOLERANCE
        };
        self.header.dtype == other.header.dtype
            && self.header.bands.len() == other.header.bands.len()
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

    /// Whether they overlap or lie less than two pixels apart.
    fn touches(&self, other: &Self) -> bool {
        const GAP: f64 = 2.0;
        let [cols, rows] = self.steps(other);
        cols < other.header.width as f64 + GAP
            && cols + self.header.width as f64 > -GAP
            && rows < other.header.height as f64 + GAP
            && rows + self.header.height as f64 > -GAP
    }

    fn pixels(&self) -> u64 {
        self.header.width.saturating_mul(self.header.height)
    }
}

/// Sorts rasters into groups and gives each group its grid. The group with the most pixels comes first.
///
/// Islands of one CRS that lie apart may have grids of their own, and get groups of their own then. Neighbours may not:
/// between them, another grid is an error.
pub(crate) fn place(headers: Vec<RasterHeader>) -> Result<Vec<PlacedGroup>, CubeError> {
    let mut groups: Vec<Vec<Georeferenced>> = Vec::new();
    for header in headers {
        let raster = Georeferenced::check(header)?;
        let fitting = |group: &&mut Vec<Georeferenced>| {
            group[0].shares_kind(&raster)
                && (raster.offset(&group[0]) <= TOLERANCE
                    || group.iter().any(|member| raster.touches(member)))
        };
        match groups.iter_mut().find(fitting) {
            Some(group) => group.push(raster),
            None => groups.push(vec![raster]),
        }
    }
    // Stable: among equals, the one with the first file.
    groups.sort_by_key(|group| {
        std::cmp::Reverse(group.iter().map(Georeferenced::pixels).sum::<u64>())
    });
    groups.into_iter().map(place_group).collect()
}

fn place_group(rasters: Vec<Georeferenced>) -> Result<PlacedGroup, CubeError> {
    let [west, dx, _, north, _, dy] = rasters[0].geotransform;
    let reference = rasters[0].header.source.name.clone();
    let mut offsets = Vec::with_capacity(rasters.len());
    for raster in &rasters {
        let [col, row] = raster.steps(&rasters[0]);
        let offset = raster.offset(&rasters[0]);
        // Not `offset > TOLERANCE`: NaN is off the grid too.
        if offset <= TOLERANCE {
            offsets.push((row.round(), col.round()));
        } else {
            return Err(CubeError::OffGrid {
                file: raster.header.source.name.clone(),
                reference,
                offset,
            });
        }
    }
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
                nodata,
                overlaps: false,
            }
        })
        .collect();
    for (first, second) in overlaps(&tiles) {
        tiles[first].overlaps = true;
        tiles[second].overlaps = true;
        let message = format!(
            "overlaps {}, whose valid pixels are kept",
            tiles[first].source.name
        );
        notes.push(Note::on(&tiles[second].source.name, message));
    }
    tiles
}

/// All pairs of tiles that share pixels, each with the lower index first.
fn overlaps(tiles: &[Tile]) -> Vec<(usize, usize)> {
    let mut by_row: Vec<usize> = (0..tiles.len()).collect();
    by_row.sort_by_key(|index| tiles[*index].row);
    let mut open: Vec<usize> = Vec::new();
    let mut pairs = Vec::new();
    for index in by_row {
        let tile = &tiles[index];
        open.retain(|other| tiles[*other].row + tiles[*other].height > tile.row);
        for other in &open {
            let neighbour = &tiles[*other];
            if neighbour.col < tile.col + tile.width && tile.col < neighbour.col + neighbour.width {
                pairs.push((index.min(*other), index.max(*other)));
            }
        }
        open.push(index);
    }
    pairs.sort_unstable();
    pairs
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
            nodata: None,
            overlaps: false,
        }
    }

    fn marked(mut tiles: Vec<Tile>) -> Vec<Tile> {
        for (a, b) in overlaps(&tiles) {
            tiles[a].overlaps = true;
            tiles[b].overlaps = true;
        }
        tiles
    }

    #[test]
    fn overlapping_pairs() {
        let tiles = [
            tile(0, 0, 10, 10),
            tile(0, 10, 10, 10),
            tile(5, 5, 10, 10),
            tile(10, 0, 5, 5),
        ];
        assert_eq!(overlaps(&tiles), [(0, 2), (1, 2)]);
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
