//! GeoTIFFs over the network.

use std::sync::Arc;

use clms_cube::{CubeError, Dataset, FileOptions, LocalFile, Pixels, Selection};
use clms_factory::DatedRaster;
use futures::TryStreamExt;
use gdal::Metadata;
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::files::{Files, laea};
use super::server::{Habit, Server};

fn options() -> FileOptions {
    FileOptions {
        variable: Some("FAPAR".to_owned()),
        ..FileOptions::default()
    }
}

/// A COG on a server, opened.
async fn served(source: &DatedRaster) -> (Server, Dataset, Files) {
    let (server, files) = (Server::start().await, Files::new());
    source.write_cog(&files.path("fapar.tif")).unwrap();
    server.put_file("fapar.tif", &files.path("fapar.tif"));
    let dataset = Dataset::open_file(server.reader("fapar.tif"), &options())
        .await
        .unwrap();
    (server, dataset, files)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_costs_its_header_and_the_blocks_that_are_wanted() {
    let source = laea(4000, 3000);
    let (server, dataset, _files) = served(&source).await;
    assert_eq!(dataset.traffic(), server.traffic());
    assert_eq!(server.traffic().requests, 1, "the head holds the header");
    assert!(server.traffic().bytes <= 64 << 10, "{:?}", server.traffic());
    let root = dataset.group("").unwrap();
    let array = dataset.variable("", "FAPAR").unwrap();
    assert_eq!(
        (array.shape.as_slice(), array.chunks.as_slice()),
        (&[3000, 4000][..], &[256, 256][..])
    );
    assert_eq!(array.fill_value, Some(255.0));
    let grid = root.grid.as_ref().unwrap();
    assert_eq!(grid.crs.code.as_deref(), Some("EPSG:3035"));
    assert_eq!(grid.geotransform, source.geotransform);
    let sizes: Vec<_> = root
        .overviews
        .iter()
        .map(|level| level.variables[0].shape.clone())
        .collect();
    assert_eq!(sizes[..3], [[1500, 2000], [750, 1000], [375, 500]]);

    let before = server.traffic();
    let window = dataset
        .read_window("", "FAPAR", 1000..1512, 2000..2512)
        .await
        .unwrap();
    let pixels = source.pixels();
    let expected = (1000..1512).flat_map(|row| pixels[row * 4000 + 2000..][..512].to_vec());
    assert_eq!(window.pixels, Pixels::UInt8(expected.collect()));
    let after = server.traffic();
    assert_eq!(dataset.traffic(), after);
    assert!(
        after.requests - before.requests <= 4,
        "{before:?} {after:?}"
    );
    assert!(after.bytes - before.bytes < 250_000, "{before:?} {after:?}");

    dataset
        .read_window("", "FAPAR", 1000..1512, 2000..2512)
        .await
        .unwrap();
    assert_eq!(server.traffic(), after, "read again from memory");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_coarsest_overview_that_is_fine_enough_is_read() {
    let source = laea(4000, 3000);
    let (server, dataset, _files) = served(&source).await;
    for (resolution, group, factor) in [
        (19.0, "", 1),
        (20.0, "", 1),
        (39.0, "", 1),
        (40.0, "overview_1", 2),
        (100.0, "overview_2", 4),
        (1e9, "overview_4", 16),
    ] {
        let selection = Selection::new().resolution(resolution);
        let slab = dataset.select("", "FAPAR", &selection).await.unwrap();
        assert_eq!(slab.group, group, "{resolution}");
        let size = slab.grid.as_ref().unwrap().pixel_size();
        assert!((size[0] - 20.0 * f64::from(factor)).abs() < 0.2, "{size:?}");
        assert_eq!(
            slab.shape()[1].div_ceil(10) * 10,
            (4000_u64 / factor as u64).div_ceil(10) * 10
        );
    }
    let before = server.traffic().bytes;
    let picture = dataset.overview("", "FAPAR", 250, 250).await.unwrap();
    assert_eq!((picture.width, picture.height), (250, 188));
    assert!(server.traffic().bytes - before < 60_000);
    let pixels = source.pixels();
    // Overviews take one of the pixels they stand for, and neighbours differ by little.
    let mut near = 0;
    for row in 0..188 {
        for col in 0..250 {
            let full = pixels[(row * 16 + 8).min(2999) * 4000 + col * 16 + 8];
            let difference = picture.pixels.value(row * 250 + col) - f64::from(full);
            near += usize::from(difference.abs() <= 10.0);
        }
    }
    assert!(near * 10 > 188 * 250 * 6, "{near} of {}", 188 * 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_part_comes_in_pieces() {
    let source = laea(1500, 1100);
    let (_server, dataset, _files) = served(&source).await;
    let selection = Selection::new()
        .indices("y", 10..1090)
        .indices("x", 100..1400);
    let slab = dataset.select("", "FAPAR", &selection).await.unwrap();
    let pieces: Vec<_> = dataset.stream(&slab, 300_000).try_collect().await.unwrap();
    assert!(pieces.len() > 3);
    let mut whole = vec![0_u8; slab.pixels()];
    for piece in &pieces {
        assert!(piece.slab.pixels() <= 300_000);
        let (rows, cols) = (&piece.slab.ranges[0], &piece.slab.ranges[1]);
        assert!(rows.start == 10 || rows.start % 256 == 0);
        let grid = piece.slab.grid.as_ref().unwrap();
        assert_eq!(grid.geotransform[0], 4_400_000.0 + 20.0 * cols.start as f64);
        assert_eq!(grid.geotransform[3], 3_100_000.0 - 20.0 * rows.start as f64);
        let mut values = piece.pixels.to_f64().into_iter();
        for row in rows.clone() {
            for col in cols.clone() {
                whole[((row - 10) * 1300 + col - 100) as usize] = values.next().unwrap() as u8;
            }
        }
    }
    assert_eq!(
        Pixels::UInt8(whole),
        dataset.read(&slab).await.unwrap().pixels
    );
}

#[test]
fn random_windows_are_what_gdal_reads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let source = laea(1300, 900);
    let (_server, dataset, files) = runtime.block_on(served(&source));
    let by_gdal = gdal::Dataset::open(files.path("fapar.tif")).unwrap();
    let windows = (0_u64..900, 0_u64..1300, 1_u64..400, 1_u64..400, 0_usize..3);
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&windows, |(row, col, height, width, level)| {
            let group = ["", "overview_1", "overview_2"][level];
            let [rows, cols] = dataset.variable(group, "FAPAR").unwrap().shape[..] else {
                unreachable!()
            };
            let (row, col) = (row % rows, col % cols);
            let (height, width) = (height.min(rows - row), width.min(cols - col));
            let read = dataset.read_window(group, "FAPAR", row..row + height, col..col + width);
            let window = runtime.block_on(read).unwrap();
            let mut band = by_gdal.rasterband(1).unwrap();
            if level > 0 {
                band = band.overview(level - 1).unwrap();
            }
            let size = (width as usize, height as usize);
            let expected = band
                .read_as::<u8>((col as isize, row as isize), size, size, None)
                .unwrap();
            prop_assert_eq!(window.pixels, Pixels::UInt8(expected.data().to_vec()));
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_bboxes_in_other_crs() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let source = laea(1300, 900);
    let (_server, dataset, _files) = runtime.block_on(served(&source));
    let spatial_ref = |epsg| {
        let mut srs = SpatialRef::from_epsg(epsg).unwrap();
        srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        srs
    };
    let cases = (
        prop::sample::select(vec![3035_u32, 4326, 3857]),
        0.0..0.9_f64,
        0.0..0.9_f64,
        0.01..0.6_f64,
        0.01..0.6_f64,
    );
    let mut runner = TestRunner::new(Config {
        cases: 120,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&cases, |(epsg, left, top, width, height)| {
            // A bbox in the other CRS, somewhere over the raster.
            let [west, south, east, north] = [4_400_000.0, 3_082_000.0, 4_426_000.0, 3_100_000.0];
            let there = CoordTransform::new(&spatial_ref(3035), &spatial_ref(epsg)).unwrap();
            let [w, s, e, n] = there
                .transform_bounds(&[west, south, east, north], 21)
                .unwrap();
            let bbox = [
                w + left * (e - w),
                n - (top + height).min(1.0) * (n - s),
                w + (left + width).min(1.0) * (e - w),
                n - top * (n - s),
            ];
            // Many points in it, back in the raster's CRS: all of them that are in the raster must be in what is selected.
            const POINTS: usize = 60;
            let (mut x, mut y, mut z) = (Vec::new(), Vec::new(), Vec::new());
            for row in 0..=POINTS {
                for col in 0..=POINTS {
                    x.push(bbox[0] + (bbox[2] - bbox[0]) * col as f64 / POINTS as f64);
                    y.push(bbox[1] + (bbox[3] - bbox[1]) * row as f64 / POINTS as f64);
                    z.push(0.0);
                }
            }
            let back = CoordTransform::new(&spatial_ref(epsg), &spatial_ref(3035)).unwrap();
            back.transform_coords(&mut x, &mut y, &mut z).unwrap();
            let cols = x.iter().map(|x| (x - west) / 20.0);
            let rows = y.iter().map(|y| (north - y) / 20.0);
            let inside: Vec<(f64, f64)> = cols
                .clone()
                .zip(rows.clone())
                .filter(|(col, row)| (0.01..1299.99).contains(col) && (0.01..899.99).contains(row))
                .collect();
            let selection = Selection::new().bbox_in(bbox, &format!("EPSG:{epsg}"));
            let slab = match runtime.block_on(dataset.select("", "FAPAR", &selection)) {
                Ok(slab) => slab,
                Err(error) => {
                    prop_assert!(inside.is_empty(), "{}", error);
                    return Ok(());
                }
            };
            let [found_rows, found_cols] = &slab.ranges[..] else {
                unreachable!()
            };
            for (col, row) in inside {
                prop_assert!(found_cols.contains(&(col as u64)), "{col} {found_cols:?}");
                prop_assert!(found_rows.contains(&(row as u64)), "{row} {found_rows:?}");
            }
            // And not much more.
            let edges = |values: &mut dyn Iterator<Item = f64>| {
                values.fold((f64::MAX, f64::MIN), |(min, max), value| {
                    (min.min(value), max.max(value))
                })
            };
            let ((min_col, max_col), (min_row, max_row)) =
                (edges(&mut cols.into_iter()), edges(&mut rows.into_iter()));
            prop_assert!(found_cols.start as f64 >= min_col.max(0.0) - 2.0);
            prop_assert!(found_cols.end as f64 <= max_col.min(1300.0) + 2.0);
            prop_assert!(found_rows.start as f64 >= min_row.max(0.0) - 2.0);
            prop_assert!(found_rows.end as f64 <= max_row.min(900.0) + 2.0);
            Ok(())
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_threads_read_the_same_file() {
    let source = laea(1300, 900);
    let (_server, dataset, _files) = served(&source).await;
    let pixels = Arc::new(source.pixels());
    let readers = (0..16_u64).map(|number| {
        let (dataset, pixels) = (dataset.clone(), Arc::clone(&pixels));
        tokio::spawn(async move {
            let (row, col) = (number * 50, number * 70);
            let window = dataset
                .read_window("", "FAPAR", row..row + 130, col..col + 200)
                .await
                .unwrap();
            let expected = (row..row + 130)
                .flat_map(|row| pixels[(row * 1300 + col) as usize..][..200].to_vec());
            assert_eq!(window.pixels, Pixels::UInt8(expected.collect()));
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.unwrap();
    }
}

/// Where one thread does all: GDAL's thread must not need it to be idle in its own code.
#[tokio::test(flavor = "current_thread")]
async fn one_thread_is_enough() {
    let source = laea(600, 500);
    let (_server, dataset, _files) = served(&source).await;
    let window = dataset
        .read_window("", "FAPAR", 0..500, 0..600)
        .await
        .unwrap();
    assert_eq!(window.pixels, Pixels::UInt8(source.pixels()));
    let values = window.values();
    assert!(values[0].is_nan(), "fill");
    assert_eq!(values[599], f64::from(source.pixels()[599]) / 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn local_files_are_read_alike() {
    let (source, files) = (laea(700, 300), Files::new());
    source.write_cog(&files.path("a.tif")).unwrap();
    let reader = Arc::new(LocalFile::open(&files.path("a.tif")).unwrap());
    let dataset = Dataset::open_file(reader, &FileOptions::default())
        .await
        .unwrap();
    assert_eq!(dataset.group("").unwrap().variables[0].name, "band_1");
    let window = dataset
        .read_window("", "band_1", 0..300, 0..700)
        .await
        .unwrap();
    assert_eq!(window.pixels, Pixels::UInt8(source.pixels()));
    assert!(LocalFile::open(&files.path("b.tif")).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_cannot_be_read_are_errors() {
    // Too large for the head of the file to hold all of it.
    let source = laea(4000, 3000);
    let (server, dataset, files) = served(&source).await;
    server.put(
        "fapar.tif",
        std::fs::read(files.path("fapar.tif")).unwrap(),
        Habit::Forbidden,
    );
    let error = dataset
        .read_window("", "FAPAR", 2000..2300, 2000..2300)
        .await
        .unwrap_err();
    assert!(
        matches!(error, CubeError::Range(_)) && error.to_string().contains("denied"),
        "{error}"
    );
    assert!(error.hint().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn bands_of_one_name_are_told_apart() {
    let files = Files::new();
    let path = files.path("bands.tif");
    let driver = gdal::DriverManager::get_driver_by_name("GTiff").unwrap();
    let bands = driver
        .create_with_band_type::<u8, _>(&path, 4, 4, 3)
        .unwrap();
    for (number, name) in (1_u8..).zip(["a", "a_3", "a"]) {
        let mut band = bands.rasterband(number.into()).unwrap();
        band.fill(f64::from(number), None).unwrap();
        band.set_description(name).unwrap();
    }
    bands.close().unwrap();
    let reader = Arc::new(LocalFile::open(&path).unwrap());
    let options = FileOptions::default();
    let dataset = Dataset::open_file(reader, &options).await.unwrap();
    for (name, value) in [("a", 1.0), ("a_3", 2.0), ("a_3_3", 3.0)] {
        let window = dataset.read_window("", name, 0..1, 0..1).await.unwrap();
        assert_eq!(window.pixels.to_f64(), [value], "{name}");
    }
}
