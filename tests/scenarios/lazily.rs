//! What is opened where it lies: files of the former global land service by their links, and CDSE's in its bucket.

use std::{path::Path, process::Command};

use clms_tests::{
    Run, Scene,
    cdse::{Cdse, moisture},
    lake_ice, python,
};
use serde_json::{Value, json};

const LAKE_ICE: &str = "lake-ice-extent-europe-v2-250m|LEGACY";

#[test]
fn a_reference_to_files_of_old_opens_in_python_without_us() {
    let scene = Scene::new();
    let sources = lake_ice(&scene.packages(), 3);
    let reference = scene.home().join("lake_ice.json");
    let run = scene
        .clms(&[
            "open",
            LAKE_ICE,
            "--time",
            "2020-01-01/2020-01-03",
            "--save-reference",
            reference.to_str().unwrap(),
        ])
        .well();
    assert!(run.stdout.contains("time: 3"), "{run:?}");
    assert!(run.stdout.contains("reference://"), "{run:?}");

    let mut check = Command::new(python::reference());
    check
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/check_dates.py"))
        .arg(&reference)
        .arg("ssm")
        .args(&sources);
    let report = Run::of(check).well().json();
    assert_eq!(
        report,
        json!({"times": ["2020-01-01", "2020-01-02", "2020-01-03"], "shape": [3, 160, 240]})
    );
}

const MOISTURE: &str = "daily-surface-soil-moisture-v1-0";

#[test]
fn a_collection_of_cdse_is_listed_described_opened_and_exported() {
    let scene = Scene::new();
    let cdse = Cdse::with_soil_moisture();
    let clms = |args: &[&str]| {
        let mut command = scene.command(&[args, &["-o", "json"]].concat());
        command.envs(cdse.environment());
        Run::of(command).well().json()
    };

    let listed = clms(&["list", "--source", "CDSE", "--product", MOISTURE]);
    let [entry] = &listed.as_array().unwrap()[..] else {
        panic!("{listed:#}")
    };
    assert_eq!(
        (&entry["data_id"], &entry["how"]),
        (&MOISTURE.into(), &"open".into())
    );
    assert_eq!(clms(&["describe", MOISTURE])["source"], "CDSE");

    let opened = clms(&["open", MOISTURE, "--time", "2020-01"]);
    let variable = &opened["groups"][0]["variables"][0];
    assert_eq!(
        (&variable["name"], &variable["shape"]),
        (&"SSM".into(), &json!([2, 414, 683]))
    );

    let (bbox, out) = ("-10,71,-9.5,71.5", scene.home().join("w.tif"));
    let args = [
        "export",
        MOISTURE,
        "--time",
        "2020-01-02",
        "--bbox",
        bbox,
        "--out",
    ];
    let report = clms(&[&args[..], &[out.to_str().unwrap()]].concat());
    assert_eq!(exported(&out), expected(&report));
}

/// Stored values of the only band.
fn exported(path: &Path) -> Vec<u8> {
    let dataset = gdal::Dataset::open(path).unwrap();
    let band = dataset.rasterband(1).unwrap();
    band.read_band_as::<u8>().unwrap().data().to_vec()
}

/// Those of the raster of the second day in the window that was exported.
fn expected(report: &Value) -> Vec<u8> {
    let raster = moisture(1);
    let [west, dx, _, north, _, dy] = raster.geotransform;
    let edge = |at: usize| report["bbox"][at].as_f64().unwrap();
    let index = |from: f64, origin: f64, step: f64| ((from - origin) / step).round() as usize;
    let rows = index(edge(3), north, dy)..index(edge(1), north, dy);
    let cols = index(edge(0), west, dx)..index(edge(2), west, dx);
    assert!(rows.len() > 50 && cols.len() > 50, "{report:#}");
    let pixels = rows.flat_map(|row| cols.clone().map(move |col| (row, col)));
    pixels.map(|(row, col)| raster.value_at(row, col)).collect()
}
