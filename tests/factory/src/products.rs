//! The products that are known by the name of their file.

mod bench;
mod clcplus;
mod corine;
mod country;
mod hrl;
mod vectors;

use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{AtPath, Error, Result};
use crate::package::{PackageSpec, write_by_rename};
use crate::raster::RasterSpec;

/// Counts up when the writer changes in a way that the specifications don't show.
const WRITER: u32 = 1;

/// How large the rasters of a named product are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Large enough to look like something, made in a second or two.
    Demo,
    /// As large as the real product.
    Full,
    /// At most this width and height for each raster. The upper left corner and the pixel size stay those of the product.
    Pixels(usize, usize),
}

impl Scale {
    /// The size of a raster that is really `full` and in the demo `demo`.
    fn size(self, full: (usize, usize), demo: (usize, usize)) -> (usize, usize) {
        let (w, h) = match self {
            Self::Demo => demo,
            Self::Full => full,
            Self::Pixels(w, h) => (w.max(1), h.max(1)),
        };
        (w.min(full.0), h.min(full.1))
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo => f.write_str("demo"),
            Self::Full => f.write_str("full"),
            Self::Pixels(w, h) => write!(f, "{w}x{h}"),
        }
    }
}

impl FromStr for Scale {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let pixels = |(w, h): (&str, &str)| Some(Self::Pixels(w.parse().ok()?, h.parse().ok()?));
        match text {
            "demo" => Ok(Self::Demo),
            "full" => Ok(Self::Full),
            _ => text.split_once('x').and_then(pixels).ok_or_else(|| {
                Error::spec(
                    format!("scale {text:?}"),
                    "it is `demo`, `full` or `WIDTHxHEIGHT`",
                )
            }),
        }
    }
}

/// A named product at a scale.
#[derive(Debug, Clone)]
pub struct Package {
    spec: PackageSpec,
    scale: Scale,
}

impl Package {
    /// The product whose file on the portal has this name, without `.zip`:
    ///
    /// - `FTY`, `TCD`, `DLT` or `IMD`, as `FTY_2015_100m_eu_03035_d02_Full` (one raster of all Europe),
    ///   `FTY_2015_020m_eu_03035_d04_E00N20` (one block of ten by ten tiles) or
    ///   `IMD_2018_100m_eu_03035_v020` and `FTY_2018_010m_lv_03035_v010` (three by three tiles, the middle one missing)
    /// - `u2018_clc2018_v2020_20u1_raster100m` and its siblings of 1990 to 2018, and the vectors `…_geoPackage` and `…_fgdb`
    /// - the vectors of an Urban Atlas city (`FR010L2_MONTPELLIER_UA2018_v013`) and of the Coastal Zones (`CZ_2018_DU004_3035_V010_fgdb`, `…_gpkg`)
    /// - `CLMS_CLCplus_RASTER_2018` and `CLMS_CLCplus_RASTER_2021`
    /// - `bench_S`, `bench_M`, `bench_T` and `bench_X`, which `cargo xtask bench` measures with
    #[must_use]
    pub fn by_file_name(file: &str, scale: Scale) -> Option<Self> {
        let spec = hrl::package(file, scale)
            .or_else(|| corine::package(file, scale))
            .or_else(|| clcplus::package(file, scale))
            .or_else(|| bench::package(file, scale))
            .or_else(|| vectors::package(file))?;
        Some(Self { spec, scale })
    }

    /// Forest types of 2015 in one raster of Europe at 100 m.
    #[must_use]
    pub fn forest_type_2015(scale: Scale) -> Self {
        Self::known("FTY_2015_100m_eu_03035_d02_Full", scale)
    }

    /// Tree cover density of 2015 in one raster of Europe at 100 m.
    #[must_use]
    pub fn tree_cover_density_2015(scale: Scale) -> Self {
        Self::known("TCD_2015_100m_eu_03035_d04_Full", scale)
    }

    /// Imperviousness of 2018 in three by three tiles, the middle one missing.
    #[must_use]
    pub fn imperviousness_2018(scale: Scale) -> Self {
        Self::known("IMD_2018_100m_eu_03035_v020", scale)
    }

    /// CORINE Land Cover of 2018 with the French overseas departments.
    #[must_use]
    pub fn corine_2018(scale: Scale) -> Self {
        Self::known("u2018_clc2018_v2020_20u1_raster100m", scale)
    }

    /// CLCplus Backbone of 2021 in several pieces.
    #[must_use]
    pub fn clcplus_2021(scale: Scale) -> Self {
        Self::known("CLMS_CLCplus_RASTER_2021", scale)
    }

