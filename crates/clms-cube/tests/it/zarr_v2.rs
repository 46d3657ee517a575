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

/// A group in its own CRS below the root, as the overseas departments are.
fn with_a_department() -> Vec<RasterSpec> {
    let mut all = tiles(DType::U16, Some("100"));
    let mut department = all[0]
        .clone()
        .epsg(32622)
        .corner(300_000.0, 500_000.0, 20.0);
    department.name = "DLT_GF.tif".to_owned();
    all.push(department);
    all
}

#[tokio::test]
async fn gdal_reads_crs_bounds_nodata_and_pixels_of_all_groups() {
    let dir = write(&with_a_department());
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
    let groups = &cube.structure().groups;
    assert_eq!(groups.len(), 2);
    let levels = groups
        .iter()
        .flat_map(|group| std::iter::once(group).chain(&group.overviews));
    let mut seen = Vec::new();
    for group in levels {
        let separator = if group.path.is_empty() { "" } else { "/" };
        let name = format!(
            "ZARR:\"{}\":{separator}{}/DLT",
            place.path().display(),
            group.path
        );
        let dataset = gdal::Dataset::open(name).unwrap();
        let grid = group.grid.clone().unwrap();
        let size = (grid.width as usize, grid.height as usize);
        assert_eq!(dataset.raster_size(), size);
        assert_eq!(dataset.geo_transform().unwrap(), grid.geotransform);
        let code = dataset.spatial_ref().unwrap().auth_code().unwrap();
        assert_eq!(grid.crs.code, Some(format!("EPSG:{code}")));
        let band = dataset.rasterband(1).unwrap();
        assert_eq!(band.no_data_value(), Some(100.0));
        let theirs = band.read_as::<u16>((0, 0), size, size, None).unwrap();
        assert!(theirs.data().contains(&17));
        let ours = cube
            .read_window(&group.path, "DLT", 0..grid.height, 0..grid.width)
            .await
            .unwrap();
        assert_eq!(
            clms_cube::Pixels::UInt16(theirs.data().to_vec()),
            ours.pixels
        );
        seen.push(code);
    }
    assert_eq!(seen.iter().filter(|code| **code == 32622).count(), 5);
    assert_eq!(seen.len(), 10);
}
