//! Exports, compared with what GDAL's programs, xarray and rioxarray make of the same window.

mod cube_formats;
mod geotiff;
mod memory;
mod pictures;
mod reprojected;
mod staged;
mod tables;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use clms_cube::{
    CancellationToken, CubeError, Dataset, Duplicates, ExportOptions, ExportReport, FileOptions,
    LocalFile, StackFile,
};
use clms_factory::{DType, Pattern, RasterSpec};
use clms_servers::installed::Python;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const PYTHON: Python = Python {
    name: "exports",
    requirements: include_str!("requirements.txt"),
    pip: &[],
};

/// Runs one of the scripts beside this file; what it printed.
pub(crate) fn python(script: &str, arguments: &[&Path]) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/export");
    let mut command = Command::new(PYTHON.programs().join("python"));
    command.arg(folder.join(script)).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A file as a dataset.
pub(crate) async fn open(path: &Path) -> Dataset {
    let file = LocalFile::open(path).unwrap();
    Dataset::open_file(Arc::new(file), &FileOptions::default())
        .await
        .unwrap()
}

pub(crate) async fn export(
    dataset: &Dataset,
    path: &Path,
    options: &ExportOptions,
) -> Result<ExportReport, CubeError> {
    dataset
        .export(path, options, &(), &CancellationToken::new())
        .await
}

/// Soil moisture in halves of a percent with fill: 10 m, in Europe's equal area projection.
pub(crate) fn moisture(name: &str, width: usize, height: usize) -> RasterSpec {
    let hills = |x: f64, y: f64| {
        let hill = (x / 170.0).sin() * 60.0 + (y / 230.0).cos() * 40.0 + 100.0;
        if (x / 900.0).sin() * (y / 700.0).sin() > 0.85 {
            255.0
        } else {
            hill.round()
        }
    };
    RasterSpec::new(name, width, height)
        .nodata("255")
        .scale_offset(0.5, 0.0)
        .pattern(Pattern::custom(hills))
}

/// Three days of soil moisture, 700 x 600 pixels.
pub(crate) async fn three_days(dir: &Path) -> Dataset {
    let first: Timestamp = "2020-02-01T00:00Z".parse().unwrap();
    let files = (0..3).map(|day| {
        let raster = moisture(&format!("{day}.tif"), 700, 600);
        let hills = raster.bands[0].clone();
        let wetter = Pattern::custom(move |x, y| match hills.value_at(x, y) {
            255.0 => 255.0,
            value => (value + f64::from(day)).min(200.0),
        });
        let path = raster.pattern(wetter).write(dir).unwrap();
        StackFile {
            time: first + SignedDuration::from_hours(24 * i64::from(day)),
            reader: Arc::new(LocalFile::open(&path).unwrap()),
        }
    });
    let options = FileOptions {
        variable: Some("SSM".to_owned()),
        ..FileOptions::default()
    };
    Dataset::open_stack(files.collect(), Duplicates::Refuse, &options)
        .await
        .unwrap()
}

/// All bands of a raster as doubles.
pub(crate) fn bands(path: &Path) -> Vec<Vec<f64>> {
    let dataset = gdal::Dataset::open(path).unwrap();
    let bands = dataset.rasterbands();
    bands
        .map(|band| band.unwrap().read_band_as::<f64>().unwrap().data().to_vec())
        .collect()
}

/// Names of what is in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs one of GDAL's programs.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Floats with gaps that NaN means.
pub(crate) fn floats(name: &str, width: usize, height: usize) -> RasterSpec {
    let waves = |x: f64, y: f64| {
        let wave = (x / 310.0).sin() * (y / 190.0).cos();
        if wave > 0.9 { f64::NAN } else { wave }
    };
    RasterSpec::new(name, width, height)
        .dtype(DType::F32)
        .nodata("nan")
        .pattern(Pattern::custom(waves))
}

pub(crate) fn target(dir: &tempfile::TempDir, name: &str) -> PathBuf {
    let folder = dir.path().join("exports");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}
