//! NetCDF and Zarr in xarray and rioxarray, pixel by pixel.

use std::path::Path;

use clms_cube::{Dataset, ExportOptions, ExportReport, Selection};
use clms_factory::DatedRaster;
use object_store::local::LocalFileSystem;
use serde_json::{Value, json};

use super::{export, floats, moisture, open, python, target, three_days};
use crate::fixture::build;
use crate::lazy::files::{Files, lonlat, write_netcdf};

/// Exports to a format and to a GeoTIFF, and has both compared.
async fn compare(
    dataset: &Dataset,
    dir: &tempfile::TempDir,
    name: &str,
    variable: &str,
    options: &ExportOptions,
) -> (ExportReport, Value) {
    let path = target(dir, name);
    let report = export(dataset, &path, options).await.unwrap();
    let reference = target(dir, &format!("{name}.tif"));
    export(dataset, &reference, options).await.unwrap();
    let said = python("compare.py", &[&path, Path::new(variable), &reference]);
    assert_eq!(said["conventions"], "CF-1.11");
    (report, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn days() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = three_days(dir.path()).await;
    let options = ExportOptions {
        bbox: Some([9.0, 49.0, 9.1, 49.1]),
        bbox_crs: None,
        ..ExportOptions::default()
    };
    let outside = export(&dataset, &target(&dir, "a.nc"), &options).await;
    assert_eq!(outside.unwrap_err().kind(), "invalid_selection");
    for name in ["days.nc", "days.zarr"] {
        let options = ExportOptions {
            bbox: Some([4_000_105.0, 2_994_500.0, 4_006_500.0, 2_999_000.0]),
            ..ExportOptions::default()
        };
        let (report, said) = compare(&dataset, &dir, name, "SSM", &options).await;
        assert_eq!(report.shape, [3, 450, 640]);
        assert_eq!(said["dims"], json!(["time", "y", "x"]));
        assert_eq!(
            said["times"],
            json!([
                "2020-02-01T00:00:00",
                "2020-02-02T00:00:00",
                "2020-02-03T00:00:00"
            ])
        );
        assert_eq!((&said["scale"], &said["fill"]), (&json!(0.5), &json!(255)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_and_many_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let built = build(&[moisture("FTY_2018_010m_at_03035_v010.tif", 5200, 4300)]).await;
    for name in ["forest.nc", "forest.zarr"] {
        let options = ExportOptions::default();
        let (_, said) = compare(&built.cube, &dir, name, "FTY", &options).await;
        assert_eq!(said["dims"], json!(["y", "x"]));
        let array = built.cube.variable("", "FTY").unwrap();
        for attribute in ["flag_values", "flag_meanings", "class_names", "long_name"] {
            assert_eq!(
                said["attributes"][attribute], array.attributes[attribute],
                "{attribute}"
            );
        }
    }
    // And in this crate.
    let netcdf = open(&target(&dir, "forest.nc")).await;
    let store = LocalFileSystem::new_with_prefix(target(&dir, "forest.zarr")).unwrap();
    let zarr = Dataset::open_zarr(std::sync::Arc::new(store))
        .await
        .unwrap();
    let expected = built.pixels("", "FTY").await;
    for again in [netcdf, zarr] {
        let grid = again.group("").unwrap().grid.clone().unwrap();
        assert_eq!(grid.geotransform, built.grid("").geotransform);
        let slab = again.select("", "FTY", &Selection::new()).await.unwrap();
        assert_eq!(again.read(&slab).await.unwrap().pixels.to_f64(), expected);
        assert_eq!(
            again.variable("", "FTY").unwrap().classes(),
            built.cube.variable("", "FTY").unwrap().classes()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn floats_with_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let source = floats("a.tif", 1700, 1300).write(dir.path()).unwrap();
    let dataset = open(&source).await;
    for name in ["a.nc", "a.zarr"] {
        let (_, said) = compare(&dataset, &dir, name, "band_1", &ExportOptions::default()).await;
        assert_eq!(said["dtype"], "float32");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_from_the_south_are_turned_over() {
    let (files, dir) = (Files::new(), tempfile::tempdir().unwrap());
    let source = DatedRaster {
        date: jiff::civil::date(2019, 4, 14),
        rows_from_south: true,
        ..lonlat(500, 400)
    };
    if !write_netcdf(&source, &files.path("ssm.nc")) {
        return;
    }
    let dataset = open(&files.path("ssm.nc")).await;
    let expected: Vec<f64> = source.pixels().into_iter().map(f64::from).collect();
    for name in ["ssm.nc", "ssm.zarr"] {
        let options = ExportOptions::default();
        let (report, said) = compare(&dataset, &dir, name, "ssm", &options).await;
        assert_eq!(report.shape, [1, 400, 500]);
        assert_eq!(said["times"], json!(["2019-04-14T00:00:00"]));
        assert_eq!(
            said["attributes"]["flag_values"],
            json!([241, 242, 251, 252, 253])
        );
        assert_eq!(
            super::bands(&target(&dir, &format!("{name}.tif"))),
            std::slice::from_ref(&expected)
        );
    }
}
