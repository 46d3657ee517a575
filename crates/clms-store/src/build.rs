//! Cubes as the jobs of `clms-preload` have them built.

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use clms_api::{Dataset, Source};
use clms_cache::{Origin, Staged};
use clms_cube::{
    BuildOptions, BuildProgress, BuildState, CubeError, CubePlan, EntrySource, Levels, Note,
    Package, PackageEntry, Provenance, ZarrFormat,
    vector::{self, VectorOptions, VectorProgress},
};
use clms_preload::{
    BuildOrder, CubeBuilder, Meter, Problem, ProblemKind, UnpackedPackage, ZipUnpacker,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{TileSize, preload::PreloadOptions};

/// What a package may hold, as lists of the cache tell it.
const RASTER: &str = "raster";
const VECTOR: &str = "vector";

/// [`CubeBuilder`] on top of [`clms_cube`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct GdalCubeBuilder;

/// What the builder wants to know of a job, kept in the job's journal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BuildParameters {
    tile_size: Option<TileSize>,
    #[serde(with = "crate::as_text")]
    zarr_format: ZarrFormat,
    #[serde(with = "crate::as_text")]
    levels: Levels,
    title: String,
    product_version: Option<String>,
    licence: Option<String>,
    citation: Option<String>,
    page: Option<String>,
    /// Who offers it, as the catalogue has it.
    source: Option<Source>,
}

impl BuildParameters {
    pub(crate) fn of(
        dataset: &Dataset,
        source: Source,
        product_version: Option<String>,
        options: &PreloadOptions,
    ) -> Self {
        Self {
            tile_size: options.tile_size,
            zarr_format: options.zarr_format,
            levels: options.levels,
            title: dataset.title.clone(),
            product_version,
            licence: dataset.license.clone(),
            citation: dataset.citation.clone(),
            page: dataset.url.as_ref().map(ToString::to_string),
            source: Some(source),
        }
    }

