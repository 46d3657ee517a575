//! CF attributes of variables and coordinates.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::zarr_v3::number;
use crate::plan::{GroupPlan, VariablePlan};
use crate::products::Values;
use crate::{Class, Crs, DataType, Grid};

pub(crate) const FLAG_VALUES: &str = "flag_values";
pub(crate) const FLAG_MEANINGS: &str = "flag_meanings";
/// Colours of the flag values, `#rrggbb` separated by blanks, as several tools read and write it.
pub(crate) const FLAG_COLORS: &str = "flag_colors";
/// The names as the sources spell them: `flag_meanings` can't hold blanks. An empty text is no name.
pub(crate) const CLASS_NAMES: &str = "class_names";

/// Values and names of a mask that says where another variable has data, which names it in `ancillary_variables`.
pub(crate) const VALIDITY: [(i64, &str); 2] = [(0, "no data"), (1, "data")];

/// Stands in `flag_colors` for a class without a colour.
const NO_COLOUR: &str = "#808080";

pub(super) fn variable(variable: &VariablePlan, group: &GroupPlan) -> Map<String, Value> {
    let dtype = group.dtype;
    let mut attributes = Map::new();
    let mut set = |name: &str, value: Value| attributes.insert(name.to_owned(), value);
    let long_name = match (variable.product, &variable.description) {
        (Some(product), Some(description)) => Some(format!("{}: {description}", product.long_name)),
        (Some(product), None) => Some(product.long_name.to_owned()),
        (None, description) => description.clone(),
    };
    if let Some(long_name) = long_name {
        set("long_name", json!(long_name));
    }
    let mut units = variable.unit.clone();
    if let Some(Values::Quantity {
        min,
        max,
        units: usual,
        ..
    }) = variable.product.map(|product| product.values)
    {
        units.get_or_insert_with(|| usual.to_owned());
        if dtype.holds(min) && dtype.holds(max) {
            set(
                "valid_range",
                json!([number(min, dtype), number(max, dtype)]),
            );
        }
    }
    if let Some(units) = units {
        set("units", json!(units));
    }
    if let Some(scale) = variable.scale {
        set("scale_factor", json!(scale));
    }
    if let Some(offset) = variable.offset {
        set("add_offset", json!(offset));
    }
    if let Some(fill) = variable.fill.value {
        set("_FillValue", fill_attribute(fill, dtype));
    }
    if let Some(validity) = &variable.validity {
        set("ancillary_variables", json!(validity));
    }
    set("grid_mapping", json!("spatial_ref"));
    // Makes xarray take `spatial_ref` for a coordinate and not for a variable.
    set("coordinates", json!("spatial_ref"));
    // GDAL up to 3.12 finds a CRS here only.
    set("_CRS", json!({ "wkt": group.grid.crs.wkt }));
    if !variable.classes.is_empty() {
        attributes.extend(flags(&variable.classes));
    }
    let own = &variable.attributes;
    if own.contains_key("valid_min") || own.contains_key("valid_max") {
        // CF forbids both.
        attributes.remove("valid_range");
    }
    attributes.extend(own.clone());
    attributes
}

/// Adds the sources' own attributes to those of a group, which they win over.
pub(super) fn own_attributes(group: &GroupPlan, attributes: &mut Map<String, Value>) {
    let own = &group.attributes;
    let is_time = |name: &String| name.starts_with("time_coverage_");
    if own.keys().any(is_time) {
        attributes.retain(|name, _| !is_time(name));
    }
    for (name, value) in own {
        let ours = attributes.get("history").and_then(Value::as_str);
        let value = match (name.as_str(), value.as_str(), ours) {
            // What was done last stands last.
            ("history", Some(theirs), Some(ours)) => json!(format!("{theirs}\n{ours}")),
            _ => value.clone(),
        };
        attributes.insert(name.clone(), value);
    }
}

/// The period that the data speaks of: in whole years, or from the first to the last of its times.
pub(super) fn time_coverage(group: &GroupPlan) -> Vec<(String, Value)> {
    let Some((first, last)) = group.period else {
        let ends = group.times.first().zip(group.times.last());
        let [first, last] = match ends {
            Some((first, last)) => [first, last].map(|time| json!(time.to_string())),
            None => return Vec::new(),
        };
        return vec![
            ("time_coverage_start".to_owned(), first),
            ("time_coverage_end".to_owned(), last),
        ];
    };
    let duration = format!("P{}Y", last - first + 1);
    [
        ("time_coverage_start", format!("{first}-01-01")),
        ("time_coverage_end", format!("{last}-12-31")),
        ("time_coverage_duration", duration),
    ]
    .map(|(name, text)| (name.to_owned(), json!(text)))
    .to_vec()
}

/// The words of `flag_meanings`.
pub(crate) fn flag_meanings(classes: &[Class]) -> Vec<String> {
    let mut taken = HashSet::new();
    let words = classes.iter().map(|class| meaning(class, &mut taken));
    words.collect()
}

/// The attributes of classes.
pub(crate) fn flags(classes: &[Class]) -> [(String, Value); 4] {
    let meanings = flag_meanings(classes);
    let colour = |class: &Class| {
        class.colour.map_or(NO_COLOUR.to_owned(), |[r, g, b]| {
            format!("#{r:02x}{g:02x}{b:02x}")
        })
    };
    let any_colour = classes.iter().any(|class| class.colour.is_some());
    let colours = if any_colour {
        classes.iter().map(colour).collect::<Vec<_>>().join(" ")
    } else {
        String::new()
    };
    let names: Vec<&str> = classes
        .iter()
        .map(|class| class.name.as_deref().unwrap_or_default())
        .collect();
    [
        (
            FLAG_VALUES.to_owned(),
            json!(classes.iter().map(|class| class.value).collect::<Vec<_>>()),
        ),
        (FLAG_MEANINGS.to_owned(), json!(meanings.join(" "))),
        (FLAG_COLORS.to_owned(), json!(colours)),
        (CLASS_NAMES.to_owned(), json!(names)),
    ]
}

