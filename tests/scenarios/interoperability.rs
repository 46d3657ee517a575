//! Our cubes in other people's software, pixel by pixel.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clms_factory::{Package, PackageSpec, Pattern, RasterSpec, Scale};
use clms_tests::{Run, Scene, python};
use serde_json::Value;

/// Preloads the package from the simulated service; also returns the tiles that the package was made of.
fn preloaded(data_id: &str, package: &Package, more: &[&str]) -> (Scene, Vec<PathBuf>) {
    let scene = Scene::new().delivering(package.spec());
    let mut tiles = package.write_rasters(&scene.home().join("tiles")).unwrap();
    let args = [&["preload", data_id], more].concat();
    let _ = scene.clms(&args).well();
    tiles.retain(|tile| {
        tile.extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("tif"))
    });
    (scene, tiles)
}

/// A script of `interop`, to be run by one of the Pythons.
fn script(interpreter: PathBuf, name: &str) -> Command {
    let mut script = Command::new(interpreter);
    script.arg(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("interop")
            .join(name),
    );
    script
}

/// Preloads the package from the simulated service, and has xarray, rioxarray and zarr-python compare the cube with what GDAL
/// (inside rasterio) reads from the source tiles.
fn compare(data_id: &str, package: &Package, more: &[&str]) -> Value {
    compare_with(python::interpreter(), data_id, package, more)
}

