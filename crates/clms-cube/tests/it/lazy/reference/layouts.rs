//! All layouts that files of one format have.

use clms_cube::CubeError;
use clms_factory::{DType, Pattern, RasterSpec};

use super::{Scene, python};

#[tokio::test(flavor = "multi_thread")]
async fn every_layout_of_hdf5() {
    let scene = Scene::new().await;
    python("make_netcdf.py", scene.folder.path());
    let mut layouts = Vec::new();
    for entry in std::fs::read_dir(scene.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let dataset = scene.open(&name).await;
            layouts.push((name, dataset));
        }
    }
    assert_eq!(layouts.len(), 15);
    for ((name, _), report) in layouts.iter().zip(scene.compare(&layouts).await) {
        assert_eq!(report["variables"]["v"]["pixels"], 9000, "{name}");
    }
    for (name, reason) in [
        ("lzf", "lzf"),
        ("scaleoffset", "scaleoffset"),
        ("unnamed_fill", "never written"),
    ] {
        let dataset = scene.open(&format!("refused/{name}.nc")).await;
        let reference = scene.path("refused.json");
        let refused = dataset.write_reference(&reference, str::to_owned).await;
        let error = refused.unwrap_err();
        assert!(matches!(error, CubeError::NoReference { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!reference.exists());
    }
}

fn spec(name: &str, dtype: DType) -> RasterSpec {
    RasterSpec::new(format!("{name}.tif"), 200, 150)
        .dtype(dtype)
        .block(Some(64))
        .pattern(Pattern::custom(|x, y| {
            (x / 70.0).floor() % 90.0 + (y * 0.3).floor() % 7.0
        }))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_layout_of_tiff() {
    let scene = Scene::new().await;
    let compressed = |name: &str, dtype, compression: &str, options: &[&str]| {
        let mut plain = spec(name, dtype).compress(compression);
        if !options.contains(&"ENDIANNESS=BIG") {
            // The factory writes nodata into little-endian files only.
            plain = plain.nodata("0");
        }
        options
            .iter()
            .fold(plain, |spec, option| spec.option(*option))
    };
    let mut specs = vec![
        compressed("none", DType::U16, "NONE", &[]),
        compressed("none_big", DType::F32, "NONE", &["ENDIANNESS=BIG"]),
        compressed("deflate", DType::I16, "DEFLATE", &[]),
        compressed("deflate_2", DType::U8, "DEFLATE", &["PREDICTOR=2"]),
        compressed("lzw", DType::U8, "LZW", &[]),
        compressed("lzw_2", DType::I16, "LZW", &["PREDICTOR=2"]),
        compressed(
            "lzw_2_big",
            DType::U32,
            "LZW",
            &["PREDICTOR=2", "ENDIANNESS=BIG"],
        ),
        compressed("lzw_3", DType::F32, "LZW", &["PREDICTOR=3"]),
        compressed(
            "deflate_3_big",
            DType::F64,
            "DEFLATE",
            &["PREDICTOR=3", "ENDIANNESS=BIG"],
        ),
        compressed("packbits", DType::U8, "PACKBITS", &[]),
        compressed("big_tiff", DType::U8, "LZW", &["BIGTIFF=YES"]),
        compressed(
            "bands",
            DType::U8,
            "LZW",
            &["INTERLEAVE=BAND", "PREDICTOR=2"],
        )
        .band(Pattern::plane(10.0)),
        compressed("strips", DType::U16, "NONE", &["BLOCKYSIZE=40"]).block(None),
        compressed(
            "even_strips",
            DType::U8,
            "LZW",
            &["BLOCKYSIZE=50", "PREDICTOR=2"],
        )
        .block(None),
        compressed("short_strip", DType::U8, "LZW", &["BLOCKYSIZE=40"]).block(None),
        compressed(
            "short_strip_2",
            DType::I16,
            "LZW",
            &["BLOCKYSIZE=40", "PREDICTOR=2"],
        )
        .block(None),
        compressed(
            "short_strip_2_big",
            DType::U16,
            "DEFLATE",
            &["BLOCKYSIZE=40", "PREDICTOR=2", "ENDIANNESS=BIG"],
        )
        .block(None),
        compressed(
            "short_strip_packed",
            DType::U8,
            "PACKBITS",
            &["BLOCKYSIZE=40"],
        )
        .block(None),
        compressed("sparse", DType::U8, "LZW", &["SPARSE_OK=TRUE"]).pattern(Pattern::custom(
            |x, _| if x < 4_000_700.0 { 0.0 } else { 5.0 },
        )),
    ];
    let creation = gdal::DriverManager::get_driver_by_name("GTiff").unwrap();
    let creation = gdal::Metadata::metadata_item(&creation, "DMD_CREATIONOPTIONLIST", "");
    if creation.is_some_and(|options| options.contains("ZSTD")) {
        specs.push(compressed("zstd", DType::U16, "ZSTD", &["PREDICTOR=2"]));
    }
    let mut layouts = Vec::new();
    for spec in &specs {
        spec.write(scene.folder.path()).unwrap();
        layouts.push((spec.name.clone(), scene.open(&spec.name).await));
    }
    for ((name, _), report) in layouts.iter().zip(scene.compare(&layouts).await) {
        assert_eq!(report["crs"], "EPSG:3035", "{name}");
    }
    for (spec, reason) in [
        (compressed("jpeg", DType::U8, "JPEG", &[]), "JPEG"),
        (
            compressed("pixels", DType::U8, "LZW", &["INTERLEAVE=PIXEL"])
                .band(Pattern::plane(10.0)),
            "interleaved by pixel",
        ),
        (compressed("bits", DType::U8, "LZW", &["NBITS=7"]), "7 bits"),
        (
            compressed(
                "short_3",
                DType::F32,
                "LZW",
                &["BLOCKYSIZE=40", "PREDICTOR=3"],
            )
            .block(None),
            "shorter",
        ),
    ] {
        spec.write(scene.folder.path()).unwrap();
        let dataset = scene.open(&spec.name).await;
        let refused = dataset
            .write_reference(&scene.path("refused.json"), str::to_owned)
            .await;
        let error = refused.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}
