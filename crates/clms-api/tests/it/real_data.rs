//! Real items and datasets of the portal, where they are at hand: in `../shared` beside the
//! workspace, which is not part of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clms_api::{Dataset, FileKind, Source, Task};
use serde_json::{Value, json};

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    }
    Some(path)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn dataset_with(field: &str, item: &Value) -> Dataset {
    Dataset::from_portal(json!({"UID": "u", field: {"items": [item]}})).unwrap()
}

#[test]
fn every_item_of_the_catalogue() {
    let Some(path) = shared("data/catalogue_items.json") else {
        return;
    };
    let items: BTreeMap<String, Value> = serde_json::from_value(read(&path)).unwrap();
    assert_eq!(items.len(), 832);
    for (data_id, item) in &items {
        match data_id.split_once('|') {
            Some((_, name)) => {
                let dataset = dataset_with("downloadable_files", item);
                let file = &dataset.files[0];
                assert_eq!(file.name, name.trim().trim_end_matches(".zip"), "{data_id}");
                assert_eq!(file.id.as_str(), item["@id"], "{data_id}");
                assert!(file.size.unwrap() > 0, "{data_id}");
                assert!(
                    matches!(file.kind, FileKind::Raster | FileKind::Vector),
                    "{data_id}"
                );
                assert_eq!(file.source, Some(Source::Eea), "{data_id}");
                assert!(file.extra.is_empty(), "{data_id}");
            }
            None => {
                let dataset = dataset_with("dataset_download_information", item);
                let info = &dataset.download_information[0];
                assert_eq!(info.source, Some(Source::Legacy), "{data_id}");
                assert_eq!(info.format, Some(clms_api::Format::Netcdf), "{data_id}");
                assert!(info.extra.is_empty(), "{data_id}");
            }
        }
    }
}

#[test]
fn both_datasets() {
    let Some(folder) = shared("data/datasets") else {
        return;
    };
    let clc = Dataset::from_portal(read(&folder.join("clc2018.json"))).unwrap();
    assert_eq!(clc.id, "clc2018");
    assert_eq!(clc.uid.as_str(), "0407d497d3c44bcd93ce8fd5bf78596a");
    assert_eq!(clc.crs, ["EPSG:3035"]);
    assert_eq!(clc.bbox.unwrap().west, -31.561261);
    assert_eq!(
        clc.temporal_extent.start.unwrap().to_string(),
        "2017-01-01T00:00:00Z"
    );
    assert_eq!(clc.resolution.as_deref(), Some("100 m"));
    assert!(
        clc.citation
            .as_ref()
            .unwrap()
            .contains("https://doi.org/10.2909/960998c1")
    );
    assert!(
        clc.license
            .as_ref()
            .unwrap()
            .contains("full, open and free access")
    );
    assert!(!clc.is_time_series);
    let file = clc.file("u2018_clc2018_v2020_20u1_raster100m").unwrap();
    assert_eq!(file.size, Some(125 << 20));
    assert_eq!(clc.download_information.len(), 2);
    assert!(
        clc.extra.contains_key("geonetwork_identifiers"),
        "what has no field is kept"
    );

    let land_cover = Dataset::from_portal(read(&folder.join("lc2019.json"))).unwrap();
    assert!(land_cover.files.is_empty(), "a placeholder is no file");
    assert_eq!(land_cover.download_information[0].layers.len(), 15);
    assert_eq!(land_cover.crs, ["EPSG:4326", "WGS84"]);

    for dataset in [clc, land_cover] {
        let kept = serde_json::to_string(&dataset).unwrap();
        assert_eq!(serde_json::from_str::<Dataset>(&kept).unwrap(), dataset);
    }
}

