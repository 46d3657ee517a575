//! What the sources say of themselves wins over what is known of the product, and is kept.

use clms_cube::{BuildOptions, Provenance, ZarrFormat};
use clms_factory::RasterSpec;
use gdal::{Dataset, DatasetOptions, GdalOpenFlags, Metadata};
use serde_json::json;
use tempfile::TempDir;

use crate::fixture::{add, build_dir, write};

/// Sets metadata inside a TIFF.
fn edit(dir: &TempDir, name: &str, set: impl FnOnce(&mut Dataset)) {
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_UPDATE,
        ..DatasetOptions::default()
    };
    let mut dataset = Dataset::open_ex(dir.path().join(name), options).unwrap();
    set(&mut dataset);
    dataset.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_of_the_tiff_win() {
    let rasters = ["TCD_2018_a.tif", "TCD_2018_b.tif"].map(|name| {
        let left = if name.contains("_a") {
            4e6
        } else {
            4_000_300.0
        };
        RasterSpec::new(name, 30, 20).corner(left, 3e6, 10.0)
    });
    let dir = write(&rasters);
    for (name, date) in [("a", "2020:05:20 13:01:02"), ("b", "2021:01:02 03:04:05")] {
        edit(&dir, &format!("DATA/TCD_2018_{name}.tif"), |dataset| {
            let mut set =
                |key: &str, value: &str| dataset.set_metadata_item(key, value, "").unwrap();
            set("TIFFTAG_DATETIME", date);
            set("TIFFTAG_SOFTWARE", "a program");
            set("TILE", name);
            set("title", "Trees, as they say it");
            set("TIME_COVERAGE_START", "2017-06-01");
            set("history", "made by hand");
            let mut band = dataset.rasterband(1).unwrap();
            let mut set = |key: &str, value: &str| band.set_metadata_item(key, value, "").unwrap();
            set("long_name", "how many trees");
            set("valid_range", "0,50");
            set("standard_name", "area_fraction");
            set("_FillValue", "3");
            set("STATISTICS_MEAN", "1");
        });
    }
    for zarr_format in [ZarrFormat::V3, ZarrFormat::V2] {
        let copy = write(&[]);
        for name in ["a", "b"] {
            let name = format!("DATA/TCD_2018_{name}.tif");
            add(
                &copy,
                &name,
                &std::fs::read(dir.path().join(&name)).unwrap(),
            );
        }
        let options = BuildOptions {
            zarr_format,
            provenance: Provenance {
                title: Some("the catalogue's title".to_owned()),
                ..Provenance::default()
            },
            ..BuildOptions::default()
        };
        let built = build_dir(copy, &options).await.unwrap();
        let root = &built.cube.structure().attributes;
        assert_eq!(root["title"], "Trees, as they say it");
        assert_eq!(root["TIFFTAG_SOFTWARE"], "a program");
        assert_eq!(root["date_created"], "2021-01-02T03:04:05");
        assert_eq!(root["time_coverage_start"], "2017-06-01");
        // The year in the name would say something else.
        assert!(!root.contains_key("time_coverage_end"));
        assert!(!root.contains_key("TILE") && !root.contains_key("TIFFTAG_DATETIME"));
        let history = root["history"].as_str().unwrap();
        assert!(
            history.starts_with("made by hand\nconverted by clms-cube"),
            "{history}"
        );
        assert_eq!(root["Conventions"], "CF-1.11");
        let variable = built.cube.variable("", "TCD").unwrap();
        assert_eq!(variable.long_name(), Some("how many trees"));
        assert_eq!(variable.attributes["valid_range"], json!([0, 50]));
        assert_eq!(variable.attributes["standard_name"], "area_fraction");
        // Not said by the source: the product's own.
        assert_eq!(variable.units(), Some("%"));
        // The product's code, and not what the items say: they don't tell GDAL either.
        assert_eq!(variable.fill_value, Some(255.0));
        assert!(!variable.attributes.contains_key("STATISTICS_MEAN"));
        built.assert_mosaic("", "TCD", &rasters, 0, 3.0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn side_cars_win_over_tags_and_products() {
    let raster = RasterSpec::new("TCD_2018.tif", 30, 20)
        .scale_offset(0.5, 1.0)
        .nodata("9");
    let dir = write(std::slice::from_ref(&raster));
    let aux = r#"<PAMDataset><Metadata><MDI key="comment">seen</MDI></Metadata>
        <PAMRasterBand band="1"><Description>density</Description><NoDataValue>2</NoDataValue><UnitType>1</UnitType>
        <Offset>0</Offset><Scale>0.01</Scale><Metadata><MDI key="source">S2</MDI></Metadata></PAMRasterBand></PAMDataset>"#;
    add(&dir, "DATA/TCD_2018.tif.AUX.xml", aux.as_bytes());
    let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
    assert!(
        built
            .report
            .files
            .used
            .contains(&"DATA/TCD_2018.tif.AUX.xml".to_owned())
    );
    let variable = built.cube.variable("", "TCD").unwrap();
    assert_eq!(variable.fill_value, Some(2.0));
    assert_eq!(variable.units(), Some("1"));
    assert_eq!(variable.attributes["scale_factor"], 0.01);
    assert_eq!(variable.long_name(), Some("Tree Cover Density: density"));
    assert_eq!(variable.attributes["source"], "S2");
    assert_eq!(built.cube.structure().attributes["comment"], "seen");
    built
        .assert_mosaic("", "TCD", &[raster.nodata("2")], 0, 2.0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raster_may_have_its_place_in_side_cars_alone() {
    let bare = || RasterSpec::new("FTY_a.tif", 30, 20).geotransform(None);
    let placed = RasterSpec::new("FTY_a.tif", 30, 20);
    // The pixels are those of a raster that has its place.
    let pixels = std::fs::read(
        write(&[placed.clone().geotransform(None)])
            .path()
            .join("DATA/FTY_a.tif"),
    );
    let pixels = pixels.unwrap();
    for (name, text) in [
        ("DATA/FTY_a.tfw", "10\n0\n0\n-10\n4000005\n2999995\n"),
        (
            "DATA/FTY_a.TIF.aux.xml",
            "<PAMDataset><GeoTransform>4e6,10,0,3e6,0,-10</GeoTransform></PAMDataset>",
        ),
    ] {
        let dir = write(&[bare()]);
        add(&dir, "DATA/FTY_a.tif", &pixels);
        add(&dir, name, text.as_bytes());
        let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
        assert_eq!(built.grid("").geotransform, placed.transform(), "{name}");
        assert!(built.report.files.used.contains(&name.to_owned()));
    }
    let dir = write(&[RasterSpec::new("FTY_a.tif", 30, 20).crs(None)]);
    add(
        &dir,
        "DATA/FTY_a.tif.aux.xml",
        b"<PAMDataset><SRS>EPSG:3035</SRS></PAMDataset>",
    );
    let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
    assert_eq!(built.grid("").crs.code.as_deref(), Some("EPSG:3035"));
    built.assert_mosaic("", "FTY", &[placed], 0, 255.0).await;
}
