//! GeoTIFFs: layout, pixels, and what they say of their bands.

use clms_cube::{ExportOptions, Selection};
use clms_factory::{DType, RasterSpec};
use gdal::Metadata;

use super::{bands, export, floats, names, open, run, target, text, three_days};
use crate::fixture::build;

fn forest() -> RasterSpec {
    RasterSpec::new("FTY_2018_010m_at_03035_v010.tif", 1500, 1200)
        .nodata("255")
        .pattern(clms_factory::Pattern::custom(|x, y| {
            match ((x / 400.0).floor() + (y / 300.0).floor()).rem_euclid(5.0) {
                0.0 => 0.0,
                1.0 | 2.0 => 1.0,
                3.0 => 2.0,
                _ => 255.0,
            }
        }))
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_of_a_window() {
    let built = build(&[forest()]).await;
    let dir = tempfile::tempdir().unwrap();
    let path = target(&dir, "forest.tif");
    let bbox = [4_001_003.0, 2_989_000.0, 4_013_000.0, 2_999_999.0];
    let options = ExportOptions {
        bbox: Some(bbox),
        ..ExportOptions::default()
    };
    let report = export(&built.cube, &path, &options).await.unwrap();
    assert_eq!(
        names(path.parent().unwrap()),
        ["forest.tif", "forest.tif.aux.xml"]
    );
    let slab = built
        .cube
        .select("", "FTY", &Selection::new().bbox(bbox))
        .await
        .unwrap();
    let window = built.cube.read(&slab).await.unwrap();
    assert_eq!(report.shape, window.shape());
    assert_eq!(report.bbox, Some(slab.grid.unwrap().bbox()));
    assert_eq!(report.crs.as_deref(), Some("EPSG:3035"));
    assert_eq!(report.bytes, path.metadata().unwrap().len());
    assert_eq!(bands(&path), [window.pixels.to_f64()]);

    let raster = gdal::Dataset::open(&path).unwrap();
    let layout = raster.metadata_item("LAYOUT", "IMAGE_STRUCTURE");
    assert_eq!(layout.as_deref(), Some("COG"));
    let band = raster.rasterband(1).unwrap();
    assert_eq!(band.block_size(), (512, 512));
    assert_eq!(band.no_data_value(), Some(255.0));
    assert_eq!(band.overview_count().unwrap(), 2);
    assert_eq!(band.description().unwrap(), "FTY");
    let classes = built.cube.variable("", "FTY").unwrap().classes();
    let colours = band.color_table().unwrap();
    for class in &classes {
        let [red, green, blue] = class.colour.unwrap().map(i16::from);
        let entry = colours.entry_as_rgb(class.value as usize).unwrap();
        assert_eq!((entry.r, entry.g, entry.b), (red, green, blue));
    }
    // Overviews show classes that occur.
    let overview = band.overview(1).unwrap().read_band_as::<u8>().unwrap();
    assert!(
        overview
            .data()
            .iter()
            .all(|value| [0, 1, 2, 255].contains(value))
    );
    let said = run("gdalinfo", &[text(&path)]);
    for class in &classes {
        let name = class.name.as_deref().unwrap();
        assert!(said.contains(name), "{name} is missing: {said}");
    }
    // And come back as they were.
    let again = open(&path).await;
    let classes_again = again.variable("", "FTY").unwrap().classes();
    let coloured = |class: &clms_cube::Class| (class.value, class.colour);
    let black = |class: &&clms_cube::Class| class.colour != Some([0; 3]);
    assert_eq!(
        classes_again.iter().map(coloured).collect::<Vec<_>>(),
        classes
            .iter()
            .filter(black)
            .filter(|class| class.value != 255)
            .map(coloured)
            .collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_bands() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = three_days(dir.path()).await;
    let path = target(&dir, "days.tif");
    let options = ExportOptions {
        time: Some("2020-02-02T00:00Z".parse().unwrap()..="2020-02-09T00:00Z".parse().unwrap()),
        ..ExportOptions::default()
    };
    let report = export(&dataset, &path, &options).await.unwrap();
    assert_eq!(report.shape, [2, 600, 700]);
    assert_eq!(report.dims, ["time", "y", "x"]);
    let [first, last] = report.time.unwrap();
    assert_eq!(
        (&first[..], &last[..]),
        ("2020-02-02T00:00:00Z", "2020-02-03T00:00:00Z")
    );
    assert_eq!(
        bands(&path),
        [
            &bands(&dir.path().join("1.tif"))[0][..],
            &bands(&dir.path().join("2.tif"))[0][..]
        ]
    );
    let raster = gdal::Dataset::open(&path).unwrap();
    for (number, day) in [(1, "2020-02-02"), (2, "2020-02-03")] {
        let band = raster.rasterband(number).unwrap();
        let time = format!("{day}T00:00:00Z");
        assert_eq!(band.metadata_item("time", ""), Some(time.clone()));
        assert_eq!(band.description().unwrap(), format!("SSM {time}"));
        assert_eq!((band.scale(), band.offset()), (Some(0.5), Some(0.0)));
        assert_eq!(band.no_data_value(), Some(255.0));
    }
    assert_eq!(names(path.parent().unwrap()), ["days.tif"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for dtype in [
        DType::U16,
        DType::I16,
        DType::U32,
        DType::I32,
        DType::F32,
        DType::F64,
    ] {
        let name = format!("{dtype:?}.tif");
        let source = match dtype {
            DType::F32 | DType::F64 => floats(&name, 300, 200).dtype(dtype),
            _ => RasterSpec::new(&name, 300, 200).dtype(dtype).nodata("7"),
        };
        let source = source.write(dir.path()).unwrap();
        let path = target(&dir, &name);
        export(&open(&source).await, &path, &ExportOptions::default())
            .await
            .unwrap();
        let [expected, found] = [&source, &path].map(|path| gdal::Dataset::open(path).unwrap());
        let [expected, found] = [&expected, &found].map(|raster| raster.rasterband(1).unwrap());
        assert_eq!(found.band_type(), expected.band_type());
        let [nodata, nodata_found] = [&expected, &found].map(|band| band.no_data_value().unwrap());
        assert_eq!(nodata.to_bits(), nodata_found.to_bits());
        let [a, b] = [&source, &path].map(|path| bands(path).remove(0));
        assert!(
            a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()),
            "{dtype:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bands_of_two_types_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = three_days(dir.path()).await;
    let options = ExportOptions {
        variable: Some("NDVI".to_owned()),
        ..ExportOptions::default()
    };
    let error = export(&dataset, &target(&dir, "a.tif"), &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "no_such_variable");
    let options = ExportOptions {
        points: vec![[4_000_000.0, 3_000_000.0]],
        ..ExportOptions::default()
    };
    let error = export(&dataset, &target(&dir, "a.tif"), &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "invalid_export");
    assert!(names(&dir.path().join("exports")).is_empty());
}
