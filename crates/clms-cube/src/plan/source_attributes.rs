//! Which of the sources' own attributes a cube keeps. They win over what this crate would say, except for those that say how the
//! cube is stored, which are true of the source alone.
//!
//! Kept is what all rasters of a variable (or of a group) say alike: what one tile says of itself is no attribute of the mosaic.

use serde_json::{Map, Value, json};

use crate::raster_header::Items;
use crate::{Class, DataType};

/// Longer texts are documents and no attributes.
const MOST_BYTES: usize = 8 << 10;

/// Items that are about the file, or approximate, or about one tile.
const OF_THE_FILE: [&str; 17] = [
    "STATISTICS_",
    "AREA_OR_POINT",
    "LAYER_TYPE",
    "REPRESENTATIONTYPE",
    "TIFFTAG_XRESOLUTION",
    "TIFFTAG_YRESOLUTION",
    "TIFFTAG_RESOLUTIONUNIT",
    "TIFFTAG_MINSAMPLEVALUE",
    "TIFFTAG_MAXSAMPLEVALUE",
    "TIFFTAG_DATETIME",
    "NETCDF_",
    "OVERVIEWS_",
    "RESAMPLING",
    "PIXELTYPE",
    "HISTOGRAM",
    "PYRAMID",
    "BANDNAME",
];

/// Attributes that say how an array is stored and located here.
const OF_THE_CUBE: [&str; 20] = [
    "_fillvalue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "grid_mapping",
    "coordinates",
    "ancillary_variables",
    "cell_measures",
    "bounds",
    "chunksizes",
    "flag_values",
    "flag_meanings",
    "flag_masks",
    "flag_colors",
    "class_names",
    "_unsigned",
    "conventions",
    "zarr_conventions",
    "multiscales",
    "clms",
];

/// Attributes whose values are numbers.
const NUMBERS: [&str; 3] = ["valid_range", "valid_min", "valid_max"];

/// The items that all have, with the same values, in the order of the first.
pub(super) fn common<'a>(mut all: impl Iterator<Item = &'a Items>) -> Items {
    let Some(first) = all.next() else {
        return Items::new();
    };
    let mut common = first.clone();
    // Most rasters of a product say the same.
    for items in all.filter(|items| *items != first) {
        common.retain(|item| items.contains(item));
    }
    common
}

/// Attributes of a variable from the items of its bands.
pub(super) fn of_variable(items: &Items, dtype: DataType) -> Map<String, Value> {
    let mut attributes = Map::new();
    for (name, text) in items.iter().filter(|(name, text)| is_kept(name, text)) {
        let value = match NUMBERS.contains(&name.as_str()) {
            true => numbers(text, dtype),
            false => Some(json!(text)),
        };
        if let Some(value) = value {
            attributes.insert(name.clone(), value);
        }
    }
    attributes
}

/// Attributes of a group from the items of its rasters. NetCDF files have theirs under `NC_GLOBAL#`.
pub(super) fn of_group(items: &Items) -> Map<String, Value> {
    let mut attributes = Map::new();
    for (name, text) in items {
        let name = name.strip_prefix("NC_GLOBAL#").unwrap_or(name);
        let lower = name.to_ascii_lowercase();
        let of_one_variable = name.contains('#');
        let located = ["proj:", "spatial:"]
            .iter()
            .any(|prefix| lower.starts_with(prefix));
        if of_one_variable || located || !is_kept(name, text) {
            continue;
        }
        // The names that readers look for are in lower case.
        let is_time = lower.starts_with("time_coverage_");
        attributes.insert(if is_time { lower } else { name.to_owned() }, json!(text));
    }
    attributes
}

fn is_kept(name: &str, text: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let lower = name.to_ascii_lowercase();
    !text.is_empty()
        && text.len() <= MOST_BYTES
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_graphic())
        && !OF_THE_FILE.iter().any(|prefix| upper.starts_with(prefix))
        && !OF_THE_CUBE.contains(&lower.as_str())
        && !lower.starts_with('_')
}

/// One number, or several as `{0,100}` or `0, 100`; `None` when one is none of the type.
fn numbers(text: &str, dtype: DataType) -> Option<Value> {
    let parts = text
        .trim_matches(['{', '}', '[', ']'])
        .split([',', ' '])
        .filter(|part| !part.is_empty());
    let number = |part: &str| {
        let number: f64 = part.parse().ok().filter(|n| dtype.holds(*n))?;
        Some(if dtype.is_float() {
            json!(number)
        } else {
            json!(number as i64)
        })
    };
    let mut numbers: Vec<Value> = parts.map(number).collect::<Option<_>>()?;
    match numbers.len() {
        0 => None,
        1 => numbers.pop(),
        _ => Some(Value::Array(numbers)),
    }
}

