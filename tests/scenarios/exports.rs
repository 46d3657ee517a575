//! Windows of cached cubes as files, opened by the software that people have for them.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use clms_factory::{PackageSpec, Pattern, RasterSpec};
use clms_tests::{Run, Scene, python};
use serde_json::Value;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";

/// In degrees, within the cubes below.
const BBOX: &str = "5.9,49.6,6.2,49.8";

/// A scene in whose cache a cube of this size lies.
fn preloaded(width: usize, height: usize) -> Scene {
    let file = FOREST.split('|').next_back().unwrap();
    let raster = RasterSpec::new(format!("{file}.tif"), width, height)
        .corner(4_000_000.0, 3_000_000.0, 100.0)
        .nodata("255")
        .pattern(Pattern::plane(100.0));
    let scene = Scene::new().delivering(&PackageSpec::new(file).rasters([raster]));
    let _ = scene.clms(&["preload", FOREST]).well();
    scene
}

/// What lies in the folder of the exports, hidden or not.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn all_formats_are_what_their_readers_expect() {
    let scene = preloaded(900, 700);
    let folder = scene.home().join("exports");
    std::fs::create_dir(&folder).unwrap();
    let files = ["w.tif", "w.nc", "w.zarr", "w.png", "w.csv"].map(|name| folder.join(name));
    for file in &files {
        let mut args = vec!["export", FOREST, "--out", file.to_str().unwrap()];
        if file.extension().is_some_and(|ending| ending == "csv") {
            args.extend(["--point", "6.0,49.7", "--point", "6.1,49.65"]);
        } else {
            args.extend(["--bbox", BBOX]);
        }
        let _ = scene.clms(&args).well();
    }
    let mut check = Command::new(python::exports());
    check
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/check_export.py"))
        .arg(scene.cube(FOREST))
        .arg(BBOX)
        .args(&files);
    let report = Run::of(check).well().json();
    for raster in ["w.tif", "w.nc", "w.zarr"] {
        assert_eq!(report[raster]["pixels"], report["w.tif"]["pixels"]);
        assert!(
            report[raster]["values"].as_u64().unwrap() > 100,
            "{report:#}"
        );
    }
    assert_eq!(report["w.csv"]["rows"], 2);
    assert_eq!(report["w.png"]["bands"], 4);
}

#[test]
fn an_export_says_how_far_it_is() {
    let scene = preloaded(900, 700);
    let events = |run: &Run| -> Vec<Value> {
        let lines = run.stderr.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let args = ["export", FOREST, "--out", "w.nc", "--overwrite"];
    let run = scene
        .clms(&[&args[..], &["--progress", "json"]].concat())
        .well();
    let told = events(&run);
    let (first, last) = (told.first().unwrap(), told.last().unwrap());
    assert_eq!(
        (&first["event"], &first["pixels"], &first["total"]),
        (&"exporting".into(), &0.into(), &630_000.into())
    );
    assert_eq!(
        (&last["event"], &last["pixels"], &last["data_id"]),
        (&"exported".into(), &630_000.into(), &FOREST.into())
    );
    // No terminal: a line.
    let run = scene.clms(&args).well();
    assert_eq!(run.stderr, format!("{FOREST}: exporting\n"));
    let run = scene
        .clms(&[&args[..], &["--progress", "none"]].concat())
        .well();
    assert_eq!(run.stderr, "");
}

#[test]
fn an_export_that_is_stopped_leaves_nothing() {
    // Its means are made for seconds.
    let scene = preloaded(6000, 5000);
    let folder = scene.home().join("exports");
    std::fs::create_dir(&folder).unwrap();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let path = folder.join("w.tif");
        let args = ["export", FOREST, "--out", path.to_str().unwrap()];
        let slowly = ["--crs", "EPSG:32632", "--resampling", "mode"];
        let mut command = scene.command(&[&args[..], &slowly].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        assert_eq!(said, format!("{FOREST}: exporting\n"));
        assert_eq!(names(&folder).len(), 1, "what is not whole is hidden");
        assert!(!path.exists());
        let status = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut rest).unwrap();
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), Some(code), "{rest}");
        assert!(
            rest.contains("stopped; nothing was written") && rest.contains("w.tif"),
            "{rest}"
        );
        assert_eq!(names(&folder), [""; 0]);
    }
}
