//! What part of a variable is wanted, in a person's words.

use std::ops::{Range, RangeInclusive};

use jiff::Timestamp;

use super::{ArrayStructure, Dataset, GroupStructure, Slab, longitude};
use crate::{Crs, CubeError, Grid};

/// Which part of a variable is wanted. What is not said is taken whole.
///
/// ```
/// use clms_cube::Selection;
///
/// let selection = Selection::new()
///     .bbox_in([14.1, 49.9, 14.7, 50.2], "EPSG:4326")
///     .time("2020-02-01T00:00Z".parse()?..="2020-02-29T00:00Z".parse()?)
///     .resolution(100.0);
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    along: Vec<(String, Along)>,
    bbox: Option<([f64; 4], Option<String>)>,
    resolution: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
enum Along {
    Indices(Range<u64>),
    Coordinates(RangeInclusive<f64>),
    Times(RangeInclusive<Timestamp>),
}

impl Selection {
    /// All of a variable.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Indices along a dimension.
    #[must_use]
    pub fn indices(mut self, dim: &str, range: Range<u64>) -> Self {
        self.along.push((dim.to_owned(), Along::Indices(range)));
        self
    }

    /// Where the coordinate of a dimension, in its own units, lies within a range. For pixels these are their centres.
    #[must_use]
    pub fn coordinates(mut self, dim: &str, range: RangeInclusive<f64>) -> Self {
        self.along.push((dim.to_owned(), Along::Coordinates(range)));
        self
    }

    /// Where the coordinate `time` lies within a range.
    #[must_use]
    pub fn time(mut self, range: RangeInclusive<Timestamp>) -> Self {
        self.along.push((TIME.to_owned(), Along::Times(range)));
        self
    }

    /// The pixels that a rectangle touches: west, south, east, north in the dataset's own CRS, x (easting, longitude) before y. Longitudes may be
    /// those of -180 to 180 or of 0 to 360 degrees, whatever the dataset has; of a rectangle across the antimeridian, which is half the globe at
    /// most, west is greater than east.
    #[must_use]
    pub fn bbox(mut self, bbox: [f64; 4]) -> Self {
        self.bbox = Some((bbox, None));
        self
    }

    /// The same with a rectangle in another CRS, such as `EPSG:4326` (longitude before latitude, whatever the CRS's own order).
    /// Taken is the rectangle in the dataset's CRS around it. Longitudes are as in [`Selection::bbox`].
    #[must_use]
    pub fn bbox_in(mut self, bbox: [f64; 4], crs: &str) -> Self {
        self.bbox = Some((bbox, Some(crs.to_owned())));
        self
    }

    /// The size of a pixel that is fine enough, in units of the dataset's CRS: taken is the coarsest overview whose pixels are not larger,
    /// else full resolution.
    #[must_use]
    pub fn resolution(mut self, pixel_size: f64) -> Self {
        self.resolution = Some(pixel_size);
        self
    }
}

/// The dimension that [`Selection::time`] speaks of.
pub(crate) const TIME: &str = "time";

/// How much larger than wanted pixels may be: resolutions in degrees come rounded.
const ROUNDING: f64 = 1.001;