/// When the newest of the files was written, as ISO 8601, from the TIFF tag (`2020:05:20 13:01:02`).
pub(super) fn date_created<'a>(all: impl Iterator<Item = &'a Items>) -> Option<String> {
    let stamps = all.flatten().filter(|(name, _)| name == "TIFFTAG_DATETIME");
    let dates = stamps.filter_map(|(_, text)| {
        let stamp = jiff::civil::DateTime::strptime("%Y:%m:%d %H:%M:%S", text).ok()?;
        // Cameras and programs without a clock write zeros, or the beginning of time.
        (stamp.year() > 1970).then_some(stamp)
    });
    dates.max().map(|stamp| stamp.to_string())
}

/// The classes that a band says it has, as CF and so NetCDF files do.
pub(super) fn classes(items: &Items) -> Vec<Class> {
    let text = |wanted: &str| {
        let found = items
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map_or("", |(_, text)| text.as_str())
    };
    let values = text("flag_values");
    let values = values
        .trim_matches(['{', '}', '[', ']'])
        .split([',', ' '])
        .filter(|part| !part.is_empty())
        // NetCDF's own notation has the type behind the number: `1b`.
        .map(|part| {
            part.trim_end_matches(['b', 'B', 'u', 'U', 's', 'S'])
                .parse::<i64>()
        });
    let names: Vec<&str> = text("flag_meanings").split_ascii_whitespace().collect();
    let Ok(values) = values.collect::<Result<Vec<_>, _>>() else {
        return Vec::new();
    };
    if values.len() != names.len() || values.len() > crate::classes::MAX_CLASSES {
        return Vec::new();
    }
    let class = |(value, name): (i64, &str)| Class {
        value,
        name: Some(name.replace('_', " ")),
        colour: None,
    };
    values.into_iter().zip(names).map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(all: &[(&str, &str)]) -> Items {
        let item = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        all.iter().map(item).collect()
    }

    #[test]
    fn what_all_say_alike_is_kept() {
        let one = items(&[("source", "S2"), ("tile", "a"), ("licence", "open")]);
        let other = items(&[("licence", "open"), ("source", "S2"), ("tile", "b")]);
        assert_eq!(
            common([&one, &other, &one].into_iter()),
            items(&[("source", "S2"), ("licence", "open")])
        );
        assert!(common(std::iter::empty()).is_empty());
    }

    #[test]
    fn what_is_about_the_file_or_the_cube_is_not() {
        let long = "x".repeat(MOST_BYTES + 1);
        let all = items(&[
            ("STATISTICS_MEAN", "3"),
            ("_FillValue", "255"),
            ("grid_mapping", "crs"),
            ("comment", &long),
            ("with blank", "x"),
            ("standard_name", "land_cover_lccs"),
            ("valid_range", "{0,100}"),
            ("valid_max", "300"),
        ]);
        let kept = of_variable(&all, DataType::UInt8);
        assert_eq!(
            Value::Object(kept),
            json!({ "standard_name": "land_cover_lccs", "valid_range": [0, 100] })
        );
        let group = of_group(&items(&[
            ("NC_GLOBAL#title", "Snow"),
            ("NC_GLOBAL#Conventions", "CF-1.6"),
            ("lat#units", "degrees_north"),
            ("TIME_COVERAGE_START", "2020-01-01"),
            ("spatial:bbox", "0"),
        ]));
        assert_eq!(
            Value::Object(group),
            json!({ "title": "Snow", "time_coverage_start": "2020-01-01" })
        );
    }

    #[test]
    fn the_newest_file_tells_the_date() {
        let stamp = |text: &str| items(&[("TIFFTAG_DATETIME", text)]);
        let all = [
            stamp("2020:05:20 13:01:02"),
            stamp("2019:01:01 00:00:00"),
            stamp("yesterday"),
            stamp("1970:01:01 00:00:00"),
        ];
        assert_eq!(
            date_created(all.iter()).as_deref(),
            Some("2020-05-20T13:01:02")
        );
        assert_eq!(date_created(all[2..].iter()), None);
    }

    #[test]
    fn classes_as_cf_has_them() {
        let flags = items(&[
            ("flag_values", "{0b, 10b}"),
            ("flag_meanings", "no_data tree_cover"),
        ]);
        let classes = classes(&flags);
        assert_eq!(classes[1].value, 10);
        assert_eq!(classes[1].name.as_deref(), Some("tree cover"));
        let odd = items(&[("flag_values", "0,1"), ("flag_meanings", "one")]);
        assert!(super::classes(&odd).is_empty());
    }
}
