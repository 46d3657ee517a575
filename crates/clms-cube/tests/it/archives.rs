//! Entries of archives, decoded while they are being inflated.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use clms_cube::{
    BuildOptions, CancellationToken, CubeError, Dataset, EntrySource, Package, PackageEntry,
};
use clms_factory::{Nesting, PackageSpec, Pattern, RasterSpec, Sidecar, VatColumns};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use zip::{CompressionMethod, ZipArchive};

use crate::fixture::mosaic;

fn rasters() -> Vec<RasterSpec> {
    let tile = |k: usize| {
        RasterSpec::new(format!("tile{k}.tif"), 600, 500)
            .corner(4_000_000.0 + k as f64 * 6000.0, 3_000_000.0, 10.0)
            .pattern(Pattern::plane(10.0))
            .nodata("255")
            .sidecar(Sidecar::VatDbf(VatColumns::high_resolution_layer()))
    };
    (0..3).map(tile).collect()
}

/// A package whose entries are where they are in an archive.
fn package(zip: &Path) -> Package {
    let mut archive = ZipArchive::new(File::open(zip).unwrap()).unwrap();
    let entries = (0..archive.len()).map(|index| {
        let entry = archive.by_index_raw(index).unwrap();
        assert_eq!(entry.compression(), CompressionMethod::Deflated);
        PackageEntry {
            name: entry.name().unwrap().into_owned(),
            source: EntrySource::Deflated {
                path: zip.to_owned(),
                offset: entry.data_start().unwrap(),
                compressed_len: entry.compressed_size(),
                len: entry.size(),
                crc32: entry.crc32(),
            },
        }
    });
    Package::new(entries.collect())
}

async fn build(package: &Package) -> Result<Dataset, CubeError> {
    let plan = clms_cube::plan(package, &BuildOptions::default())?;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    clms_cube::build(plan, Arc::clone(&store), &(), &CancellationToken::new()).await?;
    Dataset::open_zarr(store).await
}

fn write(dir: &Path, rasters: Vec<RasterSpec>) -> Package {
    let spec = PackageSpec::new("tiles").rasters(rasters);
    package(&spec.nesting(Nesting::Plain).write(dir).unwrap())
}

#[tokio::test]
async fn deflated_entries_need_no_unpacking() {
    let dir = tempfile::tempdir().unwrap();
    let package = write(dir.path(), rasters());
    let cube = build(&package).await.unwrap();
    let grid = cube.group("").unwrap().grid.clone().unwrap();
    assert_eq!((grid.width, grid.height), (1800, 500));
    let name = cube.group("").unwrap().variables[0].name.clone();
    let window = cube.read_window("", &name, 0..500, 0..1800).await.unwrap();
    assert_eq!(window.pixels.to_f64(), mosaic(&grid, &rasters(), 0, 255.0));
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "only the archive: {left:?}");
}

#[tokio::test]
async fn layouts_that_gdal_reads_wait_for_all_of_their_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let specs: Vec<_> = rasters()
        .into_iter()
        .map(|raster| raster.compress("PACKBITS"))
        .collect();
    let cube = build(&write(dir.path(), specs.clone())).await.unwrap();
    let grid = cube.group("").unwrap().grid.clone().unwrap();
    let name = cube.group("").unwrap().variables[0].name.clone();
    let window = cube.read_window("", &name, 0..500, 0..1800).await.unwrap();
    assert_eq!(window.pixels.to_f64(), mosaic(&grid, &specs, 0, 255.0));
}

#[tokio::test]
async fn damaged_entries_are_errors_that_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let good = write(dir.path(), rasters());
    let is_raster = |entry: &&mut PackageEntry| entry.name.ends_with("tile1.tif");
    type Damage = fn(&mut u64, &mut u64, &mut u64, &mut u32);
    let damages: [Damage; 4] = [
        |_, _, _, crc32| *crc32 ^= 1,
        |_, _, len, _| *len += 1,
        |_, _, len, _| *len -= 1,
        |_, compressed_len, _, _| *compressed_len /= 2,
    ];
    for damage in damages {
        let mut package = good.clone();
        let entry = package.entries.iter_mut().find(is_raster).unwrap();
        if let EntrySource::Deflated {
            offset,
            compressed_len,
            len,
            crc32,
            ..
        } = &mut entry.source
        {
            damage(offset, compressed_len, len, crc32);
        }
        let error = build(&package).await.err().unwrap();
        assert!(
            matches!(&error, CubeError::DamagedPackage { file, .. } if file.ends_with("tile1.tif")),
            "{error}"
        );
    }
}

#[test]
fn planning_leaves_no_entry_open() {
    let dir = tempfile::tempdir().unwrap();
    let package = write(dir.path(), rasters());
    let plan = clms_cube::plan(&package, &BuildOptions::default()).unwrap();
    let files = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(
        files, 1,
        "headers are read, and what was inflated for them is gone"
    );
    drop(plan);
}

/// Whatever a flipped bit makes of headers and pixels, the archive is to blame: another download may help.
#[tokio::test]
async fn damage_anywhere_blames_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let package = write(dir.path(), rasters());
    let of_raster = |entry: &PackageEntry| entry.name.ends_with("tile1.tif");
    let entry = package
        .entries
        .iter()
        .find(|entry| of_raster(entry))
        .unwrap();
    let EntrySource::Deflated {
        path,
        offset,
        compressed_len,
        ..
    } = entry.source.clone()
    else {
        panic!("{entry:?} is not deflated");
    };
    let good = std::fs::read(&path).unwrap();
    for at in [5, 40, 200, 1000, compressed_len / 2, compressed_len - 3] {
        let mut bad = good.clone();
        bad[(offset + at) as usize] ^= 0x10;
        std::fs::write(&path, bad).unwrap();
        let error = build(&package).await.err().unwrap();
        assert_eq!(error.kind(), "damaged_package", "byte {at}: {error}");
        assert!(error.to_string().contains("tile1.tif"), "{error}");
    }
    std::fs::write(&path, good).unwrap();
    build(&package).await.unwrap();
}
