//! Rasters in other formats than TIFF.

use std::path::{Path, PathBuf};

use clms_cube::{BuildOptions, EntrySource, Package, PackageEntry};
use clms_factory::{DType, Pattern, RasterSpec};
use gdal::{Dataset, DriverManager, Metadata};

use crate::fixture::{add, build_dir, plan, write};

/// Rewrites a raster in another format, as a file in a package; `None`, aloud, where this GDAL can't.
fn rewrite(
    dir: &tempfile::TempDir,
    rasters: &[(&RasterSpec, &str)],
    driver: &str,
    name: &str,
    options: &[&str],
) -> Option<PathBuf> {
    let Ok(driver) = DriverManager::get_driver_by_name(driver) else {
        #[expect(clippy::print_stderr, reason = "a test that does nothing must be loud")]
        {
            eprintln!("SKIPPED: this GDAL has no driver {driver}");
        }
        return None;
    };
    let path = dir.path().join("DATA").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let tiff = tempfile::tempdir().unwrap();
    let open = |raster: &RasterSpec| Dataset::open(raster.write(tiff.path()).unwrap()).unwrap();
    let mut bands: Vec<Dataset> = rasters.iter().map(|(raster, _)| open(raster)).collect();
    let size = bands[0].raster_size();
    let memory = DriverManager::get_driver_by_name("MEM").unwrap();
    let mut all = memory
        .create_with_band_type::<u8, _>("", size.0, size.1, bands.len())
        .unwrap();
    all.set_geo_transform(&bands[0].geo_transform().unwrap())
        .unwrap();
    all.set_spatial_ref(&bands[0].spatial_ref().unwrap())
        .unwrap();
    for (index, (of, (_, variable))) in bands.iter_mut().zip(rasters).enumerate() {
        let from = of.rasterband(1).unwrap();
        let mut pixels = from.read_as::<u8>((0, 0), size, size, None).unwrap();
        let mut to = all.rasterband(index + 1).unwrap();
        to.write((0, 0), size, &mut pixels).unwrap();
        to.set_no_data_value(from.no_data_value()).unwrap();
        if !variable.is_empty() {
            to.set_metadata_item("NETCDF_VARNAME", variable, "")
                .unwrap();
            to.set_metadata_item("long_name", &format!("the {variable}"), "")
                .unwrap();
        }
    }
    let options = gdal::raster::RasterCreationOptions::from_iter(options.iter().copied());
    all.create_copy(&driver, &path, &options)
        .unwrap()
        .close()
        .unwrap();
    Some(path)
}

fn raster(name: &str, factor: f64) -> RasterSpec {
    RasterSpec::new(name, 120, 90)
        .nodata("255")
        .pattern(Pattern::custom(move |x, y| {
            ((x + 2.0 * y) / 10.0).floor().rem_euclid(50.0) * factor
        }))
}

