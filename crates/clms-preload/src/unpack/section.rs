//! A part of a file that behaves like a file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// The bytes `start .. start + len` of a file: the whole file, or an entry of an archive that is stored in it.
#[derive(Debug)]
pub(super) struct Section {
    path: PathBuf,
    file: File,
    start: u64,
    len: u64,
    position: u64,
    /// Where the file's own position is, if that is known.
    file_position: Option<u64>,
}

impl Section {
    pub(super) fn whole(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            start: 0,
            len,
            position: 0,
            file_position: None,
        })
    }

    /// A part of the same file, with a file handle of its own. `start` is counted from the beginning of the file.
    pub(super) fn part(path: &Path, start: u64, len: u64) -> io::Result<Self> {
        let mut part = Self::whole(path)?;
        if start.checked_add(len).is_none_or(|end| end > part.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (part.start, part.len) = (start, len);
        Ok(part)
    }

    /// The same part with a file handle of its own.
    pub(super) fn again(&self) -> io::Result<Self> {
        Self::part(&self.path, self.start, self.len)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it begins in its file.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(self.position);
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if wanted == 0 {
            return Ok(0);
        }
        let place = self.start + self.position;
        // One call of the system for each piece of a long entry, not two.
        if self.file_position.take() != Some(place) {
            self.file.seek(SeekFrom::Start(place))?;
        }
        let read = self.file.read(&mut buffer[..wanted])?;
        self.position += read as u64;
        self.file_position = Some(place + read as u64);
        Ok(read)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.len.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, b"0123456789").unwrap();
        let mut section = Section::part(&path, 3, 4).unwrap();
        let mut text = String::new();
        section.read_to_string(&mut text).unwrap();
        assert_eq!(text, "3456");
        assert_eq!(section.seek(SeekFrom::End(-1)).unwrap(), 3);
        text.clear();
        section.read_to_string(&mut text).unwrap();
        assert_eq!(text, "6");
        section.seek(SeekFrom::Start(99)).unwrap();
        assert_eq!(section.read(&mut [0; 4]).unwrap(), 0);
        assert!(section.seek(SeekFrom::Current(-100)).is_err());
        assert!(Section::part(&path, 8, 3).is_err());
    }
}
