//! The examples run.

use std::path::Path;
use std::process::Command;

use clms_sim::{QueueTimes, Sim};

/// Cargo builds them when it builds the tests.
fn run(name: &str, sim: &Sim, folder: &Path, args: &[&str]) -> String {
    let tests = std::env::current_exe().unwrap();
    let built = tests.ancestors().nth(2).unwrap().join("examples");
    let key = folder.join("key.json");
    sim.write_service_key(&key).unwrap();
    let output = Command::new(built.join(name))
        .args(args)
        .env("CLMS_API_URL", sim.api_url())
        .env("CLMS_CREDENTIALS", key)
        .env("CLMS_POLL", "0.05")
        .current_dir(folder)
        .output()
        .unwrap();
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{name}: {}", told(&output.stderr));
    told(&output.stdout)
}

#[test]
fn list_products() {
    let (sim, folder) = (
        Sim::builder().start().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let all = run("list_products", &sim, folder.path(), &[]);
    assert!(
        all.lines().count() > 60 && all.contains("CORINE Land Cover 2018"),
        "{all}"
    );
    let found = run("list_products", &sim, folder.path(), &["forest", "type"]);
    assert!(
        found.contains("forest-type-2015") && !found.contains("clc2018"),
        "{found}"
    );
}

#[test]
fn request_and_wait() {
    let queue = QueueTimes::default();
    let sim = Sim::builder().queue(queue).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "forest-type-2015",
        "FTY_2015_100m_eu_03035_d02_Full",
        "forest.zip",
    ];
    let told = run("request_and_wait", &sim, folder.path(), &args);
    assert!(
        told.contains("is new") && told.contains("bytes in forest.zip"),
        "{told}"
    );
    assert!(
        std::fs::read(folder.path().join("forest.zip"))
            .unwrap()
            .starts_with(b"PK")
    );
}

#[test]
fn direct_links() {
    let (sim, folder) = (
        Sim::builder().start().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let land_cover = "copernicus-global-land-service-land-cover-100m-collection-3-epoch-2019-globe";
    let told = run("direct_links", &sim, folder.path(), &[land_cover]);
    assert!(
        told.lines()
            .all(|line| line.ends_with("_2019_EPSG-4326.tif"))
            && !told.is_empty(),
        "{told}"
    );
}
