//! What is in the copy, whatever the format of the source.

use std::fs;

use clms_cube::vector::VectorFormat;
use clms_cube::{EntrySource, Package};
use clms_factory::{VectorLayer, VectorShape, VectorSpec};
use gdal::Dataset as Opened;

use super::{Kept, rows};

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
    let report = kept.build_of(&package, kept.options()).await.unwrap();
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
