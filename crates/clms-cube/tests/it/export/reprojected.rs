//! Reprojected exports beside `gdalwarp`, pixel by pixel.

use std::path::Path;

use clms_cube::{ExportOptions, Resampling};
use clms_factory::RasterSpec;

use super::{bands, export, floats, moisture, open, run, target, text};

fn options(crs: &str, bbox: [f64; 4], pixel: f64, method: Resampling) -> ExportOptions {
    ExportOptions {
        crs: Some(crs.to_owned()),
        bbox: Some(bbox),
        bbox_crs: Some(crs.to_owned()),
        resolution: Some([pixel, pixel]),
        resampling: Some(method),
        ..ExportOptions::default()
    }
}

/// The same by `gdalwarp`.
fn gdalwarp(source: &Path, into: &Path, options: &ExportOptions) -> Vec<f64> {
    let method = match options.resampling.unwrap() {
        Resampling::Nearest => "near",
        Resampling::Mode => "mode",
        Resampling::Mean => "average",
    };
    let (bbox, [width, height]) = (options.bbox.unwrap(), options.resolution.unwrap());
    let numbers: Vec<String> = bbox
        .iter()
        .chain([&width, &height])
        .map(|number| format!("{number:?}"))
        .collect();
    let mut arguments = vec!["-q", "-overwrite", "-et", "0", "-ovr", "NONE", "-r", method];
    arguments.extend(["-t_srs", options.crs.as_deref().unwrap(), "-te"]);
    arguments.extend(numbers[..4].iter().map(String::as_str));
    arguments.push("-tr");
    arguments.extend(numbers[4..].iter().map(String::as_str));
    arguments.extend([text(source), text(into)]);
    run("gdalwarp", &arguments);
    bands(into).remove(0)
}

/// How many pixels differ by more than this.
fn different(a: &[f64], b: &[f64], tolerance: f64) -> usize {
    assert_eq!(a.len(), b.len());
    let differ =
        |(a, b): &(&f64, &f64)| !((*a - *b).abs() <= tolerance || (a.is_nan() && b.is_nan()));
    a.iter().zip(b).filter(differ).count()
}

