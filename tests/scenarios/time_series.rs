//! Subsets of several dates: one cube with a dimension `time`, in the program and in other people's software.

use std::{path::Path, process::Command};

use clms_factory::PartSpec;
use clms_sim::Sim;
use clms_tests::{Run, Scene, cut, python};

const NDVI: &str = "normalised-difference-vegetation-index-v2-0-300m";

/// A cube of the dates 1, 11 and 21 January 2021; also the raster of each date as a file.
struct Series {
    scene: Scene,
    data_id: String,
    /// `2021-01-01=<file>`.
    dated: Vec<String>,
}

fn preloaded(format: &str, more: &[&str]) -> Series {
    let scene = Scene::of(Sim::builder().parts(cut));
    let wanted = format!(
        "{NDVI}|300m?bbox=5.9,49.5,6.1,49.6&time=2021-01-01/2021-01-25&crs=EPSG:3035&format={format}"
    );
    let args = [&["preload", &wanted, "-o", "json"], more].concat();
    let done = scene.clms(&args).well().json();
    let part = PartSpec {
        bbox: [5.9, 49.5, 6.1, 49.6],
        epsg: 3035,
        netcdf: false,
        days: Some(("2021-01-01".to_owned(), "2021-01-25".to_owned())),
    };
    let folder = scene.home().join("dates");
    std::fs::create_dir_all(&folder).unwrap();
    let (dates, rasters) = (part.dates().unwrap(), part.rasters().unwrap());
    let dated = dates.iter().zip(&rasters).map(|(date, raster)| {
        let path = raster.write(&folder).unwrap();
        format!("{date}={}", path.display())
    });
    Series {
        data_id: done[0]["data_id"].as_str().unwrap().to_owned(),
        dated: dated.collect(),
        scene,
    }
}

/// xarray, rioxarray and xcube see the dates sorted and each pixel of each of them right.
fn compare(series: &Series, variable: &str) {
    let cubes = std::fs::read_dir(series.scene.cache()).unwrap();
    let names = cubes.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| name.ends_with(".zarr")).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let name = &names[0];
    for interpreter in [python::interpreter(), python::xcube()] {
        let mut check = Command::new(interpreter);
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
        check
            .arg(scripts.join("check_times.py"))
            .arg(series.scene.cache())
            .args([name.as_str(), variable])
            .args(&series.dated);
        let report = Run::of(check).well().json();
        let times = serde_json::json!(["2021-01-01", "2021-01-11", "2021-01-21"]);
        assert_eq!(report["times"], times, "{report:#}");
        assert_eq!(report["nodata"], 255.0);
    }
}

#[test]
fn several_days_of_a_subset_are_one_cube_with_time() {
    let series = preloaded("Geotiff", &[]);
    compare(&series, "band_1");
    let (scene, data_id) = (&series.scene, series.data_id.as_str());
    let _ = scene.clms(&["cache", "verify", data_id]).well();
    let opened = scene.clms(&["open", data_id]).well();
    assert!(opened.stdout.contains("time"), "{opened:#?}");

    // A map is of the last date, unless another one is wanted.
    let draw = |out: &str, more: &[&str]| {
        let out = scene.home().join(out).display().to_string();
        let args = [&["preview", data_id, "--out", &out, "-o", "json"], more].concat();
        (scene.clms(&args), out)
    };
    let time = |run: Run| run.well().json()["time"].clone();
    let (last, last_png) = draw("last.png", &[]);
    assert_eq!(time(last), "2021-01-21T00:00:00Z");
    let (first, first_png) = draw("first.png", &["--time", "2021-01-01/2021-01-10"]);
    assert_eq!(time(first), "2021-01-01T00:00:00Z");
    let bytes = |path: &str| std::fs::read(path).unwrap();
    assert_ne!(bytes(&last_png), bytes(&first_png));
    let (none, _) = draw("none.png", &["--time", "2020"]);
    let _ = none.with_code(2).saying(&["3 times", "2021-01-21"]);

    // Tables have a line for each date.
    let table = scene.home().join("point.csv").display().to_string();
    let args = ["export", data_id, "--out", &table, "--point", "6,49.55"];
    let _ = scene.clms(&args).well();
    let lines = std::fs::read_to_string(&table).unwrap();
    for date in ["2021-01-01", "2021-01-11", "2021-01-21"] {
        assert!(lines.contains(date), "{lines}");
    }
}

#[test]
fn netcdf_and_zarr_v2_have_the_same_dates() {
    let series = preloaded("Netcdf", &["--zarr-format", "2"]);
    compare(&series, "Band1");
}
