//! Tiles put together, and variables of several files.

use std::sync::Arc;

use clms_cube::{CubeError, Dataset, FileOptions, LocalFile, Selection};
use clms_factory::DatedRaster;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::files::Files;

const FILL: u8 = 255;

/// A part of one large picture, in pixels of it.
#[derive(Clone, Copy)]
struct Cut {
    row: usize,
    col: usize,
    height: usize,
    width: usize,
}

/// Tiles that touch, overlap, and leave gaps; all start at even pixels, so that overviews meet.
const CUTS: [Cut; 4] = [
    Cut {
        row: 0,
        col: 0,
        height: 300,
        width: 300,
    },
    Cut {
        row: 0,
        col: 300,
        height: 300,
        width: 320,
    },
    Cut {
        row: 280,
        col: 40,
        height: 320,
        width: 300,
    },
    Cut {
        row: 400,
        col: 700,
        height: 200,
        width: 100,
    },
];

/// The picture, some of which is empty.
fn picture(row: usize, col: usize) -> u8 {
    if (row / 7 + col / 11).is_multiple_of(5) {
        FILL
    } else {
        ((row * 3 + col * 7) % 250) as u8
    }
}

fn raster(cut: Cut) -> DatedRaster {
    DatedRaster {
        epsg: 3035,
        geotransform: [
            4_000_000.0 + 10.0 * cut.col as f64,
            10.0,
            0.0,
            3_000_000.0 - 10.0 * cut.row as f64,
            0.0,
            -10.0,
        ],
        fill: FILL,
        ..DatedRaster::fapar(jiff::civil::date(2020, 2, 20), cut.width, cut.height)
    }
}

async fn open(files: &Files, name: &str, raster: &DatedRaster, variable: &str) -> Dataset {
    let path = files.path(name);
    raster.write_cog(&path).unwrap();
    let options = FileOptions {
        variable: Some(variable.to_owned()),
        ..FileOptions::default()
    };
    let reader = Arc::new(LocalFile::open(&path).unwrap());
    Dataset::open_file(reader, &options).await.unwrap()
}

/// The tiles of the picture.
async fn tiles(files: &Files) -> Vec<Dataset> {
    let mut tiles = Vec::new();
    for (number, cut) in CUTS.into_iter().enumerate() {
        // Tiles know their own pixels only; a place in the picture is given by what they are.
        let value: fn(i64, usize, usize) -> u8 = match number {
            0 => |_, row, col| picture(row, col),
            1 => |_, row, col| picture(row, col + 300),
            2 => |_, row, col| picture(row + 280, col + 40),
            _ => |_, row, col| picture(row + 400, col + 700),
        };
        let raster = DatedRaster {
            value,
            ..raster(cut)
        };
        tiles.push(open(files, &format!("{number}.tif"), &raster, "TCD").await);
    }
    tiles
}

fn expected(row: usize, col: usize) -> u8 {
    let within = |cut: &Cut| {
        (cut.row..cut.row + cut.height).contains(&row)
            && (cut.col..cut.col + cut.width).contains(&col)
    };
    if CUTS.iter().any(within) {
        picture(row, col)
    } else {
        FILL
    }
}

