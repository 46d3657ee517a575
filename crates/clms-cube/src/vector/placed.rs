//! The files of a package where GDAL can open them: all of them files of their own, and those of one data set side by side.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::VectorFormat;
use super::format::{Found, stem};
use crate::deflated::Inflating;
use crate::gdal_words::says_disk_is_full;
use crate::{CubeError, EntrySource, Package, PackageEntry};

/// A file of a package as a file of its own.
#[derive(Debug)]
pub(super) struct PlacedFile {
    /// Its name inside the package.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Keeps an inflated file alive.
    _inflated: Option<Inflating>,
}

/// Makes all files of a package files of their own: what is part of an archive is copied or inflated, below `scratch` or beside its archive.
pub(super) fn place(
    package: &Package,
    scratch: &Path,
    cancel: &CancellationToken,
) -> Result<Vec<PlacedFile>, CubeError> {
    package
        .entries
        .iter()
        .enumerate()
        .map(|(number, entry)| {
            if cancel.is_cancelled() {
                return Err(CubeError::Cancelled);
            }
            place_one(entry, &scratch.join(format!("part-{number}")))
        })
        .collect()
}

fn unreadable(name: &str, reason: String) -> CubeError {
    if says_disk_is_full(&reason) {
        return CubeError::disk_full(format!("the copy of {name}"), reason);
    }
    CubeError::UnreadableVector {
        file: name.to_owned(),
        reason,
    }
}

fn place_one(entry: &PackageEntry, part: &Path) -> Result<PlacedFile, CubeError> {
    let placed = |path: PathBuf, inflated| PlacedFile {
        name: entry.name.clone(),
        path,
        _inflated: inflated,
    };
    match (&entry.source, entry.source.deflated()) {
        (_, Some(deflated)) => {
            let inflating = Inflating::new(deflated);
            let path = inflating
                .require(inflating.len())
                .and_then(|()| inflating.path())
                .map_err(|fault| fault.of(&entry.name))?;
            Ok(placed(path, Some(inflating)))
        }
        (EntrySource::Range { path, offset, len }, _) => {
            copy_range(path, *offset, *len, part)
                .map_err(|error| unreadable(&entry.name, error.to_string()))?;
            Ok(placed(part.to_owned(), None))
        }
        (EntrySource::File(path) | EntrySource::Deflated { path, .. }, _) => {
            Ok(placed(path.clone(), None))
        }
    }
}

fn copy_range(from: &Path, offset: u64, len: u64, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    from.seek(SeekFrom::Start(offset))?;
    let copied = io::copy(&mut from.take(len), &mut File::create(to)?)?;
    if copied == len {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Puts the files of a data set into a folder of their own below `scratch`, under names as its driver wants them, and returns what the driver opens.
///
/// Drivers look for side-cars by their names and may write beside them; the package itself stays as it is.
pub(super) fn lay_out(
    found: &Found,
    files: &[PlacedFile],
    scratch: &Path,
    number: usize,
) -> Result<PathBuf, CubeError> {
    let folder = scratch.join(format!("source-{number}"));
    let laid = match found.format {
        VectorFormat::FileGeodatabase => {
            let geodatabase = folder.join(format!("{}.gdb", safe(stem(last(&found.name)))));
            let unchanged = |name: &str| last(name).to_owned();
            link_all(found, files, &geodatabase, unchanged).map(|()| geodatabase)
        }
        _ => {
            // Side-cars may differ from the main file in case, which matters to some systems only.
            let main = last(&found.name);
            let named = |name: &str| {
                let ending = &last(name)[stem(main).len()..];
                format!("{}{}", safe(stem(main)), ending.to_ascii_lowercase())
            };
            link_all(found, files, &folder, named).map(|()| folder.join(named(main)))
        }
    };
    laid.map_err(|error| {
        let reason = format!("it can't be laid out in {}: {error}", folder.display());
        unreadable(&found.name, reason)
    })
}

fn link_all(
    found: &Found,
    files: &[PlacedFile],
    folder: &Path,
    name: impl Fn(&str) -> String,
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for index in &found.files {
        let file = &files[*index];
        let place = folder.join(name(&file.name));
        // Not every file system has links.
        if fs::hard_link(&file.path, &place).is_err() {
            fs::copy(&file.path, &place)?;
        }
    }
    Ok(())
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A name that is one and not nothing. Layers of Shapefiles are named by it, so that no more is changed than has to be.
fn safe(stem: &str) -> &str {
    if stem.is_empty() { "data" } else { stem }
}