    pub(crate) fn into_json(self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[async_trait]
impl CubeBuilder for GdalCubeBuilder {
    async fn build(
        &self,
        build: BuildOrder<'_>,
        staged: &Staged,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<(), Problem> {
        let parameters = parameters(&build)?;
        let source = parameters.source.clone().unwrap_or(Source::Eea);
        let options = options(&build, parameters);
        let provenance = options.provenance.clone();
        let progress = Report {
            meter: meter.clone(),
            last: Mutex::new(None),
        };
        let plan = match plan(&build, options).await? {
            Planned::Cube(plan) => {
                staged.set_origin(origin(&provenance, &source, RASTER));
                *plan
            }
            Planned::Vectors(package, options) => {
                staged.set_origin(origin(&provenance, &source, VECTOR));
                return keep_vectors(&build, &package, *options, staged, &progress, cancel).await;
            }
        };
        let report = clms_cube::build(plan, staged.store(), &progress, cancel)
            .await
            .map_err(|why| cube_problem(&why))?;
        log_notes(&build, &report.notes);
        Ok(())
    }

    async fn memory(&self, build: BuildOrder<'_>) -> Result<Option<u64>, Problem> {
        // Of headers only; it costs little to make it twice.
        Ok(
            match plan(&build, options(&build, parameters(&build)?)).await? {
                Planned::Cube(plan) => Some(plan.memory_needed()),
                Planned::Vectors(..) => Some(VECTOR_MEMORY),
            },
        )
    }
}

fn log_notes(build: &BuildOrder<'_>, notes: &[Note]) {
    for note in notes {
        tracing::info!(job = %build.job, data_id = %build.request.data_id, "{note}");
    }
}

/// What copying features takes, whatever their number: GDAL's buffers and SQLite's pages.
const VECTOR_MEMORY: u64 = 128 << 20;

/// What is to be made of a package.
enum Planned {
    /// A cube of its rasters.
    Cube(Box<CubePlan>),
    /// It has none, but vector data.
    Vectors(Package, Box<BuildOptions>),
}

async fn plan(build: &BuildOrder<'_>, options: BuildOptions) -> Result<Planned, Problem> {
    let package = package(build.package);
    let planned = tokio::task::spawn_blocking(move || match clms_cube::plan(&package, &options) {
        Ok(plan) => Ok(Planned::Cube(Box::new(plan))),
        Err(CubeError::VectorOnly { .. }) => Ok(Planned::Vectors(package, Box::new(options))),
        Err(why) => Err(cube_problem(&why)),
    });
    let is_part = build.request.order.file_id.is_none();
    let planned = planned.await.map_err(|why| {
        Problem::new(
            ProblemKind::Internal,
            format!("reading the package broke off: {why}"),
        )
    })?;
    planned.map_err(|problem| match problem.kind {
        ProblemKind::NoRaster if is_part => problem
            .with_hint("there seem to be no data there or then: try another area or other days"),
        _ => problem,
    })
}

/// Stores a package without rasters: its vector data, and a GeoPackage of them.
async fn keep_vectors(
    build: &BuildOrder<'_>,
    package: &Package,
    options: BuildOptions,
    staged: &Staged,
    progress: &Report,
    cancel: &CancellationToken,
) -> Result<(), Problem> {
    // What a killed process left in the job's own folder is of no use.
    let scratch = build.scratch.join("vector");
    let cleared = async {
        match tokio::fs::remove_dir_all(&scratch).await {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(why),
            _ => tokio::fs::create_dir_all(&scratch).await,
        }
    };
    cleared.await.map_err(|why| {
        let kind = match why.kind() {
            std::io::ErrorKind::StorageFull => ProblemKind::DiskFull,
            _ => ProblemKind::Io,
        };
        Problem::new(
            kind,
            format!("cannot make the folder {}: {why}", scratch.display()),
        )
    })?;
    let options = VectorOptions {
        provenance: options.provenance,
        zarr_format: options.zarr_format,
        reading_log: options.reading_log,
        ..VectorOptions::new(scratch)
    };
    let report = vector::build(package, options, staged.store(), progress, cancel)
        .await
        .map_err(|why| cube_problem(&why))?;
    log_notes(build, &report.notes);
    Ok(())
}

fn parameters(build: &BuildOrder<'_>) -> Result<BuildParameters, Problem> {
    serde_json::from_value(build.request.build.clone()).map_err(|why| {
        Problem::new(
            ProblemKind::Journal,
            format!("the journal of {} can't be read: {why}", build.job),
        )
    })
}

fn options(build: &BuildOrder<'_>, parameters: BuildParameters) -> BuildOptions {
    BuildOptions {
        tile_size: parameters.tile_size.map(TileSize::of_cube),
        zarr_format: parameters.zarr_format,
        levels: parameters.levels,
        // Outlives a process that dies of a raster, and goes with the job.
        reading_log: Some(build.scratch.join("reading.json")),
        provenance: Provenance {
            data_id: Some(build.request.data_id.clone()),
            title: Some(parameters.title),
            task_id: Some(build.task.to_string()),
            source_file: Some(build.request.order.file_name.clone()),
            source_url: parameters.page,
            product_version: parameters.product_version,
            licence: parameters.licence,
            citation: parameters.citation,
            software: Some(concat!("clms ", env!("CARGO_PKG_VERSION")).to_owned()),
            created_at: Some(jiff::Timestamp::now()),
            ..Provenance::default()
        },
        ..BuildOptions::default()
    }
}

/// What the cache's manifest says of a cube's origin: what the cube says itself, and who offers the data.
fn origin(provenance: &Provenance, source: &Source, kind: &str) -> Origin {
    let mut origin = match serde_json::to_value(provenance) {
        Ok(serde_json::Value::Object(origin)) => origin,
        _ => Origin::new(),
    };
    origin.insert("source".to_owned(), source.as_str().into());
    origin.insert("kind".to_owned(), kind.into());
    origin
}

/// An unpacked package as `clms-cube` takes it.
#[must_use]
pub fn package(unpacked: &UnpackedPackage) -> Package {
    let entries = unpacked.entries.iter().map(|entry| PackageEntry {
        name: entry.name.clone(),
        source: match &entry.source {
            clms_preload::EntrySource::File(path) => EntrySource::File(path.clone()),
            clms_preload::EntrySource::Range { path, offset, len } => EntrySource::Range {
                path: path.clone(),
                offset: *offset,
                len: *len,
            },
            clms_preload::EntrySource::Deflated {
                path,
                offset,
                compressed_len,
                len,
                crc32,
            } => EntrySource::Deflated {
                path: path.clone(),
                offset: *offset,
                compressed_len: *compressed_len,
                len: *len,
                crc32: *crc32,
            },
        },
    });
    Package::new(entries.collect()).with_skipped(unpacked.skipped.clone())
}

/// What builds cubes of packages.
#[must_use]
pub fn builder() -> std::sync::Arc<dyn CubeBuilder> {
    std::sync::Arc::new(GdalCubeBuilder)
}

/// What opens packages for this builder.
#[must_use]
pub fn unpacker() -> ZipUnpacker {
    ZipUnpacker::new(is_wanted).leaving_deflated(is_left_deflated)
}

/// Whether the builder may want to look at a file of a package, by its name. Documents and pyramids are left packed.
#[must_use]
pub fn is_wanted(name: &str) -> bool {
    const UNWANTED: [&str; 10] = [
        ".ovr", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".lyr", ".lyrx", ".zip", ".avl",
    ];
    let name = name.to_lowercase();
    !UNWANTED.iter().any(|ending| name.ends_with(ending))
}

/// Whether the builder inflates a file of a package itself, while it decodes it.
fn is_left_deflated(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with(".tif") || name.ends_with(".tiff")
}

fn cube_problem(why: &CubeError) -> Problem {
    let kind = match why {
        CubeError::NoRaster { .. } => ProblemKind::NoRaster,
        CubeError::VectorOnly { .. } => ProblemKind::VectorOnly,
        CubeError::DiskFull { .. } => ProblemKind::DiskFull,
        CubeError::Cancelled => ProblemKind::Interrupted,
        CubeError::DamagedPackage { .. } => ProblemKind::DamagedZip,
        _ => ProblemKind::BuildFailed,
    };
    let mut problem = Problem::new(kind, why.to_string());
    if !matches!(why, CubeError::DamagedPackage { .. }) {
        // Another download may be whole; nothing else here changes what the cube is built of.
        problem = problem.with_retryable(why.is_retryable());
    }
    problem.hint = why.hint();
    problem
}

/// Passes on how far a build is, not more often than anybody looks.
struct Report {
    meter: Meter,
    last: Mutex<Option<std::time::Instant>>,
}

const OFTEN_ENOUGH: Duration = Duration::from_millis(100);

impl Report {
    /// Whether it is time to say something again; always if all is `finished`.
    fn is_due(&self, finished: bool) -> bool {
        // A poisoned or busy lock only means that somebody else is reporting.
        let Ok(mut last) = self.last.try_lock() else {
            return false;
        };
        if !finished && last.is_some_and(|last| last.elapsed() < OFTEN_ENOUGH) {
            return false;
        }
        *last = Some(std::time::Instant::now());
        true
    }
}

impl BuildProgress for Report {
    fn advanced(&self, state: BuildState) {
        if self.is_due(state.chunks_done == state.chunks_total) {
            self.meter
                .chunks(state.chunks_done, Some(state.chunks_total));
        }
    }
}

impl VectorProgress for Report {
    fn copied(&self, features: u64, of: u64) {
        if self.is_due(features == of) {
            self.meter.features(features, Some(of));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_wanted;

    #[test]
    fn rasters_and_their_side_cars_are_unpacked_and_documents_are_not() {
        for name in [
            "X/DATA/X.TIF",
            "X/DATA/X.tif.vat.dbf",
            "X/Legend/X_QGIS.txt",
            "X.gpkg",
            "X.gdb/a00000001.gdbtable",
            "X.shp",
            "X/Metadata/X.xml",
        ] {
            assert!(is_wanted(name), "{name}");
        }
        for name in ["X/DATA/X.tif.ovr", "X/Doc/Manual.PDF", "X/Legend/X.lyrx"] {
            assert!(!is_wanted(name), "{name}");
        }
    }
}
