//! The written rules of placement where sources are odd: each is decided, and said in the provenance.

use clms_cube::{BuildOptions, CubeError};
use clms_factory::{Pattern, RasterSpec};

use crate::fixture::{Built, build, plan, write};

fn said(built: &Built, words: &str) -> bool {
    let provenance = &built.cube.structure().attributes["clms"]["notes"];
    let in_cube = provenance.as_array().into_iter().flatten();
    let told = |note: &str| note.contains(words);
    let in_report = built
        .report
        .notes
        .iter()
        .any(|note| told(&note.to_string()));
    in_report
        && in_cube
            .into_iter()
            .any(|note| note.as_str().is_some_and(told))
}

#[tokio::test(flavor = "multi_thread")]
async fn pixels_between_those_of_the_neighbours_are_another_group() {
    let rasters = [
        RasterSpec::new("FTY_a.tif", 60, 40).nodata("255"),
        RasterSpec::new("FTY_shifted.tif", 30, 20)
            .nodata("255")
            .corner(4_000_600.02, 3_000_000.0, 10.0),
    ];
    let built = build(&rasters).await;
    built
        .assert_mosaic("", "FTY", &rasters[..1], 0, 255.0)
        .await;
    built
        .assert_mosaic("shifted", "FTY", &rasters[1..], 0, 255.0)
        .await;
    assert!(said(
        &built,
        "FTY_shifted.tif: lies off the grid of DATA/FTY_a.tif by 0.0020 pixels"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_from_south_to_north_are_turned_over() {
    // Wide enough for several blocks, and with a neighbour that is as it should be.
    let rasters = [
        RasterSpec::new("FTY_a.tif", 300, 290)
            .nodata("255")
            .geotransform(Some([4_000_000.0, 10.0, 0.0, 2_997_100.0, 0.0, 10.0])),
        RasterSpec::new("FTY_b.tif", 300, 290)
            .nodata("255")
            .corner(4_003_000.0, 3_000_000.0, 10.0),
    ];
    let built = build(&rasters).await;
    let grid = built.grid("");
    assert_eq!((grid.width, grid.height), (600, 290));
    assert_eq!(grid.geotransform[3], 3_000_000.0);
    let found = built.pixels("", "FTY").await;
    for row in 0..290 {
        for col in 0..600 {
            let (x, y) = (
                4_000_005.0 + 10.0 * col as f64,
                2_999_995.0 - 10.0 * row as f64,
            );
            assert_eq!(
                found[row * 600 + col],
                rasters[1].value_at(x, y),
                "{row} {col}"
            );
        }
    }
    assert!(said(&built, "FTY_a.tif: its rows run from south to north"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_overlapping_tiles_the_first_by_name_wins() {
    let tile = |name: &str, col: f64, value: f64| {
        RasterSpec::new(name, 50, 40)
            .nodata("255")
            .corner(4_000_000.0 + 10.0 * col, 3_000_000.0, 10.0)
            .pattern(Pattern::custom(move |x, _| {
                // The last columns of each tile are nodata.
                if (x - 4_000_000.0) / 10.0 > col + 45.0 {
                    255.0
                } else {
                    value
                }
            }))
    };
    let rasters = [tile("TCD_a.tif", 0.0, 1.0), tile("TCD_b.tif", 30.0, 2.0)];
    let built = build(&rasters).await;
    built.assert_mosaic("", "TCD", &rasters, 0, 255.0).await;
    // 15 columns in which both have data.
    assert!(
        said(&built, "TCD_b.tif: TCD: 600 pixels differ"),
        "{:?}",
        built.report.notes
    );
    let agreeing = [tile("TCD_a.tif", 0.0, 1.0), tile("TCD_b.tif", 30.0, 1.0)];
    assert!(!said(&build(&agreeing).await, "differ"));
}

#[test]
fn rasters_with_other_scales_are_other_groups() {
    let rasters = [
        RasterSpec::new("X_a.tif", 60, 60).scale_offset(0.1, 0.0),
        RasterSpec::new("X_b.tif", 20, 20).corner(4_000_600.0, 3_000_000.0, 10.0),
    ];
    let dir = write(&rasters);
    let plan = plan(dir.path(), &BuildOptions::default()).unwrap();
    assert_eq!(plan.groups().len(), 2);
}

#[test]
fn more_grids_than_a_product_can_have_are_an_error() {
    let rasters: Vec<_> = (0..300)
        .map(|index| {
            let left = 4_000_000.0 + f64::from(index) * 100.013;
            RasterSpec::new(format!("X_{index}.tif"), 8, 8).corner(left, 3_000_000.0, 10.0)
        })
        .collect();
    let error = plan(write(&rasters).path(), &BuildOptions::default())
        .err()
        .unwrap();
    assert!(
        matches!(error, CubeError::TooManyGrids { most: 256, .. }),
        "{error}"
    );
}