/// A CF word: letters, digits and `_ - . + @`, starting with no digit, different from all others of the variable.
fn meaning(class: &Class, taken: &mut HashSet<String>) -> String {
    let mut word = String::new();
    // A label that repeats its own value ("0: unchanged areas") loses it; one that is nothing else ("4+:") keeps it.
    let label = class.name.as_deref().unwrap_or_default();
    let repeated = label
        .strip_prefix(&class.value.to_string())
        .and_then(|rest| rest.strip_prefix(':'));
    let label = repeated
        .filter(|rest| rest.chars().any(char::is_alphanumeric))
        .unwrap_or(label);
    for character in label.chars() {
        let plain = match character {
            'ä' => "ae",
            'ö' => "oe",
            'ü' => "ue",
            'à' | 'á' | 'â' | 'ã' | 'å' => "a",
            'è' | 'é' | 'ê' | 'ë' => "e",
            'ì' | 'í' | 'î' | 'ï' => "i",
            'ò' | 'ó' | 'ô' | 'õ' => "o",
            'ù' | 'ú' | 'û' => "u",
            'ç' => "c",
            'ñ' => "n",
            'ß' => "ss",
            '%' if word.is_empty() || word.ends_with('_') => "percent",
            '%' => "_percent",
            _ => "",
        };
        if character.is_ascii_alphanumeric() || "-.+@".contains(character) {
            word.push(character);
        } else if !plain.is_empty() {
            word.push_str(plain);
        } else if !word.is_empty() && !word.ends_with('_') {
            word.push('_');
        }
    }
    let trimmed = word.trim_matches(|c| "_-.".contains(c));
    let mut word = if !trimmed.chars().any(|c| c.is_ascii_alphanumeric()) {
        format!("class_{}", class.value).replace('-', "minus_")
    } else if trimmed.starts_with(|c: char| c.is_ascii_alphabetic()) {
        trimmed.to_owned()
    } else {
        format!("class_{}", trimmed.trim_start_matches(['+', '@']))
    };
    if !taken.insert(word.clone()) {
        word = format!("{word}_{}", class.value).replace("_-", "_minus_");
        while !taken.insert(word.clone()) {
            word.push('_');
        }
    }
    word
}

/// `_FillValue` as xarray reads it from Zarr v3: floats are eight little-endian bytes in base 64.
pub(crate) fn fill_attribute(value: f64, dtype: DataType) -> Value {
    if dtype.is_float() {
        json!(BASE64_STANDARD.encode(value.to_le_bytes()))
    } else {
        number(value, dtype)
    }
}

/// Attributes of the coordinate along an axis, `X` or `Y`.
pub(crate) fn axis(crs: &Crs, axis: &str) -> Map<String, Value> {
    let geographic =
        crs.cf_grid_mapping().get("grid_mapping_name") == Some(&json!("latitude_longitude"));
    let [standard_name, long_name, units] = match (geographic, axis) {
        (true, "X") => ["longitude", "longitude", "degrees_east"],
        (true, _) => ["latitude", "latitude", "degrees_north"],
        (false, "X") => ["projection_x_coordinate", "x coordinate of projection", "m"],
        (false, _) => ["projection_y_coordinate", "y coordinate of projection", "m"],
    };
    let mut attributes = Map::new();
    for (key, text) in [
        ("standard_name", standard_name),
        ("long_name", long_name),
        ("units", units),
        ("axis", axis),
    ] {
        attributes.insert(key.to_owned(), json!(text));
    }
    attributes
}

/// Attributes of the grid mapping variable, with GDAL's geotransform as rioxarray reads it.
pub(crate) fn spatial_ref(grid: &Grid) -> Map<String, Value> {
    let mut attributes = grid.crs.cf_grid_mapping();
    let numbers: Vec<String> = grid
        .geotransform
        .iter()
        .map(|number| format!("{number:?}"))
        .collect();
    attributes.insert("GeoTransform".into(), json!(numbers.join(" ")));
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meanings(names: &[(i64, &str)]) -> Vec<String> {
        let mut taken = HashSet::new();
        let class = |(value, name): &(i64, &str)| Class {
            value: *value,
            name: Some((*name).to_owned()),
            colour: None,
        };
        names
            .iter()
            .map(|pair| meaning(&class(pair), &mut taken))
            .collect()
    }

    #[test]
    fn labels_become_cf_words() {
        let labels = [
            (0, "0: unchanged areas with (no) trees"),
            (4, "4+:"),
            (5, "–"),
            (10, "10,0000"),
            (6, "Forêt à feuilles"),
            (7, "x"),
            (8, "x"),
            (-1, ""),
            (9, "1-50 % cover"),
            (11, "Airports"),
        ];
        assert_eq!(
            meanings(&labels),
            [
                "unchanged_areas_with_no_trees",
                "class_4+",
                "class_5",
                "class_10_0000",
                "Foret_a_feuilles",
                "x",
                "x_8",
                "class_minus_1",
                "class_1-50_percent_cover",
                "Airports",
            ]
        );
        for word in meanings(&labels) {
            assert!(
                word.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.+@".contains(&b)),
                "{word}"
            );
        }
    }
}
