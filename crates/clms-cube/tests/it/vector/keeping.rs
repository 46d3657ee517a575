//! How a package is kept as a whole: what counts as one, cancelling, indexes, the older format.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clms_cube::vector::{self, VectorOptions, VectorProgress};
use clms_cube::{BuildOptions, CancellationToken, CubeError, Package, ZarrFormat};
use clms_factory::{RasterSpec, VectorLayer, VectorShape, VectorSpec};
use gdal::Dataset as Opened;
use gdal::vector::LayerAccess;
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::Kept;
use crate::fixture::{add, plan};

#[tokio::test]
async fn rasters_win_over_vectors_and_pictures_do_not() {
    let kept = Kept::of(&[VectorSpec::new("a.gpkg")]);
    RasterSpec::new("picture.tif", 30, 20)
        .crs(None)
        .write(&kept.data())
        .unwrap();
    let error = plan(kept.package.path(), &BuildOptions::default())
        .err()
        .unwrap();
    assert!(matches!(error, CubeError::VectorOnly { .. }), "{error}");
    RasterSpec::new("FTY_a.tif", 30, 20)
        .write(&kept.data())
        .unwrap();
    let plan = plan(kept.package.path(), &BuildOptions::default()).unwrap();
    let left_out = &plan.files().left_out;
    assert!(
        left_out
            .iter()
            .any(|file| file.name == "DATA/a.gpkg" && file.reason == "vector data"),
        "{left_out:?}"
    );
}

