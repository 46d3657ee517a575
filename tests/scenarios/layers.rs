//! The layers of ARCHITECTURE.md, as cargo sees them.

use std::process::Command;

/// What a crate needs to be built, without what only its tests need, to this depth.
fn dependencies(package: &str, depth: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--offline",
            "--locked",
            "--depth",
            depth,
            "--package",
            package,
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != package)
        .map(str::to_owned)
        .collect()
}

fn assert_never(package: &str, never: &[&str]) {
    assert_not_among(package, dependencies(package, "99"), never);
}

fn assert_not_among(package: &str, dependencies: Vec<String>, never: &[&str]) {
    assert!(!dependencies.is_empty(), "{package} depends on nothing?");
    let found: Vec<String> = dependencies
        .into_iter()
        .filter(|name| never.contains(&name.as_str()))
        .collect();
    assert!(found.is_empty(), "{package} must not depend on {found:?}");
}

const RASTERS: [&str; 5] = [
    "gdal",
    "gdal-sys",
    "zarrs",
    "zarrs_object_store",
    "clms-cube",
];
const ABOVE: [&str; 3] = ["clms-store", "clms-cli", "indicatif"];

#[test]
fn the_api_knows_neither_rasters_nor_caches_nor_jobs() {
    assert_never("clms-api", &RASTERS);
    assert_never("clms-api", &ABOVE);
    assert_never("clms-api", &["clms-cache", "clms-preload", "object_store"]);
}

#[test]
fn the_cache_knows_neither_the_portal_nor_rasters() {
    assert_never("clms-cache", &RASTERS);
    assert_never("clms-cache", &ABOVE);
    assert_never("clms-cache", &["clms-api", "clms-preload"]);
}

#[test]
fn jobs_know_neither_rasters_nor_the_portal() {
    assert_never("clms-preload", &RASTERS);
    assert_never("clms-preload", &ABOVE);
    assert_never("clms-preload", &["clms-api"]);
    // Of HTTP they have only what the cache needs for object storage.
    let direct = dependencies("clms-preload", "1");
    assert_not_among("clms-preload", direct, &["reqwest"]);
}

#[test]
fn cubes_know_neither_http_nor_the_portal_nor_jobs() {
    assert_never("clms-cube", &ABOVE);
    assert_never(
        "clms-cube",
        &["clms-api", "clms-cache", "clms-preload", "reqwest"],
    );
}

#[test]
fn the_store_has_no_terminal() {
    assert_never(
        "clms-store",
        &["clms-cli", "indicatif", "clap", "comfy-table"],
    );
}

#[test]
fn the_program_meets_only_the_store() {
    let direct = dependencies("clms-cli", "1");
    assert!(direct.contains(&"clms-store".to_owned()));
    let never = [
        "clms-api",
        "clms-cube",
        "clms-preload",
        "clms-cache",
        "reqwest",
        "gdal",
        "zarrs",
    ];
    assert_not_among("clms-cli", direct, &never);
}

#[test]
fn the_simulated_service_knows_none_of_our_crates() {
    let ours = [
        "clms-api",
        "clms-cache",
        "clms-cube",
        "clms-preload",
        "clms-store",
        "clms-cli",
    ];
    assert_never("clms-sim", &ours);
    assert_never("clms-factory", &ours);
}
