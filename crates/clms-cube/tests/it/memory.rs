//! What a build is said to need of memory, beside what one takes. Each build runs in a process of its own, whose peak the system tells.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clms_cube::{BuildOptions, CancellationToken};
use clms_factory::{DType, Pattern, RasterSpec};
use object_store::local::LocalFileSystem;
use object_store::throttle::{ThrottleConfig, ThrottledStore};

use crate::fixture::{plan, write};

/// Names the package for the process that builds it.
const PACKAGE: &str = "CLMS_CUBE_TESTS_PACKAGE";

/// The line that it prints: its peak and what was said before, in bytes.
const PEAK: &str = "peak and prediction:";

/// What a build takes is at least this part of what it is said to need: the others of a machine get what is left.
const LEAST: f64 = 0.25;

/// The most memory that this process has held.
pub(crate) fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the others, in a process of its own"]
async fn one_build() {
    let package = std::env::var_os(PACKAGE).unwrap();
    let options = BuildOptions {
        workers: NonZeroUsize::new(2),
        ..BuildOptions::default()
    };
    let plan = plan(Path::new(&package), &options).unwrap();
    let needed = plan.memory_needed();
    let cube = tempfile::tempdir().unwrap();
    // Slower than any worker, so that what is on its way piles up.
    let slow = ThrottleConfig {
        wait_put_per_call: Duration::from_millis(200),
        ..ThrottleConfig::default()
    };
    let store = LocalFileSystem::new_with_prefix(cube.path()).unwrap();
    let store = Arc::new(ThrottledStore::new(store, slow));
    clms_cube::build(plan, store, &(), &CancellationToken::new())
        .await
        .unwrap();
    println!("{PEAK} {} {needed}", peak().unwrap());
}

/// Values that are hard to compress, so that what is on its way is as large as it gets.
fn noise(seed: f64) -> Pattern {
    Pattern::custom(move |x, y| {
        let mixed = ((x + seed) * 12.9898 + y * 78.233).sin() * 43758.5453;
        (mixed - mixed.floor()) * 250.0
    })
}

fn raster(width: usize, height: usize) -> RasterSpec {
    RasterSpec::new("FTY_a.tif", width, height)
        .nodata("255")
        .pattern(noise(0.0))
}

/// Builds these, and compares.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures for those who look, and what was not tested"
)]
fn holds(name: &str, rasters: &[RasterSpec]) {
    if peak().is_none() {
        eprintln!("SKIPPED: this system does not tell the peak of a process");
        return;
    }
    let dir = write(rasters);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::one_build", "--ignored", "--nocapture"])
        .env(PACKAGE, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.split(PEAK).nth(1));
    let numbers: Vec<u64> = line
        .unwrap_or_else(|| panic!("{output:?}"))
        .split_ascii_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    let [peak, needed] = numbers[..] else {
        panic!("{said}")
    };
    let mib = |bytes: u64| bytes >> 20;
    println!("{name}: {} of {} MiB", mib(peak), mib(needed));
    assert!(
        peak <= needed,
        "{name}: {} MiB were said to do, {} were taken",
        mib(needed),
        mib(peak)
    );
    assert!(
        peak as f64 >= needed as f64 * LEAST,
        "{name}: {} MiB were said to be needed, and only {} were",
        mib(needed),
        mib(peak)
    );
}

#[test]
fn of_stripes() {
    holds("stripes", &[raster(20_000, 1500).block(None)]);
}

#[test]
fn of_tiles() {
    holds("tiles", &[raster(6000, 5000)]);
    // Four files under one grid.
    let tile = |name: &str, col: f64, row: f64| {
        let mut tile = raster(2500, 2500).corner(4e6 + col * 25_000.0, 3e6 - row * 25_000.0, 10.0);
        tile.name = name.to_owned();
        tile
    };
    let tiles = [
        tile("FTY_a.tif", 0.0, 0.0),
        tile("FTY_b.tif", 1.0, 0.0),
        tile("FTY_c.tif", 0.0, 1.0),
        tile("FTY_d.tif", 1.0, 1.0),
    ];
    holds("four files", &tiles);
}

#[test]
fn of_seventeen_bands() {
    let mut bands = raster(1200, 1100).dtype(DType::F32);
    for band in 1..17 {
        bands = bands.band(noise(f64::from(band)));
    }
    // One after the other, and those of a pixel side by side, which only GDAL reads.
    for interleave in ["BAND", "PIXEL"] {
        let option = format!("INTERLEAVE={interleave}");
        holds(&option, &[bands.clone().option(&option)]);
    }
}

#[test]
fn of_deflated_floats() {
    for predictor in [2, 3] {
        let floats = raster(3500, 3000)
            .dtype(DType::F32)
            .compress("DEFLATE")
            .option(format!("PREDICTOR={predictor}"));
        holds(&format!("predictor {predictor}"), &[floats]);
    }
    let stripes = raster(9000, 1200).dtype(DType::F64).compress("DEFLATE");
    holds(
        "striped doubles",
        &[stripes.block(None).option("PREDICTOR=3")],
    );
}
