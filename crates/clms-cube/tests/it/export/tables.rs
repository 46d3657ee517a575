//! Tables of points and polygons, beside what rasterio and rioxarray make of the same.

use std::path::Path;

use clms_cube::ExportOptions;
use clms_factory::RasterSpec;
use serde_json::json;

use super::{export, moisture, open, python, target, three_days};
use crate::fixture::build;

/// Lines of a table, the first of which names the columns.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(path)
        .unwrap();
    let records = reader.records().map(|record| record.unwrap());
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn points_through_time() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = three_days(dir.path()).await;
    let path = target(&dir, "points.csv");
    // In degrees, and one more in the dataset's own CRS.
    let options = ExportOptions {
        points: vec![[5.55, 50.0], [5.58, 49.99]],
        bbox_crs: Some("EPSG:4326".to_owned()),
        ..ExportOptions::default()
    };
    let report = export(&dataset, &path, &options).await.unwrap();
    assert_eq!(
        (report.dims, report.shape),
        (vec!["rows".to_owned()], vec![6])
    );
    let rows = rows(&path);
    assert_eq!(
        rows[0],
        [
            "x", "y", "variable", "time", "value", "raw", "unit", "class"
        ]
    );
    let said = python("tables.py", &["points".as_ref(), dir.path()]);
    let found: Vec<_> = rows[1..]
        .iter()
        .map(|row| {
            assert_eq!(row[2], "SSM");
            json!([
                row[0].parse::<f64>().unwrap(),
                row[3],
                row[4].parse::<f64>().unwrap(),
                row[5].parse::<f64>().unwrap()
            ])
        })
        .collect();
    assert_eq!(json!(found), said);

    let options = ExportOptions {
        points: vec![[0.0, 0.0]],
        ..ExportOptions::default()
    };
    let error = export(&dataset, &target(&dir, "a.csv"), &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "invalid_export");
    let error = export(&dataset, &target(&dir, "a.csv"), &ExportOptions::default()).await;
    assert_eq!(error.unwrap_err().kind(), "invalid_export");
}

/// A hexagon with a hole, and a triangle that overlaps it, in degrees.
const POLYGONS: &str = r#"{"type": "FeatureCollection", "features": [
  {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [
    [[5.53, 49.994], [5.546, 49.978], [5.578, 49.982], [5.586, 50.002], [5.562, 50.014], [5.538, 50.01], [5.53, 49.994]],
    [[5.554, 49.994], [5.562, 49.99], [5.57, 49.998], [5.554, 49.994]]]}},
  {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [
    [[5.562, 49.99], [5.602, 49.99], [5.578, 50.018], [5.562, 49.99]]]}}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_polygon_through_time() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = three_days(dir.path()).await;
    let polygons = dir.path().join("polygons.geojson");
    std::fs::write(&polygons, POLYGONS).unwrap();
    let path = target(&dir, "polygon.csv");
    let options = ExportOptions {
        polygon: Some(polygons.clone()),
        ..ExportOptions::default()
    };
    let report = export(&dataset, &path, &options).await.unwrap();
    assert_eq!(report.shape, [3]);
    let said = python("tables.py", &["polygon".as_ref(), dir.path(), &polygons]);
    for (row, expected) in rows(&path)[1..].iter().zip(said.as_array().unwrap()) {
        let number = |column: usize| row[column].parse::<f64>().unwrap();
        assert_eq!(row[1], expected["time"]);
        assert!(number(4) > 1000.0);
        for (column, name) in [
            (4, "pixels"),
            (5, "area"),
            (6, "valid"),
            (7, "mean"),
            (8, "min"),
            (9, "max"),
            (10, "std"),
        ] {
            let expected = expected[name].as_f64().unwrap();
            let differs = (number(column) - expected).abs();
            assert!(
                differs <= 1e-9 * expected.abs(),
                "{name}: {row:?}, {expected}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_of_a_polygon() {
    let classes = RasterSpec::new("FTY_2018_010m_at_03035_v010.tif", 2000, 1500)
        .nodata("255")
        .pattern(clms_factory::Pattern::custom(|x, y| {
            match ((x / 400.0).floor() + (y / 300.0).floor()).rem_euclid(4.0) {
                0.0 => 0.0,
                1.0 => 1.0,
                2.0 => 2.0,
                _ => 255.0,
            }
        }));
    let built = build(&[classes]).await;
    let dir = tempfile::tempdir().unwrap();
    let polygons = dir.path().join("polygons.geojson");
    std::fs::write(&polygons, POLYGONS).unwrap();
    let path = target(&dir, "classes.csv");
    let options = ExportOptions {
        polygon: Some(polygons.clone()),
        ..ExportOptions::default()
    };
    export(&built.cube, &path, &options).await.unwrap();
    let raster = built
        .dir
        .path()
        .join("DATA/FTY_2018_010m_at_03035_v010.tif");
    let said = python("tables.py", &["classes".as_ref(), &raster, &polygons]);
    let found: Vec<_> = rows(&path)[1..]
        .iter()
        .map(|row| {
            let number = |column: usize| row[column].parse::<u64>().unwrap();
            assert_eq!(number(5), number(4) * 100, "square metres");
            json!([row[2], number(4)])
        })
        .collect();
    assert_eq!(json!(found), said);
    // Also of the one that is fill.
    let classes = built.cube.variable("", "FTY").unwrap().classes();
    for row in &rows(&path)[1..] {
        let class = classes
            .iter()
            .find(|class| class.value.to_string() == row[2]);
        assert_eq!(class.unwrap().name.as_ref(), Some(&row[3]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_polygons() {
    let dir = tempfile::tempdir().unwrap();
    let raster = moisture("a.tif", 100, 100).write(dir.path()).unwrap();
    let dataset = open(&raster).await;
    let points = dir.path().join("points.geojson");
    std::fs::write(&points, r#"{"type": "Point", "coordinates": [5.9, 49.9]}"#).unwrap();
    for (file, kind) in [
        (points, "unreadable_vector"),
        (dir.path().join("none.geojson"), "invalid_export"),
        (raster, "unreadable_vector"),
    ] {
        let options = ExportOptions {
            polygon: Some(file),
            ..ExportOptions::default()
        };
        let error = export(&dataset, &target(&dir, "a.csv"), &options)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}
