//! What `cargo xtask bench` measures with: large smooth rasters of unsigned bytes that no real product is exactly like.

use crate::noise::Noise;
use crate::package::PackageSpec;
use crate::pattern::{Density, Pattern, Relief};
use crate::products::Scale;
use crate::raster::RasterSpec;

/// Left and upper edge of all of them.
const CORNER: (f64, f64) = (1_000_000.0, 5_000_000.0);
const PIXEL: f64 = 10.0;
/// Edge of a tile of the tiled one.
const TILE: usize = 10_000;

/// `bench_S` (one raster), `bench_M` and `bench_X` (larger ones), `bench_T` (three by three tiles, the middle one missing).
pub(super) fn package(file: &str, scale: Scale) -> Option<PackageSpec> {
    let whole = |size: (usize, usize)| {
        vec![raster(
            "bench.tif".to_owned(),
            (0, 0),
            scale.size(size, size),
        )]
    };
    let rasters = match file {
        "bench_S" => whole((TILE, TILE)),
        "bench_M" => whole((32_500, 23_000)),
        "bench_X" => whole((65_000, 46_000)),
        "bench_T" => {
            let (width, height) = scale.size((TILE, TILE), (TILE, TILE));
            let places = (0..9).filter(|k| *k != 4).map(|k| (k % 3, k / 3));
            places
                .map(|(column, row)| {
                    raster(
                        format!("bench_{row}{column}.tif"),
                        (column * width, row * height),
                        (width, height),
                    )
                })
                .collect()
        }
        _ => return None,
    };
    Some(PackageSpec::new(file).rasters(rasters))
}

/// A share in percent that varies over some hundred pixels; LZW, tiles of 256, outside code 255.
fn raster(name: String, (col, row): (usize, usize), (width, height): (usize, usize)) -> RasterSpec {
    let (left, top) = (CORNER.0 + col as f64 * PIXEL, CORNER.1 - row as f64 * PIXEL);
    RasterSpec::new(name, width, height)
        .corner(left, top, PIXEL)
        .nodata("255")
        .option("BIGTIFF=IF_SAFER")
        .pattern(Pattern::Density(Density {
            relief: Relief {
                height: Noise {
                    seed: 7,
                    wavelength: 200_000.0,
                    octaves: 2,
                },
                sea_level: 0.3,
                island: None,
            },
            amount: Noise {
                seed: 8,
                wavelength: 3_000.0,
                octaves: 8,
            },
            from: 0.30,
            to: 0.70,
            outside: 255.0,
        }))
}
