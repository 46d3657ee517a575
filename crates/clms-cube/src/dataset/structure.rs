//! What a dataset consists of, as its metadata says.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::selection::TIME;
use crate::metadata::{CLASS_NAMES, FLAG_COLORS, FLAG_MEANINGS, FLAG_VALUES, VALIDITY, node_path};
use crate::{Class, Crs, DataType, Grid};

/// Groups and the attributes of the root.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DatasetStructure {
    /// Attributes of the root group, provenance among them.
    pub attributes: Map<String, Value>,
    /// The root group first, the others by path.
    pub groups: Vec<GroupStructure>,
}

/// A group: variables on one grid.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GroupStructure {
    /// Path in the hierarchy: empty for the root group.
    pub path: String,
    /// Attributes of the group.
    pub attributes: Map<String, Value>,
    /// Dimensions of all arrays.
    pub dims: Vec<Dimension>,
    /// Where the pixels lie, when the metadata says so.
    pub grid: Option<Grid>,
    /// Coordinates and grid mappings.
    pub coordinates: Vec<ArrayStructure>,
    /// What has been measured.
    pub variables: Vec<ArrayStructure>,
    /// Arrays of a type that this crate does not read.
    pub other_arrays: Vec<String>,
    /// The same variables at lower resolutions, the finest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overviews: Vec<GroupStructure>,
}

/// A dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// Its length.
    pub size: u64,
}

/// An array.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ArrayStructure {
    /// The name within the group.
    pub name: String,
    /// The type of its values as they are read. Whole numbers of 64 bits, which coordinates are written with, are read as
    /// [`DataType::Float64`].
    #[schemars(with = "String")]
    pub dtype: DataType,
    /// Names of its dimensions; for rasters `y`, `x`.
    pub dims: Vec<String>,
    /// Lengths of its dimensions.
    pub shape: Vec<u64>,
    /// The smallest part that can be read.
    pub chunks: Vec<u64>,
    /// The part of the array that is one object, if that is more than a chunk.
    pub shards: Option<Vec<u64>>,
    /// The value that means "no data", if the array has one. NaN is written as null in JSON.
    pub fill_value: Option<f64>,
    /// Attributes as stored.
    pub attributes: Map<String, Value>,
}

impl ArrayStructure {
    /// Its length along `time`; `None` if it has no such dimension.
    #[must_use]
    pub fn steps(&self) -> Option<u64> {
        let mut dims = self.dims.iter().zip(&self.shape);
        dims.find(|(dim, _)| *dim == TIME).map(|(_, size)| *size)
    }

    /// Reads the document of an array; the reason when it is of a kind that this crate does not read.
    pub(super) fn parse(name: &str, document: &Value) -> Result<Self, String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let dtype = match document["data_type"].as_str() {
            Some("int64" | "uint64") => DataType::Float64,
            Some(name) => name.parse()?,
            None => return Err("no data type".to_owned()),
        };
        let shape = sizes(&document["shape"]).ok_or("no shape")?;
        let stored = sizes(&document["chunk_grid"]["configuration"]["chunk_shape"])
            .ok_or("no regular chunks")?;
        if stored.len() != shape.len() || stored.contains(&0) {
            return Err("chunks don't fit the shape".to_owned());
        }
        let sharding = &document["codecs"][0];
        let inner = (sharding["name"] == "sharding_indexed")
            .then(|| sizes(&sharding["configuration"]["chunk_shape"]))
            .flatten()
            .filter(|inner| inner.len() == stored.len() && !inner.contains(&0));
        let attributes = document["attributes"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let fill_value = attributes
            .contains_key("_FillValue")
            .then(|| fill_value(&document["fill_value"]))
            .flatten();
        let dims = document["dimension_names"]
            .as_array()
            .map(|names| names.iter().filter_map(text).collect());
        let (chunks, shards) = match inner {
            Some(inner) => (inner, Some(stored)),
            None => (stored, None),
        };
        Ok(Self {
            name: name.to_owned(),
            dtype,
            dims: dims.unwrap_or_default(),
            shape,
            chunks,
            shards,
            fill_value,
            attributes,
        })
    }