#[test]
fn every_recorded_dataset_and_task() {
    let Some(path) = shared("data/portal_recordings.json") else {
        return;
    };
    let (mut datasets, mut tasks) = (0, 0);
    for exchange in read(&path).as_array().unwrap() {
        let (path, response) = (
            exchange["request"]["path"].as_str().unwrap(),
            &exchange["response"],
        );
        if response["status"] != 200 || exchange["request"]["method"] != "GET" {
            continue;
        }
        let query = exchange["request"]["query"].as_str().unwrap();
        if path.ends_with("/@search") && query.contains("fullobjects") {
            for item in response["body"]["items"].as_array().unwrap() {
                let dataset = Dataset::from_portal(item.clone()).unwrap();
                assert!(!dataset.url.unwrap().path().starts_with("/api"));
                datasets += 1;
            }
        }
        let mut found = Vec::new();
        if path.ends_with("@datarequest_search") {
            found.extend(response["body"].as_object().unwrap().clone());
        } else if path.ends_with("@datarequest_status_get") {
            found.push(("1".to_owned(), response["body"].clone()));
        }
        for (id, task) in found {
            let status = task["Status"].clone();
            let task = Task::from_portal(id.into(), task).unwrap();
            assert_eq!(task.status.as_str(), status);
            assert!(task.registered.is_some() && !task.datasets.is_empty());
            assert!(
                task.datasets
                    .iter()
                    .all(|dataset| dataset.dataset_uid.is_some())
            );
            tasks += 1;
        }
    }
    assert!(
        datasets > 10 && tasks > 50,
        "{datasets} datasets, {tasks} tasks"
    );
}

/// Fields that a model has, by the portal's names; all else must be in `extra`.
const DATASET_FIELDS: [&str; 22] = [
    "gemet",
    "keywords",
    "UID",
    "@id",
    "id",
    "title",
    "description",
    "geographicBoundingBox",
    "temporalExtentStart",
    "temporalExtentEnd",
    "characteristics_temporal_extent",
    "characteristics_projection",
    "coordinateReferenceSystemList",
    "qualitySpatialResolution_line",
    "characteristics_spatial_resolution",
    "citation",
    "accessAndUseConstraints",
    "mapviewer_istimeseries",
    "download_limit_temporal_extent",
    "modified",
    "downloadable_files",
    "dataset_download_information",
];

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[test]
fn nothing_is_lost() {
    let Some(folder) = shared("data/datasets") else {
        return;
    };
    for name in ["clc2018.json", "lc2019.json"] {
        let value = read(&folder.join(name));
        let dataset = Dataset::from_portal(value.clone()).unwrap();
        let (mut kept, mut shown) = (0, format!("{dataset:?}"));
        shown.push_str(&serde_json::to_string(&dataset).unwrap());
        for (key, value) in value.as_object().unwrap() {
            if !DATASET_FIELDS.contains(&key.as_str()) && !is_blank(value) {
                assert_eq!(dataset.extra.get(key), Some(value), "{name}: {key}");
                assert!(shown.contains(key.as_str()), "{key} is not shown");
                kept += 1;
            }
        }
        assert!(kept > 40, "{name}: {kept} further fields");
    }
    // Each value of each of the 832 items is told in some form.
    let items: BTreeMap<String, Value> =
        serde_json::from_value(read(&shared("data/catalogue_items.json").unwrap())).unwrap();
    for (data_id, item) in &items {
        let field = if data_id.contains('|') {
            "downloadable_files"
        } else {
            "dataset_download_information"
        };
        let told = serde_json::to_string(&dataset_with(field, item)).unwrap();
        for (key, value) in item.as_object().unwrap() {
            // Sizes become bytes, and a file's name loses its ending.
            let Some(text) = value
                .as_str()
                .map(str::trim)
                .filter(|text| !text.is_empty() && key != "size")
            else {
                continue;
            };
            let spelled = serde_json::to_string(text.trim_end_matches(".zip")).unwrap();
            assert!(
                told.contains(spelled.trim_matches('"')),
                "{data_id}: {key} {text} is lost in {told}"
            );
        }
    }
}
