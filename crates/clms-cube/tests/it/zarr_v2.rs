//! Cubes as Zarr v2: the same to us, and readable by the GDAL that this crate is linked with.

use std::sync::Arc;

use clms_cube::{BuildOptions, CancellationToken, Dataset, Levels, TileSize, ZarrFormat};
use clms_factory::{DType, Pattern, RasterSpec};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use crate::fixture::{Built, build_dir, plan, write};

fn options(zarr_format: ZarrFormat) -> BuildOptions {
    BuildOptions {
        zarr_format,
        levels: Levels::Exactly(4),
        tile_size: TileSize::new(64, 96).ok(),
        ..BuildOptions::default()
    }
}

fn tiles(dtype: DType, nodata: Option<&str>) -> Vec<RasterSpec> {
    let tile = |name: &str, col: f64, row: f64| {
        let mut raster = RasterSpec::new(name, 150, 110)
            .corner(3_000_000.0 + col * 10.0, 3_000_000.0 - row * 10.0, 10.0)
            .dtype(dtype)
            .pattern(Pattern::custom(|x, y| {
                ((x + y) / 80.0).floor().rem_euclid(7.0) * 17.0
            }));
        raster.nodata = nodata.map(str::to_owned);
        raster
    };
    // Without nodata there are no gaps either, and chunks of nothing but zeros.
    let second = if nodata.is_some() {
        (230.0, 130.0)
    } else {
        (150.0, 0.0)
    };
    vec![
        tile("DLT_a.tif", 0.0, 0.0),
        tile("DLT_b.tif", second.0, second.1),
    ]
}

async fn assert_same(ours: &Built, other: &Built) {
    let (a, b) = (ours.cube.group("").unwrap(), other.cube.group("").unwrap());
    assert_eq!(a.grid, b.grid);
    assert_eq!(a.overviews.len(), 4);
    assert_eq!(b.overviews.len(), 4);
    let name = &a.variables[0].name;
    let (v, w) = (&a.variables[0], &b.variables[0]);
    assert_eq!(v.classes(), w.classes());
    assert_eq!(
        (&v.dims, &v.shape, v.dtype, &v.chunks),
        (&w.dims, &w.shape, w.dtype, &w.chunks)
    );
    let fills = (v.fill_value, w.fill_value);
    assert!(
        fills.0 == fills.1 || (fills.0.unwrap().is_nan() && fills.1.unwrap().is_nan()),
        "{fills:?}"
    );
    for path in [
        "",
        "overviews/r2",
        "overviews/r4",
        "overviews/r8",
        "overviews/r16",
    ] {
        let pixels = [
            ours.pixels(path, name).await,
            other.pixels(path, name).await,
        ];
        assert!(
            pixels[0]
                .iter()
                .zip(&pixels[1])
                .all(|(a, b)| a == b || (a.is_nan() && b.is_nan())),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_same_as_v3() {
    for dtype in [
        DType::U8,
        DType::I8,
        DType::U16,
        DType::I16,
        DType::I32,
        DType::F32,
        DType::F64,
    ] {
        for nodata in [Some("100"), None] {
            let rasters = tiles(dtype, nodata);
            let v3 = build_dir(write(&rasters), &options(ZarrFormat::V3))
                .await
                .unwrap();
            let v2 = build_dir(write(&rasters), &options(ZarrFormat::V2))
                .await
                .unwrap();
            assert_same(&v2, &v3).await;
            assert_eq!(v2.report.chunks, v3.report.chunks);
        }
    }
}

#[tokio::test]
async fn gdal_reads_crs_bounds_nodata_and_pixels() {
    let dir = write(&tiles(DType::U16, Some("100")));
    let place = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> =
        Arc::new(LocalFileSystem::new_with_prefix(place.path()).unwrap());
    let plan = plan(dir.path(), &options(ZarrFormat::V2)).unwrap();
    clms_cube::build(plan, Arc::clone(&store), &(), &CancellationToken::new())
        .await
        .unwrap();
    let cube = Dataset::open_zarr(store).await.unwrap();
    if gdal::DriverManager::get_driver_by_name("Zarr").is_err() {
        eprintln!("skipped: this GDAL has no Zarr driver");
        return;
    }
    let name = format!("ZARR:\"{}\":/DLT", place.path().display());
    let dataset = gdal::Dataset::open(name).unwrap();
    let grid = cube.group("").unwrap().grid.clone().unwrap();
    assert_eq!(
        dataset.raster_size(),
        (grid.width as usize, grid.height as usize)
    );
    assert_eq!(dataset.geo_transform().unwrap(), grid.geotransform);
    assert_eq!(dataset.spatial_ref().unwrap().auth_code().unwrap(), 3035);
    let band = dataset.rasterband(1).unwrap();
    assert_eq!(band.no_data_value(), Some(100.0));
    let size = dataset.raster_size();
    let theirs = band.read_as::<u16>((0, 0), size, size, None).unwrap();
    let ours = cube
        .read_window("", "DLT", 0..grid.height, 0..grid.width)
        .await
        .unwrap();
    assert_eq!(
        clms_cube::Pixels::UInt16(theirs.data().to_vec()),
        ours.pixels
    );
    assert!(theirs.data().contains(&100) && theirs.data().contains(&17));
}
