//! Layouts and wrappings, sound and broken.

use std::fs;
use std::io::Cursor;

use clms_factory::{Nesting, PackageSpec, RasterSpec, Root, Sidecar, ZipStyle, broken};
use gdal::Dataset;
use gdal::vector::LayerAccess as _;
use zip::{CompressionMethod, ZipArchive};

use crate::archives::{entries, find, inner, methods, outer};

fn package(file: &str) -> PackageSpec {
    PackageSpec::new(file).raster(RasterSpec::new("a.tif", 64, 64))
}

fn names(spec: &PackageSpec) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let entries = inner(&spec.write(dir.path()).unwrap());
    entries.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn roots_and_folders_are_as_asked_for() {
    assert_eq!(names(&package("p")), ["p/DATA/a.tif", "p/Metadata/a.xml"]);
    assert_eq!(
        names(&package("p").root(Root::Doubled))[0],
        "p/p/DATA/a.tif"
    );
    assert_eq!(
        names(&package("p").root(Root::Flat).data_folder(""))[0],
        "a.tif"
    );
    let hex = names(&package("p").root(Root::Hex).data_folder("Dataset"));
    let (root, rest) = hex[0].split_once('/').unwrap();
    assert!(
        root.len() == 40 && root.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{root}"
    );
    assert_eq!(rest, "Dataset/a.tif");
    let elsewhere = PackageSpec::new("p")
        .raster(RasterSpec::new("b.tif", 8, 8).folder("x/y"))
        .document("z.txt", "z");
    assert_eq!(
        names(&elsewhere),
        ["p/x/y/b.tif", "p/Metadata/b.xml", "p/z.txt"]
    );
    let beside = names(&package("p").sidecars(&[Sidecar::Tfw, Sidecar::VatCpg]));
    assert_eq!(
        beside[..3],
        ["p/DATA/a.tfw", "p/DATA/a.tif", "p/DATA/a.tif.vat.cpg"]
    );
}

#[test]
fn zips_are_deflated_or_stored() {
    for (outer_stored, inner_stored) in [(false, false), (true, false), (false, true)] {
        let dir = tempfile::tempdir().unwrap();
        let style = ZipStyle {
            outer_stored,
            inner_stored,
        };
        let path = package("p").zip(style).write(dir.path()).unwrap();
        let method = |stored| {
            if stored {
                CompressionMethod::Stored
            } else {
                CompressionMethod::Deflated
            }
        };
        assert_eq!(methods(&path), [method(outer_stored)]);
        let unpacked = dir.path().join("inner.zip");
        fs::write(&unpacked, &outer(&path)[0].1).unwrap();
        assert_eq!(methods(&unpacked), [method(inner_stored); 2]);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_and_nothing_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let first = fs::read(package("p").write(dir.path()).unwrap()).unwrap();
    let second = fs::read(package("p").write(dir.path()).unwrap()).unwrap();
    assert!(first == second);
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["p.zip"]);
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let spec = package("p").raster(RasterSpec::new("impossible.tif", 0, 0));
    assert!(spec.write(dir.path()).is_err());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(PackageSpec::new("../p").write(dir.path()).is_err());
}

#[test]
fn several_inner_zips_share_the_rasters() {
    let dir = tempfile::tempdir().unwrap();
    let path = broken::two_inner("p").write(dir.path()).unwrap();
    let outer = outer(&path);
    let held: Vec<_> = outer
        .iter()
        .map(|(name, bytes)| (name.as_str(), entries(bytes.clone())[0].0.clone()))
        .collect();
    assert_eq!(held[0], ("Results/p_1.zip", "p/DATA/p.tif".to_owned()));
    assert_eq!(held[1], ("Results/p_2.zip", "p/DATA/p_east.tif".to_owned()));
}

#[test]
fn broken_packages_are_broken_where_they_should_be() {
    let dir = tempfile::tempdir().unwrap();
    let write = |spec: PackageSpec| spec.write(dir.path()).unwrap();

    let cut = fs::read(write(broken::truncated("a"))).unwrap();
    assert!(cut.starts_with(b"PK") && ZipArchive::new(Cursor::new(cut)).is_err());

    let [(_, cut)]: [_; 1] = outer(&write(broken::inner_truncated("b")))
        .try_into()
        .unwrap();
    assert!(cut.starts_with(b"PK") && ZipArchive::new(Cursor::new(cut)).is_err());

    let missing = outer(&write(broken::inner_missing("c")));
    assert!(missing.iter().all(|(name, _)| !name.ends_with(".zip")));

    let empty = inner(&write(broken::without_raster("d")));
    assert!(empty.iter().all(|(name, _)| !name.ends_with(".tif")));

    let plain = outer(&write(broken::plain("e")));
    assert_eq!(plain[0].0, "Results/e/DATA/e.tif");
    let two = write(package("f").nesting(Nesting::Several(2)));
    assert_eq!(outer(&two).len(), 2);
}

#[test]
fn a_vector_package_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let entries = inner(&broken::vector("v").write(dir.path()).unwrap());
    let path = dir.path().join("v.gpkg");
    fs::write(&path, find(&entries, "v/DATA/v.gpkg")).unwrap();
    let dataset = Dataset::open(path).unwrap();
    let mut layer = dataset.layer_by_name("clc18").unwrap();
    let codes: Vec<_> = layer
        .features()
        .map(|feature| {
            feature
                .field_as_string(feature.field_index("code_18").unwrap())
                .unwrap()
                .unwrap()
        })
        .collect();
    assert_eq!(codes, ["111", "311", "523"]);
}
