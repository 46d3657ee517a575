//! Vector packages: what is kept of them, and what is said of those that can't be kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clms_cube::vector::{
    self, VectorFormat, VectorOptions, VectorPackage, VectorProgress, VectorReport,
};
use clms_cube::{
    BuildOptions, CancellationToken, CubeError, EntrySource, Package, Provenance, ZarrFormat,
};
use clms_factory::{RasterSpec, VectorLayer, VectorShape, VectorSpec};
use gdal::Dataset as Opened;
use gdal::vector::LayerAccess;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use tempfile::TempDir;

use crate::fixture::{add, plan};

/// A package in a folder, where it is kept, and a folder for temporary files.
struct Kept {
    package: TempDir,
    store: TempDir,
    scratch: TempDir,
}

impl Kept {
    fn of(specs: &[VectorSpec]) -> Self {
        let kept = Self {
            package: TempDir::new().unwrap(),
            store: TempDir::new().unwrap(),
            scratch: TempDir::new().unwrap(),
        };
        fs::create_dir(kept.data()).unwrap();
        for spec in specs {
            spec.write(&kept.data()).unwrap();
        }
        kept
    }

    fn data(&self) -> PathBuf {
        self.package.path().join("DATA")
    }

    fn options(&self) -> VectorOptions {
        VectorOptions {
            provenance: Provenance {
                source_file: Some("the_file".to_owned()),
                title: Some("A title".to_owned()),
                ..Provenance::default()
            },
            ..VectorOptions::new(self.scratch.path())
        }
    }

    fn sink(&self) -> Arc<dyn ObjectStore> {
        Arc::new(LocalFileSystem::new_with_prefix(self.store.path()).unwrap())
    }

    async fn build(&self) -> Result<VectorReport, CubeError> {
        let package = Package::from_dir(self.package.path()).unwrap();
        let cancel = CancellationToken::new();
        let report = vector::build(&package, self.options(), self.sink(), &(), &cancel).await;
        assert_eq!(
            fs::read_dir(self.scratch.path()).unwrap().count(),
            0,
            "temporary files are left behind"
        );
        report
    }

    /// What is kept, by what its own metadata say.
    async fn described(&self) -> VectorPackage {
        let report = self.build().await.unwrap();
        let cube = clms_cube::Dataset::open_zarr(self.sink()).await.unwrap();
        let described = cube.vector().unwrap();
        assert_eq!(described, report.package);
        described
    }

    fn copy(&self) -> Opened {
        Opened::open(self.store.path().join("the_file.gpkg")).unwrap()
    }
}

/// All values of a layer as texts, by the names of the fields, and its geometries as WKT.
fn rows(dataset: &Opened, layer: &str) -> Vec<Vec<(String, String)>> {
    let mut layer = dataset.layer_by_name(layer).unwrap();
    layer
        .features()
        .map(|feature| {
            let geometry = feature.geometry().map(|geometry| geometry.wkt().unwrap());
            let values = feature
                .fields()
                .map(|(name, value)| (name, format!("{value:?}")));
            values
                .chain([("geometry".to_owned(), geometry.unwrap_or_default())])
                .collect()
        })
        .collect()
}

