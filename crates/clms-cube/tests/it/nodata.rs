//! What stands where there is no data.

use clms_cube::{BuildOptions, CubeError, DataType, Levels, Style, TileSize, ZarrFormat};
use clms_factory::{DType, Pattern, RasterSpec};

use crate::fixture::{build, build_dir, mosaic, write};

/// Two tiles with a gap of one tile between them.
fn apart(name: &str) -> [RasterSpec; 2] {
    let tile = |part: &str, left: f64| {
        let pattern = Pattern::custom(|x, y| ((x + y) / 10.0).floor().rem_euclid(3.0));
        RasterSpec::new(format!("{name}_{part}.tif"), 40, 30)
            .corner(left, 3_000_000.0, 10.0)
            .pattern(pattern)
    };
    [tile("a", 4_000_000.0), tile("b", 4_000_800.0)]
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nodata_the_product_decides() {
    for (name, variable, fill) in [
        ("FTY_2018", "FTY", 255.0),
        ("CLMS_CLCplus_RASTER_2021", "CLCplus", 254.0),
    ] {
        let rasters = apart(name);
        let built = build(&rasters).await;
        assert_eq!(
            built.cube.variable("", variable).unwrap().fill_value,
            Some(fill)
        );
        built.assert_mosaic("", variable, &rasters, 0, fill).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_unknown_products_gaps_get_an_unused_value() {
    let rasters = apart("unknown");
    let built = build(&rasters).await;
    built.assert_mosaic("", "band_1", &rasters, 0, 255.0).await;
    let floats = apart("unknown").map(|raster| raster.dtype(DType::F32));
    let built = build(&floats).await;
    assert!(
        built
            .cube
            .variable("", "band_1")
            .unwrap()
            .fill_value
            .unwrap()
            .is_nan()
    );
    built
        .assert_mosaic("", "band_1", &floats, 0, f64::NAN)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_data_fills_no_gap() {
    let rasters = apart("unknown").map(|raster| raster.pattern(Pattern::Constant(255.0)));
    let built = build(&rasters).await;
    built.assert_mosaic("", "band_1", &rasters, 0, 254.0).await;
    let said = |words: &str| {
        built
            .report
            .notes
            .iter()
            .any(|note| note.message.contains(words))
    };
    assert!(said("filled with 254"), "{:?}", built.report.notes);
    let with_fill = |fill_value| BuildOptions {
        fill_value: Some(fill_value),
        ..BuildOptions::default()
    };
    build_dir(write(&rasters), &with_fill(7.0))
        .await
        .unwrap()
        .assert_mosaic("", "band_1", &rasters, 0, 7.0)
        .await;
    // Who wishes for a value gets that or none.
    let error = build_dir(write(&rasters), &with_fill(255.0))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, CubeError::FillClash { value: 255.0, .. }),
        "{error}"
    );
    assert!(error.hint().is_some());
    let error = build_dir(write(&rasters), &with_fill(256.0))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, CubeError::FillOutOfRange { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn different_nodata_of_tiles_become_one() {
    // The value 1 of the second tile is data, and so is the value 2 of the first one: neither may vanish. (Nodata 200 is in no tile.)
    for (first, second, fill) in [("1", "2", 255.0), ("200", "2", 200.0), ("2", "200", 200.0)] {
        let [a, b] = apart("TCD");
        let rasters = [a.nodata(first), b.nodata(second)];
        let built = build(&rasters).await;
        built.assert_mosaic("", "TCD", &rasters, 0, fill).await;
        let note = format!("nodata 2 is written as {fill}");
        let notes = &built.report.notes;
        assert!(
            notes.iter().any(|known| known.message.contains(&note)),
            "{notes:?}"
        );
    }
    let [a, b] = apart("unknown").map(|raster| raster.dtype(DType::F32));
    let rasters = [a.nodata("1"), b.nodata("2")];
    let built = build(&rasters).await;
    built
        .assert_mosaic("", "band_1", &rasters, 0, f64::NAN)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_without_the_tag_means_the_same_by_the_value() {
    let [a, b] = apart("unknown");
    let [c, _] = apart("unknown_c");
    let rasters = [
        a.nodata("1"),
        b.nodata("2"),
        c.corner(4_000_800.0, 2_999_000.0, 10.0),
    ];
    let built = build(&rasters).await;
    let meant = [
        rasters[0].clone(),
        rasters[1].clone(),
        rasters[2].clone().nodata("1"),
    ];
    built.assert_mosaic("", "band_1", &meant, 0, 255.0).await;
}

/// All 256 values of a byte, each as often as the others.
fn every_value(name: &str) -> [RasterSpec; 2] {
    apart(name).map(|raster| {
        raster.pattern(Pattern::custom(|x, y| {
            ((x / 10.0).floor() + (y / 10.0).floor() * 40.0).rem_euclid(256.0)
        }))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn where_every_value_is_data_a_mask_tells_the_gaps() {
    for zarr_format in [ZarrFormat::V3, ZarrFormat::V2] {
        let options = BuildOptions {
            zarr_format,
            levels: Levels::Exactly(1),
            tile_size: TileSize::new(16, 24).ok(),
            ..BuildOptions::default()
        };
        let rasters = every_value("unknown");
        let built = build_dir(write(&rasters), &options).await.unwrap();
        let data = built.cube.variable("", "band_1").unwrap();
        assert_eq!(data.fill_value, None);
        assert_eq!(data.attributes["ancillary_variables"], "band_1_valid");
        let mask = built.cube.variable("", "band_1_valid").unwrap();
        assert_eq!((mask.dtype, mask.fill_value), (DataType::UInt8, None));
        assert_eq!(mask.attributes["flag_meanings"], "no_data data");
        // Where there is data, it is that of the tiles.
        let valid = built.pixels("", "band_1_valid").await;
        let found = built.pixels("", "band_1").await;
        let expected = mosaic(&built.grid(""), &rasters, 0, -1.0);
        assert_eq!(valid.len(), expected.len());
        for ((valid, found), expected) in valid.iter().zip(&found).zip(&expected) {
            assert_eq!(*valid, if *expected < 0.0 { 0.0 } else { 1.0 });
            assert!(*valid == 0.0 || found == expected);
        }
        assert!(valid.contains(&0.0));
        assert!(built.cube.group("").unwrap().overviews.is_empty());
        let notes = &built.report.notes;
        let said = |words: &str| notes.iter().any(|note| note.message.contains(words));
        assert!(
            said("every value of uint8 occurs") && said("no overviews"),
            "{notes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mask_knows_each_tile_s_own_nodata() {
    let [a, b] = every_value("unknown");
    let rasters = [a.nodata("7"), b.nodata("9")];
    let built = build(&rasters).await;
    let valid = built.pixels("", "band_1_valid").await;
    let found = built.pixels("", "band_1").await;
    // -1: gaps, and the nodata of each tile.
    let expected = mosaic(&built.grid(""), &rasters, 0, -1.0);
    for ((valid, found), expected) in valid.iter().zip(&found).zip(&expected) {
        assert_eq!(*valid == 1.0, *expected >= 0.0);
        assert!(*valid == 0.0 || found == expected);
    }
    assert!(found.contains(&7.0) && found.contains(&9.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_tiles_of_which_every_value_is_data() {
    // 7 is no data in one and data in the other, and 9 the other way round.
    let by_place = |add: f64| {
        Pattern::custom(move |x, y| {
            ((x / 10.0).floor() + (y / 10.0).floor() * 40.0 + add).rem_euclid(256.0)
        })
    };
    let a = RasterSpec::new("unknown_a.tif", 40, 30)
        .nodata("7")
        .pattern(by_place(0.0));
    let b = RasterSpec::new("unknown_b.tif", 40, 30)
        .corner(4_000_200.0, 2_999_900.0, 10.0)
        .nodata("9")
        .pattern(by_place(5.0));
    let rasters = [a, b];
    let built = build(&rasters).await;
    let valid = built.pixels("", "band_1_valid").await;
    let found = built.pixels("", "band_1").await;
    let expected = mosaic(&built.grid(""), &rasters, 0, -1.0);
    for (index, ((valid, found), expected)) in valid.iter().zip(&found).zip(&expected).enumerate() {
        assert_eq!(*valid == 1.0, *expected >= 0.0, "{index}");
        assert!(*valid == 0.0 || found == expected, "{index}");
    }
    // Some of the first one's gaps are filled by the second, and what the two say differently is told.
    let notes = &built.report.notes;
    let differing = "differ from those of tiles before it";
    assert!(
        notes.iter().any(|note| {
            note.file.as_deref() == Some("DATA/unknown_b.tif") && note.message.contains(differing)
        }),
        "{notes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_heed_the_mask() {
    let [a, b] = every_value("unknown");
    let built = build(&[a.nodata("7"), b.nodata("9")]).await;
    let grid = built.grid("");
    let variable = built.cube.variable("", "band_1").unwrap();
    let mask = built.cube.group("").unwrap().validity_mask(variable);
    assert_eq!(mask.unwrap().name, "band_1_valid");
    let (rows, cols) = (0..grid.height, 0..grid.width);
    let window = built.cube.read_window("", "band_1", rows, cols).await;
    let window = window.unwrap();
    let valid = built.pixels("", "band_1_valid").await;
    for (value, valid) in window.values().iter().zip(&valid) {
        assert_eq!(value.is_nan(), *valid == 0.0);
    }
    // And so does a picture: what is no data is transparent, what is data is not.
    let picture = built.cube.overview("", "band_1", 1000, 1000).await.unwrap();
    let style = Style::new(variable, &picture);
    for (colour, valid) in style.render(&picture).iter().zip(&valid) {
        assert_eq!(colour[3] == 0, *valid == 0.0);
    }
    // A mask has none itself.
    let mask = built.cube.read_window("", "band_1_valid", 0..1, 0..1).await;
    assert_eq!(mask.unwrap().valid(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_gaps_every_value_may_be_data() {
    let [raster, _] = every_value("unknown");
    let built = build(std::slice::from_ref(&raster)).await;
    built.assert_mosaic("", "band_1", &[raster], 0, -1.0).await;
    assert_eq!(built.cube.group("").unwrap().variables.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodata_out_of_range_is_ignored_or_wraps() {
    let raster = RasterSpec::new("FTY_a.tif", 40, 30).nodata("-9999");
    let built = build(std::slice::from_ref(&raster)).await;
    built.assert_mosaic("", "FTY", &[raster], 0, 255.0).await;
    assert!(
        built
            .report
            .notes
            .iter()
            .any(|note| note.message.contains("-9999")),
        "{:?}",
        built.report.notes
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raster_of_fill_alone_stores_no_chunk() {
    let raster = RasterSpec::new("FTY_a.tif", 300, 300)
        .nodata("255")
        .pattern(Pattern::Constant(255.0));
    let built = build(std::slice::from_ref(&raster)).await;
    assert_eq!((built.report.chunks, built.report.chunks_written), (1, 0));
    built.assert_mosaic("", "FTY", &[raster], 0, 255.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_keeps_its_pixels() {
    let types = [
        (DType::U8, "200", 200.0),
        (DType::I8, "-128", -128.0),
        (DType::U16, "65535", 65535.0),
        (DType::I16, "-32768", -32768.0),
        (DType::U32, "4294967295", 4_294_967_295.0),
        (DType::I32, "-2147483648", -2_147_483_648.0),
        (
            DType::F32,
            "-3.4028234663852886e+38",
            -3.402_823_466_385_288_6e38,
        ),
        (DType::F64, "nan", f64::NAN),
    ];
    for (dtype, nodata, fill) in types {
        let pattern =
            Pattern::custom(|x, y| ((x - 4_000_000.0) / 10.0 - (y - 2_999_700.0) / 10.0) * 2.5);
        let raster = RasterSpec::new("odd.tif", 45, 60)
            .dtype(dtype)
            .nodata(nodata)
            .pattern(pattern);
        let built = build(std::slice::from_ref(&raster)).await;
        let found = built
            .cube
            .variable("", "band_1")
            .unwrap()
            .fill_value
            .unwrap();
        assert!(
            found == fill || (found.is_nan() && fill.is_nan()),
            "{dtype:?}: {found}"
        );
        built.assert_mosaic("", "band_1", &[raster], 0, fill).await;
    }
}