#[tokio::test(flavor = "multi_thread")]
async fn jpeg_2000_is_a_raster_beside_others() {
    let rasters = [
        raster("FTY_a.tif", 1.0),
        raster("FTY_b.tif", 2.0).corner(4_001_200.0, 3_000_000.0, 10.0),
    ];
    let dir = write(&rasters[..1]);
    let exact = ["QUALITY=100", "REVERSIBLE=YES"];
    let Some(_) = rewrite(
        &dir,
        &[(&rasters[1], "")],
        "JP2OpenJPEG",
        "FTY_b.JP2",
        &exact,
    ) else {
        return;
    };
    let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
    assert_eq!(
        built.report.files.used,
        // The format has no place for nodata.
        ["DATA/FTY_a.tif", "DATA/FTY_b.JP2", "DATA/FTY_b.JP2.aux.xml"]
    );
    assert_eq!(built.grid("").width, 240);
    built.assert_mosaic("", "FTY", &rasters, 0, 255.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_netcdf_file_is_its_variables() {
    let (tree, snow) = (raster("a.tif", 1.0), raster("b.tif", 3.0));
    let dir = tempfile::tempdir().unwrap();
    let both = [(&tree, "NDVI"), (&snow, "QFLAG")];
    let Some(path) = rewrite(
        &dir,
        &both,
        "netCDF",
        "c_gls_NDVI_2020.nc",
        &["FORMAT=NC4C"],
    ) else {
        return;
    };
    // A part of an archive: the library that reads NetCDF wants a file of its own.
    let bytes = std::fs::read(&path).unwrap();
    let archive = dir.path().join("archive");
    std::fs::write(&archive, [b"something else".as_slice(), &bytes].concat()).unwrap();
    let part = EntrySource::Range {
        path: archive,
        offset: 14,
        len: bytes.len() as u64,
    };
    for source in [EntrySource::File(path), part] {
        let name = "DATA/c_gls_NDVI_2020.nc".to_owned();
        let package = Package::new(vec![PackageEntry { name, source }]);
        let plan = clms_cube::plan(&package, &BuildOptions::default()).unwrap();
        // GDAL counts the variables that it makes of bands.
        assert_eq!(plan.groups()[0].variable_names(), ["NDVI1", "QFLAG2"]);
        let store = std::sync::Arc::new(object_store::memory::InMemory::new());
        let cancel = clms_cube::CancellationToken::new();
        clms_cube::build(plan, store.clone(), &(), &cancel)
            .await
            .unwrap();
        let cube = clms_cube::Dataset::open_zarr(store).await.unwrap();
        let ndvi = cube.variable("", "NDVI1").unwrap();
        assert_eq!(
            (ndvi.long_name(), ndvi.fill_value),
            (Some("the NDVI"), Some(255.0))
        );
        for (variable, raster) in [("NDVI1", &tree), ("QFLAG2", &snow)] {
            let window = cube.read_window("", variable, 0..90, 0..120).await.unwrap();
            for (index, value) in window.pixels.to_f64().into_iter().enumerate() {
                assert_eq!(value, raster.value_at_pixel(index % 120, index / 120));
            }
        }
    }
}

#[test]
fn damaged_files_of_other_formats_are_errors() {
    for name in ["a.nc", "a.jp2"] {
        let dir = write(&[RasterSpec::new("FTY_a.tif", 30, 20)]);
        add(
            &dir,
            &format!("DATA/{name}"),
            b"\x89HDF\r\n\x1a\n and nothing more",
        );
        let error = plan(dir.path(), &BuildOptions::default()).err().unwrap();
        assert!(
            ["unreadable_raster", "no_driver"].contains(&error.kind()),
            "{error}"
        );
        assert!(
            error.to_string().contains(name) && error.hint().is_some(),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_map_is_left_out_and_told() {
    let raster = RasterSpec::new("TCD_2018.TIF", 60, 40).dtype(DType::U8);
    let dir = write(std::slice::from_ref(&raster));
    let beside = [
        ("DATA/TCD_2018.TIF.ovr", "overviews"),
        ("Legend/TCD.tif", "legend"),
        ("Symbology/legend.jp2", "legend"),
        ("X_thumbnail.TIF", "thumbnail"),
        ("Quicklook/quicklook.png", "picture"),
        ("Doc/manual.pdf", "document"),
        ("Metadata/TCD.xml", "metadata"),
    ];
    for (name, _) in beside {
        add(&dir, name, b"whatever");
    }
    let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
    assert_eq!(built.report.files.used, ["DATA/TCD_2018.TIF"]);
    for (name, reason) in beside {
        let left_out = &built.report.files.left_out;
        let found = left_out
            .iter()
            .find(|file| Path::new(&file.name) == Path::new(name));
        assert_eq!(found.unwrap().reason, reason, "{name}");
    }
    let provenance = &built.cube.structure().attributes["clms"];
    assert_eq!(
        provenance["files_left_out"].as_array().unwrap().len(),
        beside.len()
    );
    built.assert_mosaic("", "TCD", &[raster], 0, 255.0).await;
}
