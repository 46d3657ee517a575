//! Class tables and histograms, beside what is counted by hand.

use clms_cube::{BuildOptions, Counted, Distribution, Levels, Statistics};
use clms_factory::{DType, Pattern, RasterSpec};

use crate::fixture::{Built, build_dir, write};

const WEST: f64 = 4_000_000.0;
const NORTH: f64 = 3_000_000.0;

async fn built(raster: RasterSpec, levels: Levels) -> Built {
    let options = BuildOptions {
        levels,
        ..BuildOptions::default()
    };
    build_dir(write(&[raster]), &options).await.unwrap()
}

async fn of_first(built: &Built) -> Statistics {
    let name = built.cube.group("").unwrap().variables[0].name.clone();
    built.cube.statistics("", &name).await.unwrap().unwrap()
}

/// Value, share and square metres of each class or code.
fn classes(statistics: &Statistics) -> Vec<(i64, f64, f64)> {
    let (Distribution::Classes { classes } | Distribution::Quantity { codes: classes, .. }) =
        &statistics.values
    else {
        panic!("{statistics:?}")
    };
    let row = |class: &clms_cube::ClassCover| {
        (
            class.value,
            class.cover.share,
            class.cover.area_m2.unwrap_or_default(),
        )
    };
    classes.iter().map(row).collect()
}

fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{found} is not {expected}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_of_eight_pixels() {
    const PIXELS: [[f64; 4]; 2] = [[1.0, 1.0, 2.0, 255.0], [1.0, 2.0, 2.0, 0.0]];
    let raster = RasterSpec::new("FTY_x.tif", 4, 2)
        .corner(WEST, NORTH, 100.0)
        .nodata("255")
        .pattern(Pattern::custom(|x, y| {
            PIXELS[((NORTH - y) / 100.0) as usize][((x - WEST) / 100.0) as usize]
        }));
    let statistics = of_first(&built(raster, Levels::Auto).await).await;
    assert_eq!(statistics.counted, Counted::All);
    assert_eq!(statistics.pixels, 8);
    assert_close(statistics.missing.share, 1.0 / 8.0, 1e-12);
    let sevenths = |pixels: f64| (pixels / 7.0, pixels * 10_000.0);
    for ((value, share, area), (expected, pixels)) in
        classes(&statistics)
            .into_iter()
            .zip([(0, 1.0), (1, 3.0), (2, 3.0)])
    {
        assert_eq!(value, expected);
        assert_close(share, sevenths(pixels).0, 1e-12);
        assert_close(area, sevenths(pixels).1, 1e-12);
    }
}

