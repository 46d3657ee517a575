//! Pictures of windows.

use clms_cube::{BuildOptions, ExportOptions, Levels, Overview, Style};
use clms_factory::RasterSpec;

use super::{export, open, target, three_days};
use crate::fixture::{build_dir, write};

fn decode(path: &std::path::Path) -> ([u32; 2], Vec<u8>) {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    ([info.width, info.height], bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_cube_looks_as_its_overview() {
    let raster = RasterSpec::new("FTY_2018_010m_at_03035_v010.tif", 3000, 2000)
        .nodata("255")
        .pattern(clms_factory::Pattern::custom(|x, y| {
            match ((x / 900.0).floor() + (y / 700.0).floor()).rem_euclid(3.0) {
                0.0 => 1.0,
                1.0 => 2.0,
                _ => 255.0,
            }
        }));
    let options = BuildOptions {
        levels: Levels::Exactly(3),
        ..BuildOptions::default()
    };
    let built = build_dir(write(&[raster]), &options).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = target(&dir, "forest.png");
    let options = ExportOptions {
        max_side: Some(600),
        ..ExportOptions::default()
    };
    let before = built.cube.traffic().bytes;
    let report = export(&built.cube, &path, &options).await.unwrap();
    assert_eq!(report.shape, [400, 600]);
    assert_eq!(report.pixel_size, Some([50.0, 50.0]));
    assert!(built.cube.traffic().bytes > before);
    let overview: Overview = built.cube.overview("", "FTY", 600, 400).await.unwrap();
    let style = Style::new(built.cube.variable("", "FTY").unwrap(), &overview);
    let (size, rgba) = decode(&path);
    assert_eq!(size, [600, 400]);
    let expected = style.render(&overview);
    let differ = rgba
        .chunks(4)
        .zip(&expected)
        .filter(|(a, b)| a != b)
        .count();
    // Both pick a pixel near the middle, at edges of classes not always the same one.
    assert!(
        differ * 50 < expected.len(),
        "{differ} of {}",
        expected.len()
    );
    assert!(rgba.chunks(4).any(|colour| colour == [0; 4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_variable_at_one_time() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = three_days(dir.path()).await;
    let path = target(&dir, "a.png");
    let error = export(&dataset, &path, &ExportOptions::default())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("one time"), "{error}");
    let bbox = [4_001_000.0, 2_995_000.0, 4_003_000.0, 2_996_000.0];
    let day = "2020-02-02T00:00Z".parse().unwrap();
    let options = ExportOptions {
        bbox: Some(bbox),
        time: Some(day..=day),
        ..ExportOptions::default()
    };
    let report = export(&dataset, &path, &options).await.unwrap();
    assert_eq!((report.shape, report.bbox), (vec![100, 200], Some(bbox)));
    // Full resolution: each pixel in the colour of its value.
    let raster = open(&dir.path().join("1.tif")).await;
    let window = raster
        .read_window("", "band_1", 400..500, 100..300)
        .await
        .unwrap();
    let style = Style::new(dataset.variable("", "SSM").unwrap(), &window);
    assert_eq!(decode(&path).1, style.render(&window).concat());
}