#[tokio::test]
async fn every_format_is_copied_with_all_that_is_in_it() {
    for (name, format, shape) in [
        ("clc.gdb", VectorFormat::FileGeodatabase, VectorShape::Pairs),
        ("clc.shp", VectorFormat::Shapefile, VectorShape::Pairs),
        ("clc.fgb", VectorFormat::FlatGeobuf, VectorShape::Squares),
        ("clc.geojson", VectorFormat::GeoJson, VectorShape::Squares),
        ("clc.gml", VectorFormat::Gml, VectorShape::Squares),
        ("z.fgb", VectorFormat::FlatGeobuf, VectorShape::Tilted),
        ("z.shp", VectorFormat::Shapefile, VectorShape::Tilted),
        ("p.shp", VectorFormat::Shapefile, VectorShape::Points),
        (
            "curves.gdb",
            VectorFormat::FileGeodatabase,
            VectorShape::Nothing,
        ),
    ] {
        let layer = name.split('.').next().unwrap();
        let kept = Kept::of(&[VectorSpec::of(name, [VectorLayer::new(layer).shape(shape)])]);
        let described = kept.described().await;
        let [source] = &described.sources[..] else {
            panic!("{name}: {described:#?}");
        };
        assert_eq!(source.format, format);
        assert_eq!(source.path, format!("files/DATA/{name}"));
        assert!(kept.store.path().join(&source.path).exists(), "{name}");
        let [found] = &described.layers[..] else {
            panic!("{name}: {described:#?}");
        };
        assert_eq!((found.name.as_str(), found.features), (layer, 3), "{name}");
        let names: Vec<&str> = found
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        let usual = ["id", "code_18", "area_ha", "count", "prod_date", "comment"];
        assert!(names.ends_with(&usual), "{name}: {names:?}");
        if shape == VectorShape::Nothing {
            assert_eq!((&found.crs, found.extent), (&None, None), "{name}");
        } else {
            let crs = found.crs.as_ref().unwrap();
            assert_eq!(crs.code.as_deref(), Some("EPSG:3035"), "{name}");
            let [west, south, ..] = found.extent.unwrap();
            let corner = match shape {
                VectorShape::Points => (4_000_500.0, 3_000_500.0),
                _ => (4_000_000.0, 3_000_000.0),
            };
            assert_eq!((west, south), corner, "{name}: x before y");
        }

        let original = Opened::open(kept.data().join(name)).unwrap();
        let (before, after) = (rows(&original, layer), rows(&kept.copy(), layer));
        assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            assert_same(before, after, name);
        }
        // Some formats have an order of their own.
        let mut comments: Vec<&str> = after
            .iter()
            .flatten()
            .filter(|(name, _)| name == "comment")
            .map(|(_, value)| value.as_str())
            .collect();
        comments.sort_unstable();
        assert_eq!(comments[..2], ["None", "None"], "{name}");
        assert!(
            comments[2].contains("Forêt près de Schäßburg"),
            "{name}: {comments:?}"
        );
    }
}

/// The same values and geometries; a polygon may have become the only one of a multipolygon.
fn assert_same(before: &[(String, String)], after: &[(String, String)], name: &str) {
    for ((field, before), (_, after)) in before.iter().zip(after) {
        let multi = before
            .strip_prefix("POLYGON ")
            .map(|ring| format!("MULTIPOLYGON ({ring})"));
        let multi_z = before
            .strip_prefix("POLYGON Z ")
            .map(|ring| format!("MULTIPOLYGON Z ({ring})"));
        // What is not set at all is shown as an empty text.
        let unset = before == "Some(StringValue(\"\"))" && after == "None";
        assert!(
            unset
                || before == after
                || multi.as_ref() == Some(after)
                || multi_z.as_ref() == Some(after),
            "{name}: {field} was {before} and is {after}"
        );
    }
    assert_eq!(before.len(), after.len(), "{name}");
}

#[tokio::test]
async fn a_single_geopackage_is_its_own_copy() {
    let layers = [
        VectorLayer::new("circles").shape(VectorShape::Circles),
        VectorLayer::new("table").shape(VectorShape::Nothing),
    ];
    let kept = Kept::of(&[VectorSpec::of("ua.gpkg", layers)]);
    let described = kept.described().await;
    assert_eq!(described.geopackage, "the_file.gpkg");
    assert_eq!(described.sources[0].path, "the_file.gpkg");
    assert_eq!(
        fs::read(kept.data().join("ua.gpkg")).unwrap(),
        fs::read(kept.store.path().join("the_file.gpkg")).unwrap()
    );
    assert!(!kept.store.path().join("files").exists());
    assert_eq!(described.layers[0].geometry_type, "Curve Polygon");
    assert_eq!(described.layers[1].geometry_type, "None");
}