impl Dataset {
    /// Finds the part of a variable that is wanted. Reads no pixels, and coordinates only where they are asked about and no grid tells them.
    ///
    /// # Errors
    /// [`CubeError::InvalidSelection`] for what the variable has not, and for what selects nothing.
    pub async fn select(
        &self,
        group: &str,
        variable: &str,
        selection: &Selection,
    ) -> Result<Slab, CubeError> {
        let level = self.level(group, variable, selection.resolution)?;
        let group = level.path.as_str();
        let array = self.variable(group, variable)?;
        let mut ranges: Vec<Range<u64>> = array.shape.iter().map(|size| 0..*size).collect();
        for (dim, along) in &selection.along {
            let axis = array.dims.iter().position(|name| name == dim);
            let axis = axis.ok_or_else(|| {
                invalid(
                    variable,
                    format!(
                        "there is no dimension {dim:?}; there is {}",
                        array.dims.join(", ")
                    ),
                )
            })?;
            let size = array.shape[axis];
            let found = match along {
                Along::Indices(range) => range.clone(),
                Along::Coordinates(range) => self.within(level, array, axis, range).await?,
                Along::Times(range) => {
                    let within = self.within_times(group, range).await?;
                    contiguous(within.into_iter()).ok_or_else(|| invalid(variable, order(TIME)))?
                }
            };
            if found.start >= found.end || found.end > size {
                return Err(invalid(
                    variable,
                    format!("{along:?} selects nothing of the {size} along {dim}"),
                ));
            }
            ranges[axis] = found;
        }
        if let Some((bbox, crs)) = &selection.bbox {
            let (grid, axes) = level
                .grid
                .as_ref()
                .zip(level.spatial_axes(array))
                .ok_or_else(|| invalid(variable, "it lies on no grid that is known".to_owned()))?;
            let (rows, cols) = rows_cols(variable, grid, *bbox, crs.as_deref())?;
            for (axis, found) in axes.into_iter().zip([rows, cols]) {
                let range = &mut ranges[axis];
                *range = range.start.max(found.start)..range.end.min(found.end);
                if range.is_empty() {
                    return Err(invalid(variable, "bbox and indices don't meet".to_owned()));
                }
            }
        }
        Ok(slab(level, array, ranges))
    }

    /// The coarsest level whose pixels are not larger than wanted.
    fn level(
        &self,
        group: &str,
        variable: &str,
        resolution: Option<f64>,
    ) -> Result<&GroupStructure, CubeError> {
        let full = self.group(group)?;
        let array = self.variable(group, variable)?;
        let Some(resolution) = resolution else {
            return Ok(full);
        };
        if full.spatial_axes(array).is_none() {
            return Err(invalid(
                variable,
                "it lies on no grid that is known".to_owned(),
            ));
        }
        let fine_enough = |level: &&GroupStructure| {
            let size = level.grid.as_ref().map(|grid| grid.pixel_size());
            let size = size.filter(|_| level.variables.iter().any(|v| v.name == variable));
            size.is_some_and(|[x, y]| x.max(y) <= resolution * ROUNDING)
        };
        Ok(full.overviews.iter().rfind(fine_enough).unwrap_or(full))
    }

    /// Indices along an axis whose coordinates lie within a range.
    async fn within(
        &self,
        group: &GroupStructure,
        array: &ArrayStructure,
        axis: usize,
        range: &RangeInclusive<f64>,
    ) -> Result<Range<u64>, CubeError> {
        if let (Some(grid), Some([y, x])) = (&group.grid, group.spatial_axes(array))
            && (axis == y || axis == x)
        {
            let [west, dx, _, north, _, dy] = grid.geotransform;
            let (edge, step) = if axis == x { (west, dx) } else { (north, dy) };
            return Ok(centres_within(edge, step, array.shape[axis], range));
        }
        let dim = &array.dims[axis];
        let values = self.coordinate(&group.path, dim).await?;
        contiguous(values.iter().map(|value| range.contains(value)))
            .ok_or_else(|| invalid(&array.name, order(dim)))
    }

    /// The values of the coordinate named after a dimension, scaled if it is packed.
    ///
    /// # Errors
    /// [`CubeError::NoSuchVariable`] if there is none; what the store says.
    pub async fn coordinate(&self, group: &str, dim: &str) -> Result<Vec<f64>, CubeError> {
        let structure = self.group(group)?;
        let coordinate = structure.coordinate(dim)?;
        let ranges = coordinate.shape.iter().map(|size| 0..*size).collect();
        let window = self.read(&slab(structure, coordinate, ranges)).await?;
        Ok(window.values())
    }
}

impl GroupStructure {
    pub(super) fn coordinate(&self, dim: &str) -> Result<&ArrayStructure, CubeError> {
        let found = self.coordinates.iter().find(|known| known.name == dim);
        found.ok_or_else(|| CubeError::NoSuchVariable {
            group: self.path.clone(),
            variable: dim.to_owned(),
            available: self
                .coordinates
                .iter()
                .map(|known| known.name.clone())
                .collect(),
        })
    }
}

pub(super) fn slab(
    group: &GroupStructure,
    array: &ArrayStructure,
    ranges: Vec<Range<u64>>,
) -> Slab {
    let grid = group.grid.as_ref().zip(group.spatial_axes(array));
    Slab {
        grid: grid.map(|(grid, [y, x])| grid.window(&ranges[y], &ranges[x])),
        group: group.path.clone(),
        variable: array.name.clone(),
        dims: array.dims.clone(),
        chunks: array.chunks.clone(),
        ranges,
    }
}

