//! The program as it is released.

use std::path::PathBuf;

use crate::{
    apt, gdal,
    process::{Result, cargo, step, target},
};

/// The version of all crates of the workspace.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How it is compiled: the profile of this name in the root `Cargo.toml`.
pub(super) const PROFILE: &str = "dist";

/// Where the program's GDAL comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gdal {
    /// Compiled from source and linked statically.
    Bundled,
    /// The system's shared library.
    System,
}

impl Gdal {
    pub(super) fn features(self) -> &'static [&'static str] {
        match self {
            Self::Bundled => &["--features", "bundled-gdal"],
            Self::System => &[],
        }
    }
}

/// The program `clms`, built; it stays where it is until the next one is.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) gdal: Gdal,
}

impl Program {
    pub(super) fn build(gdal: Gdal) -> Result<Self> {
        match gdal {
            Gdal::Bundled => ensure_tools()?,
            Gdal::System => println!("GDAL {}", gdal::ensure()?),
        }
        cargo(["build", "--locked", "--package", "clms-cli"])
            .args(["--profile", PROFILE])
            .args(gdal.features())
            .run()?;
        Ok(Self { gdal })
    }

    /// The folder that it was built into.
    pub(super) fn folder(&self) -> PathBuf {
        target().join(PROFILE)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder().join("clms")
    }
}

/// What the sources of GDAL and its libraries are compiled with.
fn ensure_tools() -> Result {
    let missing: Vec<&str> = [("cmake", "cmake"), ("sqlite3", "sqlite3"), ("c++", "g++")]
        .into_iter()
        .filter(|(program, _)| step(program).args(["--version"]).output().is_none())
        .map(|(_, package)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    apt::install(&missing)
        .unwrap_or_else(|| Err(format!("GDAL is compiled with {}", missing.join(", "))))
}

/// The machine that is built for, as in `x86_64-unknown-linux-gnu`.
pub(super) fn triple() -> Result<String> {
    let told = step("rustc").args(["-vV"]).output();
    told.as_deref()
        .and_then(|told| told.lines().find_map(|line| line.strip_prefix("host: ")))
        .map(str::to_owned)
        .ok_or_else(|| "rustc does not say what it compiles for".to_owned())
}

/// The time of what is released, in seconds since 1970: that of the commit, so that the same sources give the same files.
pub(super) fn time() -> Result<String> {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(given);
    }
    step("git")
        .args(["log", "-1", "--format=%ct"])
        .output()
        .ok_or_else(|| "git does not tell the commit's time: set SOURCE_DATE_EPOCH".to_owned())
}
