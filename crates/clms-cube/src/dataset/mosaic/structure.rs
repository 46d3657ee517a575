//! What a group of tiles consists of: the arrays of one tile, on the grid of all.

use serde_json::{Map, Value, json};

use super::super::selection::TIME;
use super::super::stack::time_coordinate;
use super::super::{ArrayStructure, Dimension, GroupStructure};
use crate::dtype::{Element, with_element};
use crate::metadata::FILL_VALUE;
use crate::{DataType, Grid};

/// The group as the first tile has it, on the grid of all.
pub(super) fn on_grid_of_all(
    path: &str,
    template: &GroupStructure,
    grid: &Grid,
    steps: u64,
) -> GroupStructure {
    let mut variables = template.variables.clone();
    let mut spatial: [String; 2] = ["y".to_owned(), "x".to_owned()];
    for variable in &mut variables {
        let axes = variable.dims.len() - 2;
        spatial = [variable.dims[axes].clone(), variable.dims[axes + 1].clone()];
        if axes == 1 {
            variable.shape[0] = steps;
        }
        variable.shape[axes] = grid.height;
        variable.shape[axes + 1] = grid.width;
        // Chunks are the tiles' own, which begin anew in each tile.
        if held_fill(variable).is_none() {
            let fill = substitute(variable.dtype);
            variable.fill_value = Some(fill);
            match fill.is_finite() {
                true => variable
                    .attributes
                    .insert(FILL_VALUE.to_owned(), json!(fill)),
                false => variable.attributes.remove(FILL_VALUE),
            };
        }
    }
    let mut dims = Vec::new();
    let mut coordinates = Vec::new();
    if steps > 0 {
        dims.push((TIME.to_owned(), steps));
        coordinates.push(time_coordinate(steps));
    }
    for ((name, size), axis) in spatial
        .into_iter()
        .zip([grid.height, grid.width])
        .zip(["Y", "X"])
    {
        coordinates.push(axis_coordinate(&name, size, axis, template));
        dims.push((name, size));
    }
    GroupStructure {
        path: path.to_owned(),
        attributes: Map::new(),
        dims: dims
            .into_iter()
            .map(|(name, size)| Dimension { name, size })
            .collect(),
        grid: Some(grid.clone()),
        coordinates,
        variables,
        other_arrays: Vec::new(),
        overviews: Vec::new(),
    }
}

/// A coordinate of pixel centres, with the attributes that the tiles' own one has.
fn axis_coordinate(name: &str, size: u64, axis: &str, template: &GroupStructure) -> ArrayStructure {
    let own = template.coordinates.iter().find(|known| known.name == name);
    let mut attributes = own.map(|own| own.attributes.clone()).unwrap_or_default();
    // Of packed coordinates, what is given out here is not.
    attributes.retain(|key, _| {
        ![
            "scale_factor",
            "add_offset",
            "_FillValue",
            "valid_range",
            "valid_min",
            "valid_max",
        ]
        .contains(&key.as_str())
    });
    attributes.insert("axis".to_owned(), Value::from(axis));
    ArrayStructure {
        name: name.to_owned(),
        dtype: DataType::Float64,
        dims: vec![name.to_owned()],
        shape: vec![size],
        chunks: vec![size],
        shards: None,
        fill_value: None,
        attributes,
    }
}

/// What stands where there is no tile, of a variable that has no value for that.
fn substitute(dtype: DataType) -> f64 {
    dtype
        .integer_range()
        .map_or(f64::NAN, |(_, greatest)| greatest as f64)
}

/// The fill value, if there is one that pixels can have.
fn held_fill(array: &ArrayStructure) -> Option<f64> {
    array.fill_value.filter(|fill| array.dtype.holds(*fill))
}

/// The bytes of a pixel where there is nothing.
pub(super) fn fill_of(array: &ArrayStructure) -> Vec<u8> {
    let fill = held_fill(array).unwrap_or_else(|| substitute(array.dtype));
    with_element!(array.dtype, T => T::bytes(&[T::from_f64(fill)]).to_vec())
}

/// A name for a group of another CRS or pixel size than the root's.
pub(super) fn group_name(grid: &Grid, others: &[GroupStructure]) -> String {
    let code = grid
        .crs
        .code
        .clone()
        .unwrap_or_else(|| format!("grid_{}", others.len() + 1));
    let name = code.replace(|c: char| !c.is_alphanumeric(), "_");
    let is_taken = |name: &str| others.iter().any(|group| group.path == name);
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    std::iter::once(name.clone())
        .chain(numbered)
        .find(|name| !is_taken(name))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_have_a_value_that_pixels_can_have() {
        let array = |dtype, fill_value| ArrayStructure {
            name: "v".to_owned(),
            dtype,
            dims: Vec::new(),
            shape: Vec::new(),
            chunks: Vec::new(),
            shards: None,
            fill_value,
            attributes: Map::new(),
        };
        let fill = |dtype, fill_value| fill_of(&array(dtype, fill_value));
        assert_eq!(fill(DataType::UInt8, Some(250.0)), [250]);
        assert_eq!(fill(DataType::UInt8, None), [255]);
        // As data that is read, 0 would be a measurement.
        assert_eq!(fill(DataType::UInt8, Some(-9999.0)), [255]);
        assert_eq!(fill(DataType::Int16, Some(0.5)), i16::MAX.to_ne_bytes());
        assert_eq!(
            fill(DataType::Float32, Some(-9999.0)),
            (-9999_f32).to_ne_bytes()
        );
    }
}
