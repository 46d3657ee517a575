//! From the files of a vector package to what lies in a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use serde::Serialize;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::format::find;
use super::placed::{PlacedFile, lay_out, place};
use super::source::Source;
use super::translate::Watch;
use super::upload::{self, Upload, upload};
use super::{VectorFormat, VectorLayer, VectorPackage, VectorSource, copy};
use crate::metadata::{document_key, documents_v2, vector_document};
use crate::reading_log::ReadingLog;
use crate::{CubeError, LeftOut, Note, Package, PackageFiles, Provenance, ZarrFormat};

/// The folder of the delivered files.
const FILES: &str = "files";

/// How a vector package is kept.
#[derive(Debug, Clone)]
pub struct VectorOptions {
    /// A local folder, which exists, for what is written before it is stored: the copy, and what has to be inflated.
    pub scratch: PathBuf,
    /// Where the data come from; the name of the downloaded file names the GeoPackage.
    pub provenance: Provenance,
    /// The format of the root group.
    pub zarr_format: ZarrFormat,
    /// As [`BuildOptions::reading_log`](crate::BuildOptions::reading_log).
    pub reading_log: Option<PathBuf>,
}

impl VectorOptions {
    /// With no provenance.
    #[must_use]
    pub fn new(scratch: impl Into<PathBuf>) -> Self {
        Self {
            scratch: scratch.into(),
            provenance: Provenance::default(),
            zarr_format: ZarrFormat::default(),
            reading_log: None,
        }
    }
}

/// Hears how the copying goes on. Called from the task that runs [`build`]; must not block.
pub trait VectorProgress: Send + Sync {
    /// So many features of so many are in the copy.
    fn copied(&self, features: u64, of: u64);
}

/// Hears nothing.
impl VectorProgress for () {
    fn copied(&self, _: u64, _: u64) {}
}

/// What a build did.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct VectorReport {
    /// What was stored.
    pub package: VectorPackage,
    /// What a person should know.
    pub notes: Vec<Note>,
    /// Bytes stored.
    pub bytes_written: u64,
}

/// Stores a vector package into an empty store. The root's metadata is written last, so that what was not finished can't be opened.
///
/// Needs a Tokio runtime. Features are streamed; when the future is dropped or `cancel` is cancelled, the copying stops at the next feature, and
/// the indexing some ten thousand features later.
///
/// # Errors
/// [`CubeError::NoRaster`] if the package holds no vector data either; [`CubeError::UnreadableVector`], [`CubeError::NoDriver`] and
/// [`CubeError::VectorCopy`] name the file; [`CubeError::DiskFull`], [`CubeError::Cancelled`], or what the store says. The store then holds parts.
pub async fn build(
    package: &Package,
    options: VectorOptions,
    sink: Arc<dyn ObjectStore>,
    progress: &dyn VectorProgress,
    cancel: &CancellationToken,
) -> Result<VectorReport, CubeError> {
    let stop = cancel.child_token();
    let _stop_on_exit = stop.clone().drop_guard();
    let (sender, mut counts) = watch::channel((0, 0));
    let skipped = package.skipped.iter().map(|name| LeftOut {
        name: name.clone(),
        reason: "not unpacked".to_owned(),
    });
    let mut notes = Vec::new();
    let reading = ReadingLog::open(options.reading_log.as_deref(), &mut notes);
    let (package, scratch) = (package.clone(), options.scratch.clone());
    let geopackage = geopackage_name(&options.provenance);
    let named = geopackage.clone();
    let work = tokio::task::spawn_blocking(move || {
        prepare(&package, &scratch, &named, &reading, &stop, &sender)
    });
    tokio::pin!(work);
    let prepared = loop {
        tokio::select! {
            biased;
            done = &mut work => break done,
            Ok(()) = counts.changed() => {
                let (features, of) = *counts.borrow_and_update();
                progress.copied(features, of);
            }
        }
    };
    let prepared =
        prepared.map_err(|error| CubeError::internal("a thread that copies", error))??;
    let described = VectorPackage {
        geopackage,
        sources: prepared.sources,
        layers: prepared.layers,
    };
    progress.copied(described.features(), described.features());
    let mut bytes_written = upload(prepared.uploads, &sink, cancel).await?;
    let files = PackageFiles {
        used: prepared.files.into_iter().map(|file| file.name).collect(),
        left_out: skipped.collect(),
    };
    let document = vector_document(&options.provenance, &files, &notes, &described);
    let documents = match options.zarr_format {
        ZarrFormat::V3 => vec![(document_key(&document.path), document.content)],
        ZarrFormat::V2 => documents_v2(&[document]),
    };
    for (key, content) in documents {
        if cancel.is_cancelled() {
            return Err(CubeError::Cancelled);
        }
        let bytes = serde_json::to_vec_pretty(&content)
            .map_err(|error| CubeError::internal("writing metadata as JSON", error))?;
        bytes_written += upload::put(&sink, &key, bytes).await?;
    }
    Ok(VectorReport {
        package: described,
        notes,
        bytes_written,
    })
}