    /// The classes of the variable; empty when it has none.
    #[must_use]
    pub fn classes(&self) -> Vec<Class> {
        let words = |name: &str| -> Vec<String> {
            match self.attributes.get(name) {
                Some(Value::String(text)) => {
                    text.split_ascii_whitespace().map(str::to_owned).collect()
                }
                Some(Value::Array(items)) => items
                    .iter()
                    .map(|i| i.as_str().unwrap_or_default().to_owned())
                    .collect(),
                _ => Vec::new(),
            }
        };
        let values = match self.attributes.get(FLAG_VALUES) {
            Some(Value::Array(values)) => values.iter().map(Value::as_i64).collect(),
            _ => Vec::new(),
        };
        let (names, meanings, colours) =
            (words(CLASS_NAMES), words(FLAG_MEANINGS), words(FLAG_COLORS));
        let named = names.len() == values.len();
        let class = |(index, value): (usize, Option<i64>)| {
            let meaning = || meanings.get(index).map(|meaning| meaning.replace('_', " "));
            let name = if named {
                names.get(index).cloned()
            } else {
                meaning()
            };
            Some(Class {
                value: value?,
                name: name.filter(|name| !name.is_empty()),
                colour: colours.get(index).and_then(|colour| parse_colour(colour)),
            })
        };
        values.into_iter().enumerate().filter_map(class).collect()
    }

    fn is_validity_mask(&self) -> bool {
        let classes = self.classes();
        let found = classes
            .iter()
            .map(|class| (class.value, class.name.as_deref()));
        found.eq(VALIDITY.map(|(value, name)| (value, Some(name))))
    }

    /// A name for people.
    #[must_use]
    pub fn long_name(&self) -> Option<&str> {
        self.attributes.get("long_name").and_then(Value::as_str)
    }

    /// The units of the values, if they have any.
    #[must_use]
    pub fn units(&self) -> Option<&str> {
        self.attributes.get("units").and_then(Value::as_str)
    }

    /// The least and the greatest valid value as they are stored, if the product says so.
    #[must_use]
    pub fn valid_range(&self) -> Option<[f64; 2]> {
        if let Some(range) = self.attributes.get("valid_range") {
            let range = range.as_array()?;
            return Some([range.first()?.as_f64()?, range.get(1)?.as_f64()?]);
        }
        let limit = |name: &str| self.attributes.get(name)?.as_f64();
        Some([limit("valid_min")?, limit("valid_max")?])
    }
}

fn parse_colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

fn sizes(value: &Value) -> Option<Vec<u64>> {
    value.as_array()?.iter().map(Value::as_u64).collect()
}

fn fill_value(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => value.as_f64(),
    }
}

impl GroupStructure {
    /// Reads the documents of a group and the arrays right below it.
    pub(super) fn parse(path: &str, group: &Value, arrays: &[(&str, &Value)]) -> Self {
        let attributes = group["attributes"].as_object().cloned().unwrap_or_default();
        let (mut known, mut other_arrays) = (Vec::new(), Vec::new());
        for (name, document) in arrays {
            match ArrayStructure::parse(name, document) {
                Ok(array) => known.push(array),
                Err(_) => other_arrays.push((*name).to_owned()),
            }
        }
        let mut structure = Self::new(path, attributes, known);
        structure.other_arrays = other_arrays;
        structure
    }

    /// A group of arrays, of which those named after their dimension and those without one are coordinates.
    pub(super) fn new(
        path: &str,
        attributes: Map<String, Value>,
        arrays: Vec<ArrayStructure>,
    ) -> Self {
        let mut structure = Self {
            path: path.to_owned(),
            attributes,
            dims: Vec::new(),
            grid: None,
            coordinates: Vec::new(),
            variables: Vec::new(),
            other_arrays: Vec::new(),
            overviews: Vec::new(),
        };
        for array in arrays {
            for (dim, size) in array.dims.iter().zip(&array.shape) {
                if !structure.dims.iter().any(|known| known.name == *dim) {
                    structure.dims.push(Dimension {
                        name: dim.clone(),
                        size: *size,
                    });
                }
            }
            let is_coordinate =
                array.dims.as_slice() == [array.name.as_str()] || array.shape.is_empty();
            if is_coordinate {
                structure.coordinates.push(array);
            } else {
                structure.variables.push(array);
            }
        }
        structure.grid = structure.find_grid();
        structure
    }

    /// The variable that says where another one of this group has data (1) and where it has none (0), if that one's
    /// `ancillary_variables` name such a mask. [`Dataset`](crate::Dataset) heeds it in all that it decodes.
    #[must_use]
    pub fn validity_mask(&self, of: &ArrayStructure) -> Option<&ArrayStructure> {
        let names = of.attributes.get("ancillary_variables")?.as_str()?;
        names
            .split_ascii_whitespace()
            .filter_map(|name| self.variables.iter().find(|known| known.name == name))
            .find(|known| known.shape == of.shape && known.is_validity_mask())
    }

