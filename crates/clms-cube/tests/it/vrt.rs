//! Random layouts of tiles, compared with what GDAL's virtual rasters make of them.

use clms_cube::{BuildOptions, TileSize};
use clms_factory::{DType, Pattern, RasterSpec};
use gdal::Dataset;
use gdal::programs::raster::build_vrt;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{build_dir, write};

const PIXEL: f64 = 2.5;

/// Tiles anywhere, of any size, that overlap and disagree.
#[derive(Debug, Clone)]
struct Layout {
    /// Column, row, width and height of each, and what sets its values apart.
    tiles: Vec<(i32, i32, usize, usize, u8)>,
    dtype: DType,
    nodata: bool,
    block: Option<usize>,
    compress: &'static str,
    chunk: (u32, u32),
}

fn layouts() -> impl Strategy<Value = Layout> {
    let tile = (
        -90_i32..90,
        -90_i32..90,
        1_usize..60,
        1_usize..60,
        any::<u8>(),
    );
    (
        prop::collection::vec(tile, 1..7),
        prop::sample::select(vec![
            DType::U8,
            DType::U16,
            DType::I16,
            DType::I32,
            DType::F32,
        ]),
        any::<bool>(),
        prop::sample::select(vec![None, Some(16), Some(32)]),
        prop::sample::select(vec!["LZW", "DEFLATE", "NONE", "PACKBITS"]),
        (1_u32..70, 1_u32..70),
    )
        .prop_map(|(tiles, dtype, nodata, block, compress, chunk)| Layout {
            tiles,
            dtype,
            nodata,
            block,
            compress,
            chunk,
        })
}

fn rasters(layout: &Layout) -> Vec<RasterSpec> {
    let tiles = layout.tiles.iter().enumerate();
    tiles
        .map(|(index, (col, row, width, height, seed))| {
            let seed = f64::from(*seed);
            let mut raster = RasterSpec::new(format!("{index}.tif"), *width, *height)
                .dtype(layout.dtype)
                .compress(layout.compress)
                .block(layout.block)
                .corner(f64::from(*col) * PIXEL, f64::from(*row) * PIXEL, PIXEL)
                .pattern(Pattern::custom(move |x, y| {
                    (x * 0.4 + y * 1.2 + seed).floor().rem_euclid(101.0)
                }));
            raster.nodata = layout.nodata.then(|| "100".to_owned());
            raster
        })
        .collect()
}

#[test]
fn a_thousand_random_layouts() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 1000,
        ..Config::default()
    };
    let compared = TestRunner::new(config).run(&layouts(), |layout| {
        let rasters = rasters(&layout);
        let dir = write(&rasters);
        // The last one lies on top in GDAL's; in ours, the first one by name.
        let sources: Vec<Dataset> = rasters
            .iter()
            .rev()
            .map(|raster| Dataset::open(dir.path().join("DATA").join(&raster.name)).unwrap())
            .collect();
        let vrt = build_vrt(None, &sources, None).unwrap();
        let options = BuildOptions {
            tile_size: TileSize::new(layout.chunk.0, layout.chunk.1).ok(),
            ..BuildOptions::default()
        };
        let built = runtime
            .block_on(build_dir(dir, &options))
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let grid = built.grid("");
        prop_assert_eq!(
            vrt.raster_size(),
            (grid.width as usize, grid.height as usize)
        );
        prop_assert_eq!(vrt.geo_transform().unwrap(), grid.geotransform);
        let size = vrt.raster_size();
        let theirs = vrt
            .rasterband(1)
            .unwrap()
            .read_as::<f64>((0, 0), size, size, None)
            .unwrap();
        let variable = built.cube.group("").unwrap().variables[0].clone();
        let ours = runtime.block_on(built.pixels("", &variable.name));
        for (index, (ours, theirs)) in ours.iter().zip(theirs.data()).enumerate() {
            let (row, col) = (index / size.0, index % size.0);
            let is_covered = || {
                rasters.iter().any(|raster| {
                    let transform = raster.transform();
                    let left = ((transform[0] - grid.geotransform[0]) / PIXEL).round() as usize;
                    let top = ((grid.geotransform[3] - transform[3]) / PIXEL).round() as usize;
                    (left..left + raster.width).contains(&col)
                        && (top..top + raster.height).contains(&row)
                })
            };
            // Where the sources have no nodata, GDAL leaves gaps at 0, which looks like data.
            let same = ours == theirs
                || (!layout.nodata
                    && !is_covered()
                    && variable
                        .fill_value
                        .is_some_and(|fill| fill == *ours || (fill.is_nan() && ours.is_nan())));
            prop_assert!(
                same,
                "row {}, column {}: {} instead of {}",
                row,
                col,
                ours,
                theirs
            );
        }
        Ok(())
    });
    compared.unwrap();
}