#[tokio::test]
async fn several_files_and_layers_become_one_geopackage() {
    let odd = [
        VectorLayer::new("rivers & \"lakes\" <1>").shape(VectorShape::Circles),
        VectorLayer::new("größe").features(2),
        VectorLayer::new("clc18"),
    ];
    let kept = Kept::of(&[
        VectorSpec::of("a.gpkg", odd),
        VectorSpec::of("b.shp", [VectorLayer::new("b").features(5)]),
        VectorSpec::of("CLC18.fgb", [VectorLayer::new("CLC18").features(0)]),
    ]);
    fs::write(kept.package.path().join("readme #1.txt"), "r").unwrap();
    let described = kept.described().await;
    let found: Vec<(&str, &str, u64)> = described
        .layers
        .iter()
        .map(|layer| (layer.source.as_str(), layer.name.as_str(), layer.features))
        .collect();
    assert_eq!(
        found,
        [
            ("DATA/CLC18.fgb", "CLC18", 0),
            ("DATA/a.gpkg", "rivers & \"lakes\" <1>", 3),
            ("DATA/a.gpkg", "größe", 2),
            ("DATA/a.gpkg", "clc18_a", 3),
            ("DATA/b.shp", "b", 5),
        ]
    );
    assert_eq!(described.layers[0].extent, None, "of no feature");
    assert_eq!(described.layers[1].geometry_type, "Curve Polygon");
    assert_eq!(described.layers[3].source_layer, "clc18");
    assert_eq!(
        rows(&kept.copy(), "größe"),
        rows(&Opened::open(kept.data().join("a.gpkg")).unwrap(), "größe")
    );
    // All files of the package are kept beside it.
    let files = Package::from_dir(&kept.store.path().join("files")).unwrap();
    let names: Vec<&str> = files
        .entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "DATA/CLC18.fgb",
            "DATA/a.gpkg",
            "DATA/b.cpg",
            "DATA/b.dbf",
            "DATA/b.prj",
            "DATA/b.shp",
            "DATA/b.shx",
            "readme #1.txt"
        ]
    );
}

#[tokio::test]
async fn a_layer_that_is_named_like_an_option() {
    let kept = Kept::of(&[]);
    let geojson = r#"{"type": "FeatureCollection", "name": "-where", "features": [
        {"type": "Feature", "properties": {"fid": 1.5, "FID_": "x", "geom": 2}, "geometry": {"type": "Point", "coordinates": [1, 2]}}]}"#;
    fs::write(kept.data().join("a.geojson"), geojson).unwrap();
    let layer = kept.described().await.layers.remove(0);
    assert_eq!(
        (layer.source_layer.as_str(), layer.name.as_str()),
        ("-where", "layer_-where")
    );
    let names: Vec<&str> = layer
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["fid", "FID_", "geom"],
        "none is taken for an id or a geometry"
    );
    assert_eq!(layer.extent, Some([1.0, 2.0, 1.0, 2.0]));
}

#[tokio::test]
async fn entries_of_archives_are_read_too() {
    let spec = VectorSpec::of("b.shp", [VectorLayer::new("b")]);
    let kept = Kept::of(&[spec]);
    // All files in one, each behind some other bytes.
    let mut package = Package::from_dir(kept.package.path()).unwrap();
    let mut bytes = Vec::new();
    let archive = kept.package.path().join("archive");
    for entry in &mut package.entries {
        bytes.extend(b"PK\x03\x04");
        let content = fs::read(kept.package.path().join(&entry.name)).unwrap();
        entry.source = EntrySource::Range {
            path: archive.clone(),
            offset: bytes.len() as u64,
            len: content.len() as u64,
        };
        bytes.extend(content);
    }
    fs::write(&archive, bytes).unwrap();
    let options = kept.options();
    let report = vector::build(
        &package,
        options,
        kept.sink(),
        &(),
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    assert_eq!(report.package.features(), 3);
}

#[tokio::test]
async fn names_and_side_cars_in_any_case() {
    let kept = Kept::of(&[VectorSpec::of("b.shp", [VectorLayer::new("b")])]);
    for (from, to) in [
        ("b.shp", "B.SHP"),
        ("b.dbf", "B.DBF"),
        ("b.shx", "b.Shx"),
        ("b.prj", "B.prj"),
    ] {
        fs::rename(kept.data().join(from), kept.data().join(to)).unwrap();
    }
    let described = kept.described().await;
    assert_eq!(described.layers[0].name, "B");
    assert_eq!(described.layers[0].fields.len(), 6);
    assert!(described.layers[0].crs.is_some());
}

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
    vector::build(
        &package,
        options,
        kept.sink(),
        &(),
        &CancellationToken::new(),
    )
    .await
    .unwrap();
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