/// Square metres of a pixel of one by one degree, by adding up narrow strips of the ellipsoid of WGS 84.
fn degree(south: f64) -> f64 {
    const STRIPS: u32 = 10_000;
    let (a, e2) = (6_378_137.0_f64, 0.006_694_379_990_141_3_f64);
    let strip = |number: u32| {
        let latitude = (south + (f64::from(number) + 0.5) / f64::from(STRIPS)).to_radians();
        let bulge = 1.0 - e2 * latitude.sin().powi(2);
        // The radii of curvature along the meridian and across it.
        let along = a * (1.0 - e2) / bulge.powf(1.5);
        let across = a / bulge.sqrt();
        along * across * latitude.cos() * 1_f64.to_radians().powi(2) / f64::from(STRIPS)
    };
    (0..STRIPS).map(strip).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_degrees_each_row_has_its_own_area() {
    let raster = RasterSpec::new("FTY_x.tif", 3, 2)
        .epsg(4326)
        .corner(10.0, 61.0, 1.0)
        .nodata("255")
        .pattern(Pattern::custom(|_, y| if y > 60.0 { 1.0 } else { 2.0 }));
    let statistics = of_first(&built(raster, Levels::Auto).await).await;
    let found = classes(&statistics);
    let [upper, lower] = [60.0, 59.0].map(|south| 3.0 * degree(south));
    assert_close(found[0].2, upper, 1e-8);
    assert_close(found[1].2, lower, 1e-8);
    assert_close(found[0].1, upper / (upper + lower), 1e-8);
}

/// More than a million pixels, with odd sides, in squares of two by two.
fn large() -> RasterSpec {
    RasterSpec::new("FTY_x.tif", 1301, 901)
        .corner(WEST, NORTH, 100.0)
        .nodata("255")
        .pattern(Pattern::custom(|x, y| {
            let (col, row) = ((x - WEST) / 200.0, (NORTH - y) / 200.0);
            match (col.floor() * 7.0 + row.floor() * 13.0).rem_euclid(5.0) {
                0.0 => 255.0,
                1.0 | 2.0 => 1.0,
                3.0 => 2.0,
                _ => 0.0,
            }
        }))
}

/// Value and square metres of each class, pixel by pixel of the full resolution.
async fn by_hand(built: &Built) -> Vec<(i64, f64)> {
    let pixels = built.pixels("", "FTY").await;
    let area = |value: i64| {
        let same = pixels.iter().filter(|pixel| **pixel as i64 == value);
        same.count() as f64 * 10_000.0
    };
    [0, 1, 2].map(|value| (value, area(value))).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edges_of_an_overview_stand_for_less() {
    let built = built(large(), Levels::Exactly(2)).await;
    let statistics = of_first(&built).await;
    assert_eq!(statistics.counted, Counted::Overview { scale: 2 });
    assert_eq!(statistics.pixels, 651 * 451);
    for ((value, _, area), (expected, by_hand)) in
        classes(&statistics).into_iter().zip(by_hand(&built).await)
    {
        assert_eq!(value, expected);
        assert_close(area, by_hand, 1e-12);
    }
    let all: f64 = classes(&statistics).iter().map(|class| class.2).sum();
    let missing = statistics.missing.area_m2.unwrap();
    assert_close(all + missing, 1301.0 * 901.0 * 10_000.0, 1e-12);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_overviews_a_sample_is_taken() {
    let built = built(large(), Levels::Exactly(0)).await;
    let statistics = of_first(&built).await;
    assert!(
        matches!(statistics.counted, Counted::Sample { scale } if scale > 1.0 && scale < 1.2),
        "{statistics:?}"
    );
    assert!(statistics.pixels <= 1 << 20);
    for ((_, _, area), (_, by_hand)) in classes(&statistics).into_iter().zip(by_hand(&built).await)
    {
        assert_close(area, by_hand, 0.02);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quantity_has_a_histogram_beside_its_codes() {
    const PIXELS: [f64; 8] = [0.0, 0.0, 50.0, 98.0, 100.0, 254.0, 254.0, 255.0];
    let raster = RasterSpec::new("TCD_x.tif", 8, 1)
        .corner(WEST, NORTH, 100.0)
        .nodata("255")
        .pattern(Pattern::custom(|x, _| {
            PIXELS[((x - WEST) / 100.0) as usize]
        }));
    let statistics = of_first(&built(raster, Levels::Auto).await).await;
    let Distribution::Quantity {
        min,
        mean,
        max,
        units,
        bins,
        ..
    } = &statistics.values
    else {
        panic!("{statistics:?}")
    };
    assert_eq!((*min, *max), (Some(0.0), Some(100.0)));
    assert_close(mean.unwrap(), 248.0 / 5.0, 1e-12);
    assert_eq!(units.as_deref(), Some("%"));
    let filled: Vec<(f64, f64)> = bins
        .iter()
        .filter(|bin| bin.share > 0.0)
        .map(|bin| (bin.from, (bin.share * 7.0).round()))
        .collect();
    assert_eq!(filled, [(0.0, 2.0), (48.0, 1.0), (96.0, 2.0)]);
    let codes = classes(&statistics);
    assert_eq!((codes.len(), codes[0].0), (1, 254));
    assert_close(codes[0].1, 2.0 / 7.0, 1e-12);
    assert_close(statistics.missing.share, 1.0 / 8.0, 1e-12);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_numbers_are_scaled() {
    let raster = RasterSpec::new("heights.tif", 100, 1)
        .dtype(DType::I16)
        .scale_offset(0.5, -10.0)
        .corner(WEST, NORTH, 100.0)
        .pattern(Pattern::custom(|x, _| ((x - WEST) / 100.0).floor()));
    let statistics = of_first(&built(raster, Levels::Auto).await).await;
    let Distribution::Quantity { min, mean, max, .. } = statistics.values else {
        panic!("{statistics:?}")
    };
    assert_eq!((min, max), (Some(-10.0), Some(39.5)));
    assert_close(mean.unwrap(), 14.75, 1e-12);
}
