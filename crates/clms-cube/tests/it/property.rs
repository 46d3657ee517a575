//! Any layout of tiles becomes the mosaic that its pixels' function says.

use clms_cube::{BuildOptions, TileSize};
use clms_factory::{DType, Pattern, RasterSpec};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::fixture::{build_dir, write};

/// A layout: tiles of a grid of which some are missing, bands, type, nodata, chunk size.
#[derive(Debug, Clone)]
struct LayoutCase {
    tile: (usize, usize),
    present: Vec<(usize, usize)>,
    bands: usize,
    dtype: DType,
    nodata: bool,
    chunk: (u32, u32),
    origin: (i32, i32),
}

fn layouts() -> impl Strategy<Value = LayoutCase> {
    let dtype = prop::sample::select(vec![
        DType::U8,
        DType::I8,
        DType::U16,
        DType::I16,
        DType::I32,
        DType::F32,
        DType::F64,
    ]);
    let tiles = prop::collection::btree_set((0_usize..4, 0_usize..3), 1..8);
    (
        (1_usize..70, 1_usize..60),
        tiles,
        1_usize..=3,
        dtype,
        any::<bool>(),
        (1_u32..90, 1_u32..90),
        (-9..9, -9..9),
    )
        .prop_map(
            |(tile, present, bands, dtype, nodata, chunk, origin)| LayoutCase {
                tile,
                present: present.into_iter().collect(),
                bands,
                dtype,
                nodata,
                chunk,
                origin,
            },
        )
}

fn rasters(case: &LayoutCase) -> Vec<RasterSpec> {
    let (width, height) = case.tile;
    // Places and names have nothing to do with each other.
    case.present
        .iter()
        .enumerate()
        .map(|(index, (col, row))| {
            let left = f64::from(case.origin.0) * 7.5 + (col * width) as f64 * 2.5;
            let top = f64::from(case.origin.1) * 7.5 - (row * height) as f64 * 2.5;
            let mut raster = RasterSpec::new(format!("part{}.tif", (index * 5) % 8), width, height)
                .dtype(case.dtype)
                .corner(left, top, 2.5);
            raster.nodata = case.nodata.then(|| "100".to_owned());
            // 101 values, 100 among them.
            let value = |band: usize, x: f64, y: f64| {
                (x * 0.4 + y * 5.2 + band as f64 * 31.0)
                    .floor()
                    .rem_euclid(101.0)
            };
            raster.bands = (0..case.bands)
                .map(|band| Pattern::custom(move |x, y| value(band, x, y)))
                .collect();
            raster
        })
        .collect()
}

#[test]
fn random_layouts() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(Config {
        cases: 60,
        ..Config::default()
    });
    runner
        .run(&layouts(), |case| {
            runtime.block_on(async {
                let mut rasters = rasters(&case);
                let options = BuildOptions {
                    tile_size: TileSize::new(case.chunk.0, case.chunk.1).ok(),
                    ..BuildOptions::default()
                };
                let built = build_dir(write(&rasters), &options)
                    .await
                    .map_err(|error| TestCaseError::fail(error.to_string()))?;
                rasters.sort_by(|a, b| a.name.cmp(&b.name));
                for (band, variable) in built
                    .cube
                    .group("")
                    .unwrap()
                    .variables
                    .clone()
                    .iter()
                    .enumerate()
                {
                    let fill = variable.fill_value.unwrap_or(0.0);
                    prop_assert!(!case.nodata || fill == 100.0);
                    built
                        .assert_mosaic("", &variable.name, &rasters, band, fill)
                        .await;
                }
                Ok(())
            })
        })
        .unwrap();
}
