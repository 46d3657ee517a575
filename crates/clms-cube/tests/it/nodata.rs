//! What stands where there is no data.

use clms_cube::{BuildOptions, CubeError};
use clms_factory::{DType, Pattern, RasterSpec};

use crate::fixture::{build, build_dir, write};

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
async fn a_hoped_for_value_that_is_data_is_an_error() {
    let rasters = apart("unknown").map(|raster| raster.pattern(Pattern::Constant(255.0)));
    let error = build_dir(write(&rasters), &BuildOptions::default())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, CubeError::FillClash { value: 255.0, .. }),
        "{error}"
    );
    assert!(error.hint().is_some());
    let options = BuildOptions {
        fill_value: Some(7.0),
        ..BuildOptions::default()
    };
    build_dir(write(&rasters), &options)
        .await
        .unwrap()
        .assert_mosaic("", "band_1", &rasters, 0, 7.0)
        .await;
    let options = BuildOptions {
        fill_value: Some(256.0),
        ..BuildOptions::default()
    };
    let error = build_dir(write(&rasters), &options).await.err().unwrap();
    assert!(matches!(error, CubeError::FillOutOfRange { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn different_nodata_of_tiles_become_one() {
    let [a, b] = apart("TCD");
    let rasters = [a.nodata("1"), b.nodata("2")];
    // The value 1 of the second tile is data: it must not vanish.
    let error = build_dir(write(&rasters), &BuildOptions::default())
        .await
        .err()
        .unwrap();
    assert!(matches!(error, CubeError::FillClash { .. }), "{error}");
    let [a, b] = apart("TCD");
    let rasters = [a.nodata("200"), b.nodata("2")];
    let built = build(&rasters).await;
    built.assert_mosaic("", "TCD", &rasters, 0, 200.0).await;
    assert!(
        built
            .report
            .notes
            .iter()
            .any(|note| note.message.contains("nodata 2 is written as 200"))
    );
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
