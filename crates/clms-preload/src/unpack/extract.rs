//! Takes what is wanted out of an archive and the archives in it.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use tokio_util::sync::CancellationToken;
use zip::CompressionMethod;

use super::{
    UnpackError, UnpackLimits,
    directory::{Directory, FileEntry},
    section::Section,
};
use crate::{Disk as _, EntrySource, FileSystem, Meter, UnpackedEntry, UnpackedPackage};

/// Bytes that are read at a time, between two looks at the cancellation.
const BUFFER: usize = 1 << 20;

/// What is done with an entry, by its name.
#[derive(Clone, Copy)]
pub(super) struct Choices<'a> {
    pub(super) wanted: &'a dyn Fn(&str) -> bool,
    pub(super) left_deflated: &'a dyn Fn(&str) -> bool,
}

/// One unpacking.
pub(super) struct Extraction<'a> {
    limits: &'a UnpackLimits,
    choices: Choices<'a>,
    into: &'a Path,
    meter: &'a Meter,
    cancel: &'a CancellationToken,
    package: UnpackedPackage,
    /// Length of the outermost archive.
    archive_bytes: u64,
    /// Archives and entries met so far.
    archives: usize,
    entries: usize,
    /// Bytes that the directories promise, those of them that are left deflated, and those that were read.
    planned: u64,
    left: u64,
    done: u64,
    buffer: Vec<u8>,
}

impl<'a> Extraction<'a> {
    pub(super) fn new(
        limits: &'a UnpackLimits,
        choices: Choices<'a>,
        into: &'a Path,
        meter: &'a Meter,
        cancel: &'a CancellationToken,
    ) -> Self {
        Self {
            limits,
            choices,
            into,
            meter,
            cancel,
            package: UnpackedPackage::default(),
            archive_bytes: 0,
            archives: 0,
            entries: 0,
            planned: 0,
            left: 0,
            done: 0,
            buffer: vec![0; BUFFER],
        }
    }

    pub(super) fn run(mut self, archive: &Path) -> Result<UnpackedPackage, UnpackError> {
        let section = Section::whole(archive).map_err(|source| UnpackError::Disk {
            doing: "open",
            path: archive.to_owned(),
            source,
        })?;
        self.archive_bytes = section.len();
        self.archive(archive.display().to_string(), section, None, 1)?;
        Ok(self.package)
    }

    /// Unpacks one archive. `prefix` is the first component of its entries' names in the package.
    fn archive(
        &mut self,
        label: String,
        section: Section,
        prefix: Option<&str>,
        depth: u32,
    ) -> Result<(), UnpackError> {
        let path = section.path().to_owned();
        let (start, len) = (section.start(), section.len());
        let directory = Directory::open(label, section, self.limits.entries - self.entries)?;
        self.entries += directory.zip.len();
        self.archives += 1;
        let folder = self.into.join(self.archives.to_string());
        let wanted: Vec<FileEntry> = directory
            .files
            .iter()
            .filter(|file| self.is_wanted(file))
            .cloned()
            .collect();
        self.plan(&directory.label, &wanted)?;
        let inner_archives = wanted.iter().filter(|file| file.is_archive()).count();

        let mut source = ArchiveFile {
            directory,
            path,
            start,
            len,
        };
        for file in wanted {
            if file.is_archive() {
                if depth >= self.limits.depth {
                    return Err(UnpackError::TooLarge {
                        archive: source.directory.label,
                        why: format!("archives are nested more than {} deep", self.limits.depth),
                    });
                }
                let inner_prefix = if inner_archives > 1 {
                    Some(file.stem())
                } else {
                    prefix
                };
                let label = format!("{}/{}", source.directory.label, file.name);
                let inner = self.inner_section(&mut source, &file)?;
                self.archive(label, inner, inner_prefix, depth + 1)?;
            } else {
                let place = folder.join(&file.name);
                let found = self.entry(&mut source, &file, place)?;
                self.package.entries.push(UnpackedEntry {
                    name: prefixed(prefix, &file.name),
                    len: file.size,
                    source: found,
                });
            }
        }
        let skipped = source
            .directory
            .files
            .iter()
            .filter(|file| !self.is_wanted(file));
        let skipped: Vec<String> = skipped.map(|file| prefixed(prefix, &file.name)).collect();
        self.package.skipped.extend(skipped);
        Ok(())
    }

