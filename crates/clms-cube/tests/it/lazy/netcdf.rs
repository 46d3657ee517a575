//! NetCDF-4 over the network.

use clms_cube::{Dataset, FileOptions, Pixels, Selection};
use clms_factory::DatedRaster;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::files::{Files, lonlat, write_netcdf};
use super::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn packed_values_flags_times_and_the_grid_are_the_files_own() {
    let (server, files) = (Server::start().await, Files::new());
    let source = lonlat(1366, 828);
    if !write_netcdf(&source, &files.path("ssm.nc")) {
        return;
    }
    server.put_file("ssm.nc", &files.path("ssm.nc"));
    let dataset = Dataset::open_file(server.reader("ssm.nc"), &FileOptions::default())
        .await
        .unwrap();
    assert_eq!(dataset.traffic(), server.traffic());
    let opened = server.traffic();
    assert!(opened.requests <= 6 && opened.bytes < 200_000, "{opened:?}");

    let ssm = dataset.variable("", "ssm").unwrap();
    assert_eq!(ssm.dims, ["time", "lat", "lon"]);
    assert_eq!(ssm.shape, [1, 828, 1366]);
    assert_eq!(ssm.chunks, [1, 1, 1366], "as GDAL writes it");
    assert_eq!(ssm.dtype.name(), "uint8");
    assert_eq!(ssm.fill_value, Some(255.0));
    assert_eq!(ssm.units(), Some("%"));
    assert_eq!(ssm.valid_range(), Some([0.0, 200.0]));
    let classes = ssm.classes();
    assert_eq!(classes.len(), 5);
    assert_eq!(
        (classes[2].value, classes[2].name.as_deref()),
        (251, Some("water mask"))
    );
    let root = dataset.group("").unwrap();
    let grid = root.grid.as_ref().unwrap();
    assert_eq!(grid.crs.code.as_deref(), Some("EPSG:4326"));
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(
        grid.geotransform
            .iter()
            .zip(source.geotransform)
            .all(|(a, b)| near(*a, b)),
        "{grid:?}"
    );
    assert_eq!(
        dataset.times("").await.unwrap()[0].to_string(),
        "2020-02-20T00:00:00Z"
    );

    let before = server.traffic();
    let selection = Selection::new().bbox_in([-5.0, 70.0, -4.0, 71.0], "EPSG:4326");
    let slab = dataset.select("", "ssm", &selection).await.unwrap();
    assert_eq!(slab.shape(), [1, 112, 112]);
    let window = dataset.read(&slab).await.unwrap();
    let (first_row, first_col) = (slab.ranges[1].start as usize, slab.ranges[2].start as usize);
    let pixels = source.pixels();
    let mut stored = Vec::new();
    for row in 0..112 {
        stored.extend_from_slice(&pixels[(first_row + row) * 1366 + first_col..][..112]);
    }
    assert_eq!(window.pixels, Pixels::UInt8(stored.clone()));
    for (value, stored) in window.values().iter().zip(stored) {
        match stored {
            201.. => assert!(value.is_nan()),
            _ => assert_eq!(*value, f64::from(stored) / 2.0),
        }
    }
    let read = server.traffic();
    let whole = std::fs::metadata(files.path("ssm.nc")).unwrap().len();
    assert!(
        read.bytes - before.bytes < whole * 3 / 5,
        "{before:?} {read:?} of {whole}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_from_the_south_are_told_by_coordinates_and_not_by_the_geotransform() {
    let (server, files) = (Server::start().await, Files::new());
    let source = DatedRaster {
        rows_from_south: true,
        ..lonlat(200, 100)
    };
    if !write_netcdf(&source, &files.path("ssm.nc")) {
        return;
    }
    server.put_file("ssm.nc", &files.path("ssm.nc"));
    let dataset = Dataset::open_file(server.reader("ssm.nc"), &FileOptions::default())
        .await
        .unwrap();
    let lat = dataset.coordinate("", "lat").await.unwrap();
    let slab = dataset
        .select(
            "",
            "ssm",
            &Selection::new().bbox([-10.9, 71.5, -10.8, 71.6]),
        )
        .await
        .unwrap();
    let window = dataset.read(&slab).await.unwrap();
    let (rows, cols) = (slab.ranges[1].clone(), slab.ranges[2].clone());
    let mut values = window.pixels.to_f64().into_iter();
    for row in rows {
        let from_north = ((72.0 - lat[row as usize]) * 112.0).floor() as usize;
        assert!((71.49..71.61).contains(&lat[row as usize]));
        for col in cols.clone() {
            assert_eq!(
                values.next(),
                Some(f64::from(source.value_at(from_north, col as usize)))
            );
        }
    }
}

#[test]
fn random_windows_are_what_gdal_reads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let files = Files::new();
    let source = lonlat(400, 300);
    if !write_netcdf(&source, &files.path("ssm.nc")) {
        return;
    }
    let (_server, dataset) = runtime.block_on(async {
        let server = Server::start().await;
        server.put_file("ssm.nc", &files.path("ssm.nc"));
        let dataset = Dataset::open_file(server.reader("ssm.nc"), &FileOptions::default()).await;
        (server, dataset.unwrap())
    });
    let by_gdal = gdal::Dataset::open(files.path("ssm.nc")).unwrap();
    let windows = (0_u64..300, 0_u64..400, 1_u64..200, 1_u64..200);
    let mut runner = TestRunner::new(Config {
        cases: 100,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&windows, |(row, col, height, width)| {
            let (height, width) = (height.min(300 - row), width.min(400 - col));
            let read = dataset.read_window("", "ssm", row..row + height, col..col + width);
            let window = runtime.block_on(read).unwrap();
            let size = (width as usize, height as usize);
            let expected = by_gdal
                .rasterband(1)
                .unwrap()
                .read_as::<u8>((col as isize, row as isize), size, size, None)
                .unwrap();
            let Pixels::UInt8(mut pixels) = window.pixels else {
                return Err(TestCaseError::fail("of another type"));
            };
            // GDAL has put the fill value in place of what is beyond the valid range.
            for pixel in &mut pixels {
                *pixel = if *pixel > 200 { 255 } else { *pixel };
            }
            let expected: Vec<u8> = expected
                .data()
                .iter()
                .map(|pixel| if *pixel > 200 { 255 } else { *pixel })
                .collect();
            prop_assert_eq!(pixels, expected);
            Ok(())
        })
        .unwrap();
}
