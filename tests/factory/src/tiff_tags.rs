//! Changing tags of a finished TIFF, where GDAL has no way to write what real files hold.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{AtPath, Error, Result};

/// GDAL's nodata value, as text.
pub(crate) const TIFFTAG_GDAL_NODATA: u16 = 42113;
/// How the bits of a sample are meant: 1 unsigned, 2 signed, 3 floating point.
pub(crate) const TIFFTAG_SAMPLEFORMAT: u16 = 339;

/// The first directory of a little-endian TIFF, classic or BigTIFF.
pub(crate) struct TiffTags {
    file: File,
    path: PathBuf,
    big: bool,
    /// Offset of the first entry, and the number of entries.
    entries: (u64, u64),
}

/// A tag's entry: where it is in the file, and what it says.
struct Entry {
    offset: u64,
    count: u64,
}

impl TiffTags {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .at(path)?;
        let mut header = [0; 16];
        file.read_exact(&mut header).at(path)?;
        let big = match &header[..4] {
            b"II\x2a\0" => false,
            b"II\x2b\0" => true,
            _ => {
                return Err(Error::spec(
                    path.display().to_string(),
                    "not a little-endian TIFF",
                ));
            }
        };
        let directory = if big {
            number(&header[8..16])
        } else {
            number(&header[4..8])
        };
        let mut tags = Self {
            file,
            path: path.to_owned(),
            big,
            entries: (0, 0),
        };
        let size = if big { 8 } else { 2 };
        let count = number(&tags.read(directory, size).at(path)?);
        tags.entries = (directory + size as u64, count);
        Ok(tags)
    }

    /// Sets all values of a tag of type SHORT that is there.
    pub(crate) fn set_shorts(&mut self, tag: u16, value: u16) -> Result<()> {
        let entry = self.find(tag)?;
        let bytes = value.to_le_bytes().repeat(entry.count as usize);
        self.overwrite(&entry, &bytes).at(&self.path.clone())
    }

    /// Sets the text of a tag of type ASCII that is there.
    pub(crate) fn set_text(&mut self, tag: u16, text: &str) -> Result<()> {
        let entry = self.find(tag)?;
        let bytes = [text.as_bytes(), b"\0"].concat();
        let path = self.path.clone();
        if bytes.len() as u64 == entry.count {
            self.overwrite(&entry, &bytes).at(&path)
        } else {
            self.replace(&entry, &bytes).at(&path)
        }
    }

    fn find(&mut self, tag: u16) -> Result<Entry> {
        let (first, count) = self.entries;
        let size = self.entry_size();
        for k in 0..count {
            let offset = first + k * size as u64;
            let bytes = self.read(offset, size).at(&self.path.clone())?;
            if number(&bytes[..2]) == u64::from(tag) {
                return Ok(Entry {
                    offset,
                    count: number(&bytes[4..4 + self.word()]),
                });
            }
        }
        let path = self.path.display().to_string();
        Err(Error::spec(path, format!("GDAL wrote no tag {tag}")))
    }

    /// Size of offsets and counts.
    fn word(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    fn entry_size(&self) -> usize {
        4 + 2 * self.word()
    }

    fn value_offset(&self, entry: &Entry) -> u64 {
        entry.offset + 4 + self.word() as u64
    }

    /// Writes as many bytes as the tag has, in the entry itself or where it points to.
    fn overwrite(&mut self, entry: &Entry, bytes: &[u8]) -> io::Result<()> {
        let mut place = self.value_offset(entry);
        if bytes.len() > self.word() {
            place = number(&self.read(place, self.word())?);
        }
        self.write(place, bytes)
    }

    /// Gives the tag a value of another length: in the entry itself when it fits, else at the end of the file.
    fn replace(&mut self, entry: &Entry, bytes: &[u8]) -> io::Result<()> {
        let word = self.word();
        let mut value = bytes.to_vec();
        if bytes.len() > word {
            // TIFF wants values at even offsets.
            let end = self.file.seek(SeekFrom::End(0))?.next_multiple_of(2);
            self.write(end, bytes)?;
            value = end.to_le_bytes().to_vec();
        }
        value.resize(word, 0);
        let count = (bytes.len() as u64).to_le_bytes();
        self.write(entry.offset + 4, &[&count[..word], &value].concat())
    }

    fn read(&mut self, offset: u64, size: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; size];
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)
    }
}

/// A little-endian number of up to 8 bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