#[test]
fn random_windows_are_the_picture_that_was_cut() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let files = Files::new();
    let mosaic = runtime.block_on(async { Dataset::mosaic(tiles(&files).await).await.unwrap() });
    let group = mosaic.group("").unwrap();
    assert_eq!(group.variables[0].shape, [600, 800]);
    let grid = group.grid.as_ref().unwrap();
    assert_eq!(
        grid.bbox(),
        [4_000_000.0, 2_994_000.0, 4_008_000.0, 3_000_000.0]
    );
    let x = runtime.block_on(mosaic.coordinate("", "x")).unwrap();
    assert_eq!((x.len(), x[799]), (800, 4_007_995.0));
    let windows = (0_u64..600, 0_u64..800, 1_u64..400, 1_u64..400);
    let config = Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&windows, |(row, col, height, width)| {
        let (rows, cols) = (row..(row + height).min(600), col..(col + width).min(800));
        let read = mosaic.read_window("", "TCD", rows.clone(), cols.clone());
        let pixels = runtime.block_on(read).unwrap().pixels.to_f64();
        let wanted = rows.flat_map(|row| {
            cols.clone()
                .map(move |col| f64::from(expected(row as usize, col as usize)))
        });
        prop_assert!(pixels.into_iter().eq(wanted));
        Ok(())
    });
    outcome.unwrap();
    // The smallest tile has no overview, so the whole has none; without that tile there is one.
    assert!(group.overviews.is_empty());
    let large = runtime.block_on(async {
        let mut tiles = tiles(&files).await;
        tiles.pop();
        Dataset::mosaic(tiles).await.unwrap()
    });
    let coarse = Selection::new().resolution(20.0);
    let slab = runtime.block_on(large.select("", "TCD", &coarse)).unwrap();
    assert_eq!(slab.shape(), [300, 310]);
    let window = runtime.block_on(large.read(&slab)).unwrap();
    assert_eq!(window.pixels.value(299 * 310), f64::from(FILL), "a gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_tiles_on_one_place_the_first_wins_where_it_is_valid() {
    let files = Files::new();
    let cut = CUTS[0];
    let first = DatedRaster {
        value: |_, row, _| if row < 100 { FILL } else { 1 },
        ..raster(cut)
    };
    let second = DatedRaster {
        value: |_, _, _| 2,
        ..raster(cut)
    };
    let tiles = vec![
        open(&files, "1.tif", &first, "A").await,
        open(&files, "2.tif", &second, "A").await,
    ];
    let mosaic = Dataset::mosaic(tiles).await.unwrap();
    let window = mosaic.read_window("", "A", 99..101, 0..1).await.unwrap();
    assert_eq!(window.pixels.to_f64(), [2.0, 1.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_of_other_pixels_or_nowhere_are_apart() {
    let files = Files::new();
    let shifted = DatedRaster {
        geotransform: [4_000_005.0, 10.0, 0.0, 3_000_000.0, 0.0, -10.0],
        ..raster(CUTS[3])
    };
    let tiles = vec![
        open(&files, "1.tif", &raster(CUTS[0]), "A").await,
        open(&files, "2.tif", &shifted, "A").await,
    ];
    let mosaic = Dataset::mosaic(tiles).await.unwrap();
    let paths: Vec<&str> = mosaic
        .structure()
        .groups
        .iter()
        .map(|group| group.path.as_str())
        .collect();
    assert_eq!(paths, ["", "EPSG_3035"]);
    let pixel = mosaic
        .read_window("EPSG_3035", "A", 5..6, 7..8)
        .await
        .unwrap();
    assert_eq!(pixel.pixels.value(0), f64::from(shifted.value_at(5, 7)));

    // What is known of a variable is known of it in each group, and a dataset of fewer groups is another one.
    let scale = serde_json::json!({"units": "of here"});
    let scale = scale.as_object().unwrap();
    let told = mosaic
        .clone()
        .with_default_attributes("EPSG_3035", "A", scale);
    let told = told.unwrap();
    let units = told.variable("EPSG_3035", "A").unwrap().units();
    assert_eq!(units, Some("of here"));
    let nowhere = mosaic.clone().with_default_attributes("x", "A", scale);
    assert!(matches!(nowhere, Err(CubeError::NoSuchGroup { .. })));
    let one = open(&files, "3.tif", &raster(CUTS[0]), "B").await;
    for parts in [[one.clone(), mosaic.clone()], [mosaic, one]] {
        let error = Dataset::merge(parts.to_vec()).await.unwrap_err();
        assert!(error.to_string().contains("other groups"), "{error}");
    }
    let nothing = Dataset::mosaic(Vec::new()).await.unwrap_err();
    assert!(matches!(nothing, CubeError::Differing { .. }), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_of_several_files_are_one_dataset() {
    let files = Files::new();
    let other = DatedRaster {
        value: |_, row, col| (row + col) as u8,
        scale: 1.0,
        ..raster(CUTS[0])
    };
    let parts = [
        open(&files, "1.tif", &raster(CUTS[0]), "FAPAR").await,
        open(&files, "2.tif", &other, "NOBS").await,
    ];
    let merged = Dataset::merge(parts.to_vec()).await.unwrap();
    let traffic = parts
        .iter()
        .map(|part| part.traffic().requests)
        .sum::<u64>();
    assert_eq!(merged.traffic().requests, traffic);
    for (name, source) in [("FAPAR", raster(CUTS[0])), ("NOBS", other.clone())] {
        let window = merged.read_window("", name, 20..21, 30..31).await.unwrap();
        assert_eq!(
            window.pixels.value(0),
            f64::from(source.value_at(20, 30)),
            "{name}"
        );
        let overview = merged.variable("overview_1", name).unwrap();
        assert_eq!(overview.shape, [150, 150]);
    }
    let scale = serde_json::json!({"scale_factor": 0.1, "units": "of its own"});
    let scale = scale.as_object().unwrap();
    let known = merged
        .clone()
        .with_default_attributes("", "NOBS", scale)
        .unwrap();
    let known = known.with_default_attributes("", "FAPAR", scale).unwrap();
    let value = known
        .read_window("", "NOBS", 20..21, 30..31)
        .await
        .unwrap()
        .values()[0];
    assert!((value - 5.0).abs() < 1e-9, "{value}");
    assert_eq!(
        known.variable("", "FAPAR").unwrap().attributes["scale_factor"],
        0.004,
        "the file's own"
    );

    let alone = merged.clone().with_variables(&["NOBS".to_owned()]).unwrap();
    let root = alone.group("").unwrap();
    for level in std::iter::once(root).chain(&root.overviews) {
        let names: Vec<&str> = level.variables.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, ["NOBS"], "{:?}", level.path);
    }
    let pixel = alone.read_window("", "NOBS", 20..21, 30..31).await.unwrap();
    assert_eq!(pixel.pixels.value(0), 50.0);
    let unknown = merged.clone().with_variables(&["NDVI".to_owned()]);
    let error = unknown.unwrap_err().to_string();
    assert!(error.contains("NDVI") && error.contains("FAPAR"), "{error}");

    let elsewhere = open(&files, "3.tif", &raster(CUTS[1]), "RMSE").await;
    for others in [
        vec![merged.clone(), elsewhere],
        vec![merged.clone(), merged],
        Vec::new(),
    ] {
        let error = Dataset::merge(others).await.unwrap_err();
        assert!(matches!(error, CubeError::Differing { .. }), "{error}");
    }
}
