//! Vector products whose preload is broken off in the middle, in object storage and on a disk that is full.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use clms_factory::{Package, PackageSpec, Scale, VectorLayer, VectorSpec};
use clms_servers::Server;
use clms_tests::{
    Run, Scene,
    cloud::Cloud,
    namespace::{Mount, mounted},
    python,
};
use serde_json::Value;

const COAST: &str = "coastal-zones-2018|CZ_2018_DU004_3035_V010_fgdb";

/// As long as a process that was killed keeps others from its work.
const LEASE_TIME: [&str; 2] = ["--store-option", "lease_time=2s"];

/// A package of so many files that an upload has a middle.
fn coast() -> PackageSpec {
    let package = Package::by_file_name("CZ_2018_DU004_3035_V010_fgdb", Scale::Demo);
    (0..400).fold(package.unwrap().into_spec(), |package, number| {
        package.document(format!("Documents/note_{number:03}.txt"), "n".repeat(100))
    })
}

/// Begins a preload, and returns it when the first of many files is in the store.
fn uploading(cloud: &Cloud) -> std::process::Child {
    let mut command = cloud.command(&["preload", COAST]);
    let child = command
        .args(LEASE_TIME)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let is_file = |line: &str| line.contains("PUT ") && line.contains(".zarr/files/");
    cloud
        .server
        .wait_until_said(|said| said.lines().any(is_file));
    child
}

/// Preloads again, and has geopandas read what lies there then.
fn whole_in_the_end(cloud: &Cloud) {
    let args = ["preload", COAST, "-o", "json"];
    let again = cloud.clms(&[&args[..], &LEASE_TIME].concat()).well().json();
    assert_eq!(again[0]["status"], "completed", "{again:#}");
    assert_eq!(
        cloud.scene.sim.tasks().len(),
        1,
        "nothing was asked for twice"
    );
    let opened = cloud.clms(&["open", COAST, "-o", "json"]).well().json();
    let features = &opened["vector"]["layers"][0]["features"];
    assert_eq!(features, &Value::from(25), "{opened:#}");
    assert_eq!(cloud.server.uploads_in_progress(), [""; 0]);
}

#[test]
fn killed_in_the_middle_of_the_upload() {
    let cloud = Cloud::new(Scene::new().delivering(&coast()), Server::s3());
    let mut child = uploading(&cloud);
    // SIGKILL, on Unix.
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "it had ended before");
    let listed = cloud.clms(&["cache", "list", "-o", "json"]).well().json();
    assert_eq!(listed, serde_json::json!([]));
    let opened = cloud.clms(&["open", COAST]);
    assert_ne!(opened.code, Some(0), "{opened:#?}");
    whole_in_the_end(&cloud);
}

#[test]
fn interrupted_in_the_middle_of_the_upload() {
    let cloud = Cloud::new(Scene::new().delivering(&coast()), Server::s3());
    let mut child = uploading(&cloud);
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(cloud.server.uploads_in_progress(), [""; 0]);
    whole_in_the_end(&cloud);
}

#[test]
fn a_disk_that_is_full() {
    // The package is small when it is packed, and its copy is not.
    let layer = VectorLayer::new("many").features(40_000);
    let package = PackageSpec::new("CZ_2018_DU004_3035_V010_fgdb")
        .vector(VectorSpec::of("many.fgb", [layer]));
    let scene = Scene::new().delivering(&package);
    fs::create_dir(scene.cache()).unwrap();
    let command = scene.command(&["preload", COAST]);
    let Some(command) = mounted(&command, &scene.cache(), Mount::Tiny(10 << 20)) else {
        return;
    };
    let _ = Run::of(command).with_code(1).saying(&["space"]);
    // With room it goes well.
    let _ = scene.clms(&["preload", COAST]).well();
    let mut check = Command::new(python::interpreter());
    check
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/check_vector.py"))
        .arg(scene.cube(COAST));
    assert_eq!(Run::of(check).well().json()["features"], 40_000);
}