    fn is_wanted(&self, file: &FileEntry) -> bool {
        file.is_archive() || (self.choices.wanted)(&file.name)
    }

    /// Checks what is to be read against the limits, before it is.
    fn plan(&mut self, archive: &str, wanted: &[FileEntry]) -> Result<(), UnpackError> {
        let bytes = wanted
            .iter()
            .fold(0_u64, |sum, file| sum.saturating_add(file.size));
        self.planned = self.planned.saturating_add(bytes);
        let ratio_limit = self
            .archive_bytes
            .saturating_mul(self.limits.ratio)
            .max(self.limits.ratio_free_bytes);
        let why = if self.planned > self.limits.total_bytes {
            format!(
                "{} bytes, more than {}",
                self.planned, self.limits.total_bytes
            )
        } else if self.planned > ratio_limit {
            format!(
                "{} bytes, more than {} times its size",
                self.planned, self.limits.ratio
            )
        } else {
            return self.check_room(wanted);
        };
        Err(UnpackError::TooLarge {
            archive: archive.to_owned(),
            why,
        })
    }

    /// Refuses what would not fit on the disk, before any of it is written.
    fn check_room(&self, wanted: &[FileEntry]) -> Result<(), UnpackError> {
        let in_place = |file: &&FileEntry| {
            file.is_stored && (file.is_archive() || file.size >= self.limits.in_place_bytes)
        };
        let needed = wanted
            .iter()
            .filter(|file| !in_place(file))
            .fold(0_u64, |sum, file| sum.saturating_add(file.size));
        match FileSystem.available(self.into) {
            Ok(available) if needed > available => Err(UnpackError::Disk {
                doing: "inflate the package into",
                path: self.into.to_owned(),
                source: io::Error::new(
                    io::ErrorKind::StorageFull,
                    format!("{needed} bytes needed, {available} available"),
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Makes an inner archive readable at random: where it is if it is stored, else inflated into a file. The checksums of its own entries
    /// cover what a stored one holds.
    fn inner_section(
        &mut self,
        source: &mut ArchiveFile,
        file: &FileEntry,
    ) -> Result<Section, UnpackError> {
        if let Some(offset) = source.place(file)?.stored(file) {
            self.planned = self.planned.saturating_sub(file.size);
            return Section::part(&source.path, offset, file.size).map_err(|error| {
                UnpackError::reading(&source.directory.label, &file.name, &error)
            });
        }
        let place = self
            .into
            .join(format!("{}-{}.zip", self.archives, file.index));
        self.read(source, file, Some(&place))?;
        Section::whole(&place).map_err(|source| UnpackError::Disk {
            doing: "open",
            path: place,
            source,
        })
    }

    /// Makes an entry readable: where it is if it is stored and long or may be left deflated, else as the file `place`.
    fn entry(
        &mut self,
        source: &mut ArchiveFile,
        file: &FileEntry,
        place: PathBuf,
    ) -> Result<EntrySource, UnpackError> {
        let found = source.place(file)?;
        if let Some(offset) = found
            .stored(file)
            .filter(|_| file.size >= self.limits.in_place_bytes)
        {
            self.read(source, file, None)?;
            return Ok(EntrySource::Range {
                path: source.path.clone(),
                offset,
                len: file.size,
            });
        }
        if let Some(offset) = found
            .deflated()
            .filter(|_| (self.choices.left_deflated)(&file.name))
        {
            self.left += file.size;
            return Ok(EntrySource::Deflated {
                path: source.path.clone(),
                offset,
                compressed_len: found.compressed_len,
                len: file.size,
                crc32: found.crc32,
            });
        }
        self.read(source, file, Some(&place))?;
        Ok(EntrySource::File(place))
    }

    /// Reads an entry to its end, which compares its CRC, and writes it to `place`, if there is one.
    fn read(
        &mut self,
        source: &mut ArchiveFile,
        file: &FileEntry,
        place: Option<&Path>,
    ) -> Result<(), UnpackError> {
        let label = &source.directory.label;
        let mut output = place.map(create).transpose()?;
        let mut entry = source
            .directory
            .zip
            .by_index(file.index)
            .map_err(|error| UnpackError::opening(label, &file.name, error))?;
        let mut length = 0;
        loop {
            if self.cancel.is_cancelled() {
                return Err(UnpackError::Interrupted);
            }
            let read = match entry.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(UnpackError::reading(label, &file.name, &error)),
            };
            length += read as u64;
            if length > file.size {
                break;
            }
            if let Some((output, place)) = output.as_mut().zip(place) {
                output
                    .write_all(&self.buffer[..read])
                    .map_err(|source| writing(place, source))?;
            }
            self.done += read as u64;
            let all = self.planned.saturating_sub(self.left).max(self.done);
            self.meter.bytes(self.done, Some(all));
        }
        if length != file.size {
            return Err(UnpackError::Damaged {
                archive: label.clone(),
                entry: file.name.clone(),
                why: format!("it is not {} bytes long, as the directory says", file.size),
            });
        }
        Ok(())
    }
}

/// An archive and where it is.
struct ArchiveFile {
    directory: Directory,
    path: PathBuf,
    start: u64,
    len: u64,
}

/// What can be known of an entry's bytes without reading them.
struct Place {
    /// Of the compressed bytes in the file; `None` if they are not within the archive.
    offset: Option<u64>,
    compressed_len: u64,
    crc32: u32,
    /// `None` if it is encrypted.
    compression: Option<CompressionMethod>,
}

impl Place {
    /// Where the bytes are in the file, if they are neither compressed nor encrypted.
    fn stored(&self, file: &FileEntry) -> Option<u64> {
        let is_stored = self.compression == Some(CompressionMethod::Stored);
        self.offset
            .filter(|_| is_stored && self.compressed_len == file.size)
    }

    /// Where the compressed bytes are in the file, if they are deflated and not encrypted.
    fn deflated(&self) -> Option<u64> {
        let is_deflated = self.compression == Some(CompressionMethod::Deflated);
        self.offset.filter(|_| is_deflated)
    }
}

impl ArchiveFile {
    fn place(&mut self, file: &FileEntry) -> Result<Place, UnpackError> {
        let failed = |error| UnpackError::opening(&self.directory.label, &file.name, error);
        let entry = self
            .directory
            .zip
            .by_index_raw(file.index)
            .map_err(failed)?;
        let compressed_len = entry.compressed_size();
        let is_inside = |start: &u64| {
            let end = start.checked_add(compressed_len);
            end.is_some_and(|end| end <= self.len)
        };
        Ok(Place {
            offset: entry
                .data_start()
                .filter(is_inside)
                .and_then(|start| start.checked_add(self.start)),
            compressed_len,
            crc32: entry.crc32(),
            compression: (!entry.encrypted()).then(|| entry.compression()),
        })
    }
}

fn prefixed(prefix: Option<&str>, name: &str) -> String {
    prefix.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}/{name}"))
}

fn create(place: &Path) -> Result<File, UnpackError> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).map_err(|source| writing(folder, source))?;
    }
    File::create(place).map_err(|source| writing(place, source))
}

fn writing(path: &Path, source: io::Error) -> UnpackError {
    UnpackError::Disk {
        doing: "write",
        path: path.to_owned(),
        source,
    }
}
