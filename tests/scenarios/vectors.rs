//! Vector products from the first request to geopandas.

use std::{fs, path::Path, process::Command};

use clms_factory::{Package, PackageSpec, Scale, VectorLayer, VectorShape, VectorSpec};
use clms_tests::{Run, Scene, python};
use serde_json::Value;

const GEODATABASE: &str = "clc2018|u2018_clc2018_v2020_20u1_fgdb";
const CITY: &str = "urban-atlas-2018|FR010L2_MONTPELLIER_UA2018_v013";
const COAST: &str = "coastal-zones-2018|CZ_2018_DU004_3035_V010_fgdb";

fn file(data_id: &str) -> &str {
    data_id.split_once('|').unwrap().1
}

fn package(data_id: &str) -> PackageSpec {
    Package::by_file_name(file(data_id), Scale::Demo)
        .unwrap()
        .into_spec()
}

/// Has geopandas compare each layer of the cached GeoPackage with what it reads from the delivered files.
fn compare(scene: &Scene, data_id: &str) -> Value {
    let mut check = Command::new(python::interpreter());
    check
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/check_vector.py"))
        .arg(scene.cube(data_id));
    Run::of(check).well().json()
}

#[test]
fn geopandas_reads_what_was_delivered() {
    for (data_id, layers, features) in [(GEODATABASE, 1, 3), (CITY, 3, 42), (COAST, 1, 25)] {
        let scene = Scene::new().delivering(&package(data_id));
        let preloaded = scene
            .clms(&["preload", data_id, "-o", "json"])
            .well()
            .json();
        assert_eq!(preloaded[0]["status"], "completed");
        let report = compare(&scene, data_id);
        assert_eq!(report["layers"], layers, "{report:#}");
        assert_eq!(report["features"], features, "{report:#}");
    }
}

#[test]
fn geopandas_reads_every_format_of_a_mixed_package() {
    let scene = Scene::new().delivering(
        &PackageSpec::new(file(COAST))
            .vector(VectorSpec::of(
                "latin1.shp",
                [VectorLayer::new("latin1").shape(VectorShape::Pairs)],
            ))
            .vector(VectorSpec::of(
                "high.shp",
                [VectorLayer::new("high").shape(VectorShape::Tilted)],
            ))
            .vector(VectorSpec::of("flat.fgb", [VectorLayer::new("flat")]))
            .vector(VectorSpec::of(
                "degrees.geojson",
                [VectorLayer::new("degrees").shape(VectorShape::Points)],
            ))
            .vector(VectorSpec::of(
                "tables.gpkg",
                [
                    VectorLayer::new("größe & <lage>").shape(VectorShape::Circles),
                    VectorLayer::new("values").shape(VectorShape::Nothing),
                    VectorLayer::new("empty").features(0),
                ],
            )),
    );
    let _ = scene.clms(&["preload", COAST]).well();
    let report = compare(&scene, COAST);
    assert_eq!(report["layers"], 7, "{report:#}");
    assert_eq!(report["features"], 18, "{report:#}");
}

#[test]
fn a_vector_product_is_told_of_like_any_other() {
    let scene = Scene::new().delivering(&package(CITY));
    let listed = scene
        .clms(&["list", "--product", "urban-atlas-2018", "-o", "json"])
        .well()
        .json();
    let entry = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["data_id"] == CITY)
        .unwrap();
    assert_eq!(
        (&entry["how"], &entry["format"]),
        (&"preload".into(), &"GPKG".into())
    );
    let planned = scene
        .clms(&["preload", "--dry-run", CITY, "-o", "json"])
        .well()
        .json();
    assert_eq!(planned[0]["action"], "request");

    let _ = scene.clms(&["preload", CITY]).well();
    let again = scene.clms(&["preload", CITY, "-o", "json"]).well().json();
    assert_eq!(again[0]["status"], "cached");
    let forced = scene
        .clms(&["preload", "--force", CITY, "-o", "json"])
        .well()
        .json();
    assert_eq!(forced[0]["status"], "completed");

    let opened = scene.clms(&["open", CITY]).well().stdout;
    for words in [
        "layer FR010L2_MONTPELLIER_UA2018  (40 features, Polygon)",
        "crs         EPSG:3035",
        "bbox        4000000 3000000 4040000 3001000",
        "field       code_18 String",
        "geopandas.read_file(",
    ] {
        assert!(opened.contains(words), "{words:?} is missing in\n{opened}");
    }
    let json = scene.clms(&["open", CITY, "-o", "json"]).well().json();
    let layer = &json["vector"]["layers"][0];
    assert_eq!(layer["crs"]["code"], "EPSG:3035");
    assert_eq!(layer["fields"][3]["type"], "Integer64");
    for (command, out) in [("preview", "map.png"), ("report", "city.html")] {
        let refused = scene.clms(&[command, CITY, "--out", out]).with_code(1);
        let _ = refused.saying(&["vector data", "hint: ", "QGIS"]);
    }
    let kinds = scene.clms(&["cache", "list", "-o", "json"]).well().json();
    assert_eq!(kinds[0]["kind"], "vector", "{kinds:#}");
}

#[test]
fn a_detached_preload_of_vectors_is_resumed() {
    let scene = Scene::new().delivering(&package(GEODATABASE));
    let detached = scene
        .clms(&["preload", "--detach", GEODATABASE, "-o", "json"])
        .well()
        .json();
    assert_eq!(detached[0]["status"], "requested");
    assert!(!scene.cube(GEODATABASE).exists());
    let _ = scene.clms(&["jobs", "wait"]).well();
    let geopackage = scene
        .cube(GEODATABASE)
        .join("u2018_clc2018_v2020_20u1_fgdb.gpkg");
    assert!(geopackage.is_file());
    // Nothing of the work is left in the cache.
    let scratch = scene.cache().join(".clms/v1/scratch");
    let left: Vec<_> = fs::read_dir(scratch)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != "CACHEDIR.TAG")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
