//! The zips behind download links.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Where packages come from: a folder of real ones, whoever cuts parts of data sets, and small built-in ones.
pub(crate) struct Packages {
    folder: Option<PathBuf>,
    cutter: Option<Cutter>,
    /// What was made when it was first asked for.
    made_folder: TempDir,
    /// Zips of several packages, by their names.
    merged: Mutex<HashMap<Vec<String>, Option<PathBuf>>>,
    /// Zips of parts, by what their tasks show.
    cut: Mutex<HashMap<String, Option<PathBuf>>>,
}

/// Cuts parts of data sets: gets what a task shows of its items, and gives the bytes of a zip if it can.
#[derive(Clone)]
pub(crate) struct Cutter(pub(crate) Arc<CutParts>);

pub(crate) type CutParts = dyn Fn(&[Value]) -> Option<Vec<u8>> + Send + Sync;

impl fmt::Debug for Cutter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cutter")
    }
}

/// Bytes to serve.
#[derive(Debug, Clone)]
pub(crate) enum Package {
    /// A file on disk and its size.
    File(PathBuf, u64),
    /// Small content made on the spot.
    Memory(Bytes),
}

impl Package {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::File(_, size) => *size,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// A strong validator: the same bytes have the same one.
    pub(crate) fn etag(&self) -> String {
        match self {
            Self::File(path, size) => {
                let modified = path
                    .metadata()
                    .and_then(|metadata| metadata.modified())
                    .unwrap_or(UNIX_EPOCH);
                let age = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
                format!("\"{size:x}-{:x}\"", age.as_nanos())
            }
            Self::Memory(bytes) => {
                let hash = digest(&SHA256, bytes);
                let hex: String = hash
                    .as_ref()
                    .iter()
                    .take(8)
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                format!("\"{hex}\"")
            }
        }
    }
}

impl Packages {
    pub(crate) fn new(folder: Option<PathBuf>, cutter: Option<Cutter>) -> io::Result<Self> {
        let made_folder = tempfile::Builder::new().prefix("clms-sim-").tempdir()?;
        Ok(Self {
            folder,
            cutter,
            made_folder,
            merged: Mutex::default(),
            cut: Mutex::default(),
        })
    }

    /// The zip of a task for these packages; with none, for the areas that it shows.
    pub(crate) fn of_task(&self, names: &[String], shown: &Value) -> Package {
        match names {
            [] => self.cut(shown),
            [name] => self.prepackaged(name),
            _ => self.merged(names),
        }
    }

    fn prepackaged(&self, name: &str) -> Package {
        self.on_disk(&format!("{name}.zip"))
            .unwrap_or_else(|| Package::Memory(built_in(name)))
    }

    fn cut(&self, shown: &Value) -> Package {
        let (Some(Cutter(cut)), Some(items)) = (&self.cutter, shown.as_array()) else {
            return Package::Memory(built_in(AREA));
        };
        let mut zips = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let number = zips.len();
        let path = zips.entry(shown.to_string()).or_insert_with(|| {
            let path = self.made_folder.path().join(format!("part-{number}.zip"));
            match std::fs::write(&path, cut(items)?) {
                Ok(()) => Some(path),
                Err(error) => {
                    tracing::warn!(%error, "a part cannot be written");
                    None
                }
            }
        });
        made(path.as_deref()).unwrap_or_else(|| Package::Memory(built_in(AREA)))
    }

    /// A file of the packages folder by its name, or else a line of text.
    pub(crate) fn loose_file(&self, name: &str) -> Package {
        self.on_disk(name)
            .unwrap_or_else(|| Package::Memory(format!("simulated {name}\n").into()))
    }

    fn on_disk(&self, name: &str) -> Option<Package> {
        let plain = !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
        let path = self.folder.as_ref().filter(|_| plain)?.join(name);
        let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(Package::File(path, metadata.len()))
    }

    /// One zip with the entries of several packages, as for a task with several files.
    fn merged(&self, names: &[String]) -> Package {
        let mut merged = self.merged.lock().unwrap_or_else(PoisonError::into_inner);
        let number = merged.len();
        let path = merged.entry(names.to_vec()).or_insert_with(|| {
            let path = self.made_folder.path().join(format!("{number}.zip"));
            let parts = names.iter().map(|name| self.prepackaged(name));
            match merge(&path, parts) {
                Ok(()) => Some(path),
                Err(error) => {
                    tracing::warn!(?names, %error, "packages cannot be merged into one zip");
                    None
                }
            }
        });
        made(path.as_deref()).unwrap_or_else(|| Package::Memory(built_in("several_files")))
    }
}

/// The engine's name for what it cuts out.
const AREA: &str = "area_of_interest";

/// A zip that was made here.
fn made(path: Option<&Path>) -> Option<Package> {
    let path = path?;
    Some(Package::File(path.to_owned(), path.metadata().ok()?.len()))
}

fn merge(path: &Path, parts: impl Iterator<Item = Package>) -> io::Result<()> {
    let mut merged = ZipWriter::new(File::create(path)?);
    let mut seen = HashSet::new();
    for part in parts {
        match part {
            Package::File(path, _) => copy_entries(&mut merged, File::open(path)?, &mut seen)?,
            Package::Memory(bytes) => copy_entries(&mut merged, Cursor::new(bytes), &mut seen)?,
        }
    }
    merged.finish()?;
    Ok(())
}

fn copy_entries(
    merged: &mut ZipWriter<File>,
    part: impl Read + Seek,
    seen: &mut HashSet<String>,
) -> io::Result<()> {
    let mut part = ZipArchive::new(part)?;
    for index in 0..part.len() {
        let entry = part.by_index_raw(index)?;
        if seen.insert(entry.name()?.into_owned()) {
            merged.raw_copy_file(entry)?;
        }
    }
    Ok(())
}

/// A zip in a zip, as the engine packs them, with a text file and no raster.
fn built_in(name: &str) -> Bytes {
    let text = format!("Simulated package {name}: there is no raster in it.\n");
    let inner = zip_of(&format!("{name}/Documents/README.txt"), text.as_bytes());
    let outer = inner.and_then(|inner| zip_of(&format!("Results/{name}.zip"), &inner));
    outer.unwrap_or_default().into()
}

fn zip_of(name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Stored, and with the zip format's first date: the same bytes every time.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    zip.start_file(name, options)?;
    zip.write_all(content)?;
    Ok(zip.finish()?.into_inner())
}