    /// A block of ten by ten tiles of the forest types of 2015 at 20 m, at the western edge of the grid.
    #[must_use]
    pub fn forest_type_2015_block(scale: Scale) -> Self {
        Self::known("FTY_2015_020m_eu_03035_d04_E00N20", scale)
    }

    /// For the names above; a test holds that each is known.
    fn known(file: &str, scale: Scale) -> Self {
        Self::by_file_name(file, scale).unwrap_or_else(|| Self {
            spec: PackageSpec::new(file),
            scale,
        })
    }

    /// Its file name, without `.zip`.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.spec.file
    }

    /// Its rasters.
    #[must_use]
    pub fn rasters(&self) -> &[RasterSpec] {
        &self.spec.rasters
    }

    /// The specification.
    #[must_use]
    pub fn spec(&self) -> &PackageSpec {
        &self.spec
    }

    /// The specification, to change it.
    #[must_use]
    pub fn into_spec(self) -> PackageSpec {
        self.spec
    }

    /// Its scale.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// See [`PackageSpec::write`].
    ///
    /// # Errors
    /// When a file cannot be written, or GDAL refuses a raster.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        self.spec.write(dir)
    }

    /// See [`PackageSpec::write_rasters`].
    ///
    /// # Errors
    /// When a file cannot be written, or GDAL refuses a raster.
    pub fn write_rasters(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        self.spec.write_rasters(dir)
    }

    /// Writes the package, unless it is there already, made by the same specification. A stamp beside it tells: `<file>.zip.json`.
    ///
    /// # Errors
    /// When a file cannot be written, or GDAL refuses a raster.
    pub fn write_once(&self, dir: &Path) -> Result<PathBuf> {
        let stamp = dir.join(format!("{}.zip.json", self.spec.file));
        let paths = self.once(&stamp, || Ok(vec![self.write(dir)?]))?;
        Ok(paths.into_iter().next().unwrap_or_default())
    }

    /// Writes the rasters and their side-cars into `<dir>/<file>/`, unless they are there already. The stamp is `<dir>/<file>.rasters.json`.
    ///
    /// # Errors
    /// When a file cannot be written, or GDAL refuses a raster.
    pub fn write_rasters_once(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        let stamp = dir.join(format!("{}.rasters.json", self.spec.file));
        let folder = dir.join(&self.spec.file);
        self.once(&stamp, || self.write_rasters(&folder))
    }

    fn once(
        &self,
        stamp: &Path,
        write: impl FnOnce() -> Result<Vec<PathBuf>>,
    ) -> Result<Vec<PathBuf>> {
        let specification = self.fingerprint();
        let found = fs::read(stamp)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Stamp>(&bytes).ok());
        if let Some(found) = found.filter(|found| found.specification == specification)
            && found.outputs.iter().all(Output::is_there)
        {
            return Ok(found
                .outputs
                .into_iter()
                .map(|output| output.path)
                .collect());
        }
        let paths = write()?;
        let output = |path: &PathBuf| {
            Ok(Output {
                bytes: fs::metadata(path).at(path)?.len(),
                path: path.clone(),
            })
        };
        let outputs = paths.iter().map(output).collect::<Result<_>>()?;
        let found = Stamp {
            file: self.spec.file.clone(),
            scale: self.scale.to_string(),
            specification,
            outputs,
        };
        let json = serde_json::to_vec_pretty(&found)
            .map_err(|error| Error::spec("stamp", error.to_string()))?;
        write_by_rename(stamp, &json)?;
        Ok(paths)
    }

    /// Differs when anything in the specification does.
    fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        format!("{:?}", self.spec).hash(&mut hasher);
        format!("{WRITER}-{:016x}", hasher.finish())
    }
}

#[derive(Serialize, Deserialize)]
struct Stamp {
    file: String,
    scale: String,
    specification: String,
    outputs: Vec<Output>,
}

#[derive(Serialize, Deserialize)]
struct Output {
    path: PathBuf,
    bytes: u64,
}

impl Output {
    fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| found.len() == self.bytes)
    }
}

/// The five products of `cargo xtask demo`: two rasters of Europe, a block of tiles, CLCplus in pieces, CORINE.
#[must_use]
pub fn demo_packages() -> Vec<Package> {
    [
        Package::tree_cover_density_2015,
        Package::forest_type_2015,
        Package::forest_type_2015_block,
        Package::clcplus_2021,
        Package::corine_2018,
    ]
    .map(|product| product(Scale::Demo))
    .to_vec()
}