fn rows_cols(
    variable: &str,
    grid: &Grid,
    bbox: [f64; 4],
    crs: Option<&str>,
) -> Result<(Range<u64>, Range<u64>), CubeError> {
    let other = match crs {
        None => None,
        Some(definition) => Some(
            Crs::from_definition(definition)
                .ok_or_else(|| invalid(variable, format!("{definition:?} is no known CRS")))?,
        ),
    };
    let [west, south, east, north] = bbox;
    let in_degrees = other.as_ref().unwrap_or(&grid.crs).is_geographic();
    let is_bbox = (west < east || (in_degrees && longitude::crosses(west, east)))
        && south < north
        && bbox.iter().all(|edge| edge.is_finite());
    if !is_bbox {
        let reason = format!("the bbox {bbox:?} is not west, south, east, north");
        return Err(invalid(variable, reason));
    }
    let own = match other.as_ref().zip(crs) {
        None => bbox,
        Some((other, _)) if other.is_same(&grid.crs) => bbox,
        Some((other, definition)) => {
            let bbox = if in_degrees {
                longitude::normal(bbox)
            } else {
                bbox
            };
            grid.crs.bbox_from(other, bbox).ok_or_else(|| {
                invalid(
                    variable,
                    format!("the bbox {bbox:?} in {definition} has no place in the dataset's CRS"),
                )
            })?
        }
    };
    let own = if grid.crs.is_geographic() {
        longitude::on_grid(grid, own).map_err(|reason| invalid(variable, reason))?
    } else {
        own
    };
    grid.rows_cols(own)
        .ok_or_else(|| invalid(variable, grid.misses(bbox, other.as_ref())))
}

/// Indices of the pixels along an axis whose centres lie within a range.
fn centres_within(edge: f64, step: f64, size: u64, range: &RangeInclusive<f64>) -> Range<u64> {
    /// Part of a pixel by which a centre may miss the range.
    const ROUNDING: f64 = 1e-6;
    let at = |coordinate: f64| (coordinate - edge) / step - 0.5;
    let (a, b) = (at(*range.start()), at(*range.end()));
    let first = (a.min(b) - ROUNDING).ceil().max(0.0);
    let last = (a.max(b) + ROUNDING).floor().min(size as f64 - 1.0);
    if first <= last {
        first as u64..last as u64 + 1
    } else {
        0..0
    }
}

/// The one run of what is wanted; `None` if something unwanted lies between.
fn contiguous(wanted: impl Iterator<Item = bool>) -> Option<Range<u64>> {
    let (mut found, mut ended) = (0..0, false);
    for (index, wanted) in (0_u64..).zip(wanted) {
        match (wanted, found.is_empty()) {
            (true, _) if ended => return None,
            (true, true) => found = index..index + 1,
            (true, false) => found.end = index + 1,
            (false, is_empty) => ended = !is_empty,
        }
    }
    Some(found)
}

fn order(dim: &str) -> String {
    format!("its {dim} is not sorted, so that what is wanted lies apart: select by indices")
}

pub(super) fn invalid(variable: &str, reason: String) -> CubeError {
    CubeError::InvalidSelection {
        variable: variable.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres() {
        assert_eq!(centres_within(0.0, 10.0, 10, &(5.0..=25.0)), 0..3);
        assert_eq!(centres_within(100.0, -10.0, 10, &(5.0..=26.0)), 7..10);
        assert_eq!(centres_within(0.0, 10.0, 10, &(-50.0..=500.0)), 0..10);
        assert!(centres_within(0.0, 10.0, 10, &(6.0..=14.0)).is_empty());
        assert!(centres_within(0.0, 10.0, 10, &(500.0..=600.0)).is_empty());
    }

    #[test]
    fn runs() {
        let run = |text: &str| contiguous(text.chars().map(|c| c == 'x'));
        assert_eq!(run("..xx."), Some(2..4));
        assert_eq!(run("xx"), Some(0..2));
        assert_eq!(run("..."), Some(0..0));
        assert_eq!(run("x.x"), None);
    }
}
