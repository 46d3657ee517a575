//! Files that lack something, are broken, or can't be read.

use std::fs;

use clms_cube::CubeError;
use clms_factory::{VectorLayer, VectorSpec};

use super::{Kept, rows};

#[tokio::test]
async fn shapefiles_that_lack_something() {
    let shapefile = || VectorSpec::of("b.shp", [VectorLayer::new("b")]);
    let without = |ending: &str| {
        let kept = Kept::of(&[shapefile()]);
        fs::remove_file(kept.data().join(format!("b.{ending}"))).unwrap();
        kept
    };
    // The index can be made anew.
    let layer = without("shx").described().await.layers.remove(0);
    assert_eq!((layer.features, layer.fields.len()), (3, 6));
    // Without the table there are geometries only.
    let layer = without("dbf").described().await.layers.remove(0);
    assert_eq!((layer.features, layer.extent.is_some()), (3, true));
    // No CRS is invented.
    let layer = without("prj").described().await.layers.remove(0);
    assert_eq!(layer.crs, None);
    let error = without("shp").build().await.unwrap_err();
    assert!(matches!(error, CubeError::NoRaster { .. }), "{error}");

    // A CRS that is none, and texts that are not in the encoding that is named.
    let kept = Kept::of(&[shapefile()]);
    fs::write(kept.data().join("b.prj"), "PROJCS[\"nonsense\"").unwrap();
    fs::write(kept.data().join("b.cpg"), "UTF-8").unwrap();
    let layer = kept.described().await.layers.remove(0);
    assert_eq!((layer.crs, layer.features), (None, 3));
    let comment = &rows(&kept.copy(), "b")[0];
    assert!(
        comment.iter().any(|(_, value)| value.contains("For")),
        "{comment:?}"
    );
}

#[tokio::test]
async fn broken_files_are_named() {
    let gpkg = Kept::of(&[]);
    fs::write(gpkg.data().join("a.gpkg"), b"not SQLite at all").unwrap();
    // A header that promises 3 GB.
    let shapefile = Kept::of(&[VectorSpec::of("a.shp", [VectorLayer::new("a")])]);
    let path = shapefile.data().join("a.shp");
    let mut bytes = fs::read(&path).unwrap();
    bytes[24..28].copy_from_slice(&(1_600_000_000_i32).to_be_bytes());
    fs::write(&path, &bytes[..120]).unwrap();
    let geojson = Kept::of(&[]);
    fs::write(
        geojson.data().join("a.geojson"),
        "{\"type\": \"FeatureCollection\", \"features\": [{",
    )
    .unwrap();
    let gdb = Kept::of(&[VectorSpec::of("a.gdb", [VectorLayer::new("a")])]);
    for entry in fs::read_dir(gdb.data().join("a.gdb")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "gdbtable") {
            fs::write(path, "x".repeat(300)).unwrap();
        }
    }
    for (kept, name) in [
        (gpkg, "a.gpkg"),
        (shapefile, "a.shp"),
        (geojson, "a.geojson"),
        (gdb, "a.gdb"),
    ] {
        let error = kept.build().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("DATA/{name}")), "{text}");
        assert!(!text.contains("/tmp"), "{text}");
        assert!(error.hint().is_some(), "{text}");
        assert!(!error.is_retryable());
        assert!(
            matches!(
                error,
                CubeError::UnreadableVector { .. } | CubeError::VectorCopy { .. }
            ),
            "{error:?}"
        );
        assert!(
            clms_cube::Dataset::open_zarr(kept.sink()).await.is_err(),
            "nothing can be opened"
        );
    }
}

#[tokio::test]
async fn a_driver_that_is_missing_is_named() {
    if gdal::DriverManager::get_driver_by_name("Parquet").is_ok() {
        return;
    }
    let kept = Kept::of(&[]);
    fs::write(kept.data().join("a.parquet"), b"PAR1").unwrap();
    let error = kept.build().await.unwrap_err();
    assert_eq!(error.kind(), "no_driver");
    assert!(error.to_string().contains("Parquet"), "{error}");
}
