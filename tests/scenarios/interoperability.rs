//! Our cubes in other people's software, pixel by pixel.

use std::{path::Path, process::Command};

use clms_factory::{Package, Scale};
use clms_tests::{Run, Scene, python};
use serde_json::Value;

/// Preloads the package from the simulated service, and has xarray, rioxarray and zarr-python compare the cube with what GDAL
/// (inside rasterio) reads from the source tiles.
fn compare(data_id: &str, package: &Package, more: &[&str]) -> Value {
    let scene = Scene::new().delivering(package.spec());
    let tiles = package.write_rasters(&scene.home().join("tiles")).unwrap();
    let args = [&["preload", data_id], more].concat();
    let _ = scene.clms(&args).well();

    let mut check = Command::new(python::interpreter());
    check
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/check_cube.py"))
        .arg(scene.cube(data_id))
        .args(tiles.iter().filter(|tile| {
            tile.extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("tif"))
        }));
    let report = Run::of(check).well().json();
    assert!(
        report["pixels_compared"].as_u64().unwrap() > 0,
        "{report:#}"
    );
    report
}

fn variable<'a>(report: &'a Value, group: &str) -> &'a Value {
    let variables = report["groups"][group]["variables"].as_object().unwrap();
    variables.values().next().unwrap()
}

#[test]
fn one_raster_of_europe() {
    let package = Package::forest_type_2015(Scale::Pixels(1500, 1100));
    let report = compare(
        "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full",
        &package,
        &[],
    );
    let root = &report["groups"][""];
    assert_eq!(root["crs"], "EPSG:3035");
    assert_eq!(
        root["bounds"],
        serde_json::json!([900_000.0, 5_390_000.0, 1_050_000.0, 5_500_000.0])
    );
    assert_eq!(root["resolution"], serde_json::json!([100.0, -100.0]));
    let forest = variable(&report, "");
    assert_eq!(forest["dtype"], "uint8");
    assert_eq!(forest["nodata"], 255.0);
    assert!(forest["classes"].as_u64().unwrap() >= 4, "{report:#}");
}

#[test]
fn quantities() {
    let package = Package::tree_cover_density_2015(Scale::Pixels(700, 900));
    let report = compare(
        "tree-cover-density-2015|TCD_2015_100m_eu_03035_d04_Full",
        &package,
        &[],
    );
    assert_eq!(variable(&report, "")["nodata"], 255.0);
}

#[test]
fn a_missing_tile_is_a_gap() {
    let package =
        Package::by_file_name("IMD_2018_100m_eu_03035_v020", Scale::Pixels(300, 300)).unwrap();
    let tiles = package.rasters().len();
    assert_eq!(tiles, 8, "three by three, the middle one missing");
    let report = compare(
        "imperviousness-density-2018|IMD_2018_100m_eu_03035_v020",
        &package,
        &["--tile-size", "128"],
    );
    assert_eq!(report["tiles"], 8);
    assert!(
        report["groups"][""]["gap_pixels"].as_u64().unwrap() > 0,
        "{report:#}"
    );
}

#[test]
fn corine_with_its_overseas_departments() {
    // As in reality, the mainland is the largest.
    let package = Package::corine_2018(Scale::Demo);
    let report = compare("clc2018|u2018_clc2018_v2020_20u1_raster100m", &package, &[]);
    let groups = report["groups"].as_object().unwrap();
    assert_eq!(report["groups"][""]["crs"], "EPSG:3035");
    // Guadeloupe and Martinique share a CRS, and so a grid.
    assert_eq!(groups.len(), 5, "{report:#}");
    assert_eq!(report["tiles"], 6);
    assert_eq!(variable(&report, "")["dtype"], "int8");
    for (name, group) in groups.iter().filter(|(name, _)| !name.is_empty()) {
        assert_ne!(group["crs"], "EPSG:3035", "{name}");
        assert_eq!(variable(&report, name)["dtype"], "uint16", "{name}");
    }
}

#[test]
fn several_files_without_tile_names() {
    let package = Package::clcplus_2021(Scale::Pixels(600, 500));
    let report = compare("clc-backbone-2021|CLMS_CLCplus_RASTER_2021", &package, &[]);
    assert!(report["tiles"].as_u64().unwrap() > 1);
    assert_eq!(report["groups"].as_object().unwrap().len(), 1, "{report:#}");
    assert!(
        variable(&report, "")["classes"].as_u64().unwrap() >= 11,
        "{report:#}"
    );
}

#[test]
fn a_block_of_tiles() {
    let package = Package::forest_type_2015_block(Scale::Pixels(500, 2600));
    let report = compare(
        "forest-type-2015|FTY_2015_020m_eu_03035_d04_E00N20",
        &package,
        &[],
    );
    assert_eq!(
        report["groups"][""]["resolution"],
        serde_json::json!([20.0, -20.0])
    );
}

#[test]
fn zarr_v2_and_overviews() {
    let package =
        Package::by_file_name("IMD_2018_100m_eu_03035_v020", Scale::Pixels(300, 300)).unwrap();
    let report = compare(
        "imperviousness-density-2018|IMD_2018_100m_eu_03035_v020",
        &package,
        &["--zarr-format", "2", "--levels", "2", "--tile-size", "128"],
    );
    assert_eq!(report["tiles"], 8);
    assert_eq!(variable(&report, "")["nodata"], 255.0);
    let levels = report["groups"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| name.starts_with("overviews"));
    assert_eq!(levels.count(), 2, "{report:#}");
}