    /// Paths of the groups that are overviews of this one, as the `multiscales` convention names them.
    pub(super) fn overview_paths(&self) -> Vec<String> {
        let layout = self.attributes.get("multiscales");
        let layout = layout.and_then(|multiscales| multiscales["layout"].as_array());
        layout
            .into_iter()
            .flatten()
            .filter(|entry| entry.get("derived_from").is_some())
            .filter_map(|entry| entry["asset"].as_str())
            .map(|asset| node_path(&self.path, asset))
            .collect()
    }

    /// The grid by the GeoZarr attributes of the group, else by its grid mapping variable.
    fn find_grid(&self) -> Option<Grid> {
        let [.., height, width] = self.widest()?.shape[..] else {
            return None;
        };
        let numbers = |value: &Value| {
            value
                .as_array()?
                .iter()
                .map(Value::as_f64)
                .collect::<Option<Vec<f64>>>()
        };
        let affine = self.attributes.get("spatial:transform").and_then(numbers);
        let geotransform = match affine.as_deref() {
            Some([dx, 0.0, west, 0.0, dy, north]) => [*west, *dx, 0.0, *north, 0.0, *dy],
            _ => {
                let text = text(self.grid_mapping()?, "GeoTransform")?;
                let numbers: Option<Vec<f64>> = text
                    .split_ascii_whitespace()
                    .map(|n| n.parse().ok())
                    .collect();
                numbers?.try_into().ok()?
            }
        };
        let is_placed = geotransform.iter().all(|number: &f64| number.is_finite())
            && geotransform[1] > 0.0
            && geotransform[5] != 0.0
            && geotransform[2] == 0.0
            && geotransform[4] == 0.0;
        is_placed
            .then(|| {
                Some(Grid {
                    crs: self.crs()?,
                    geotransform,
                    width,
                    height,
                })
            })
            .flatten()
    }

    /// The first variable with the most rows and columns: bounds of coordinates have two dimensions, too.
    pub(crate) fn widest(&self) -> Option<&ArrayStructure> {
        let area = |variable: &&ArrayStructure| match variable.shape[..] {
            [.., height, width] => height.saturating_mul(width),
            _ => 0,
        };
        let mut widest = None;
        for variable in self.variables.iter().filter(|v| v.shape.len() >= 2) {
            if widest.is_none_or(|known| area(&variable) > area(&known)) {
                widest = Some(variable);
            }
        }
        widest
    }

    /// Attributes of the variable that says where the pixels lie.
    fn grid_mapping(&self) -> Option<&Map<String, Value>> {
        let has_crs = |attributes: &Map<String, Value>| {
            ["crs_wkt", "spatial_ref"]
                .iter()
                .any(|name| attributes.contains_key(*name))
        };
        self.coordinates
            .iter()
            .map(|coordinate| &coordinate.attributes)
            .find(|attributes| has_crs(attributes))
    }

    /// The CRS that the attributes name, in GeoZarr's, CF's or GDAL's words.
    pub(super) fn crs(&self) -> Option<Crs> {
        let mapping = self.grid_mapping();
        let wkt = text(&self.attributes, "proj:wkt2")
            .or_else(|| text(mapping?, "crs_wkt"))
            .or_else(|| text(mapping?, "spatial_ref"))?;
        if ![
            "PROJCRS[",
            "GEOGCRS[",
            "GEODCRS[",
            "COMPOUNDCRS[",
            "BOUNDCRS[",
        ]
        .iter()
        .any(|keyword| wkt.starts_with(keyword))
        {
            // An older form of WKT, which GDAL translates.
            return Crs::from_definition(&wkt);
        }
        let name = mapping
            .and_then(|m| text(m, "projected_crs_name").or_else(|| text(m, "geographic_crs_name")));
        let code = text(&self.attributes, "proj:code").or_else(|| text(mapping?, "code"));
        Some(Crs { code, name, wkt })
    }

    /// Which axes of a variable run along the rows and columns of the grid: the last two, if they have its size.
    #[must_use]
    pub fn spatial_axes(&self, variable: &ArrayStructure) -> Option<[usize; 2]> {
        let grid = self.grid.as_ref()?;
        match variable.shape[..] {
            [.., height, width] if [height, width] == [grid.height, grid.width] => {
                Some([variable.shape.len() - 2, variable.shape.len() - 1])
            }
            _ => None,
        }
    }
}

fn text(attributes: &Map<String, Value>, name: &str) -> Option<String> {
    attributes
        .get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
}
