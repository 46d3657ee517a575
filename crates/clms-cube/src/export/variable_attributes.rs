//! Attributes of the arrays of an export in CF's words, for the formats that have room for all of them.

use serde_json::{Map, Value, json};

use super::scene::{Layer, Scene, Validity};
use crate::Class;
use crate::metadata::{VALIDITY, flags};

/// The variable that says where the pixels lie.
pub(super) const GRID_MAPPING: &str = "spatial_ref";

/// Attributes that say how the dataset stores an array, or that hold for its own grid.
const OF_THE_SOURCE: [&str; 12] = [
    "_FillValue",
    "_CRS",
    "_ARRAY_DIMENSIONS",
    "_NCProperties",
    "_Netcdf4Coordinates",
    "_Netcdf4Dimid",
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "ancillary_variables",
    "bounds",
];

/// The name of a layer's array: that of the variable, without what would make it a path.
pub(super) fn array_name(layer: &Layer) -> String {
    plain_name(&layer.array.name)
}

/// The name of the array that says which pixels of a layer are data, if it has one.
pub(super) fn validity_name(layer: &Layer) -> Option<String> {
    layer.validity.as_ref().map(|validity| match validity {
        Validity::Mask(mask) => plain_name(&mask.name),
        Validity::Coverage => format!("{}_valid", array_name(layer)),
    })
}

fn plain_name(name: &str) -> String {
    let plain = name.replace(['/', '\\'], "_");
    if plain.is_empty() || plain.starts_with(['.', '_']) {
        format!("variable{plain}")
    } else {
        plain
    }
}

/// Attributes of a layer, without `_FillValue`.
pub(super) fn of_layer(layer: &Layer) -> Map<String, Value> {
    let mut attributes = kept(&layer.array.attributes);
    place(&mut attributes);
    if let Some(validity) = validity_name(layer) {
        attributes.insert("ancillary_variables".to_owned(), json!(validity));
    }
    attributes
}

/// Attributes of the array that says which pixels of a layer are data.
pub(super) fn of_validity(layer: &Layer) -> Map<String, Value> {
    let mut attributes = match &layer.validity {
        Some(Validity::Mask(mask)) => kept(&mask.attributes),
        _ => {
            let classes = VALIDITY.map(|(value, name)| Class {
                value,
                name: Some(name.to_owned()),
                colour: None,
            });
            flags(&classes).into_iter().collect()
        }
    };
    place(&mut attributes);
    attributes
}

/// Attributes of a coordinate of the dataset.
pub(super) fn kept(attributes: &Map<String, Value>) -> Map<String, Value> {
    let kept = attributes
        .iter()
        .filter(|(name, _)| !OF_THE_SOURCE.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn place(attributes: &mut Map<String, Value>) {
    attributes.insert("grid_mapping".to_owned(), json!(GRID_MAPPING));
    // Makes xarray take it for a coordinate and not for a variable.
    attributes.insert("coordinates".to_owned(), json!(GRID_MAPPING));
}

/// Attributes of the whole: what the dataset says of itself but where its pixels lie.
pub(super) fn of_dataset(scene: &Scene) -> Map<String, Value> {
    let structure = scene.dataset.structure();
    let of_group = scene.dataset.group(&scene.group).ok();
    let all = structure
        .attributes
        .iter()
        .chain(of_group.iter().flat_map(|group| &group.attributes));
    let of_grid = |name: &str| {
        name.starts_with("spatial:")
            || name.starts_with("proj:")
            || ["zarr_conventions", "multiscales"].contains(&name)
            || OF_THE_SOURCE.contains(&name)
    };
    let mut attributes: Map<String, Value> = all
        .filter(|(name, _)| !of_grid(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    attributes.insert("Conventions".to_owned(), json!("CF-1.11"));
    let ours = concat!("exported by clms-cube ", env!("CARGO_PKG_VERSION"));
    let history = match attributes.get("history").and_then(Value::as_str) {
        // What was done last stands last.
        Some(theirs) => format!("{theirs}\n{ours}"),
        None => ours.to_owned(),
    };
    attributes.insert("history".to_owned(), json!(history));
    attributes
}