/// The downloaded file's own name, with what any system allows in a name.
fn geopackage_name(provenance: &Provenance) -> String {
    let stem: String = provenance
        .source_file
        .as_deref()
        .unwrap_or("vector")
        .trim_end_matches(".zip")
        .chars()
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => character,
            _ => '_',
        })
        .collect();
    match stem.trim_matches('.') {
        "" => "vector.gpkg".to_owned(),
        stem => format!("{stem}.gpkg"),
    }
}

/// All that is to be stored, in local files.
struct Prepared {
    files: Vec<PlacedFile>,
    uploads: Vec<Upload>,
    sources: Vec<VectorSource>,
    layers: Vec<VectorLayer>,
    /// Holds the copy until it is stored.
    _scratch: TempDir,
}

/// Blocks while it opens and copies.
fn prepare(
    package: &Package,
    scratch: &Path,
    geopackage: &str,
    reading: &ReadingLog,
    cancel: &CancellationToken,
    counts: &watch::Sender<(u64, u64)>,
) -> Result<Prepared, CubeError> {
    let scratch = tempfile::Builder::new()
        .prefix("vector-")
        .tempdir_in(scratch)
        .map_err(|error| {
            CubeError::internal(
                "making a folder for temporary files",
                format!("{}: {error}", scratch.display()),
            )
        })?;
    let names: Vec<&str> = package
        .entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    let found = find(&names);
    if found.is_empty() {
        return Err(CubeError::NoRaster {
            entries: package.names(),
        });
    }
    let files = place(package, scratch.path(), cancel)?;
    let mut sources = Vec::new();
    for (number, found) in found.iter().enumerate() {
        sources.push(Source {
            name: found.name.clone(),
            format: found.format,
            path: lay_out(found, &files, scratch.path(), number)?,
        });
    }
    let mut uploads: Vec<Upload> = files
        .iter()
        .map(|file| Upload {
            from: file.path.clone(),
            to: upload::place(&format!("{FILES}/{}", file.name)),
        })
        .collect();
    let single = match &found[..] {
        [found] if found.format == VectorFormat::GeoPackage => Some(found.files[0]),
        _ => None,
    };
    let target = upload::place(geopackage);
    let layers = if let Some(index) = single {
        uploads[index].to = target;
        copy::describe(&sources[0], reading)?
    } else {
        let copied = scratch.path().join("copy.gpkg");
        let watch = Watch {
            copied: &|done| {
                // Waking somebody up for each feature would cost more than the feature.
                counts.send_if_modified(|(last, of)| {
                    let due = done >= *last + (*of / 1000).max(1);
                    if due {
                        *last = done;
                    }
                    due
                });
            },
            cancel,
        };
        let counted = |total| counts.send_modify(|counts| counts.1 = total);
        let layers = copy::copy(&sources, &copied, reading, counted, &watch)?;
        uploads.push(Upload {
            from: copied,
            to: target,
        });
        layers
    };
    if layers.is_empty() {
        return Err(CubeError::UnreadableVector {
            file: sources[0].name.clone(),
            reason: "it has no layer".to_owned(),
        });
    }
    let kept_at = |source: &Source| match single {
        Some(index) => uploads[index].to.to_string(),
        None => upload::place(&format!("{FILES}/{}", source.name)).to_string(),
    };
    Ok(Prepared {
        sources: sources
            .iter()
            .map(|source| VectorSource {
                name: source.name.clone(),
                format: source.format,
                path: kept_at(source),
            })
            .collect(),
        layers,
        files,
        uploads,
        _scratch: scratch,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geopackages_are_named_by_the_download() {
        let name = |file: Option<&str>| {
            geopackage_name(&Provenance {
                source_file: file.map(str::to_owned),
                ..Provenance::default()
            })
        };
        assert_eq!(name(Some("CZ_2018_fgdb")), "CZ_2018_fgdb.gpkg");
        assert_eq!(name(Some(" a/(b) ü.zip")), "_a__b___.gpkg");
        assert_eq!(name(Some("..")), "vector.gpkg");
        assert_eq!(name(None), "vector.gpkg");
    }
}