#[tokio::test]
async fn a_geodatabase_of_thousands_of_files() {
    let kept = Kept::of(&[VectorSpec::of("a.gdb", [VectorLayer::new("a")])]);
    for number in 0..3000 {
        fs::write(kept.data().join(format!("a.gdb/a9{number:07}.spx")), b"x").unwrap();
    }
    let store = Arc::new(InMemory::new());
    let package = Package::from_dir(kept.package.path()).unwrap();
    vector::build(
        &package,
        kept.options(),
        Arc::clone(&store) as _,
        &(),
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    let found = store
        .list_with_delimiter(Some(&"files/DATA/a.gdb".into()))
        .await
        .unwrap();
    assert!(found.objects.len() > 3000);
}

#[tokio::test]
async fn the_older_format_has_a_root_too() {
    let kept = Kept::of(&[VectorSpec::new("a.gpkg")]);
    let package = Package::from_dir(kept.package.path()).unwrap();
    let options = VectorOptions {
        zarr_format: ZarrFormat::V2,
        ..kept.options()
    };
    kept.build_of(&package, options).await.unwrap();
    let cube = clms_cube::Dataset::open_zarr(kept.sink()).await.unwrap();
    assert_eq!(cube.vector().unwrap().features(), 3);
    assert_eq!(cube.structure().attributes["title"], "A title");
}

/// Cancels as soon as a certain number of features is copied.
struct CancelAt(u64, CancellationToken, AtomicU64);

impl VectorProgress for CancelAt {
    fn copied(&self, features: u64, of: u64) {
        let before = self.2.swap(features, Ordering::SeqCst);
        assert!(
            before <= features && features <= of,
            "{before} {features} {of}"
        );
        if features >= self.0 {
            self.1.cancel();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_copy_leaves_nothing() {
    let layer = VectorLayer::new("many").features(20_000);
    let kept = Kept::of(&[VectorSpec::of("many.fgb", [layer])]);
    let package = Package::from_dir(kept.package.path()).unwrap();
    let cancel = CancellationToken::new();
    let progress = CancelAt(1, cancel.clone(), AtomicU64::new(0));
    let error = vector::build(&package, kept.options(), kept.sink(), &progress, &cancel)
        .await
        .unwrap_err();
    assert!(matches!(error, CubeError::Cancelled), "{error}");
    assert_eq!(fs::read_dir(kept.scratch.path()).unwrap().count(), 0);
    assert!(clms_cube::Dataset::open_zarr(kept.sink()).await.is_err());
    assert!(!Path::new(&kept.store.path().join("the_file.gpkg")).exists());

    // The same again, to its end.
    let whole = CancelAt(u64::MAX, CancellationToken::new(), AtomicU64::new(0));
    vector::build(
        &package,
        kept.options(),
        kept.sink(),
        &whole,
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    assert_eq!(whole.2.load(Ordering::SeqCst), 20_000);
}

#[tokio::test]
async fn a_cube_of_rasters_is_no_vector_package() {
    let dir = crate::fixture::write(&[RasterSpec::new("FTY_a.tif", 30, 20)]);
    add(&dir, "DATA/notes.txt", b"x");
    let built = crate::fixture::build_dir(dir, &BuildOptions::default())
        .await
        .unwrap();
    assert_eq!(built.cube.vector(), None);
}

/// How many features of a layer lie around a corner, as the index has it.
fn found_near(dataset: &Opened, layer: &str, [x, y]: [f64; 2]) -> usize {
    let mut layer = dataset.layer_by_name(layer).unwrap();
    layer.set_spatial_filter_rect(x - 10.0, y - 10.0, x + 10.0, y + 10.0);
    layer.features().count()
}

#[tokio::test]
async fn copies_have_spatial_indexes() {
    // More features than are indexed at a time, names that have to be quoted, and layers without any geometry.
    let odd = "it's \"odd\"";
    let kept = Kept::of(&[
        VectorSpec::of("many.fgb", [VectorLayer::new("many").features(25_000)]),
        VectorSpec::of(
            "layers.gpkg",
            [
                VectorLayer::new(odd),
                VectorLayer::new("empty").features(0),
                VectorLayer::new("table").shape(VectorShape::Nothing),
            ],
        ),
    ]);
    let described = kept.described().await;
    assert_eq!(described.layers.len(), 4);
    let options = gdal::DatasetOptions {
        open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE | gdal::GdalOpenFlags::GDAL_OF_VECTOR,
        ..gdal::DatasetOptions::default()
    };
    let copy = Opened::open_ex(kept.store.path().join("the_file.gpkg"), options).unwrap();
    let number = |query: &str| {
        let dialect = gdal::vector::sql::Dialect::DEFAULT;
        let mut found = copy.execute_sql(query, None, dialect).unwrap().unwrap();
        let row = found.features().next().unwrap();
        row.field_as_integer(0).unwrap().unwrap()
    };
    for (layer, features) in [("many", 25_000), (odd, 3), ("empty", 0)] {
        let text = layer.replace('\'', "''");
        let has = format!("SELECT HasSpatialIndex('{text}', 'geom')");
        assert_eq!(number(&has), 1, "{layer}");
        let name = layer.replace('"', "\"\"");
        let count = format!("SELECT count(*) FROM \"rtree_{name}_geom\"");
        assert_eq!(number(&count), features, "{layer}");
    }
    let last = [4_000_000.0 + 24_999.5 * 1000.0, 3_000_500.0];
    assert_eq!(found_near(&copy, "many", last), 1);
    // Who edits the copy keeps the index true.
    let moved = copy.execute_sql(
        "UPDATE many SET geom = (SELECT geom FROM many JOIN rtree_many_geom ON fid = rtree_many_geom.id ORDER BY minx LIMIT 1) \
         WHERE fid = (SELECT id FROM rtree_many_geom ORDER BY minx DESC LIMIT 1)",
        None,
        gdal::vector::sql::Dialect::DEFAULT,
    );
    drop(moved.unwrap());
    assert_eq!(found_near(&copy, "many", last), 0);
    assert_eq!(found_near(&copy, "many", [4_000_500.0, 3_000_500.0]), 2);
}

#[tokio::test]
async fn what_a_dead_process_was_reading_is_told() {
    let kept = Kept::of(&[
        VectorSpec::new("a.fgb"),
        VectorSpec::of("b.fgb", [VectorLayer::new("b")]),
    ]);
    let log = kept.scratch.path().join("reading.json");
    fs::write(&log, r#"{"reading":{"DATA/b.fgb":1},"deaths":{}}"#).unwrap();
    let package = Package::from_dir(kept.package.path()).unwrap();
    let options = VectorOptions {
        reading_log: Some(log.clone()),
        ..kept.options()
    };
    let cancel = CancellationToken::new();
    let report = vector::build(&package, options, kept.sink(), &(), &cancel).await;
    let notes = report.unwrap().notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].file.as_deref(), Some("DATA/b.fgb"));
    let cube = clms_cube::Dataset::open_zarr(kept.sink()).await.unwrap();
    let told = cube.structure().attributes["clms"]["notes"][0].to_string();
    assert!(told.contains("DATA/b.fgb"), "{told}");
    // Nothing is being read any more.
    let left = fs::read_to_string(&log).unwrap();
    assert!(left.contains("\"reading\":{}"), "{left}");
}