fn compare_with(python: PathBuf, data_id: &str, package: &Package, more: &[&str]) -> Value {
    let (scene, tiles) = preloaded(data_id, package, more);
    let mut check = script(python, "check_cube.py");
    check.arg(scene.cube(data_id)).args(tiles);
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

#[test]
fn a_mask_tells_the_gaps_where_every_value_is_data() {
    // All 256 values of a byte are data. Each tile states another nodata, and two overlap.
    let tile = |name: &str, left: f64, nodata: &str| {
        let pattern = Pattern::custom(|x, y| {
            ((x / 10.0).floor() + (y / 10.0).floor() * 40.0).rem_euclid(256.0)
        });
        RasterSpec::new(name, 40, 30)
            .corner(left, 3_000_000.0, 10.0)
            .pattern(pattern)
            .nodata(nodata)
    };
    let data_id = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
    let spec = PackageSpec::new("FTY_2015_100m_eu_03035_d02_Full").rasters([
        tile("unheard_of_a.tif", 4_000_000.0, "7"),
        tile("unheard_of_b.tif", 4_000_250.0, "9"),
        tile("unheard_of_c.tif", 4_000_900.0, "11"),
    ]);
    for format in ["3", "2"] {
        let scene = Scene::new().delivering(&spec);
        let tiles = spec.write_rasters(&scene.home().join("tiles")).unwrap();
        let _ = scene
            .clms(&["preload", data_id, "--zarr-format", format])
            .well();
        let mut check = script(python::interpreter(), "check_cube.py");
        check.arg(scene.cube(data_id)).args(tiles);
        let report = Run::of(check).well().json();
        let band = &report["groups"][""]["variables"]["band_1"];
        assert!(
            band["masked_pixels"].as_u64().unwrap() > 25 * 30,
            "{report:#}"
        );
    }
}

const IMD: &str = "imperviousness-density-2018|IMD_2018_100m_eu_03035_v020";

fn imperviousness() -> Package {
    Package::by_file_name("IMD_2018_100m_eu_03035_v020", Scale::Pixels(300, 300)).unwrap()
}

#[test]
fn zarr_v2_in_older_readers() {
    let more = ["--zarr-format", "2", "--levels", "1", "--tile-size", "128"];
    let report = compare_with(python::xcube_113(), IMD, &imperviousness(), &more);
    assert!(
        report["zarr"].as_str().unwrap().starts_with("2."),
        "{report:#}"
    );
    assert_eq!(report["tiles"], 8);
    assert_eq!(report["groups"][""]["crs"], "EPSG:3035");
}

/// xcube's file store, pointed at the cache, lists the data id and opens it.
fn xcube(interpreter: PathBuf, version: &str, zarr_format: &str) {
    let more = ["--zarr-format", zarr_format, "--tile-size", "128"];
    let (scene, tiles) = preloaded(IMD, &imperviousness(), &more);
    let data_id = format!("{IMD}.zarr");
    let mut check = script(interpreter, "check_xcube.py");
    check.arg(scene.cache()).arg(&data_id).args(tiles);
    let report = Run::of(check).well().json();
    assert!(
        report["xcube"].as_str().unwrap().starts_with(version),
        "{report:#}"
    );
    assert_eq!(report["crs"], "EPSG:3035");
    assert_eq!(report["nodata"], 255.0);
    assert_eq!(report["chunks"], true, "lazy");
    let bounds = report["bounds"].as_array().unwrap();
    assert_eq!(
        bounds[2].as_f64().unwrap() - bounds[0].as_f64().unwrap(),
        90_000.0
    );
    assert_eq!(report["pixels_compared"], 900 * 900);
}

#[test]
fn zarr_v3_in_xcube_1_14() {
    xcube(python::xcube(), "1.14", "3");
}

#[test]
fn zarr_v2_in_xcube_1_14() {
    xcube(python::xcube(), "1.14", "2");
}

#[test]
fn zarr_v2_in_xcube_1_13() {
    xcube(python::xcube_113(), "1.13", "2");
}

#[test]
fn the_geozarr_conventions_hold() {
    let package = Package::corine_2018(Scale::Demo);
    let data_id = "clc2018|u2018_clc2018_v2020_20u1_raster100m";
    for format in ["3", "2"] {
        let more = ["--levels", "2", "--zarr-format", format];
        let (scene, _) = preloaded(data_id, &package, &more);
        let mut check = script(python::geozarr(), "check_conventions.py");
        check.arg(scene.cube(data_id));
        let report = Run::of(check).well().json();
        let all = serde_json::json!(["spatial", "proj", "multiscales"]);
        for group in ["", "FR_GUF"] {
            assert_eq!(report[group], all, "{report:#}");
        }
        let overview = serde_json::json!(["spatial", "proj"]);
        assert_eq!(report["FR_GUF/overviews/r4"], overview, "{report:#}");
    }
}

/// `gdalinfo` of a GDAL that reads sharded Zarr v3, if the machine has one.
fn gdalinfo_of_313() -> Option<PathBuf> {
    let program = std::env::var_os("CLMS_GDALINFO").unwrap_or_else(|| "gdalinfo".into());
    let said = |args: &[&str]| {
        let output = Command::new(&program).args(args).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let version = said(&["--version"])?;
    let mut numbers = version.trim_start_matches("GDAL ").split(['.', ',']);
    let mut number = || numbers.next()?.parse::<u32>().ok();
    let is_new = (number()?, number()?) >= (3, 13);
    (is_new && said(&["--formats"])?.contains("Zarr -raster")).then(|| program.into())
}

#[test]
fn sharded_zarr_v3_in_gdal_3_13() {
    let Some(gdalinfo) = gdalinfo_of_313() else {
        {
            eprintln!(
                "SKIPPED: sharded Zarr v3 needs GDAL 3.13 or newer with its Zarr driver; there is none here (CLMS_GDALINFO may name one)"
            );
        }
        return;
    };
    let package = Package::forest_type_2015(Scale::Pixels(1500, 1100));
    let data_id = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
    let (scene, tiles) = preloaded(data_id, &package, &[]);
    let info = |name: &str| {
        let mut info = Command::new(&gdalinfo);
        info.args(["-json", "-checksum", name]);
        Run::of(info).well().json()
    };
    let cube = info(&format!("ZARR:\"{}\":/FTY", scene.cube(data_id).display()));
    let tile = info(&tiles[0].display().to_string());
    for place in [
        "/geoTransform",
        "/size",
        "/bands/0/checksum",
        "/bands/0/noDataValue",
    ] {
        assert_eq!(cube.pointer(place), tile.pointer(place), "{place}");
    }
    assert_eq!(cube["stac"]["proj:epsg"], 3035);
}