async fn compare(raster: RasterSpec, cases: &[(ExportOptions, f64)]) {
    let dir = tempfile::tempdir().unwrap();
    let source = raster.write(dir.path()).unwrap();
    let dataset = open(&source).await;
    for (number, (options, tolerance)) in cases.iter().enumerate() {
        let path = target(&dir, &format!("{number}.tif"));
        let report = export(&dataset, &path, options).await.unwrap();
        assert_eq!(report.resampling, options.resampling);
        let expected = gdalwarp(
            &source,
            &target(&dir, &format!("{number}.gdal.tif")),
            options,
        );
        let found = bands(&path).remove(0);
        let filled = found
            .iter()
            .filter(|value| **value == 255.0 || value.is_nan())
            .count();
        assert!(filled < found.len(), "case {number} shows nothing");
        let differ = different(&found, &expected, *tolerance);
        assert_eq!(differ, 0, "case {number}: {options:?}, of {}", found.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_other_projections() {
    let near = Resampling::Nearest;
    compare(
        moisture("a.tif", 3000, 2600),
        &[
            (options("EPSG:32632", find("EPSG:32632"), 10.0, near), 0.0),
            (options("EPSG:4326", find("EPSG:4326"), 0.0002, near), 0.0),
            (options("EPSG:3857", find("EPSG:3857"), 37.5, near), 0.0),
            (
                options("EPSG:32632", find("EPSG:32632"), 100.0, Resampling::Mode),
                0.0,
            ),
            (
                options("EPSG:4326", find("EPSG:4326"), 0.001, Resampling::Mode),
                0.0,
            ),
            (
                options("EPSG:32632", find("EPSG:32632"), 100.0, Resampling::Mean),
                0.0,
            ),
            (
                options("EPSG:4326", find("EPSG:4326"), 0.002, Resampling::Mean),
                0.0,
            ),
        ],
    )
    .await;
}

/// A rectangle around all of the raster in another CRS.
fn find(crs: &str) -> [f64; 4] {
    let (from, to) = (
        gdal::spatial_ref::SpatialRef::from_epsg(3035).unwrap(),
        gdal::spatial_ref::SpatialRef::from_definition(crs).unwrap(),
    );
    let [mut from, mut to] = [from, to];
    for srs in [&mut from, &mut to] {
        srs.set_axis_mapping_strategy(gdal::spatial_ref::AxisMappingStrategy::TraditionalGisOrder);
    }
    let transform = gdal::spatial_ref::CoordTransform::new(&from, &to).unwrap();
    let bbox = [4_000_000.0, 2_974_000.0, 4_030_000.0, 3_000_000.0];
    transform.transform_bounds(&bbox, 21).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn floats_and_their_means() {
    let mean = Resampling::Mean;
    compare(
        floats("a.tif", 3000, 2600),
        &[
            (
                options("EPSG:32632", find("EPSG:32632"), 12.0, Resampling::Nearest),
                0.0,
            ),
            (options("EPSG:32632", find("EPSG:32632"), 60.0, mean), 1e-6),
            (
                options(
                    "EPSG:3035",
                    [4_000_000.0, 2_974_000.0, 4_030_000.0, 3_000_000.0],
                    35.0,
                    mean,
                ),
                1e-6,
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grid_it_is_that_of_gdalwarp() {
    let dir = tempfile::tempdir().unwrap();
    let source = moisture("a.tif", 1500, 1100).write(dir.path()).unwrap();
    let dataset = open(&source).await;
    let options = ExportOptions {
        crs: Some("EPSG:32632".to_owned()),
        ..ExportOptions::default()
    };
    let path = target(&dir, "a.tif");
    let report = export(&dataset, &path, &options).await.unwrap();
    let into = target(&dir, "gdal.tif");
    run(
        "gdalwarp",
        &[
            "-q",
            "-et",
            "0",
            "-t_srs",
            "EPSG:32632",
            text(&source),
            text(&into),
        ],
    );
    let expected = gdal::Dataset::open(&into).unwrap();
    let (width, height) = expected.raster_size();
    assert_eq!(report.shape, [height as u64, width as u64]);
    let found = gdal::Dataset::open(&path).unwrap();
    assert_eq!(
        found.geo_transform().unwrap(),
        expected.geo_transform().unwrap()
    );
    assert_eq!(bands(&path), bands(&into));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_lies_a_mask_says_so() {
    let dir = tempfile::tempdir().unwrap();
    // Every value of the type is data.
    let source = RasterSpec::new("a.tif", 400, 300)
        .write(dir.path())
        .unwrap();
    let dataset = open(&source).await;
    let options = options("EPSG:32632", find("EPSG:32632"), 40.0, Resampling::Nearest);
    let path = target(&dir, "a.tif");
    export(&dataset, &path, &options).await.unwrap();
    let raster = gdal::Dataset::open(&path).unwrap();
    let band = raster.rasterband(1).unwrap();
    assert!(band.mask_flags().unwrap().is_per_dataset());
    let mask = band.open_mask_band().unwrap().read_band_as::<u8>().unwrap();
    let expected = {
        let into = target(&dir, "gdal.tif");
        let bbox = options.bbox.unwrap().map(|number| format!("{number:?}"));
        let mut arguments = vec![
            "-q",
            "-et",
            "0",
            "-dstalpha",
            "-t_srs",
            "EPSG:32632",
            "-tr",
            "40",
            "40",
            "-te",
        ];
        arguments.extend(bbox.iter().map(String::as_str));
        arguments.extend([text(&source), text(&into)]);
        run("gdalwarp", &arguments);
        bands(&into)
    };
    let found: Vec<f64> = mask.data().iter().map(|value| f64::from(*value)).collect();
    assert_eq!(found, expected[1]);
    assert_eq!(bands(&path)[0], expected[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_have_no_mean() {
    let dir = tempfile::tempdir().unwrap();
    let built =
        crate::fixture::build(&[moisture("FTY_2018_010m_at_03035_v010.tif", 300, 200)]).await;
    let options = ExportOptions {
        resolution: Some([20.0, 20.0]),
        resampling: Some(Resampling::Mean),
        ..ExportOptions::default()
    };
    let error = export(&built.cube, &target(&dir, "a.tif"), &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "invalid_export");
    assert!(error.to_string().contains("FTY"), "{error}");
}
