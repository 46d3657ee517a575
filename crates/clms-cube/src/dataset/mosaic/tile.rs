//! A tile of a mosaic, and whether two of them fit.

use super::super::merge::differing;
use super::super::selection::TIME;
use super::super::{ArrayStructure, Dataset, Decoding, GroupStructure};
use crate::{CubeError, Grid};

/// Grids fit that are off one another by less than this part of a pixel.
const TOLERANCE: f64 = 1e-3;

/// A tile with what is needed to place it.
pub(super) struct Tile {
    /// The root group, with the variables that lie on its grid, and the overviews that have all of them.
    pub(super) group: GroupStructure,
    pub(super) grid: Grid,
    /// Seconds since 1970.
    pub(super) times: Vec<f64>,
}

impl Tile {
    pub(super) async fn of(tile: &Dataset) -> Result<Self, CubeError> {
        let mut group = tile.group("")?.clone();
        let Some(grid) = group.grid.clone() else {
            return Err(differing("a tile", "it says nowhere where it lies"));
        };
        group.variables.retain(|variable| lies_on(&grid, variable));
        let times = match group.coordinate(TIME) {
            Ok(_) => tile
                .times("")
                .await?
                .iter()
                .map(|time| time.as_nanosecond() as f64 / 1e9)
                .collect(),
            Err(_) => Vec::new(),
        };
        for variable in &group.variables {
            check_times(variable, &times)?;
        }
        keep_alike_overviews(&mut group, &grid);
        Ok(Self { group, grid, times })
    }

    /// Whether both can be tiles of one group.
    pub(super) fn fits(&self, other: &Self) -> bool {
        offset(&self.grid, &other.grid).is_some()
            && alike(&self.group.variables, &other.group.variables)
            && (self.grid.crs == other.grid.crs || self.grid.crs.is_same(&other.grid.crs))
    }
}

/// Whether a variable has a pixel for each of the grid: bounds of coordinates and the like have none.
fn lies_on(grid: &Grid, variable: &ArrayStructure) -> bool {
    variable.dims.len() == variable.shape.len()
        && matches!(variable.shape[..], [.., height, width] if [height, width] == [grid.height, grid.width])
}

/// That a variable has no dimensions but rows and columns and the tile's times.
fn check_times(variable: &ArrayStructure, times: &[f64]) -> Result<(), CubeError> {
    match (&variable.dims[..], &variable.shape[..]) {
        ([_, _], _) => Ok(()),
        ([time, _, _], [steps, ..]) if time == TIME && *steps == times.len() as u64 => Ok(()),
        ([time, _, _], [steps, ..]) if time == TIME => {
            let reason = format!("it has {steps} times, and its tile tells {}", times.len());
            Err(differing(&variable.name, &reason))
        }
        (dims, _) => {
            let reason = format!("its dimensions are {}", dims.join(", "));
            Err(differing(&variable.name, &reason))
        }
    }
}

/// Leaves the finest overviews up to the first that is no smaller picture of the same variables.
fn keep_alike_overviews(group: &mut GroupStructure, whole: &Grid) {
    let (variables, levels) = (&group.variables, &mut group.overviews);
    let leading = |variable: &ArrayStructure| variable.shape[..variable.shape.len() - 2].to_vec();
    let is_alike = |level: &mut GroupStructure| {
        let Some(grid) = &level.grid else {
            return false;
        };
        level.variables.retain(|variable| lies_on(grid, variable));
        covers(grid, whole)
            && alike(variables, &level.variables)
            && level.variables.iter().all(|coarse| {
                let fine = variables.iter().find(|fine| fine.name == coarse.name);
                fine.is_some_and(|fine| leading(fine) == leading(coarse))
            })
    };
    let first_other = levels.iter_mut().position(|level| !is_alike(level));
    levels.truncate(first_other.unwrap_or(levels.len()));
}

/// Whether a coarse grid is of the same ground as a fine one, but for a part of a pixel that did not divide.
fn covers(coarse: &Grid, fine: &Grid) -> bool {
    let [dx, dy] = coarse.pixel_size();
    let edges = coarse.bbox().into_iter().zip(fine.bbox());
    edges
        .zip([dx, dy, dx, dy])
        .all(|((coarse, fine), pixel)| (coarse - fine).abs() < pixel)
}

/// Whether both are the same variables, which mean the same by their values.
fn alike(one: &[ArrayStructure], other: &[ArrayStructure]) -> bool {
    one.len() == other.len()
        && one.iter().all(|own| {
            other.iter().any(|twin| {
                (&twin.name, twin.dtype, &twin.dims) == (&own.name, own.dtype, &own.dims)
                    && Decoding::of(twin) == Decoding::of(own)
            })
        })
}

/// How many rows and columns a grid lies beyond another one of the same pixels; `None` if its pixels are others. CRS are not compared.
pub(super) fn offset(from: &Grid, to: &Grid) -> Option<[f64; 2]> {
    let [west, dx, _, north, _, dy] = from.geotransform;
    let [other_west, other_dx, _, other_north, _, other_dy] = to.geotransform;
    let size = from.width.max(from.height).max(to.width).max(to.height) as f64;
    let same = |a: f64, b: f64| ((a - b) / a).abs() * size <= TOLERANCE;
    let off = [(other_north - north) / dy, (other_west - west) / dx];
    let is_whole = |number: f64| (number - number.round()).abs() <= TOLERANCE;
    (same(dx, other_dx) && same(dy, other_dy) && off.into_iter().all(is_whole))
        .then(|| off.map(f64::round))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(west: f64, north: f64, size: u64) -> Grid {
        Grid {
            crs: crate::Crs {
                code: None,
                name: None,
                wkt: String::new(),
            },
            geotransform: [west, 10.0, 0.0, north, 0.0, -10.0],
            width: size,
            height: size,
        }
    }

    #[test]
    fn grids_fit_whose_pixels_meet() {
        let base = grid(4_000_000.0, 3_000_000.0, 10_000);
        assert_eq!(
            offset(&base, &grid(4_100_000.0, 2_900_000.0, 10_000)),
            Some([10_000.0, 10_000.0])
        );
        assert_eq!(
            offset(&base, &grid(3_999_990.0, 3_000_010.0, 5)),
            Some([-1.0, -1.0])
        );
        assert_eq!(offset(&base, &grid(4_000_005.0, 3_000_000.0, 10_000)), None);
        let other_pixels = Grid {
            geotransform: [4_000_000.0, 10.1, 0.0, 3_000_000.0, 0.0, -10.1],
            ..base.clone()
        };
        assert_eq!(offset(&base, &other_pixels), None);
        let from_south = Grid {
            geotransform: [4_000_000.0, 10.0, 0.0, 3_000_000.0, 0.0, 10.0],
            ..base.clone()
        };
        assert_eq!(offset(&base, &from_south), None);
    }
}
