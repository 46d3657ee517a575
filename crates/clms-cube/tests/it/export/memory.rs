//! The memory of an export does not grow with its window. Each runs in a process of its own, whose peak the system tells.

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

/// Bytes that do for any export here: the program with GDAL and its cache, and tiles on their way. The rasters have more pixels.
const ENOUGH: u64 = 520 << 20;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the others, in a process of its own"]
async fn one_export() {
    let raster = std::env::var_os(RASTER).unwrap();
    let path = std::env::var_os(EXPORT).unwrap();
    let dataset = open(Path::new(&raster)).await;
    let mut options = ExportOptions::default();
    if path.to_string_lossy().contains("reprojected") {
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
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "export::memory::one_export",
                "--ignored",
                "--nocapture",
            ])
            .env(RASTER, &raster)
            .env(EXPORT, dir.path().join(format!("export {name}")))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let peak = said.lines().find_map(|line| line.split(PEAK).nth(1));
        let peak: u64 = peak
            .unwrap_or_else(|| panic!("{output:?}"))
            .trim()
            .parse()
            .unwrap();
        println!("{name}: {} MiB", peak >> 20);
        assert!(peak <= ENOUGH, "{name}: {} MiB", peak >> 20);
    }
}
