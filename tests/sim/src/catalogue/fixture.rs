//! The project's own catalogue, expanded from three tables.
//!
//! The tables hold facts about the real catalogue: ids, names, sizes and
//! their quirks (`\t` stands for a TAB inside a value). Where no real id is
//! known the tables have `-`, and one is derived from the row.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::dataset_object::{DataSetFacts, dataset_object, product_object};
use super::{Catalogue, PORTAL};

const DATASETS: &str = include_str!("datasets.tsv");
const FILES: &str = include_str!("files.tsv");
const DOWNLOAD_INFORMATION: &str = include_str!("download_information.tsv");

/// The fixture as a catalogue: products first, then data sets.
pub(super) fn catalogue() -> Catalogue {
    let rows: Vec<_> = rows::<13>(DATASETS).collect();
    let products: BTreeSet<&str> = rows.iter().map(|row| row[2]).collect();
    let mut catalogue = Catalogue::empty();
    for row in &rows {
        let [
            id,
            uid,
            product,
            title,
            crs,
            resolution,
            coverage,
            temporal,
            start,
            end,
            limit,
            series,
            bbox,
        ] = *row;
        let facts = DataSetFacts {
            id,
            uid: if uid == "-" {
                derived_hex(id)
            } else {
                uid.to_owned()
            },
            product,
            title,
            crs,
            resolution,
            coverage,
            temporal,
            start,
            end,
            day_limit: limit.parse().unwrap_or(0),
            time_series: series == "yes",
            bbox: bbox.split(',').collect(),
            files: files_of(id),
            download_information: download_information_of(id),
        };
        catalogue = catalogue.with_object(dataset_object(&facts), PORTAL);
    }
    for product in products {
        catalogue = catalogue.with_object(product_object(product, &derived_hex(product)), PORTAL);
    }
    catalogue
}

/// The rows below the heading of a table with `N` columns.
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().skip(1).filter_map(|line| {
        let cells: Vec<_> = line.split('\t').collect();
        cells.try_into().ok()
    })
}

fn files_of(dataset: &str) -> Value {
    let items: Vec<Value> = rows::<10>(FILES)
        .filter(|row| row[0] == dataset)
        .enumerate()
        .map(|(index, [_, id, file, area, resolution, size, kind, format, version, folder])| {
            let id = if id == "-" { derived_uuid(&format!("{dataset}|{file}|{index}")) } else { id.to_owned() };
            // A placeholder has nothing but its id: every value is "".
            let placeholder = file.is_empty();
            let path = if placeholder {
                String::new()
            } else {
                format!("{folder}\\{}.zip", file.trim().trim_end_matches(".zip"))
            };
            let (area_key, area) = match area.strip_prefix("Countries=") {
                Some(country) => ("Countries", country),
                None => ("area", area),
            };
            json!({
                "@id": id, area_key: unescaped(area), "file": file, "format": format, "path": path,
                "resolution": resolution, "size": size, "source": if placeholder { "" } else { "EEA" },
                "title": "", "type": kind, "version": unescaped(version), "year": "",
            })
        })
        .collect();
    json!({"items": items})
}

fn download_information_of(dataset: &str) -> Value {
    let items: Vec<Value> = rows::<9>(DOWNLOAD_INFORMATION)
        .filter(|row| row[0] == dataset)
        .enumerate()
        .map(|(index, [_, id, collection, format, path, source, name, layers, extra])| {
            let id = if id == "-" { derived_uuid(&format!("{dataset}?{index}")) } else { id.to_owned() };
            let full_format = match format.strip_prefix('+') {
                Some(token) => json!({"title": token, "token": token}),
                None => json!(format),
            };
            let mut item = json!({
                "@id": id, "full_format": full_format, "full_path": path, "full_source": source, "name": name,
            });
            if collection != "-" {
                item["collection"] = json!(collection);
            }
            if source != "EEA" {
                item["layers"] = serde_json::from_str(layers).unwrap_or_default();
                item["wekeo_choices"] = json!(extra.strip_prefix("wekeo:").unwrap_or_default());
            }
            if let Some(collection) = extra.strip_prefix("byoc:") {
                item["byoc_collection"] = json!(collection);
            }
            item
        })
        .collect();
    json!({"items": items})
}

fn unescaped(cell: &str) -> String {
    cell.replace("\\t", "\t")
}

/// 32 hex digits that depend on nothing but `seed`.
fn derived_hex(seed: &str) -> String {
    let hash = digest(&SHA256, seed.as_bytes());
    hash.as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn derived_uuid(seed: &str) -> String {
    let hex = derived_hex(seed);
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
