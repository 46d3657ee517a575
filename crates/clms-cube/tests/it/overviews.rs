//! Pyramids: each level is what the one before says, gaps and edges included.

use clms_cube::{BuildOptions, Levels, TileSize};
use clms_factory::{DType, Pattern, RasterSpec};

use crate::fixture::{Built, build_dir, write};

/// Four pixels (fewer at the edges) become one, without any cleverness.
fn halved(pixels: &[f64], width: usize, reduce: &dyn Fn(&[f64]) -> f64) -> (Vec<f64>, usize) {
    let height = pixels.len() / width;
    let mut out = Vec::new();
    for row in (0..height).step_by(2) {
        for col in (0..width).step_by(2) {
            let mut quad = Vec::with_capacity(4);
            for r in row..(row + 2).min(height) {
                quad.extend_from_slice(&pixels[r * width + col..r * width + (col + 2).min(width)]);
            }
            out.push(reduce(&quad));
        }
    }
    (out, width.div_ceil(2))
}

fn mode(quad: &[f64], fill: f64) -> f64 {
    let count = |value: f64| quad.iter().filter(|other| **other == value).count();
    let mut best = fill;
    for value in quad.iter().filter(|value| **value != fill) {
        if best == fill || count(*value) > count(best) {
            best = *value;
        }
    }
    best
}

fn mean(quad: &[f64], fill: f64) -> f64 {
    let valid: Vec<f64> = quad
        .iter()
        .copied()
        .filter(|value| *value <= 100.0)
        .collect();
    if valid.is_empty() {
        return mode(quad, fill);
    }
    (valid.iter().sum::<f64>() / valid.len() as f64 + 0.5).floor()
}

/// Compares all levels of the only variable, whose scales are given, with what the full resolution makes of them.
async fn assert_levels(built: &Built, scales: &[usize], reduce: &dyn Fn(&[f64]) -> f64) {
    let group = built.cube.group("").unwrap().clone();
    assert_eq!(group.overviews.len(), scales.len());
    let name = &group.variables[0].name;
    let grid = group.grid.unwrap();
    let mut pixels = built.pixels("", name).await;
    let mut width = grid.width as usize;
    let mut reached = 1;
    for (scale, overview) in scales.iter().zip(&group.overviews) {
        while reached < *scale {
            (pixels, width) = halved(&pixels, width, reduce);
            reached *= 2;
        }
        let found = built.pixels(&overview.path, name).await;
        let at = overview.grid.as_ref().unwrap();
        assert_eq!((at.width as usize, found.len()), (width, pixels.len()));
        assert_eq!(at.geotransform[0], grid.geotransform[0]);
        assert_eq!(at.geotransform[1], grid.geotransform[1] * *scale as f64);
        let wrong = found.iter().zip(&pixels).position(|(a, b)| a != b);
        assert_eq!(
            wrong.map(|at| (at / width, at % width)),
            None,
            "scale {scale}"
        );
    }
}

fn options(levels: Levels, tile: Option<u32>) -> BuildOptions {
    BuildOptions {
        levels,
        tile_size: tile.map(|side| TileSize::new(side, side).unwrap()),
        ..BuildOptions::default()
    }
}

/// Cheap, irregular, with codes 0 to 120 and 255.
fn patches() -> Pattern {
    Pattern::custom(|x, y| {
        let (x, y) = ((x / 130.0).floor(), (y / 70.0).floor());
        let value = (x * 7.0 + y * 13.0).rem_euclid(127.0);
        if value > 120.0 { 255.0 } else { value }
    })
}

#[tokio::test]
async fn classes_with_gaps_over_many_shards() {
    let tile = |name: &str, col: f64, row: f64| {
        RasterSpec::new(name, 4101, 4099)
            .corner(3_000_000.0 + col * 10.0, 3_000_000.0 - row * 10.0, 10.0)
            .nodata("255")
            .pattern(patches())
    };
    // A tile in two opposite corners: some shards have no tile at all, some two.
    let dir = write(&[tile("a.tif", 0.0, 0.0), tile("b.tif", 5300.0, 4300.0)]);
    let built = build_dir(dir, &options(Levels::Auto, None)).await.unwrap();
    assert_levels(&built, &[4, 8, 16], &|quad| mode(quad, 255.0)).await;
    let attributes = &built.cube.structure().attributes;
    assert_eq!(attributes["multiscales"]["resampling_method"], "mode");
    let layout = attributes["multiscales"]["layout"].as_array().unwrap();
    assert_eq!(layout.len(), 4);
    assert_eq!(layout[1]["transform"]["scale"][0], 4.0);
    assert_eq!(layout[2]["transform"]["scale"][0], 2.0);
    assert_eq!(layout[2]["derived_from"], "overviews/r4");
    assert_eq!(built.cube.structure().groups.len(), 1);
}

#[tokio::test]
async fn shares_from_strips() {
    let raster = RasterSpec::new("TCD_2018.tif", 5003, 3001)
        .nodata("255")
        .block(None)
        .pattern(patches());
    let built = build_dir(write(&[raster]), &options(Levels::Exactly(6), None))
        .await
        .unwrap();
    assert_levels(&built, &[2, 4, 8, 16, 32, 64], &|quad| mean(quad, 255.0)).await;
}

#[tokio::test]
async fn small_rasters_of_any_size() {
    for (width, height, tile) in [
        (1, 1, None),
        (7, 300, None),
        (333, 65, Some(64)),
        (200, 90, Some(48)),
        (41, 77, Some(100)),
    ] {
        let raster = RasterSpec::new("a.tif", width, height)
            .dtype(DType::U16)
            .nodata("255")
            .pattern(patches());
        let options = options(Levels::Exactly(5), tile);
        let built = build_dir(write(&[raster]), &options).await.unwrap();
        assert_levels(&built, &[2, 4, 8, 16, 32], &|quad| mode(quad, 255.0)).await;
    }
}

#[tokio::test]
async fn chunks_that_cannot_be_halved_are_said() {
    let raster = RasterSpec::new("a.tif", 300, 300);
    let built = build_dir(write(&[raster]), &options(Levels::Exactly(2), Some(100)))
        .await
        .unwrap();
    assert!(built.cube.group("").unwrap().overviews.is_empty());
    assert!(
        built
            .report
            .notes
            .iter()
            .any(|note| note.message.contains("multiple of 8"))
    );
}

#[tokio::test]
async fn pictures_and_windows_read_little() {
    let raster = RasterSpec::new("a.tif", 6000, 5000)
        .nodata("255")
        .pattern(patches());
    let built = build_dir(write(&[raster]), &options(Levels::Auto, None))
        .await
        .unwrap();
    let name = built.cube.group("").unwrap().variables[0].name.clone();
    let picture = built.cube.overview("", &name, 600, 600).await.unwrap();
    assert_eq!((picture.width, picture.height), (600, 500));
    let of_picture = built.cube.traffic().bytes;
    assert!(of_picture < built.report.bytes_written / 10, "{of_picture}");
    // Each pixel of the picture is one of the second overview.
    let level = built.pixels("overviews/r8", &name).await;
    for (row, col) in [(0, 0), (250, 300), (499, 599)] {
        let source = (row * 10 + 5) / 8 * 750 + (col * 10 + 5) / 8;
        assert_eq!(picture.pixels.value(row * 600 + col), level[source]);
    }
    let before = built.cube.traffic().bytes;
    built
        .cube
        .read_window("", &name, 900..1412, 900..1412)
        .await
        .unwrap();
    assert!(built.cube.traffic().bytes - before < 2_000_000);
    assert!(built.cube.traffic().bytes > before);
}
