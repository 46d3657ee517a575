//! The Python worlds in which our cubes must open: environments with pinned versions, each made once and kept.

use std::path::PathBuf;

use clms_servers::installed::Python;

const INTEROP: Python = Python {
    name: "interop",
    requirements: include_str!("../interop/requirements.txt"),
    pip: &[],
};

const REFERENCE: Python = Python {
    name: "reference",
    requirements: include_str!("../interop/requirements-reference.txt"),
    pip: &[],
};

const EXPORTS: Python = Python {
    name: "exports",
    requirements: include_str!("../../crates/clms-cube/tests/it/export/requirements.txt"),
    pip: &[],
};

const XCUBE: Python = Python {
    name: "xcube",
    requirements: concat!(
        include_str!("../interop/requirements-xcube.txt"),
        include_str!("../interop/requirements-python.txt")
    ),
    pip: &["--no-deps"],
};

const XCUBE_113: Python = Python {
    name: "xcube113",
    requirements: include_str!("../interop/requirements-xcube113.txt"),
    pip: &["--no-deps"],
};

const GEOZARR: Python = Python {
    name: "geozarr",
    requirements: include_str!("../interop/requirements-geozarr.txt"),
    pip: &["--no-deps", "--ignore-requires-python"],
};

/// The interpreter of an environment that has what `interop/requirements.txt` names: xarray, rioxarray, zarr-python.
#[must_use]
pub fn interpreter() -> PathBuf {
    INTEROP.programs().join("python")
}

/// The interpreter of an environment that has what `interop/requirements-reference.txt` names: xarray over fsspec, netCDF4.
#[must_use]
pub fn reference() -> PathBuf {
    REFERENCE.programs().join("python")
}

/// The interpreter of an environment in which exports are opened: xarray, rasterio, netCDF4.
#[must_use]
pub fn exports() -> PathBuf {
    EXPORTS.programs().join("python")
}

/// The interpreter of an environment that has what `interop/requirements-xcube.txt` names: xcube's data stores, with s3fs, and
/// all that [`interpreter`] has; and what `interop/requirements-python.txt` names, with which our own Python package is built, checked and tried.
#[must_use]
pub fn xcube() -> PathBuf {
    XCUBE.programs().join("python")
}

/// The interpreter of an environment that has what `interop/requirements-xcube113.txt` names: the last xcube that knows Zarr v2 only,
/// with the zarr-python 2 and the xarray of its time.
#[must_use]
pub fn xcube_113() -> PathBuf {
    XCUBE_113.programs().join("python")
}

/// The interpreter of an environment with the validator of the GeoZarr conventions.
#[must_use]
pub fn geozarr() -> PathBuf {
    GEOZARR.programs().join("python")
}
