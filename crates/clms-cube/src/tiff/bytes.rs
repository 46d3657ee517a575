//! The bytes of a raster file, wherever they are.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::deflated::{Inflating, StoredBytes};

/// A file, a part of one, or an entry of an archive; each reader has its own.
#[derive(Debug)]
pub(crate) struct RasterBytes {
    place: Place,
    len: u64,
}

#[derive(Debug)]
enum Place {
    File {
        file: File,
        start: u64,
    },
    /// What it is inflated into.
    Inflating(File, Arc<Inflating>),
    Stored(StoredBytes),
}

impl RasterBytes {
    /// A part of a file, or all of it.
    pub(crate) fn open(path: &Path, part: Option<(u64, u64)>) -> Result<Self, String> {
        let file = File::open(path).map_err(describe)?;
        let whole = file.metadata().map_err(describe)?.len();
        let (start, len) = part.unwrap_or((0, whole));
        if start.checked_add(len).is_none_or(|end| end > whole) {
            return Err("it ends early".to_owned());
        }
        let place = Place::File { file, start };
        Ok(Self { place, len })
    }

    /// An entry, by way of the file that it is inflated into.
    pub(crate) fn inflating(entry: &Arc<Inflating>) -> Result<Self, String> {
        let path: PathBuf = entry.path().map_err(|fault| fault.to_string())?;
        let file = File::open(path).map_err(describe)?;
        Ok(Self {
            place: Place::Inflating(file, Arc::clone(entry)),
            len: entry.len(),
        })
    }

    /// An entry, where it is if it is there as it is, else as [`Self::inflating`].
    pub(crate) fn deflated(entry: &Arc<Inflating>) -> Result<Self, String> {
        let Some(runs) = entry.stored() else {
            return Self::inflating(entry);
        };
        let bytes = StoredBytes::open(runs).map_err(describe)?;
        Ok(Self {
            len: bytes.len(),
            place: Place::Stored(bytes),
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Waits until a part is there; `false` when it lies beyond the end.
    pub(crate) fn require(&self, offset: u64, len: u64) -> Result<bool, String> {
        let Some(end) = offset.checked_add(len).filter(|end| *end <= self.len) else {
            return Ok(false);
        };
        if let Place::Inflating(_, entry) = &self.place {
            entry.require(end).map_err(|fault| fault.to_string())?;
        }
        Ok(true)
    }

    /// Fills `out` from `offset` on.
    pub(crate) fn read_at(&mut self, offset: u64, out: &mut [u8]) -> Result<(), String> {
        if !self.require(offset, out.len() as u64)? {
            return Err("it ends early".to_owned());
        }
        let (file, start) = match &mut self.place {
            Place::Stored(bytes) => return bytes.read_at(offset, out).map_err(describe),
            Place::File { file, start } => (file, *start + offset),
            Place::Inflating(file, _) => (file, offset),
        };
        file.seek(SeekFrom::Start(start)).map_err(describe)?;
        file.read_exact(out).map_err(describe)
    }
}

fn describe(error: std::io::Error) -> String {
    error.to_string()
}
