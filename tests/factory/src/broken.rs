//! Packages that are not as they should be. Each is small and holds, where it holds one at all,
//! the raster `<file>.tif` of [`RasterSpec::new`] with 64 x 64 pixels.

use crate::package::{Nesting, PackageSpec, Truncated};
use crate::raster::RasterSpec;
use crate::vector::VectorSpec;

fn sound(file: &str) -> PackageSpec {
    PackageSpec::new(file).raster(RasterSpec::new(format!("{file}.tif"), 64, 64))
}

/// An inner zip with a readme and no raster.
#[must_use]
pub fn without_raster(file: &str) -> PackageSpec {
    PackageSpec::new(file).document("readme.txt", "There is no raster here.\r\n")
}

/// The outer zip breaks off in the middle.
#[must_use]
pub fn truncated(file: &str) -> PackageSpec {
    sound(file).truncated(Truncated::Outer)
}

/// The inner zip breaks off in the middle; the outer one is sound.
#[must_use]
pub fn inner_truncated(file: &str) -> PackageSpec {
    sound(file).truncated(Truncated::Inner)
}

/// The outer zip holds a readme only.
#[must_use]
pub fn inner_missing(file: &str) -> PackageSpec {
    PackageSpec::new(file).nesting(Nesting::Missing)
}

/// Two inner zips, each with one raster (`<file>.tif`, and `<file>_east.tif` to the east of it).
#[must_use]
pub fn two_inner(file: &str) -> PackageSpec {
    let east =
        RasterSpec::new(format!("{file}_east.tif"), 64, 64).corner(4_000_640.0, 3_000_000.0, 10.0);
    sound(file).raster(east).nesting(Nesting::Several(2))
}

/// The raster lies in the outer zip, without an inner one. Unusual rather than broken.
#[must_use]
pub fn plain(file: &str) -> PackageSpec {
    sound(file).nesting(Nesting::Plain)
}

/// A vector package: a GeoPackage and no raster.
#[must_use]
pub fn vector(file: &str) -> PackageSpec {
    PackageSpec::new(file).vector(VectorSpec::new(format!("{file}.gpkg")))
}
