//! Packages that are no cube, rasters that can't be placed, and builds that end early.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clms_cube::{BuildOptions, BuildProgress, BuildState, CancellationToken, CubeError, Dataset};
use clms_factory::{Pattern, RasterSpec};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;

use crate::fixture::{add, plan, write};

fn plan_error(rasters: &[RasterSpec]) -> CubeError {
    plan(write(rasters).path(), &BuildOptions::default())
        .err()
        .unwrap()
}

#[test]
fn packages_without_rasters() {
    let dir = write(&[]);
    add(&dir, "Doc/readme.pdf", b"%PDF");
    let error = plan(dir.path(), &BuildOptions::default()).err().unwrap();
    assert!(
        matches!(&error, CubeError::NoRaster { entries } if entries == &["Doc/readme.pdf"]),
        "{error}"
    );
    add(&dir, "DATA/a.gpkg", b"x");
    let error = plan(dir.path(), &BuildOptions::default()).err().unwrap();
    assert!(
        matches!(&error, CubeError::VectorOnly { found } if found == &["DATA/a.gpkg"]),
        "{error}"
    );
    assert_eq!(error.kind(), "vector_only");
}

#[test]
fn rasters_that_cannot_be_placed() {
    let raster = || RasterSpec::new("FTY_a.tif", 30, 20);
    let rotated = [
        [4e6, 10.0, 1.0, 3e6, 0.0, -10.0],
        [4e6, -10.0, 0.0, 3e6, 0.0, -10.0],
    ];
    for geotransform in rotated {
        let error = plan_error(&[raster().geotransform(Some(geotransform))]);
        assert!(
            matches!(&error, CubeError::NotNorthUp { file, .. } if file == "DATA/FTY_a.tif"),
            "{error}"
        );
    }
    let error = plan_error(&[raster().crs(None)]);
    assert!(
        matches!(error, CubeError::NotGeoreferenced { .. }),
        "{error}"
    );
    let far = RasterSpec::new("FTY_b.tif", 30, 20).corner(4_000_000.0 + 1e11, 3_000_000.0, 10.0);
    let error = plan_error(&[raster(), far]);
    assert!(matches!(error, CubeError::AbsurdGrid { .. }), "{error}");
}

#[test]
fn a_shift_by_rounding_is_no_other_grid() {
    let rasters = [
        RasterSpec::new("FTY_a.tif", 30, 20),
        RasterSpec::new("FTY_b.tif", 30, 20).corner(4_000_300.000_324, 3_000_000.0, 10.0),
    ];
    let dir = write(&rasters);
    assert_eq!(
        plan(dir.path(), &BuildOptions::default()).unwrap().groups()[0]
            .grid()
            .width,
        60
    );
}

#[test]
fn damaged_rasters_are_errors_and_not_gaps() {
    let dir = write(&[RasterSpec::new("FTY_a.tif", 300, 200)]);
    add(&dir, "DATA/FTY_b.tif", b"not a TIFF");
    let error = plan(dir.path(), &BuildOptions::default()).err().unwrap();
    assert!(
        matches!(&error, CubeError::Unreadable { file, .. } if file == "DATA/FTY_b.tif"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_rasters_fail_the_build() {
    let dir = write(&[RasterSpec::new("FTY_a.tif", 900, 900)]);
    let path = dir.path().join("DATA/FTY_a.tif");
    let bytes = std::fs::read(&path).unwrap();
    // GDAL writes the header first.
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let plan = plan(dir.path(), &BuildOptions::default()).unwrap();
    let store = Arc::new(InMemory::new());
    let error = clms_cube::build(plan, store.clone(), &(), &CancellationToken::new())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(&error, CubeError::Unreadable { file, .. } if file == "DATA/FTY_a.tif"),
        "{error}"
    );
    assert!(store.head(&Path::from("zarr.json")).await.is_err());
}

#[test]
fn rasters_without_a_place_are_left_out_beside_others() {
    let picture = RasterSpec::new("picture.tif", 30, 20)
        .crs(None)
        .geotransform(None);
    let dir = write(&[RasterSpec::new("FTY_a.tif", 30, 20), picture]);
    let plan = plan(dir.path(), &BuildOptions::default()).unwrap();
    assert_eq!(plan.files().used, ["DATA/FTY_a.tif"]);
    assert_eq!(plan.files().left_out[0].reason, "not georeferenced");
}

/// Cancels after some chunks.
struct CancelAt {
    chunks: u64,
    cancel: CancellationToken,
    last: AtomicU64,
}

impl BuildProgress for CancelAt {
    fn advanced(&self, state: BuildState) {
        assert!(state.chunks_done <= state.chunks_total);
        assert!(
            self.last.fetch_max(state.chunks_done, Ordering::Relaxed) <= state.chunks_done,
            "went backwards"
        );
        if state.chunks_done >= self.chunks {
            self.cancel.cancel();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_build_leaves_no_cube() {
    let raster = RasterSpec::new("FTY_a.tif", 2000, 2000).pattern(Pattern::plane(10.0));
    let dir = write(&[raster]);
    let options = BuildOptions {
        tile_size: clms_cube::TileSize::new(50, 50).ok(),
        ..BuildOptions::default()
    };
    for chunks in [0, 100, 1600] {
        let plan = plan(dir.path(), &options).unwrap();
        let store = Arc::new(InMemory::new());
        let cancel = CancellationToken::new();
        let progress = CancelAt {
            chunks,
            cancel: cancel.clone(),
            last: AtomicU64::new(0),
        };
        let error = clms_cube::build(plan, store.clone(), &progress, &cancel)
            .await
            .err()
            .unwrap();
        assert!(matches!(error, CubeError::Cancelled), "{error}");
        assert!(matches!(
            Dataset::open_zarr(store).await,
            Err(CubeError::NotACube { .. })
        ));
    }
}
