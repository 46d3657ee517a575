//! Makes sure that GDAL and its headers are there.

use crate::{
    apt,
    process::{Result, step},
};

/// The versions that the `gdal` crate's prebuilt bindings cover.
const OLDEST: (u32, u32) = (3, 4);
const NEWEST: (u32, u32) = (3, 12);

const HELP: &str = "\
One line puts them there:
  Debian, Ubuntu   sudo apt-get install libgdal-dev pkg-config
  Fedora, RHEL     sudo dnf install gdal-devel pkgconf-pkg-config
  macOS            brew install gdal pkgconf
  conda            conda install -c conda-forge libgdal-core pkg-config
Where none of these may be used: cargo install --path crates/clms-cli --features bundled-gdal
(compiles GDAL itself; takes about half an hour)";

/// Finds GDAL, or installs it where that needs nobody's consent (a Debian or Ubuntu, as root or with a sudo that doesn't ask).
/// Returns its version.
pub(crate) fn ensure() -> Result<String> {
    if let Some(version) = find() {
        return check(version);
    }
    apt::install(&["libgdal-dev", "pkg-config"])
        .unwrap_or_else(|| Err("GDAL's headers are not on this machine".to_owned()))
        .map_err(|why| format!("{why}\n{HELP}"))?;
    find()
        .ok_or_else(|| {
            format!("libgdal-dev was installed, yet pkg-config does not find gdal\n{HELP}")
        })
        .and_then(check)
}

/// GDAL's programs, beside which the tests of exports compare.
pub(crate) fn ensure_programs() -> Result {
    if step("gdalwarp").args(["--version"]).output().is_some() {
        return Ok(());
    }
    apt::install(&["gdal-bin"]).unwrap_or_else(|| {
        Err("GDAL's programs are not on this machine: install gdalwarp and gdalinfo".to_owned())
    })
}

fn find() -> Option<String> {
    step("pkg-config").args(["--modversion", "gdal"]).output()
}

fn check(version: String) -> Result<String> {
    let mut numbers = version
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (OLDEST..=NEWEST).contains(&(major, minor)) => Ok(version),
        _ => Err(format!(
            "GDAL {version} is installed; clms is built against {}.{} to {}.{}",
            OLDEST.0, OLDEST.1, NEWEST.0, NEWEST.1
        )),
    }
}
