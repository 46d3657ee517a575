//! Looking into packages.

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::Path;

use zip::ZipArchive;

/// The names and contents of a zip's entries, in its order.
pub(crate) fn entries(bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let count = archive.len();
    let entry = |k| {
        let mut entry = archive.by_index(k).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.name().unwrap().into_owned(), bytes)
    };
    (0..count).map(entry).collect()
}

/// The entries of the outer zip.
pub(crate) fn outer(path: &Path) -> Vec<(String, Vec<u8>)> {
    entries(std::fs::read(path).unwrap())
}

/// The entries of the only zip in the outer one.
pub(crate) fn inner(path: &Path) -> Vec<(String, Vec<u8>)> {
    let [(name, bytes)]: [_; 1] = outer(path).try_into().unwrap();
    assert!(
        name.starts_with("Results/") && name.ends_with(".zip"),
        "{name}"
    );
    entries(bytes)
}

/// The content of the entry with this ending.
pub(crate) fn find<'a>(entries: &'a [(String, Vec<u8>)], ending: &str) -> &'a [u8] {
    let (_, bytes) = entries
        .iter()
        .find(|(name, _)| name.ends_with(ending))
        .unwrap();
    bytes
}

/// The methods by which a zip's entries are compressed.
pub(crate) fn methods(path: &Path) -> Vec<zip::CompressionMethod> {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    (0..archive.len())
        .map(|k| archive.by_index(k).unwrap().compression())
        .collect()
}
