//! Files along `time`.

use clms_cube::{CubeError, Dataset, Duplicates, FileOptions, Selection, StackFile, Traffic};
use clms_factory::DatedRaster;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::files::{Files, laea, write_netcdf};
use super::server::{Habit, Server};

fn day(number: i64) -> Timestamp {
    let first: Timestamp = "2020-01-01T00:00Z".parse().unwrap();
    first + SignedDuration::from_hours(24 * number)
}

fn options() -> FileOptions {
    FileOptions {
        variable: Some("FAPAR".to_owned()),
        ..FileOptions::default()
    }
}

/// Many days of one file, whose pixels all differ in nothing but their day's mark in the first row.
async fn served(days: i64) -> (Server, Vec<StackFile>, DatedRaster) {
    let (server, files) = (Server::start().await, Files::new());
    let source = laea(700, 600);
    source.write_cog(&files.path("a.tif")).unwrap();
    let bytes = std::fs::read(files.path("a.tif")).unwrap();
    let stack = (0..days).map(|number| {
        let name = format!("{number}.tif");
        server.put(&name, bytes.clone(), Habit::Good);
        StackFile {
            time: day(number),
            reader: server.reader(&name),
        }
    });
    let mut stack: Vec<_> = stack.collect();
    // Catalogues are not sorted.
    stack.reverse();
    stack.rotate_left(3);
    (server, stack, source)
}

fn spent(server: &Server, before: Traffic) -> Traffic {
    let now = server.traffic();
    Traffic {
        requests: now.requests - before.requests,
        bytes: now.bytes - before.bytes,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_costs_two_headers_and_a_day_what_it_needs() {
    let (server, files, source) = served(365).await;
    let dataset = Dataset::open_stack(files, Duplicates::Refuse, &options())
        .await
        .unwrap();
    assert_eq!(server.traffic().requests, 2);
    assert_eq!(dataset.traffic(), server.traffic());
    let fapar = dataset.variable("", "FAPAR").unwrap();
    assert_eq!(fapar.dims, ["time", "y", "x"]);
    assert_eq!(fapar.shape, [365, 600, 700]);
    assert_eq!(fapar.chunks, [1, 256, 256]);
    let times = dataset.times("").await.unwrap();
    assert!(times.is_sorted() && times[364] == day(364));

    let before = server.traffic();
    let selection = Selection::new().time(day(99)..=day(100)).bbox([
        4_402_000.0,
        3_096_000.0,
        4_403_000.0,
        3_097_000.0,
    ]);
    let slab = dataset.select("", "FAPAR", &selection).await.unwrap();
    assert_eq!(slab.ranges, [99..101, 150..200, 100..150]);
    let window = dataset.read(&slab).await.unwrap();
    let pixels = source.pixels();
    for step in 0..2 {
        for row in 0..50 {
            for col in 0..50 {
                let expected = pixels[(150 + row) * 700 + 100 + col];
                assert_eq!(
                    window.pixels.value(step * 2500 + row * 50 + col),
                    f64::from(expected)
                );
            }
        }
    }
    let read = spent(&server, before);
    assert!(
        read.requests <= 4,
        "a head and a block of two files: {read:?}"
    );
    let before = server.traffic();
    dataset.read(&slab).await.unwrap();
    assert_eq!(spent(&server, before), Traffic::default());

    let series = Selection::new()
        .indices("y", 300..301)
        .indices("x", 300..301)
        .indices("time", 0..40);
    let slab = dataset.select("", "FAPAR", &series).await.unwrap();
    assert_eq!(dataset.read(&slab).await.unwrap().shape(), [40, 1, 1]);
    let coarse = Selection::new().time(day(3)..=day(3)).resolution(40.0);
    let slab = dataset.select("", "FAPAR", &coarse).await.unwrap();
    assert_eq!(
        (slab.group.as_str(), slab.shape()),
        ("overview_1", vec![1, 300, 350])
    );
    dataset.read(&slab).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_day_the_caller_decides() {
    let (server, mut files, source) = served(4).await;
    let other = Files::new();
    let changed = DatedRaster {
        value: |_, _, _| 7,
        ..source
    };
    changed.write_cog(&other.path("b.tif")).unwrap();
    server.put_file("again.tif", &other.path("b.tif"));
    files.push(StackFile {
        time: day(2),
        reader: server.reader("again.tif"),
    });
    let refused = Dataset::open_stack(files.clone(), Duplicates::Refuse, &options()).await;
    assert!(matches!(refused, Err(CubeError::Stack { .. })));
    for (duplicates, is_new) in [(Duplicates::KeepFirst, false), (Duplicates::KeepLast, true)] {
        let dataset = Dataset::open_stack(files.clone(), duplicates, &options())
            .await
            .unwrap();
        let one = Selection::new()
            .indices("time", 2..3)
            .indices("y", 99..100)
            .indices("x", 99..100);
        let slab = dataset.select("", "FAPAR", &one).await.unwrap();
        let value = dataset.read(&slab).await.unwrap().pixels.value(0);
        assert_eq!(value == 7.0, is_new);
    }
    assert!(
        Dataset::open_stack(Vec::new(), Duplicates::Refuse, &options())
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_differs_is_named_when_it_is_read() {
    let (server, files, source) = served(5).await;
    let other = Files::new();
    let narrow = DatedRaster {
        width: 600,
        ..source
    };
    narrow.write_cog(&other.path("b.tif")).unwrap();
    server.put_file("2.tif", &other.path("b.tif"));
    server.put("3.tif", Vec::new(), Habit::Forbidden);
    let dataset = Dataset::open_stack(files, Duplicates::Refuse, &options())
        .await
        .unwrap();
    let read = async |day: u64| {
        let slab = dataset
            .select("", "FAPAR", &Selection::new().indices("time", day..day + 1))
            .await?;
        dataset.read(&slab).await
    };
    let error = read(2).await.unwrap_err();
    assert!(
        matches!(&error, CubeError::Stack { file, .. } if file == "2.tif"),
        "{error}"
    );
    let error = read(3).await.unwrap_err();
    assert!(error.to_string().contains("3.tif"), "{error}");
    read(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn netcdf_files_with_a_time_of_their_own_are_stacked() {
    let (server, files) = (Server::start().await, Files::new());
    let source = |number: i64| {
        DatedRaster::soil_moisture(jiff::civil::date(2020, 1, 1) + number.days(), 300, 200)
    };
    let mut stack = Vec::new();
    for number in [2_i64, 0, 1] {
        let name = format!("{number}.nc");
        if !write_netcdf(&source(number), &files.path(&name)) {
            return;
        }
        server.put_file(&name, &files.path(&name));
        stack.push(StackFile {
            time: day(number),
            reader: server.reader(&name),
        });
    }
    let dataset = Dataset::open_stack(stack, Duplicates::Refuse, &FileOptions::default())
        .await
        .unwrap();
    let ssm = dataset.variable("", "ssm").unwrap();
    assert_eq!(
        (ssm.dims.clone(), ssm.shape.clone()),
        (
            vec!["time".into(), "lat".into(), "lon".into()],
            vec![3, 200, 300]
        )
    );
    let slab = dataset
        .select("", "ssm", &Selection::new().time(day(1)..=day(2)))
        .await
        .unwrap();
    let window = dataset.read(&slab).await.unwrap();
    let pixels = source(2).pixels();
    assert!(
        (0..60_000).all(|index| window.pixels.value(60_000 + index) == f64::from(pixels[index]))
    );
}
