//! Tiles with more, less or other things in them than a mosaic is made of.

use std::sync::Arc;

use clms_cube::{CubeError, Dataset};
use gdal::spatial_ref::SpatialRef;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use serde_json::{Value, json};

use super::globe::{array, put};

/// A Zarr of 4 x 6 pixels of one degree, of which each array is given by its path, shape, type, dimensions, attributes and bytes.
struct Tile(Arc<InMemory>);

impl Tile {
    async fn at(west: f64) -> Self {
        let tile = Self(Arc::new(InMemory::new()));
        let levels = json!({"layout": [{"asset": "."}, {"asset": "half", "derived_from": "."}]});
        tile.group("", west, 1.0, &levels).await;
        tile.group("half/", west, 2.0, &Value::Null).await;
        tile
    }

    async fn group(&self, path: &str, west: f64, pixel: f64, levels: &Value) {
        let wkt = SpatialRef::from_epsg(4326).unwrap().to_wkt().unwrap();
        let mut attributes = json!({
            "spatial:transform": [pixel, 0.0, west, 0.0, -pixel, 90.0], "proj:wkt2": wkt,
        });
        if !levels.is_null() {
            attributes["multiscales"] = levels.clone();
        }
        let group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
        put(
            &self.0,
            &format!("{path}zarr.json"),
            group.to_string().into(),
        )
        .await;
    }

    async fn with(
        self,
        path: &str,
        shape: &[u64],
        dtype: &str,
        dims: &[&str],
        bytes: &[u8],
    ) -> Self {
        let about = array(shape, dtype, dims, json!({}));
        self.document(path, about, bytes).await
    }

    async fn document(self, path: &str, about: Value, bytes: &[u8]) -> Self {
        let zeros = vec!["0"; about["shape"].as_array().unwrap().len()].join("/");
        put(
            &self.0,
            &format!("{path}/zarr.json"),
            about.to_string().into(),
        )
        .await;
        put(&self.0, &format!("{path}/c/{zeros}"), bytes.to_vec()).await;
        self
    }

    async fn open(self) -> Dataset {
        Dataset::open_zarr(self.0 as Arc<dyn ObjectStore>)
            .await
            .unwrap()
    }
}

fn names(dataset: &Dataset, group: &str) -> Vec<String> {
    let group = dataset.group(group).unwrap();
    group
        .variables
        .iter()
        .map(|known| known.name.clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_of_coordinates_are_no_tiles() {
    let mut tiles = Vec::new();
    for west in [0.0, 6.0] {
        let tile = Tile::at(west).await;
        let tile = tile
            .with("v", &[4, 6], "uint8", &["lat", "lon"], &[7; 24])
            .await;
        let bounds = [0; 4 * 2 * 8];
        let tile = tile
            .with("lat_bnds", &[4, 2], "float64", &["lat", "nv"], &bounds)
            .await;
        tiles.push(tile.open().await);
    }
    let mosaic = Dataset::mosaic(tiles).await.unwrap();
    assert_eq!(names(&mosaic, ""), ["v"]);
    let window = mosaic.read_window("", "v", 0..4, 4..8).await.unwrap();
    assert_eq!(window.pixels.to_f64(), [7.0; 16]);
}

#[tokio::test(flavor = "multi_thread")]
async fn overviews_of_other_things_are_left_out() {
    let yx = ["lat", "lon"];
    for (shape, dtype, dims, is_kept) in [
        (&[2, 3][..], "uint8", &yx[..], true),
        (&[2, 3], "uint16", &yx, false),
        (&[2, 2], "uint8", &yx, false),
        (&[6], "uint8", &["all"], false),
        (&[1, 2, 3], "uint8", &["time", "lat", "lon"], false),
    ] {
        let tile = Tile::at(0.0).await;
        let tile = tile.with("v", &[4, 6], "uint8", &yx, &[7; 24]).await;
        let tile = tile.with("half/v", shape, dtype, dims, &[7; 6]).await;
        let mosaic = Dataset::mosaic(vec![tile.open().await]).await.unwrap();
        let overviews = &mosaic.group("").unwrap().overviews;
        assert_eq!(overviews.len(), usize::from(is_kept), "{shape:?} {dtype}");
        if is_kept {
            let window = mosaic
                .read_window(&overviews[0].path, "v", 0..2, 0..3)
                .await;
            assert_eq!(window.unwrap().pixels.to_f64(), [7.0; 6]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_that_nobody_tells() {
    let tile = Tile::at(0.0).await;
    let dims = ["time", "lat", "lon"];
    let tile = tile.with("v", &[2, 4, 6], "uint8", &dims, &[7; 48]).await;
    let error = Dataset::mosaic(vec![tile.open().await]).await.unwrap_err();
    assert!(matches!(error, CubeError::Differing { .. }), "{error}");
    assert!(error.to_string().contains("2 times"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nan_is_nothing_whatever_the_fill_value_is() {
    let tile = async |value: f32| {
        let mut about = array(
            &[4, 6],
            "float32",
            &["lat", "lon"],
            json!({"_FillValue": -9999.0}),
        );
        about["fill_value"] = json!(-9999.0);
        let bytes = value.to_le_bytes().repeat(24);
        Tile::at(0.0)
            .await
            .document("v", about, &bytes)
            .await
            .open()
            .await
    };
    for nothing in [f32::NAN, f32::from_bits(0xffc0_0001), -9999.0] {
        let tiles = vec![tile(nothing).await, tile(5.0).await];
        let mosaic = Dataset::mosaic(tiles).await.unwrap();
        let window = mosaic.read_window("", "v", 0..1, 0..1).await.unwrap();
        assert_eq!(window.pixels.to_f64(), [5.0], "{nothing}");
    }
}
