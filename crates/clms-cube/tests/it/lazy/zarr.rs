//! Zarr hierarchies: ours, with what they cost, and others'.

use std::sync::Arc;

use clms_cube::{BuildOptions, CubeError, Dataset, Selection, Traffic, ZarrFormat};
use clms_factory::{Package as Product, RasterSpec, Scale};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use serde_json::{Value, json};

use crate::fixture::{build, build_dir, write};

#[tokio::test(flavor = "multi_thread")]
async fn structure_is_one_request_and_a_window_two_for_each_shard() {
    for (format, requests) in [(ZarrFormat::V3, 1), (ZarrFormat::V2, 2)] {
        let options = BuildOptions {
            zarr_format: format,
            ..BuildOptions::default()
        };
        let package = Product::forest_type_2015(Scale::Pixels(5000, 4600));
        let built = build_dir(write(package.rasters()), &options).await.unwrap();
        let cube = Dataset::open_zarr(built.store.clone()).await.unwrap();
        assert_eq!(cube.traffic().requests, requests);
        assert!(!cube.group("").unwrap().overviews.is_empty());
        let opened = cube.traffic();
        cube.read_window("", "FTY", 1000..1512, 700..1212)
            .await
            .unwrap();
        let read = cube.traffic();
        assert!(read.bytes - opened.bytes < 2_000_000, "{opened:?} {read:?}");
        assert!(read.requests - opened.requests <= 10, "{opened:?} {read:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_a_shard_is_read_once() {
    let built = build(&[RasterSpec::new("FTY_a.tif", 3000, 2500).nodata("255")]).await;
    let mut before = built.cube.traffic();
    let mut costs = Vec::new();
    for col in [0, 600, 1200] {
        built
            .cube
            .read_window("", "FTY", 0..100, col..col + 100)
            .await
            .unwrap();
        let after = built.cube.traffic();
        costs.push(after.requests - before.requests);
        before = after;
    }
    assert_eq!(costs[1..], [1, 1], "{costs:?}");
    assert!(costs[0] >= 2, "{costs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_found_by_words() {
    let raster = RasterSpec::new("FTY_a.tif", 900, 700).nodata("255");
    let built = build(std::slice::from_ref(&raster)).await;
    let cube = &built.cube;
    let opened = cube.traffic();
    let [west, dx, _, north, _, dy] = raster.transform();
    // Pixels 100 to 109, rows 50 to 69.
    let bbox = [
        west + 100.0 * dx,
        north + 70.0 * dy,
        west + 110.0 * dx,
        north + 50.0 * dy,
    ];
    let by_bbox = cube
        .select("", "FTY", &Selection::new().bbox(bbox))
        .await
        .unwrap();
    assert_eq!(by_bbox.ranges, [50..70, 100..110]);
    assert_eq!(by_bbox.grid.as_ref().unwrap().bbox(), bbox);
    let by_coordinates = Selection::new()
        .coordinates("x", bbox[0]..=bbox[2])
        .coordinates("y", bbox[1]..=bbox[3]);
    let by_coordinates = cube.select("", "FTY", &by_coordinates).await.unwrap();
    assert_eq!(by_coordinates, by_bbox);
    assert_eq!(cube.traffic(), opened, "the grid tells it all");

    let window = cube.read(&by_bbox).await.unwrap();
    let (x, y) = raster.centre(100, 50);
    assert_eq!(window.pixels.value(0), raster.value_at(x, y));
    let x = cube.coordinate("", "x").await.unwrap();
    assert_eq!(x[100], raster.centre(100, 50).0);

    for wrong in [
        Selection::new().indices("x", 0..901),
        Selection::new().indices("x", 5..5),
        Selection::new().indices("z", 0..1),
        Selection::new().coordinates("x", 0.0..=1.0),
        Selection::new().bbox([0.0, 0.0, 1.0, 1.0]),
        Selection::new().bbox([bbox[2], bbox[1], bbox[0], bbox[3]]),
        Selection::new().bbox([f64::NAN; 4]),
        Selection::new().bbox_in(bbox, "EPSG:0"),
        Selection::new().bbox(bbox).indices("x", 0..10),
        Selection::new()
            .time("2020-01-01T00:00Z".parse().unwrap()..="2020-02-01T00:00Z".parse().unwrap()),
    ] {
        let error = cube.select("", "FTY", &wrong).await.unwrap_err();
        assert!(
            matches!(error, CubeError::InvalidSelection { .. }),
            "{wrong:?}: {error}"
        );
    }
    let pieces: Vec<_> = cube.stream(&by_bbox, 64).try_collect().await.unwrap();
    assert_eq!(pieces.len(), 1, "chunks are larger");
    assert_eq!(pieces[0].pixels, window.pixels);
}

async fn put(store: &InMemory, key: &str, value: Value) {
    store
        .put(&key.into(), value.to_string().into())
        .await
        .unwrap();
}

/// A hierarchy of v2 as others write it: no consolidated metadata, times of 64 bits, rows from the south, packed values.
async fn foreign() -> Arc<InMemory> {
    let store = Arc::new(InMemory::new());
    let array = |shape: Value, dtype: &str| {
        json!({
            "zarr_format": 2, "shape": shape, "chunks": shape, "dtype": dtype, "compressor": null,
            "fill_value": null, "order": "C", "filters": null,
        })
    };
    put(&store, ".zgroup", json!({ "zarr_format": 2 })).await;
    for (name, values, attributes) in [
        (
            "lat",
            vec![40.05, 40.15, 40.25, 40.35],
            json!({ "_ARRAY_DIMENSIONS": ["lat"], "units": "degrees_north" }),
        ),
        (
            "lon",
            vec![-5.95, -5.85, -5.75],
            json!({ "_ARRAY_DIMENSIONS": ["lon"], "units": "degrees_east" }),
        ),
    ] {
        put(
            &store,
            &format!("{name}/.zarray"),
            array(json!([values.len()]), "<f8"),
        )
        .await;
        put(&store, &format!("{name}/.zattrs"), attributes).await;
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value: &f64| value.to_le_bytes())
            .collect();
        store
            .put(&format!("{name}/0").into(), bytes.into())
            .await
            .unwrap();
    }
    put(&store, "time/.zarray", array(json!([3]), "<i8")).await;
    let attributes = json!({ "_ARRAY_DIMENSIONS": ["time"], "units": "days since 2020-01-01", "calendar": "proleptic_gregorian" });
    put(&store, "time/.zattrs", attributes).await;
    let days: Vec<u8> = [0_i64, 10, 20]
        .iter()
        .flat_map(|day| day.to_le_bytes())
        .collect();
    store.put(&"time/0".into(), days.into()).await.unwrap();
    let mut ndvi = array(json!([3, 4, 3]), "|u1");
    ndvi["chunks"] = json!([1, 4, 3]);
    ndvi["fill_value"] = json!(255);
    put(&store, "ndvi/.zarray", ndvi).await;
    let attributes = json!({
        "_ARRAY_DIMENSIONS": ["time", "lat", "lon"], "scale_factor": 0.004, "add_offset": -0.08, "valid_range": [0, 250],
    });
    put(&store, "ndvi/.zattrs", attributes).await;
    for time in 0..3_u8 {
        let bytes: Vec<u8> = (0..12).map(|pixel| time * 20 + pixel).collect();
        store
            .put(&format!("ndvi/{time}.0.0").into(), bytes.into())
            .await
            .unwrap();
    }
    let flags: Vec<u8> = vec![255, 253, 250, 0, 20, 45, 0, 0, 0, 0, 0, 0];
    store.put(&"ndvi/2.0.0".into(), flags.into()).await.unwrap();
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn hierarchies_of_others_open_too() {
    let dataset = Dataset::open_zarr(foreign().await).await.unwrap();
    let root = dataset.group("").unwrap();
    assert!(root.other_arrays.is_empty(), "{root:?}");
    let grid = root.grid.as_ref().unwrap();
    assert_eq!(grid.crs.code.as_deref(), Some("EPSG:4326"));
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(
        near(grid.geotransform[3], 40.0) && near(grid.geotransform[5], 0.1),
        "{grid:?}"
    );
    let times = dataset.times("").await.unwrap();
    assert_eq!(times[1].to_string(), "2020-01-11T00:00:00Z");

    let selection = Selection::new()
        .bbox([-5.99, 40.01, -5.81, 40.19])
        .time("2020-01-05T00:00Z".parse().unwrap()..="2020-01-15T00:00Z".parse().unwrap());
    let slab = dataset.select("", "ndvi", &selection).await.unwrap();
    // Rows count from the south.
    assert_eq!(slab.ranges, [1..2, 0..2, 0..2]);
    let window = dataset.read(&slab).await.unwrap();
    assert_eq!(window.pixels.to_f64(), [20.0, 21.0, 23.0, 24.0]);
    assert!(near(window.values()[0], 0.0));
    let slab = dataset
        .select("", "ndvi", &Selection::new().indices("time", 2..3))
        .await
        .unwrap();
    let values = dataset.read(&slab).await.unwrap().values();
    assert!(values[0].is_nan() && values[1].is_nan(), "fill and a flag");
    assert!(
        near(values[2], 0.92) && near(values[3], -0.08),
        "{values:?}"
    );

    let apart = Selection::new().coordinates("lat", 40.1..=40.3);
    let slab = dataset.select("", "ndvi", &apart).await.unwrap();
    assert_eq!(slab.ranges[1], 1..3);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_windows_are_refused_before_anything_is_read() {
    let store = Arc::new(InMemory::new());
    put(
        &store,
        "zarr.json",
        json!({ "zarr_format": 3, "node_type": "group", "attributes": {} }),
    )
    .await;
    let array = json!({
        "zarr_format": 3, "node_type": "array", "shape": [1_u64 << 40, 1_u64 << 40], "data_type": "uint8",
        "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": [512, 512] } },
        "chunk_key_encoding": { "name": "default" }, "fill_value": 0, "codecs": [{ "name": "bytes" }],
        "dimension_names": ["y", "x"], "attributes": {},
    });
    put(&store, "a/zarr.json", array).await;
    let dataset = Dataset::open_zarr(store).await.unwrap();
    let opened: Traffic = dataset.traffic();
    let slab = dataset.select("", "a", &Selection::new()).await.unwrap();
    let error = dataset.read(&slab).await.unwrap_err();
    assert!(matches!(error, CubeError::WindowTooLarge { .. }), "{error}");
    assert_eq!(dataset.traffic(), opened);
    // The first piece of very many comes all the same.
    let mut pieces = slab.pieces(1 << 20);
    let first = dataset.read(&pieces.next().unwrap()).await.unwrap();
    assert_eq!(first.shape(), [512, 2048]);
}
