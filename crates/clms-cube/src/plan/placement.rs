//! Which rasters share a grid, and where in it they lie. Decided by georeferencing alone.

use std::cmp::Reverse;

use crate::crs::SourceCrs;
use crate::package::stem;
use crate::plan::Note;
use crate::raster_header::RasterHeader;
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
    pub(super) south_up: bool,
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
