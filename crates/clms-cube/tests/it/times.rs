//! Rasters of several times on one ground become one variable with a dimension `time`.

use clms_cube::{BuildOptions, Levels, Pixels, Selection, TileSize, ZarrFormat};
use clms_factory::{DatedRaster, Pattern, RasterSpec};
use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::fixture::{Built, build, build_dir, mosaic, plan, write};

/// A raster whose values tell its number.
fn raster(name: &str, number: u8) -> RasterSpec {
    let value =
        move |x: f64, y: f64| ((x / 7.0 + y / 11.0).floor() + f64::from(number)).rem_euclid(200.0);
    RasterSpec::new(name, 40, 30)
        .nodata("255")
        .pattern(Pattern::custom(value))
}

fn moved(raster: RasterSpec, cols: f64, rows: f64) -> RasterSpec {
    let [west, dx, _, north, _, dy] = raster.transform();
    raster.corner(west + cols * dx, north + rows * dy, dx)
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Built {
    async fn pixels_at(&self, group: &str, variable: &str, step: u64) -> Vec<f64> {
        let selection = Selection::new().indices("time", step..step + 1);
        let slab = self.cube.select(group, variable, &selection).await.unwrap();
        self.cube.read(&slab).await.unwrap().pixels.to_f64()
    }

    fn names(&self) -> Vec<(String, Vec<String>)> {
        let variables = &self.cube.group("").unwrap().variables;
        variables
            .iter()
            .map(|variable| (variable.name.clone(), variable.dims.clone()))
            .collect()
    }
}

fn dims(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_in_names_are_sorted_and_each_is_a_chunk() {
    let rasters = [
        raster("c_gls_X300_202103110000_GLOBE_OLCI_V1.1.2.tif", 1),
        raster("c_gls_X300_202103010000_GLOBE_OLCI_V1.2.1.tif", 2),
        raster("c_gls_X300_202103210000_GLOBE_OLCI_V1.1.2.tif", 3),
    ];
    let built = build(&rasters).await;
    assert_eq!(
        built.names(),
        [("band_1".to_owned(), dims(&["time", "y", "x"]))]
    );
    let times = [
        "2021-03-01T00:00Z",
        "2021-03-11T00:00Z",
        "2021-03-21T00:00Z",
    ];
    assert_eq!(built.cube.times("").await.unwrap(), times.map(time));
    let array = built.cube.variable("", "band_1").unwrap();
    assert_eq!(array.chunks[0], 1);
    assert_eq!(array.shards.as_ref().map(|shard| shard[0]), Some(1));
    for (step, which) in [1, 0, 2].into_iter().enumerate() {
        let expected = mosaic(&built.grid(""), &rasters[which..=which], 0, 255.0);
        let found = built.pixels_at("", "band_1", step as u64).await;
        assert_eq!(found, expected, "{step}");
    }
    let coordinate = built.cube.group("").unwrap().coordinates.iter();
    let coordinate = coordinate.clone().find(|c| c.name == "time").unwrap();
    assert_eq!(coordinate.attributes["units"], "days since 1970-01-01");
    assert_eq!(coordinate.attributes["axis"], "T");
    let root = &built.cube.structure().attributes;
    assert_eq!(root["time_coverage_start"], "2021-03-01T00:00:00Z");
    assert_eq!(root["time_coverage_end"], "2021-03-21T00:00:00Z");
    assert!(root["clms"]["notes"].to_string().contains("3 times"));
}

#[tokio::test(flavor = "multi_thread")]
async fn maps_of_several_years_are_times_and_changes_are_not() {
    let vintages = [
        raster("FTY_2018_010m_lv_03035_v010.tif", 1),
        raster("FTY_2015_010m_lv_03035_v012.tif", 2),
    ];
    let built = build(&vintages).await;
    assert_eq!(
        built.names(),
        [("FTY".to_owned(), dims(&["time", "y", "x"]))]
    );
    assert_eq!(
        built.cube.times("").await.unwrap(),
        ["2015-01-01T00:00Z", "2018-01-01T00:00Z"].map(time)
    );
    let coverage = &built.cube.structure().attributes;
    assert_eq!(coverage["time_coverage_end"], "2018-12-31");
    assert!(!built.cube.variable("", "FTY").unwrap().classes().is_empty());

    for names in [
        ["CHA_2006_2012.tif", "CHA_2012_2018.tif"],
        ["IMCC_1215_020m.tif", "IMCC_1518_020m.tif"],
        ["x_V2020_20u1.tif", "x_V2018_20u1.tif"],
        ["TCD_2018_a.tif", "TCD_2018_b.tif"],
    ] {
        let built = build(&names.map(|name| raster(name, 1))).await;
        let shapes: Vec<_> = built.names().into_iter().map(|(_, dims)| dims).collect();
        assert_eq!(shapes, [dims(&["y", "x"]), dims(&["y", "x"])], "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_and_satellites_are_told_apart() {
    let name = |day: u8, satellite: &str, what: &str| {
        format!("CLMS_WSI_FSC_020m_T32TLR_202604{day:02}T10284{day}_{satellite}_V200_{what}.tif")
    };
    let all = [(2, "S2A"), (5, "S2B")];
    let mut rasters = Vec::new();
    for (day, satellite) in all {
        rasters.push(raster(&name(day, satellite, "FSCOG"), day));
        rasters.push(raster(&name(day, satellite, "FSCTOC"), 10 + day));
    }
    // One that is there at one of the times only, and one that is of no time.
    rasters.push(raster(&name(5, "S2B", "FSCOG-QA"), 20));
    rasters.push(raster("mask.tif", 30));
    let built = build(&rasters).await;
    let with_time = |name: &str| (name.to_owned(), dims(&["time", "y", "x"]));
    assert_eq!(
        built.names(),
        [
            with_time("FSC_FSCOG"),
            with_time("FSC_FSCTOC"),
            with_time("FSC_QA"),
            ("band_1".to_owned(), dims(&["y", "x"])),
        ]
    );
    assert_eq!(
        built.cube.times("").await.unwrap(),
        ["2026-04-02T10:28:42Z", "2026-04-05T10:28:45Z"].map(time)
    );
    for (variable, step, which) in [
        ("FSC_FSCOG", 0, 0),
        ("FSC_FSCTOC", 0, 1),
        ("FSC_FSCOG", 1, 2),
        ("FSC_QA", 1, 4),
    ] {
        let expected = mosaic(&built.grid(""), &rasters[which..=which], 0, 255.0);
        assert_eq!(
            built.pixels_at("", variable, step).await,
            expected,
            "{variable} {step}"
        );
    }
    let nothing = built.pixels_at("", "FSC_QA", 0).await;
    assert!(nothing.iter().all(|pixel| *pixel == 255.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_of_different_dates_side_by_side_are_one_map() {
    let rasters = [
        raster("x_20210101_a.tif", 1),
        moved(raster("x_20210102_b.tif", 2), 40.0, 0.0),
    ];
    let built = build(&rasters).await;
    assert_eq!(built.names(), [("band_1".to_owned(), dims(&["y", "x"]))]);
    built.assert_mosaic("", "band_1", &rasters, 0, 255.0).await;
}

/// Neighbouring tiles of one passage overlap, and are some seconds apart.
#[tokio::test(flavor = "multi_thread")]
async fn passages_of_one_day_are_one_time() {
    let names = [
        "20210101T102841",
        "20210101T102855",
        "20210104T102841",
        "20210104T102855",
    ];
    let rasters: Vec<_> = (0..4)
        .map(|number| {
            let tile = f64::from(number % 2);
            let name = format!("x_T32TL{tile}_{}_V1.tif", names[number as usize]);
            moved(raster(&name, 0), 30.0 * tile, 0.0)
                .pattern(Pattern::Constant(f64::from(1 + number / 2)))
        })
        .collect();
    let built = build(&rasters).await;
    let times = built.cube.times("").await.unwrap();
    assert_eq!(
        times,
        ["2021-01-01T10:28:41Z", "2021-01-04T10:28:41Z"].map(time)
    );
    for step in 0..2 {
        let pixels = built.pixels_at("", "band_1", step).await;
        assert!(pixels.len() == 70 * 30 && pixels.iter().all(|pixel| *pixel == (step + 1) as f64));
    }
    let hours = ["x_202101010000.tif", "x_202101010100.tif"].map(|name| raster(name, 1));
    let built = build(&hours).await;
    assert_eq!(
        built.cube.times("").await.unwrap(),
        ["2021-01-01T00:00Z", "2021-01-01T01:00Z"].map(time)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn times_within_netcdf_files() {
    if !DatedRaster::can_write_netcdf() {
        return;
    }
    let of = |day| DatedRaster::soil_moisture(date(2020, 2, day), 60, 50);
    let dir = tempfile::tempdir().unwrap();
    // The files' names say nothing, and the steps are not sorted.
    DatedRaster::write_netcdf_of(&[of(20), of(10), of(15)], &dir.path().join("a.nc")).unwrap();
    of(12).write_netcdf(&dir.path().join("b.nc")).unwrap();
    let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
    assert_eq!(
        built.names(),
        [("ssm".to_owned(), dims(&["time", "y", "x"]))]
    );
    for (step, day) in [10, 12, 15, 20].into_iter().enumerate() {
        let found = built.pixels_at("", "ssm", step as u64).await;
        let expected: Vec<f64> = of(day).pixels().into_iter().map(f64::from).collect();
        assert!(found == expected, "{day}");
    }
    let array = built.cube.variable("", "ssm").unwrap();
    assert_eq!(array.attributes["scale_factor"], 0.5);
    assert_eq!(array.fill_value, Some(255.0));
    let last = built.cube.times("").await.unwrap().pop();
    assert_eq!(last, Some(time("2020-02-20T00:00Z")));
}

/// A gap in one date has to be fill, also where the sources state none and the others are whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_date_without_a_tile_has_a_gap() {
    let whole = |name: &str| {
        let mut raster = raster(name, 3);
        raster.nodata = None;
        raster
    };
    let rasters = [
        whole("x_20210101_a.tif"),
        moved(whole("x_20210101_b.tif"), 0.0, 30.0),
        whole("x_20210102_a.tif"),
    ];
    let built = build(&rasters).await;
    let fill = built
        .cube
        .variable("", "band_1")
        .unwrap()
        .fill_value
        .unwrap();
    let [first, second] =
        [&rasters[..2], &rasters[2..]].map(|of_time| mosaic(&built.grid(""), of_time, 0, fill));
    assert_eq!(built.pixels_at("", "band_1", 0).await, first);
    assert_eq!(built.pixels_at("", "band_1", 1).await, second);
    assert!(!first.contains(&fill) && second.contains(&fill));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_share_the_times() {
    let fine = |name: &str| RasterSpec::new(name, 20, 20).corner(4_000_000.0, 3_000_000.0, 5.0);
    let rasters = [
        raster("x_20210101_010m.tif", 1),
        raster("x_20210103_010m.tif", 2),
        fine("x_20210101_005m.tif"),
        fine("x_20210102_005m.tif"),
    ];
    let built = build(&rasters).await;
    assert_eq!(built.cube.structure().groups.len(), 2);
    for group in &built.cube.structure().groups {
        assert_eq!(built.cube.times(&group.path).await.unwrap().len(), 3);
        assert_eq!(group.variables[0].dims[0], "time");
    }
}

#[test]
fn plans_tell_the_times() {
    let rasters: Vec<_> = (0..3)
        .map(|day| raster(&format!("x_2021010{}.tif", day + 1), 1))
        .collect();
    let dir = write(&rasters);
    let plan = plan(dir.path(), &BuildOptions::default()).unwrap();
    let group = &plan.groups()[0];
    assert_eq!((group.times().len(), plan.pixels()), (3, 3 * 40 * 30));
    assert_eq!(plan.uncompressed_bytes(), 3 * 40 * 30);
}

/// Tiles of random places at random dates.
#[derive(Debug, Clone)]
struct Case {
    tile: (usize, usize),
    present: Vec<(i8, usize, usize)>,
    chunk: u32,
    format: ZarrFormat,
}

fn cases() -> impl Strategy<Value = Case> {
    let present = prop::collection::btree_set((1_i8..=5, 0_usize..3, 0_usize..2), 2..10);
    let format = prop::sample::select(vec![ZarrFormat::V3, ZarrFormat::V2]);
    ((1_usize..50, 1_usize..40), present, 1_u32..12, format).prop_map(
        |(tile, present, chunk, format)| Case {
            tile,
            present: present.into_iter().collect(),
            chunk: chunk * 8,
            format,
        },
    )
}

impl Case {
    fn raster(&self, (day, col, row): (i8, usize, usize)) -> RasterSpec {
        let (width, height) = self.tile;
        let value = move |x: f64, y: f64| {
            (x * 0.4 + y * 5.2 + f64::from(day) * 31.0)
                .floor()
                .rem_euclid(201.0)
        };
        // Names sort neither by place nor by time.
        let name = format!("x_T{}{row}AB_2021010{day}_V1.tif", 9 - col);
        RasterSpec::new(name, width, height)
            .corner(
                (col * width) as f64 * 2.5,
                -((row * height) as f64 * 2.5),
                2.5,
            )
            .nodata("255")
            .pattern(Pattern::custom(value))
    }
}

#[test]
fn each_pixel_of_each_date_is_where_it_belongs() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(Config {
        cases: 40,
        ..Config::default()
    });
    let check = async |case: Case| {
        let rasters: Vec<RasterSpec> = case
            .present
            .iter()
            .map(|place| case.raster(*place))
            .collect();
        let options = BuildOptions {
            tile_size: TileSize::new(case.chunk, case.chunk).ok(),
            levels: Levels::Exactly(4),
            zarr_format: case.format,
            ..BuildOptions::default()
        };
        let built = build_dir(write(&rasters), &options).await.unwrap();
        let on_top = case.present.iter().any(|(day, col, row)| {
            case.present
                .iter()
                .any(|other| other.0 != *day && (other.1, other.2) == (*col, *row))
        });
        if !on_top {
            built.assert_mosaic("", "band_1", &rasters, 0, 255.0).await;
            return;
        }
        let mut days: Vec<i8> = case.present.iter().map(|(day, ..)| *day).collect();
        days.dedup();
        let times: Vec<Timestamp> = days
            .iter()
            .map(|day| time(&format!("2021-01-0{day}T00:00Z")))
            .collect();
        assert_eq!(built.cube.times("").await.unwrap(), times);
        for (step, day) in days.iter().enumerate() {
            let of_day = case.present.iter().filter(|place| place.0 == *day);
            let of_day: Vec<RasterSpec> = of_day.map(|place| case.raster(*place)).collect();
            let expected = mosaic(&built.grid(""), &of_day, 0, 255.0);
            let found = built.pixels_at("", "band_1", step as u64).await;
            assert!(found == expected, "{day}");
            // Overviews of this date are those of a cube of this date alone.
            let grid = built.grid("");
            let (width, [west, dx, _, north, ..]) = (grid.width as usize, grid.geotransform);
            let alone = Pattern::custom(move |x, y| {
                let (col, row) = ((x - west) / dx, (north - y) / dx);
                expected[row as usize * width + col as usize]
            });
            let alone = RasterSpec::new("x.tif", width, grid.height as usize)
                .corner(west, north, dx)
                .nodata("255")
                .pattern(alone);
            let single = build_dir(write(&[alone]), &options).await.unwrap();
            let levels = built.cube.group("").unwrap().overviews.clone();
            assert_eq!(levels.len(), 4);
            for level in levels {
                let found = built.pixels_at(&level.path, "band_1", step as u64).await;
                let expected = single.pixels(&level.path, "band_1").await;
                assert!(found == expected, "{} of {day}", level.path);
            }
        }
    };
    runner
        .run(&cases(), |case| {
            runtime.block_on(check(case));
            Ok(())
        })
        .unwrap();
}

/// What one date's bytes are does not depend on this crate knowing times.
#[tokio::test(flavor = "multi_thread")]
async fn one_date_has_no_time() {
    let built = build(&[raster("c_gls_X300_202103110000_GLOBE_OLCI_V1.1.2.tif", 1)]).await;
    assert_eq!(built.names(), [("band_1".to_owned(), dims(&["y", "x"]))]);
    assert!(
        built
            .cube
            .group("")
            .unwrap()
            .coordinates
            .iter()
            .all(|c| c.name != "time")
    );
    let window = built
        .cube
        .read_window("", "band_1", 0..3, 0..3)
        .await
        .unwrap();
    assert!(matches!(window.pixels, Pixels::UInt8(_)));
}
