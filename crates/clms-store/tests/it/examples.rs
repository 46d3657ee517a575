//! The examples run.

use std::process::Command;

use clms_factory::{Package, PartSpec, Scale};
use clms_sim::Sim;
use serde_json::Value;
use tempfile::TempDir;

use crate::legacy;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";

/// A portal with files for all examples, and a folder to work in.
struct Scene {
    sim: Sim,
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let packages = folder.path().join("packages");
        std::fs::create_dir(&packages).unwrap();
        let forest = Package::forest_type_2015(Scale::Pixels(300, 200));
        forest.spec().write(&packages).unwrap();
        legacy::write_files(&packages);
        let sim = Sim::builder().packages(&packages).parts(cut);
        let sim = sim.start().unwrap();
        sim.write_service_key(&folder.path().join("key.json"))
            .unwrap();
        Self { sim, folder }
    }

    /// What an example prints. Cargo builds them when it builds the tests.
    fn run(&self, name: &str, args: &[&str]) -> String {
        let tests = std::env::current_exe().unwrap();
        let built = tests.ancestors().nth(2).unwrap().join("examples");
        let output = Command::new(built.join(name))
            .args(args)
            .env("CLMS_API_URL", self.sim.api_url())
            .env("CLMS_CREDENTIALS", "key.json")
            .env("CLMS_POLL", "0.05")
            .env("XDG_CACHE_HOME", self.folder.path())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{name}: {}", told(&output.stderr));
        told(&output.stdout)
    }
}

/// The zip of a task for a part of a product.
fn cut(items: &[Value]) -> Option<Vec<u8>> {
    let [item] = items else { return None };
    let folder = TempDir::new().ok()?;
    let package = PartSpec::of_item(item)?.package("part").ok()?;
    std::fs::read(package.write(folder.path()).ok()?).ok()
}

#[test]
fn search() {
    let scene = Scene::new();
    let told = scene.run("search", &["corine", "2018"]);
    let first = told.lines().next().unwrap();
    assert!(first.contains("clc2018|"), "{told}");
    assert!(told.contains("preload it"), "{told}");
    let requests = scene.sim.requests().len();
    assert_eq!(scene.run("search", &["corine", "2018"]), told);
    assert_eq!(
        scene.sim.requests().len(),
        requests,
        "the second time from disk"
    );
}

#[test]
fn preload() {
    let told = Scene::new().run("preload", &[FOREST]);
    assert!(told.contains(&format!("{FOREST} Completed")), "{told}");
    assert!(told.contains("[200, 256] pixels"), "{told}");
}

#[test]
fn open_lazily() {
    let told = Scene::new().run(
        "open_lazily",
        &["lake-ice-extent-europe-v2-250m|LEGACY", "2020-01"],
    );
    assert!(told.contains("time: 31"), "{told}");
    assert!(told.contains("ssm: "), "{told}");
}

#[test]
fn export() {
    let scene = Scene::new();
    let _ = scene.run("preload", &[FOREST]);
    let path = scene.folder.path().join("window.tif");
    let told = scene.run(
        "export",
        &[FOREST, path.to_str().unwrap(), "-56.25,56.53,-56.17,56.57"],
    );
    assert!(told.contains("EPSG:4326"), "{told}");
    assert!(
        std::fs::metadata(path).unwrap().len() > 1000,
        "a GeoTIFF: {told}"
    );
}

#[test]
fn subset() {
    const NDVI: &str = "normalised-difference-vegetation-index-v2-0-300m";
    let bbox = "5.9,49.5,6.1,49.6";
    let told = Scene::new().run("subset", &[NDVI, "300m", bbox, "2021-01-01"]);
    let lines: Vec<&str> = told.lines().collect();
    let [job, value] = lines[..] else {
        panic!("{told}")
    };
    let data_id = format!("{NDVI}|300m?bbox={bbox}&time=2021-01-01/2021-01-01");
    assert_eq!(job, format!("{data_id} Completed"));
    let value = value.split(['[', ']']).nth(1).unwrap();
    // The plane of the factory has these.
    let value: f64 = value.parse().unwrap();
    assert!((0.0..251.0).contains(&value), "{told}");
}
