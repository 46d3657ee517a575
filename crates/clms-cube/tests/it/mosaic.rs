//! Pixels stand where their georeferencing says.

use clms_cube::{BuildOptions, EntrySource, Package, PackageEntry, TileSize};
use clms_factory::{Package as Product, Pattern, RasterSpec, Scale};

use crate::fixture::{build, build_dir, mosaic, write};

fn tile(name: &str, col: u32, row: u32) -> RasterSpec {
    let (left, top) = (
        4_000_000.0 + f64::from(col) * 3000.0,
        3_000_000.0 - f64::from(row) * 2000.0,
    );
    RasterSpec::new(name, 300, 200)
        .corner(left, top, 10.0)
        .nodata("255")
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_with_one_missing_keep_their_places_whatever_their_names() {
    // Names in an order that has nothing to do with the places, one in capitals.
    let rasters = [
        tile("IMD_a.tif", 2, 2),
        tile("IMD_b.tif", 0, 0),
        tile("IMD_c.TIF", 1, 0),
        tile("IMD_d.tif", 2, 0),
        tile("IMD_e.tiff", 0, 1),
        tile("IMD_f.tif", 2, 1),
        tile("IMD_g.tif", 0, 2),
        tile("IMD_h.tif", 1, 2),
    ];
    let options = BuildOptions {
        tile_size: TileSize::new(64, 96).ok(),
        ..BuildOptions::default()
    };
    let built = build_dir(write(&rasters), &options).await.unwrap();
    assert_eq!(
        built.grid("").bbox(),
        [4_000_000.0, 2_994_000.0, 4_009_000.0, 3_000_000.0]
    );
    built.assert_mosaic("", "IMD", &rasters, 0, 255.0).await;
    let gap = built
        .cube
        .read_window("", "IMD", 200..400, 300..600)
        .await
        .unwrap();
    assert!(gap.pixels.to_f64().iter().all(|pixel| *pixel == 255.0));
    assert_eq!(built.report.files.used.len(), 8);
    // Chunks inside the gap are not stored: its 200 x 300 pixels hold 2 x 2 whole chunks of 64 x 96 pixels.
    assert_eq!(
        (
            built.report.chunks,
            built.report.chunks - built.report.chunks_written
        ),
        (100, 4)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_of_several_shards_is_read_as_gdal_reads_it() {
    let product = Product::forest_type_2015(Scale::Pixels(5000, 4500));
    let built = build(product.rasters()).await;
    let path = built
        .dir
        .path()
        .join("DATA")
        .join(&product.rasters()[0].name);
    let source = gdal::Dataset::open(path).unwrap();
    let expected = source.rasterband(1).unwrap().read_band_as::<u8>().unwrap();
    let found = built
        .cube
        .read_window("", "FTY", 0..4500, 0..5000)
        .await
        .unwrap();
    assert!(found.pixels == clms_cube::Pixels::UInt8(expected.data().to_vec()));
    assert_eq!(
        built.cube.variable("", "FTY").unwrap().shards,
        Some(vec![4096, 4096])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn striped_sources_and_odd_blocks() {
    let wide = RasterSpec::new("FTY_wide.tif", 5000, 700)
        .block(None)
        .nodata("255");
    let built = build(std::slice::from_ref(&wide)).await;
    built.assert_mosaic("", "FTY", &[wide], 0, 255.0).await;
    let small_blocks = RasterSpec::new("FTY_blocks.tif", 1500, 1300)
        .block(Some(16))
        .compress("DEFLATE")
        .nodata("255");
    let built = build(std::slice::from_ref(&small_blocks)).await;
    built
        .assert_mosaic("", "FTY", &[small_blocks], 0, 255.0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_valid_pixel_of_overlapping_tiles_wins() {
    let corner = |left: f64| {
        RasterSpec::new("", 100, 50)
            .corner(left, 3_000_000.0, 10.0)
            .nodata("0")
    };
    let named = |name: &str, raster: RasterSpec| RasterSpec {
        name: name.to_owned(),
        ..raster
    };
    // The first has holes, which the second fills.
    let holes = Pattern::custom(|x, _| if (x / 10.0) as i64 % 3 == 0 { 0.0 } else { 7.0 });
    let rasters = [
        named("TCD_a.tif", corner(4_000_500.0).pattern(holes)),
        named(
            "TCD_b.tif",
            corner(4_000_000.0).pattern(Pattern::Constant(9.0)),
        ),
    ];
    let built = build(&rasters).await;
    built.assert_mosaic("", "TCD", &rasters, 0, 0.0).await;
    assert!(
        built
            .report
            .notes
            .iter()
            .any(|note| note.message.contains("pixels differ")),
        "{:?}",
        built.report.notes
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rasters_inside_an_archive_are_read_in_place() {
    let raster = RasterSpec::new("FTY_x.tif", 400, 300).nodata("255");
    let dir = write(std::slice::from_ref(&raster));
    let bytes = std::fs::read(dir.path().join("DATA/FTY_x.tif")).unwrap();
    let archive = dir.path().join("archive,1.bin");
    std::fs::write(
        &archive,
        [vec![1; 1234], bytes.clone(), vec![2; 99]].concat(),
    )
    .unwrap();
    let source = EntrySource::Range {
        path: archive,
        offset: 1234,
        len: bytes.len() as u64,
    };
    let package = Package::new(vec![PackageEntry {
        name: "inner/DATA/FTY_x.tif".to_owned(),
        source,
    }]);
    let plan = clms_cube::plan(&package, &BuildOptions::default()).unwrap();
    let store = std::sync::Arc::new(object_store::memory::InMemory::new());
    clms_cube::build(
        plan,
        store.clone(),
        &(),
        &clms_cube::CancellationToken::new(),
    )
    .await
    .unwrap();
    let cube = clms_cube::Dataset::open_zarr(store).await.unwrap();
    let found = cube.read_window("", "FTY", 0..300, 0..400).await.unwrap();
    let grid = cube.group("").unwrap().grid.clone().unwrap();
    assert_eq!(found.pixels.to_f64(), mosaic(&grid, &[raster], 0, 255.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bands_become_variables() {
    let raster = RasterSpec::new("odd.tif", 50, 40).band(Pattern::Constant(3.0));
    let built = build(std::slice::from_ref(&raster)).await;
    built
        .assert_mosaic("", "band_1", std::slice::from_ref(&raster), 0, 0.0)
        .await;
    built.assert_mosaic("", "band_2", &[raster], 1, 0.0).await;
    assert_eq!(built.cube.variable("", "band_1").unwrap().fill_value, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn rasters_of_the_same_ground_are_different_variables() {
    let layer = |name: &str, value: f64| {
        RasterSpec::new(name, 30, 20)
            .pattern(Pattern::Constant(value))
            .nodata("255")
    };
    let rasters = [
        layer("VPP_2022_S2_T40KCC-010m_V105_s1_AMPL.tif", 1.0),
        layer("VPP_2022_S2_T40KCC-010m_V105_s1_LENGTH.tif", 2.0),
        layer("VPP_2022_S2_T40KCC-010m_V105_s2_AMPL.tif", 3.0),
        layer("VPP_2022_S2_T40KCD-010m_V105_s2_AMPL.tif", 4.0).corner(
            4_000_300.0,
            3_000_000.0,
            10.0,
        ),
    ];
    let built = build(&rasters).await;
    let names: Vec<_> = built
        .cube
        .group("")
        .unwrap()
        .variables
        .iter()
        .map(|v| v.name.as_str())
        .collect();
    assert_eq!(names, ["s1_AMPL", "s1_LENGTH", "s2_AMPL"]);
    built
        .assert_mosaic("", "s2_AMPL", &rasters[2..], 0, 255.0)
        .await;
    built
        .assert_mosaic("", "s1_LENGTH", &rasters[1..2], 0, 255.0)
        .await;
}
