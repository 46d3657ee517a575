//! The memory of an export is bounded and does not grow with its window. Each runs in a process of its own, whose peak the system tells.

use std::path::Path;
use std::process::Command;

use clms_cube::{ExportOptions, Resampling};

use super::{export, open};
use crate::memory::peak;

/// Names the raster for the process that exports it.
const RASTER: &str = "CLMS_CUBE_TESTS_RASTER";
/// Name of the export.
const EXPORT: &str = "CLMS_CUBE_TESTS_EXPORT";
/// The line that it prints: its peak in bytes.
const PEAK: &str = "peak:";

/// Bytes that do for any export here: 50 MiB of libraries, GDAL's cache, and tiles on their way. The pixels of the whole raster are twice as many.
const ENOUGH: u64 = 300 << 20;
/// What four times as many pixels may take more: the system's allocator gives room back late.
const GROWTH: f64 = 1.35;
/// A quarter of the raster: west, south, east, north.
const QUARTER: [f64; 4] = [4_000_000.0, 2_930_000.0, 4_060_000.0, 3_000_000.0];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the others, in a process of its own"]
async fn one_export() {
    let raster = std::env::var_os(RASTER).unwrap();
    let path = std::env::var_os(EXPORT).unwrap();
    let is = |word: &str| path.to_string_lossy().contains(word);
    let dataset = open(Path::new(&raster)).await;
    let mut options = ExportOptions::default();
    if is("quarter") {
        options.bbox = Some(QUARTER);
    }
    if is("reprojected") {
        options.crs = Some("EPSG:32632".to_owned());
        options.resolution = Some([40.0, 40.0]);
        options.resampling = Some(Resampling::Mean);
    }
    export(&dataset, Path::new(&path), &options).await.unwrap();
    println!("{PEAK} {}", peak().unwrap());
}

#[test]
fn of_large_windows() {
    if peak().is_none() {
        eprintln!("SKIPPED: this system does not tell the peak of a process");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // 670 MB of pixels.
    let raster = clms_factory::RasterSpec::new("a.tif", 12_000, 14_000)
        .dtype(clms_factory::DType::F32)
        .nodata("-1")
        .compress("DEFLATE");
    let raster = raster.write(dir.path()).unwrap();
    for name in ["a.tif", "a.nc", "a.zarr", "reprojected.tif"] {
        let quarter = peak_of(&raster, &dir.path().join(format!("quarter {name}")));
        let whole = peak_of(&raster, &dir.path().join(format!("whole {name}")));
        let words = format!("{name}: {} and {} MiB", quarter >> 20, whole >> 20);
        println!("{words}");
        assert!(whole <= ENOUGH, "{words}");
        assert!(whole as f64 <= quarter as f64 * GROWTH, "{words}");
    }
}

/// The most memory that a process takes for an export.
fn peak_of(raster: &Path, export: &Path) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "export::memory::one_export",
            "--ignored",
            "--nocapture",
        ])
        .env(RASTER, raster)
        .env(EXPORT, export)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let peak = said.lines().find_map(|line| line.split(PEAK).nth(1));
    let peak = peak.unwrap_or_else(|| panic!("{output:?}"));
    peak.trim().parse().unwrap()
}
