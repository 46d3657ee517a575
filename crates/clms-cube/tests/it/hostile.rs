//! Rasters that are made to do harm, or were damaged: each gives a clear error or a right cube, and nothing else.

use clms_cube::{BuildOptions, CubeError, EntrySource, Levels, Package, PackageEntry};
use clms_factory::{Crs, DType, Pattern, RasterSpec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use crate::fixture::{Built, add, build_dir, plan, write};

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const STRIP_OFFSETS: u16 = 273;
const TILE_WIDTH: u16 = 322;
const TILE_OFFSETS: u16 = 324;
const TILE_LENGTHS: u16 = 325;

/// A plain little-endian TIFF as bytes.
fn tiff(raster: &RasterSpec) -> Vec<u8> {
    let dir = write(std::slice::from_ref(raster));
    std::fs::read(dir.path().join("DATA").join(&raster.name)).unwrap()
}

fn number(bytes: &[u8], at: usize, len: usize) -> usize {
    bytes[at..at + len]
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// Where the first directory's entry of a tag is.
fn entry(bytes: &[u8], tag: u16) -> usize {
    let directory = number(bytes, 4, 4);
    let count = number(bytes, directory, 2);
    let mut entries = (0..count).map(|index| directory + 2 + 12 * index);
    entries
        .find(|at| number(bytes, *at, 2) == usize::from(tag))
        .unwrap()
}

/// Replaces the value of a tag that fits into its entry by a long.
fn set(mut bytes: Vec<u8>, tag: u16, value: u32) -> Vec<u8> {
    let at = entry(&bytes, tag);
    bytes[at + 2..at + 8].copy_from_slice(&[4, 0, 1, 0, 0, 0]);
    bytes[at + 8..at + 12].copy_from_slice(&value.to_le_bytes());
    bytes
}

/// Replaces all of many values, which lie elsewhere.
fn set_all(mut bytes: Vec<u8>, tag: u16, value: u32) -> Vec<u8> {
    let at = entry(&bytes, tag);
    let (kind, count, place) = (
        number(&bytes, at + 2, 2),
        number(&bytes, at + 4, 4),
        number(&bytes, at + 8, 4),
    );
    let size = if kind == 3 { 2 } else { 4 };
    for index in 0..count {
        let at = place + size * index;
        bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }
    bytes
}

async fn outcome(bytes: &[u8]) -> Result<Built, CubeError> {
    let dir = TempDir::new().unwrap();
    add(&dir, "DATA/FTY_a.tif", bytes);
    build_dir(dir, &BuildOptions::default()).await
}

fn raster() -> RasterSpec {
    RasterSpec::new("FTY_a.tif", 300, 280)
        .block(Some(64))
        .nodata("255")
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_cannot_be() {
    let sound = tiff(&raster());
    let sides = |bytes: Vec<u8>, width, height| set(set(bytes, WIDTH, width), HEIGHT, height);
    for bytes in [
        sides(sound.clone(), 0, 280),
        sides(sound.clone(), 0, 0),
        sides(sound.clone(), u32::MAX, u32::MAX),
        sides(sound.clone(), i32::MAX as u32, i32::MAX as u32),
        sides(sound.clone(), 40_000_000, 40_000_000),
        set(sound.clone(), TILE_WIDTH, 0),
        set(sound.clone(), TILE_WIDTH, 1 << 30),
        set_all(sound.clone(), TILE_OFFSETS, 0xffff_fff0),
        set_all(sound.clone(), TILE_LENGTHS, u32::MAX),
    ] {
        let error = outcome(&bytes).await.err().unwrap();
        assert!(error.to_string().contains("FTY_a.tif"), "{error}");
    }
    // Declared larger than it is: blocks are missing.
    for (width, height) in [(300, 400_000), (5_000_000, 5_000_000)] {
        let error = outcome(&sides(sound.clone(), width, height))
            .await
            .err()
            .unwrap();
        let kinds = ["unreadable_raster", "absurd_grid"];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_at_wrong_places() {
    let striped = tiff(&raster().block(None));
    let sound = tiff(&raster());
    // In the header, at the very end, and all at the first block.
    let first = number(
        &sound,
        number(&sound, entry(&sound, TILE_OFFSETS) + 8, 4),
        4,
    ) as u32;
    for bytes in [
        set_all(sound.clone(), TILE_OFFSETS, 8),
        set_all(sound.clone(), TILE_OFFSETS, sound.len() as u32 - 1),
        set_all(striped.clone(), STRIP_OFFSETS, 8),
        set_all(sound.clone(), TILE_LENGTHS, 1),
    ] {
        let error = outcome(&bytes).await.err().unwrap();
        assert!(
            matches!(&error, CubeError::Unreadable { file, .. } if file == "DATA/FTY_a.tif"),
            "{error}"
        );
    }
    // A block is a block: nobody can tell, unless it ends early.
    let same = outcome(&set_all(sound, TILE_OFFSETS, first)).await;
    if let Err(error) = same {
        assert_eq!(error.kind(), "unreadable_raster", "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_were_never_written_are_nodata() {
    let sound = tiff(&raster());
    let bytes = set_all(set_all(sound, TILE_OFFSETS, 0), TILE_LENGTHS, 0);
    let built = outcome(&bytes).await.unwrap();
    let pixels = built.pixels("", "FTY").await;
    assert!(pixels.iter().all(|pixel| *pixel == 255.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_in_a_circle() {
    let mut bytes = tiff(&raster());
    let directory = number(&bytes, 4, 4);
    let next = directory + 2 + 12 * number(&bytes, directory, 2);
    bytes.copy_within(4..8, next);
    let built = outcome(&bytes).await.unwrap();
    built.assert_mosaic("", "FTY", &[raster()], 0, 255.0).await;
    // The first directory is itself beyond the end, or in the header.
    for place in [0_u32, 2, bytes.len() as u32 - 3, u32::MAX] {
        bytes[4..8].copy_from_slice(&place.to_le_bytes());
        let error = outcome(&bytes).await.err().unwrap();
        assert!(matches!(error, CubeError::Unreadable { .. }), "{error}");
    }
}

#[test]
fn places_that_are_none() {
    let at = |geotransform: [f64; 6]| {
        let raster = RasterSpec::new("FTY_a.tif", 30, 20).geotransform(Some(geotransform));
        plan(write(&[raster]).path(), &BuildOptions::default())
            .err()
            .unwrap()
    };
    let huge = 1e300;
    for geotransform in [
        [f64::NAN, 10.0, 0.0, 3e6, 0.0, -10.0],
        [4e6, f64::NAN, 0.0, 3e6, 0.0, -10.0],
        [4e6, f64::INFINITY, 0.0, 3e6, 0.0, -10.0],
        [4e6, 0.0, 0.0, 3e6, 0.0, -10.0],
        [4e6, 10.0, 0.0, 3e6, 0.0, 0.0],
        [huge, 10.0, 0.0, 3e6, 0.0, -10.0],
        [4e6, huge, 0.0, 3e6, 0.0, -huge],
        [4e6, 1e-300, 0.0, 3e6, 0.0, -1e-300],
    ] {
        let error = at(geotransform);
        let kinds = [
            "absurd_geotransform",
            "not_north_up",
            "not_georeferenced",
            "unreadable_raster",
        ];
        assert!(kinds.contains(&error.kind()), "{geotransform:?}: {error}");
        assert!(error.to_string().contains("FTY_a.tif"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn coordinate_systems_that_nobody_knows() {
    const ENGINEERING: &str = r#"LOCAL_CS["somebody's field",UNIT["metre",1]]"#;
    let raster =
        RasterSpec::new("FTY_a.tif", 30, 20).crs(Some(Crs::Definition(ENGINEERING.into())));
    let built = build_dir(
        write(std::slice::from_ref(&raster)),
        &BuildOptions::default(),
    )
    .await;
    match built {
        Ok(built) => {
            assert_eq!(built.grid("").crs.code, None);
            built.assert_mosaic("", "FTY", &[raster], 0, 255.0).await;
        }
        Err(error) => assert_eq!(error.kind(), "not_georeferenced", "{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pixels_that_are_no_number() {
    let odd = Pattern::custom(
        |x, y| match ((x + y) / 10.0).floor().rem_euclid(5.0) as i32 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 => -9999.0,
            number => f64::from(number),
        },
    );
    let raster = RasterSpec::new("odd.tif", 90, 70)
        .dtype(DType::F32)
        .nodata("-9999")
        .pattern(odd);
    let options = BuildOptions {
        levels: Levels::Exactly(2),
        ..BuildOptions::default()
    };
    let built = build_dir(write(std::slice::from_ref(&raster)), &options)
        .await
        .unwrap();
    built
        .assert_mosaic("", "band_1", &[raster], 0, -9999.0)
        .await;
    let overview = built.pixels("overviews/r2", "band_1").await;
    assert_eq!(overview.len(), 45 * 35);
}

#[tokio::test(flavor = "multi_thread")]
async fn seventeen_bands_and_as_many_types() {
    let mut bands = RasterSpec::new("X.tif", 40, 30)
        .dtype(DType::I16)
        .nodata("-1");
    for band in 1..17 {
        bands = bands.band(Pattern::Constant(f64::from(band)));
    }
    let dir = write(std::slice::from_ref(&bands));
    let types = [
        DType::U8,
        DType::I8,
        DType::U16,
        DType::U32,
        DType::I32,
        DType::F32,
        DType::F64,
    ];
    for (index, dtype) in types.into_iter().enumerate() {
        let other = RasterSpec::new(format!("other{index}.tif"), 20, 10).dtype(dtype);
        other.write(&dir.path().join("DATA")).unwrap();
    }
    let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
    let root = built.cube.group("").unwrap();
    assert_eq!(root.variables.len(), 17);
    for band in 0..17 {
        let variable = format!("band_{}", band + 1);
        built
            .assert_mosaic("", &variable, std::slice::from_ref(&bands), band, -1.0)
            .await;
    }
    assert_eq!(built.cube.structure().groups.len(), 1 + types.len());
}

/// So many tiny tiles in a row, as a package of parts of one file.
fn many_tiles(dir: &TempDir, count: usize) -> Package {
    let west = 4_000_000.0_f64;
    let tile = tiff(&RasterSpec::new("FTY_a.tif", 4, 4).nodata("255"));
    let place = tile
        .windows(8)
        .position(|bytes| bytes == west.to_le_bytes())
        .unwrap();
    let mut all = Vec::new();
    let entries = (0..count).map(|index| {
        let mut tile = tile.clone();
        let west = west + 40.0 * index as f64;
        tile[place..place + 8].copy_from_slice(&west.to_le_bytes());
        let offset = all.len() as u64;
        all.extend_from_slice(&tile);
        PackageEntry {
            name: format!("DATA/FTY_2018_{index:07}.tif"),
            source: EntrySource::Range {
                path: dir.path().join("all"),
                offset,
                len: tile.len() as u64,
            },
        }
    });
    let entries = entries.collect();
    std::fs::write(dir.path().join("all"), &all).unwrap();
    Package::new(entries)
}

/// Resident memory of this process; `None` where there is no `/proc`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_ascii_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib << 10)
}

/// A plan holds a few kilobytes for each tile, and nothing of its pixels: 4 KB at most here, 4 GB for a million.
#[test]
fn a_plan_grows_with_the_number_of_tiles_and_slowly() {
    const MOST: u64 = 4 << 10;
    let dir = TempDir::new().unwrap();
    let options = BuildOptions::default();
    // What GDAL and PROJ need once.
    let _ = clms_cube::plan(&many_tiles(&dir, 50), &options).unwrap();
    let package = many_tiles(&dir, 5000);
    let before = resident_bytes();
    let plan = clms_cube::plan(&package, &options).unwrap();
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        let each = after.saturating_sub(before) / 5000;
        assert!(each <= MOST, "{each} bytes for each tile");
    }
    assert_eq!(plan.groups()[0].grid().width, 20_000);
    assert!(plan.notes().len() < 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_stay_small_however_many_files_there_are() {
    let dir = TempDir::new().unwrap();
    let plan = clms_cube::plan(&many_tiles(&dir, 1500), &BuildOptions::default()).unwrap();
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
    let provenance = &cube.structure().attributes["clms"];
    assert_eq!(provenance["files_used"].as_array().unwrap().len(), 1000);
    assert_eq!(provenance["files_used_count"], 1500);
}

/// Bytes of a header that are wrong at random. What comes out is not known, but it comes, and nobody dies of it.
#[test]
fn headers_with_wrong_bytes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let sound = [
        tiff(&raster()),
        tiff(&raster().block(None).compress("DEFLATE")),
        tiff(
            &raster()
                .option("BIGTIFF=YES")
                .dtype(DType::F32)
                .compress("NONE"),
        ),
    ];
    let mut runner = TestRunner::new(Config {
        cases: 250,
        ..Config::default()
    });
    let changes = prop::collection::vec((0_usize..700, any::<u8>()), 1..5);
    runner
        .run(&(0_usize..3, changes), |(which, changes)| {
            let mut bytes = sound[which].clone();
            for (at, byte) in changes {
                let len = bytes.len();
                bytes[at % len] = byte;
            }
            if let Err(error) = runtime.block_on(outcome(&bytes)) {
                prop_assert!(error.kind() != "internal", "{error}");
                prop_assert!(!error.to_string().is_empty());
            }
            Ok(())
        })
        .unwrap();
}
