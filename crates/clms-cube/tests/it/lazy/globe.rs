//! Windows on grids of longitudes, and times in all of CF's calendars.

use std::sync::Arc;

use clms_cube::{CubeError, Dataset, Selection};
use gdal::spatial_ref::SpatialRef;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};

pub(super) async fn put(store: &InMemory, key: &str, bytes: Vec<u8>) {
    store.put(&key.into(), bytes.into()).await.unwrap();
}

pub(super) fn array(shape: &[u64], data_type: &str, dims: &[&str], attributes: Value) -> Value {
    json!({
        "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "dimension_names": dims, "attributes": attributes,
    })
}

/// The whole globe in pixels of one degree, each of which holds its column; six times of a calendar beside it.
async fn globe(left: f64, calendar: &str) -> Dataset {
    let store = Arc::new(InMemory::new());
    let wkt = SpatialRef::from_epsg(4326).unwrap().to_wkt().unwrap();
    let group = json!({
        "zarr_format": 3, "node_type": "group",
        "attributes": {"spatial:transform": [1.0, 0.0, left, 0.0, -1.0, 90.0], "proj:wkt2": wkt},
    });
    put(&store, "zarr.json", group.to_string().into()).await;
    let map = array(&[180, 360], "uint16", &["lat", "lon"], json!({}));
    put(&store, "LST/zarr.json", map.to_string().into()).await;
    let columns = (0..180).flat_map(|_| (0..360_u16).flat_map(u16::to_le_bytes));
    put(&store, "LST/c/0/0", columns.collect()).await;
    let units = json!({"units": "days since 2020-01-01", "calendar": calendar});
    let time = array(&[6], "float64", &["time"], units);
    put(&store, "time/zarr.json", time.to_string().into()).await;
    let numbers = [0.0, 30.0, 58.5, 59.0, 60.0, 365.0];
    let numbers = numbers.into_iter().flat_map(f64::to_le_bytes);
    put(&store, "time/c/0", numbers.collect()).await;
    let series = array(&[6, 1, 1], "uint8", &["time", "a", "b"], json!({}));
    put(&store, "series/zarr.json", series.to_string().into()).await;
    Dataset::open_zarr(store as Arc<dyn ObjectStore>)
        .await
        .unwrap()
}

/// The first and the last column of a window, as its pixels have them.
async fn columns(dataset: &Dataset, selection: &Selection) -> Result<(f64, f64), CubeError> {
    let slab = dataset.select("", "LST", selection).await?;
    let pixels = dataset.read(&slab).await?.pixels.to_f64();
    Ok((pixels[0], *pixels.last().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn longitudes_are_found_whatever_edges_the_dataset_has() {
    let (from_west, from_zero) = (
        globe(-180.0, "standard").await,
        globe(0.0, "standard").await,
    );
    let bbox = |west: f64, east: f64| Selection::new().bbox([west, 0.0, east, 10.0]);
    // West, east, and the columns in both.
    for (west, east, of_west, of_zero) in [
        (10.0, 20.0, (190.0, 199.0), (10.0, 19.0)),
        (-20.0, -10.0, (160.0, 169.0), (340.0, 349.0)),
        (340.0, 350.0, (160.0, 169.0), (340.0, 349.0)),
    ] {
        for selection in [
            bbox(west, east),
            Selection::new().bbox_in([west, 0.0, east, 10.0], "EPSG:4326"),
        ] {
            assert_eq!(columns(&from_west, &selection).await.unwrap(), of_west);
            assert_eq!(columns(&from_zero, &selection).await.unwrap(), of_zero);
        }
    }
    // Across the antimeridian: one window in one of them, and two in the other, which is said.
    for (west, east) in [(170.0, -175.0), (170.0, 185.0), (-190.0, -175.0)] {
        let found = columns(&from_zero, &bbox(west, east)).await.unwrap();
        assert_eq!(found, (170.0, 184.0));
        let refused = columns(&from_west, &bbox(west, east)).await.unwrap_err();
        assert_eq!(refused.kind(), "invalid_selection");
        let said = refused.to_string();
        assert!(said.contains("170..180 and -180..-175"), "{said}");
    }
    let refused = columns(&from_zero, &bbox(-5.0, 5.0)).await.unwrap_err();
    assert!(refused.to_string().contains("355..360"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rectangles_of_a_projection_across_the_antimeridian() {
    let from_zero = globe(0.0, "standard").await;
    // A square around Chukotka in polar stereographic metres: both sides of the antimeridian.
    let zone = Selection::new().bbox_in(
        [300_000.0, 7_500_000.0, 700_000.0, 7_600_000.0],
        "EPSG:32601",
    );
    let slab = from_zero.select("", "LST", &zone).await.unwrap();
    let grid = slab.grid.unwrap();
    let [west, _, east, _] = grid.bbox();
    assert!(
        (175.0..183.0).contains(&west) && east - west < 15.0,
        "{grid:?}"
    );
    let from_west = globe(-180.0, "standard").await;
    let beyond = Selection::new().bbox_in(
        [100_000.0, 7_500_000.0, 900_000.0, 7_600_000.0],
        "EPSG:32601",
    );
    let refused = from_west.select("", "LST", &beyond).await.unwrap_err();
    assert!(
        refused.to_string().contains("one after the other"),
        "{refused}"
    );
    // What is no longitude has no antimeridian.
    let turned = Selection::new().bbox_in([700_000.0, 0.0, 300_000.0, 10.0], "EPSG:32601");
    let refused = from_west.select("", "LST", &turned).await.unwrap_err();
    assert!(
        refused.to_string().contains("west, south, east, north"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_are_those_of_the_calendar() {
    let february = Selection::new()
        .time("2020-02-01T00:00Z".parse().unwrap()..="2020-02-29T23:59Z".parse().unwrap());
    for (calendar, third, fourth, last, in_february) in [
        (
            "standard",
            "2020-02-28T12:00:00",
            "2020-02-29T00:00:00",
            "2020-12-31T00:00:00",
            2..4,
        ),
        (
            "noleap",
            "2020-02-28T12:00:00",
            "2020-03-01T00:00:00",
            "2021-01-01T00:00:00",
            2..3,
        ),
        (
            "all_leap",
            "2020-02-28T12:00:00",
            "2020-02-29T00:00:00",
            "2020-12-31T00:00:00",
            2..4,
        ),
        (
            "360_day",
            "2020-02-29T12:00:00",
            "2020-02-30T00:00:00",
            "2021-01-06T00:00:00",
            1..3,
        ),
    ] {
        let dataset = globe(0.0, calendar).await;
        let dates = dataset.dates("").await.unwrap();
        let shown: Vec<String> = dates.iter().map(ToString::to_string).collect();
        assert_eq!(
            [&shown[2], &shown[3], &shown[5]],
            [third, fourth, last],
            "{calendar}"
        );
        let slab = dataset.select("", "series", &february).await.unwrap();
        assert_eq!(slab.ranges[0], in_february, "{calendar}");
        let times = dataset.times("").await;
        if calendar == "standard" {
            assert_eq!(times.unwrap()[3].to_string(), "2020-02-29T00:00:00Z");
        } else {
            let refused = times.unwrap_err().to_string();
            assert!(refused.contains("calendar"), "{refused}");
        }
    }
    let unknown = globe(0.0, "mayan").await;
    let refused = unknown.dates("").await.unwrap_err().to_string();
    assert!(refused.contains("mayan"), "{refused}");
    assert_eq!(unknown.coordinate("", "time").await.unwrap()[3], 59.0);
}
