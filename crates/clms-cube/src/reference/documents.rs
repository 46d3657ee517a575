//! The metadata of a reference, and the arrays that it holds itself: Zarr v2, CF.

use serde_json::{Map, Value, json};

use super::stored::{ByteOrder, numpy_type};
use super::variable::Variable;
use crate::dataset::{ArrayStructure, Dataset, GroupStructure, Request};
use crate::dtype::{Element, each_pixels};
use crate::metadata::{
    ARRAY_V2, ATTRIBUTES_V2, CONSOLIDATED_V2, DIMENSIONS_V2, FILL_VALUE, GROUP_V2, axis, node_path,
    spatial_ref,
};
use crate::{CubeError, DataType, Pixels};

/// The grid mapping of files that say where they lie in words of their own.
const SPATIAL_REF: &str = "spatial_ref";

/// Values of a coordinate that stands in the reference: one around the globe in pixels of 10 m has 4 million.
const MOST_INLINE: u64 = 16 << 20;

/// All that is in the reference itself.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// Keys and contents of the metadata.
    pub(super) metadata: Map<String, Value>,
    /// Paths of the arrays that are one chunk in the reference, and their bytes. Of an array without values, there are none.
    pub(super) inline: Vec<(String, Vec<u8>)>,
}

impl Documents {
    /// Reads the coordinates.
    pub(super) fn of(dataset: &Dataset, variables: &[Variable]) -> Result<Self, CubeError> {
        let mut documents = Self::default();
        let mut variables = variables.iter();
        for group in &dataset.structure().groups {
            let mut attributes = representable(&group.attributes);
            if group.path.is_empty() {
                attributes.entry("Conventions").or_insert(json!("CF-1.11"));
            }
            documents.add(&group.path, GROUP_V2, json!({ "zarr_format": 2 }));
            documents.add(&group.path, ATTRIBUTES_V2, Value::Object(attributes));
            for coordinate in &group.coordinates {
                let length = coordinate
                    .shape
                    .iter()
                    .try_fold(1_u64, |all, size| all.checked_mul(*size));
                check_length(dataset, &group.path, &coordinate.name, length)?;
                let ranges: Vec<_> = coordinate.shape.iter().map(|size| 0..*size).collect();
                let pixels = match ranges.iter().any(std::ops::Range::is_empty) {
                    true => Pixels::from_bytes(coordinate.dtype, &[]),
                    false => dataset.source().read(Request {
                        group: &group.path,
                        array: coordinate,
                        ranges: &ranges,
                    })?,
                };
                documents.add_inline(&group.path, coordinate, &pixels);
            }
            let placed = documents.place(dataset, group)?;
            for variable in variables.by_ref().take(group.variables.len()) {
                documents.add_variable(variable, &placed);
            }
        }
        let consolidated =
            json!({ "zarr_consolidated_format": 1, "metadata": documents.metadata.clone() });
        documents.add("", CONSOLIDATED_V2, consolidated);
        Ok(documents)
    }

    fn add(&mut self, path: &str, name: &str, content: Value) {
        self.metadata.insert(node_path(path, name), content);
    }

    /// Adds coordinates and a grid mapping where only the georeferencing of the file says where pixels lie; returns the attributes with
    /// which variables refer to them.
    fn place(
        &mut self,
        dataset: &Dataset,
        group: &GroupStructure,
    ) -> Result<Map<String, Value>, CubeError> {
        let mut referring = Map::new();
        let Some((grid, widest)) = group.grid.as_ref().zip(group.widest()) else {
            return Ok(referring);
        };
        let Some([.., y, x]) = widest.dims.get(..) else {
            return Ok(referring);
        };
        let is_taken = |name: &str| {
            let arrays = group.coordinates.iter().chain(&group.variables);
            arrays.into_iter().any(|known| known.name == name)
        };
        if [y, x, SPATIAL_REF].into_iter().any(is_taken) {
            return Ok(referring);
        }
        let [west, dx, _, north, _, dy] = grid.geotransform;
        for (name, size, edge, step, letter) in [
            (y, grid.height, north, dy, "Y"),
            (x, grid.width, west, dx, "X"),
        ] {
            check_length(dataset, &group.path, name, Some(size))?;
            let centres = (0..size).map(|index| edge + (index as f64 + 0.5) * step);
            let coordinate =
                own_array(name, DataType::Float64, Some(size), axis(&grid.crs, letter));
            self.add_inline(
                &group.path,
                &coordinate,
                &Pixels::Float64(centres.collect()),
            );
        }
        let mapping = own_array(SPATIAL_REF, DataType::UInt8, None, spatial_ref(grid));
        self.add_inline(&group.path, &mapping, &Pixels::UInt8(vec![0]));
        referring.insert("grid_mapping".to_owned(), json!(SPATIAL_REF));
        // Makes xarray take `spatial_ref` for a coordinate and not for a variable.
        referring.insert("coordinates".to_owned(), json!(SPATIAL_REF));
        Ok(referring)
    }

