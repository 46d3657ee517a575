//! The bytes of a raster file, wherever they are.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::deflated::Inflating;
use crate::range::FileBytes;

/// The bytes of a TIFF file.
pub(crate) trait TiffBytes {
    /// How many there are.
    fn len(&self) -> u64;

    /// Waits until a part is there; `false` when it lies beyond the end.
    fn require(&self, offset: u64, len: u64) -> Result<bool, String>;

    /// Fills `out` from `offset` on.
    fn read_at(&mut self, offset: u64, out: &mut [u8]) -> Result<(), String>;
}

/// A file, a part of one, or an entry that is being inflated; each reader has its own.
#[derive(Debug)]
pub(crate) struct RasterBytes {
    file: File,
    start: u64,
    len: u64,
    inflating: Option<Arc<Inflating>>,
}

impl RasterBytes {
    /// A part of a file, or all of it.
    pub(crate) fn open(path: &Path, part: Option<(u64, u64)>) -> Result<Self, String> {
        let describe = |error: std::io::Error| error.to_string();
        let file = File::open(path).map_err(describe)?;
        let whole = file.metadata().map_err(describe)?.len();
        let (start, len) = part.unwrap_or((0, whole));
        if start.checked_add(len).is_none_or(|end| end > whole) {
            return Err("it ends early".to_owned());
        }
        Ok(Self {
            file,
            start,
            len,
            inflating: None,
        })
    }

    pub(crate) fn inflating(entry: &Arc<Inflating>) -> Result<Self, String> {
        let path: PathBuf = entry.path().map_err(|fault| fault.to_string())?;
        let mut bytes = Self::open(&path, None)?;
        bytes.inflating = Some(Arc::clone(entry));
        Ok(bytes)
    }
}

impl TiffBytes for RasterBytes {
    fn len(&self) -> u64 {
        self.len
    }

    fn require(&self, offset: u64, len: u64) -> Result<bool, String> {
        let Some(end) = offset.checked_add(len).filter(|end| *end <= self.len) else {
            return Ok(false);
        };
        if let Some(inflating) = &self.inflating {
            inflating.require(end).map_err(|fault| fault.to_string())?;
        }
        Ok(true)
    }

    fn read_at(&mut self, offset: u64, out: &mut [u8]) -> Result<(), String> {
        if !self.require(offset, out.len() as u64)? {
            return Err("it ends early".to_owned());
        }
        let describe = |error: std::io::Error| error.to_string();
        self.file
            .seek(SeekFrom::Start(self.start + offset))
            .map_err(describe)?;
        self.file.read_exact(out).map_err(describe)
    }
}

impl TiffBytes for &FileBytes {
    fn len(&self) -> u64 {
        self.size()
    }

    fn require(&self, offset: u64, len: u64) -> Result<bool, String> {
        let end = offset.checked_add(len);
        Ok(end.is_some_and(|end| end <= self.size()))
    }

    fn read_at(&mut self, offset: u64, out: &mut [u8]) -> Result<(), String> {
        if !self.require(offset, out.len() as u64)? {
            return Err("it ends early".to_owned());
        }
        let bytes = self.read(offset..offset + out.len() as u64);
        out.copy_from_slice(&bytes.ok_or("it could not be read")?);
        Ok(())
    }
}
