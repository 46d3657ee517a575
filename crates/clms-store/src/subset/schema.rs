//! What a subset of a collection is chosen with, as a JSON Schema.

use serde_json::{Map, Value, json};

use super::SubsetParameter;
use crate::catalogue::Collection;

/// Adds to the schema of an object what chooses a subset of this collection: each parameter with the values that the portal has for it.
pub(crate) fn add_subset_of(collection: &Collection, schema: &mut Value) {
    let properties = schema["properties"].as_object_mut();
    if let Some(properties) = properties {
        properties.extend(subset_of(collection));
    }
    if collection.needs_time {
        schema["required"] = json!([SubsetParameter::Time.as_str()]);
    }
    let areas = [SubsetParameter::BBox, SubsetParameter::Nuts].map(SubsetParameter::as_str);
    schema["not"] = json!({ "required": areas });
}

fn subset_of(collection: &Collection) -> Map<String, Value> {
    let all = SubsetParameter::ALL.into_iter();
    all.filter_map(|parameter| Some((parameter.to_string(), of(parameter, collection)?)))
        .collect()
}

/// The values of a parameter; `None` if the collection does not have it.
fn of(parameter: SubsetParameter, collection: &Collection) -> Option<Value> {
    Some(match parameter {
        SubsetParameter::BBox => {
            let most = collection
                .max_area
                .map(|area| format!("; at most {area:e} m², by the portal's reckoning"));
            json!({
                "description": format!(
                    "Only this box: west, south, east, north in degrees (WGS 84){}.",
                    most.unwrap_or_default()
                ),
                "type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4,
            })
        }
        SubsetParameter::Nuts => json!({
            "description": "Only this region or country: its NUTS code, such as LU or ITC11, in place of a box.",
            "type": "string",
        }),
        SubsetParameter::Time if collection.needs_time || collection.max_days.is_some() => {
            let most = collection
                .max_days
                .map(|days| format!("; the last at most {days} days after the first"));
            json!({
                "description": format!(
                    "Only these days, such as 2021-01-01/2021-01-31, both included{}.",
                    most.unwrap_or_default()
                ),
                "type": "string",
            })
        }
        SubsetParameter::Crs if !collection.crs.is_empty() => one_of(
            "In this CRS.",
            &collection.crs,
            collection.default_crs.as_ref(),
        ),
        SubsetParameter::Format if !collection.formats.is_empty() => one_of(
            "In this format, which the portal makes and the cube is built from.",
            &collection.formats,
            collection.format.as_ref(),
        ),
        SubsetParameter::Layer if !collection.layers.is_empty() => {
            one_of("Only this layer.", &collection.layers, None)
        }
        SubsetParameter::Time
        | SubsetParameter::Crs
        | SubsetParameter::Format
        | SubsetParameter::Layer => return None,
    })
}

fn one_of(description: &str, values: &[String], default: Option<&String>) -> Value {
    let mut schema = json!({"description": description, "type": "string", "enum": values});
    if let Some(default) = default.filter(|default| values.contains(default)) {
        schema["default"] = json!(default);
    }
    schema
}