    /// Adds an array whose values are in the reference.
    fn add_inline(&mut self, group: &str, array: &ArrayStructure, pixels: &Pixels) {
        let path = node_path(group, &array.name);
        let chunks: Vec<u64> = array.shape.iter().map(|size| (*size).max(1)).collect();
        let dtype = numpy_type(pixels.dtype(), ByteOrder::NATIVE);
        let content = array_document(&array.shape, &chunks, &dtype, Value::Null, &[], None);
        self.add(&path, ARRAY_V2, content);
        let attributes = array_attributes(array, &Map::new());
        self.add(&path, ATTRIBUTES_V2, attributes);
        let bytes = each_pixels!(pixels, values => Element::bytes(values).to_vec());
        self.inline.push((path, bytes));
    }

    fn add_variable(&mut self, variable: &Variable, placed: &Map<String, Value>) {
        let path = variable.path();
        let (array, encoding) = (&variable.array, &variable.encoding);
        let content = array_document(
            &array.shape,
            &variable.chunks,
            &encoding.dtype,
            variable.zarr_fill(),
            &encoding.filters,
            encoding.compressor.as_ref(),
        );
        self.add(&path, ARRAY_V2, content);
        self.add(&path, ATTRIBUTES_V2, array_attributes(array, placed));
    }
}

/// That a coordinate is short enough to stand in the reference.
fn check_length(
    dataset: &Dataset,
    group: &str,
    name: &str,
    length: Option<u64>,
) -> Result<(), CubeError> {
    match length.is_some_and(|length| length <= MOST_INLINE) {
        true => Ok(()),
        false => Err(CubeError::NoReference {
            file: dataset.files().first().map_or("", |name| name).to_owned(),
            array: node_path(group, name),
            reason: "it is a coordinate, and too long to stand in the reference".to_owned(),
        }),
    }
}

fn own_array(
    name: &str,
    dtype: DataType,
    size: Option<u64>,
    attributes: Map<String, Value>,
) -> ArrayStructure {
    let shape: Vec<u64> = size.into_iter().collect();
    ArrayStructure {
        name: name.to_owned(),
        dtype,
        dims: shape.iter().map(|_| name.to_owned()).collect(),
        chunks: shape.clone(),
        shape,
        shards: None,
        fill_value: None,
        attributes,
    }
}

fn array_document(
    shape: &[u64],
    chunks: &[u64],
    dtype: &str,
    fill_value: Value,
    filters: &[Value],
    compressor: Option<&Value>,
) -> Value {
    json!({
        "zarr_format": 2,
        "shape": shape,
        "chunks": chunks,
        "dtype": dtype,
        "fill_value": fill_value,
        "order": "C",
        "filters": (!filters.is_empty()).then_some(filters),
        "compressor": compressor,
        "dimension_separator": ".",
    })
}

/// The attributes of an array, those that all arrays of its group get, and the names of its dimensions.
fn array_attributes(array: &ArrayStructure, more: &Map<String, Value>) -> Value {
    let mut attributes = representable(&array.attributes);
    // The array's document has it, and readers want to know it from there alone.
    attributes.remove(FILL_VALUE);
    for (name, value) in more {
        attributes.entry(name).or_insert_with(|| value.clone());
    }
    attributes.insert(DIMENSIONS_V2.to_owned(), json!(array.dims));
    Value::Object(attributes)
}

/// Without attributes that are NaN, or have one in them, for which JSON has no word.
fn representable(attributes: &Map<String, Value>) -> Map<String, Value> {
    let has_null = |value: &Value| match value {
        Value::Array(values) => values.iter().any(Value::is_null),
        value => value.is_null(),
    };
    let kept = attributes.iter().filter(|(_, value)| !has_null(value));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
