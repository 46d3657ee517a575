//! The central directory of one archive, checked before anything in it is touched.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, BufReader, Read as _, Seek as _, SeekFrom},
    path::Component,
};

use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config, ZipFileEntry},
    result::ZipError,
};

use super::{UnpackError, section::Section};

/// Bytes that are read at a time: few calls for a long entry, and little too much for one of many short ones.
const BUFFER: usize = 64 << 10;

/// An archive that has been opened and whose names are safe.
pub(super) struct Directory {
    /// How messages call it.
    pub(super) label: String,
    pub(super) zip: ZipArchive<BufReader<Section>>,
    /// Its files, without folders.
    pub(super) files: Vec<FileEntry>,
}

/// A file in an archive.
#[derive(Debug, Clone)]
pub(super) struct FileEntry {
    /// Its number in the archive.
    pub(super) index: usize,
    /// Its path, with `/` between normal components only.
    pub(super) name: String,
    /// Its length, as the directory says.
    pub(super) size: u64,
    /// Whether its bytes are in the archive as they are.
    pub(super) is_stored: bool,
}

impl FileEntry {
    pub(super) fn is_archive(&self) -> bool {
        let extension = self.name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
    }

    /// Its name without folders and extension.
    pub(super) fn stem(&self) -> &str {
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }
}

impl Directory {
    /// Opens the archive in `section`, which may have at most `limit` entries.
    pub(super) fn open(
        label: String,
        mut section: Section,
        limit: usize,
    ) -> Result<Self, UnpackError> {
        let mut headers = section
            .again()
            .map_err(|error| UnpackError::reading(&label, "", &error))?;
        let mut beginning = Vec::new();
        let _ = (&mut section).take(16).read_to_end(&mut beginning);
        section
            .seek(SeekFrom::Start(0))
            .map_err(|error| UnpackError::reading(&label, "", &error))?;
        // The archive begins where the section begins. Left to itself, the reader would take an incomplete archive for the last
        // complete one that is stored in it.
        let config = Config {
            archive_offset: ArchiveOffset::Known(0),
        };
        let mut zip = ZipArchive::with_config(config, BufReader::with_capacity(BUFFER, section))
            .map_err(|error| unreadable(&label, &beginning, error))?;
        if zip.len() > limit {
            let why = format!("more than {limit} entries");
            return Err(UnpackError::TooLarge {
                archive: label,
                why,
            });
        }
        if zip.has_duplicate_names() {
            let why = "two entries have the same name".to_owned();
            return Err(UnpackError::Hostile {
                archive: label,
                why,
            });
        }
        let overlaps = zip
            .has_overlapping_files()
            .map_err(|error| UnpackError::opening(&label, "", error))?;
        if overlaps {
            let why = "its entries overlap".to_owned();
            return Err(UnpackError::Hostile {
                archive: label,
                why,
            });
        }
        let mut files = Vec::new();
        for index in 0..zip.len() {
            let entry = zip
                .by_index_data(index)
                .map_err(|error| UnpackError::opening(&label, "", error))?;
            let name = safe_name(&entry).map_err(|why| UnpackError::Hostile {
                archive: label.clone(),
                why,
            })?;
            let local = LocalHeader::read(&mut headers, entry.header_start())
                .map_err(|error| UnpackError::reading(&label, &name, &error))?;
            if let Some(what) = local.contradicts(&entry) {
                return Err(UnpackError::Damaged {
                    archive: label,
                    entry: name,
                    why: format!("its own header has another {what} than the archive's directory"),
                });
            }
            if !entry.is_dir() {
                let size = entry.size();
                files.push(FileEntry {
                    index,
                    name,
                    size,
                    is_stored: entry.compression() == CompressionMethod::Stored
                        && !entry.encrypted(),
                });
            }
        }
        if let Err(why) = distinct(&files) {
            return Err(UnpackError::Hostile {
                archive: label,
                why,
            });
        }
        Ok(Self { label, zip, files })
    }
}

/// What an entry says of itself, where its data are. Other software may believe it rather than the directory, so the two have to agree.
struct LocalHeader {
    fixed: [u8; Self::FIXED],
    name: Vec<u8>,
}

impl LocalHeader {
    const FIXED: usize = 30;
    const SIGNATURE: &[u8] = b"PK\x03\x04";
    /// The true size is in a zip64 field.
    const ELSEWHERE: u32 = u32::MAX;

    fn read(section: &mut Section, start: u64) -> io::Result<Self> {
        section.seek(SeekFrom::Start(start))?;
        let mut fixed = [0; Self::FIXED];
        section.read_exact(&mut fixed)?;
        let mut header = Self {
            fixed,
            name: Vec::new(),
        };
        header.name = vec![0; usize::from(header.u16(26))];
        section.read_exact(&mut header.name)?;
        Ok(header)
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.fixed[at], self.fixed[at + 1]])
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from(self.u16(at)) | u32::from(self.u16(at + 2)) << 16
    }

    /// What is different in the directory, if anything is.
    fn contradicts(&self, entry: &ZipFileEntry<'_>) -> Option<&'static str> {
        let flags = self.u16(6);
        let (is_encrypted, sizes_follow) = (flags & 1 != 0, flags & (1 << 3) != 0);
        let (is_stored, is_deflated) = (self.u16(8) == 0, self.u16(8) == 8);
        let method = entry.compression();
        let is_size = |field: u32, size: u64| field == Self::ELSEWHERE || u64::from(field) == size;
        if !self.fixed.starts_with(Self::SIGNATURE) {
            Some("signature")
        } else if self.name != entry.name_raw() {
            Some("name")
        } else if is_encrypted != entry.encrypted() {
            Some("encryption")
        } else if is_stored != (method == CompressionMethod::Stored)
            || is_deflated != (method == CompressionMethod::Deflated)
        {
            Some("compression")
        } else if sizes_follow {
            None
        } else if self.u32(14) != entry.crc32() {
            Some("checksum")
        } else if !is_size(self.u32(18), entry.compressed_size())
            || !is_size(self.u32(22), entry.size())
        {
            Some("length")
        } else {
            None
        }
    }
}

/// Tells an incomplete download from something that never was an archive.
fn unreadable(label: &str, beginning: &[u8], error: ZipError) -> UnpackError {
    let archive = label.to_owned();
    match error {
        ZipError::InvalidArchive(why) if beginning.starts_with(b"PK\x03\x04") => {
            UnpackError::Truncated {
                archive,
                // It has its directory at the end, of which the reader speaks in its own words.
                why: match &*why {
                    "Could not find EOCD" => "its end is missing".to_owned(),
                    why => why.to_owned(),
                },
            }
        }
        ZipError::InvalidArchive(_) => UnpackError::NotAZip {
            archive,
            beginning: String::from_utf8_lossy(beginning).into_owned(),
        },
        error => UnpackError::opening(label, "", error),
    }
}

/// The entry's path below the folder that it is unpacked into, or why it has none.
fn safe_name(entry: &ZipFileEntry<'_>) -> Result<String, String> {
    let raw = String::from_utf8_lossy(entry.name_raw()).into_owned();
    let name = entry
        .name()
        .map_err(|error| format!("the name {raw:?} can't be decoded: {error}"))?;
    if entry.is_symlink() {
        return Err(format!("{name:?} is a symbolic link"));
    }
    let is_absolute = name.starts_with(['/', '\\']) || name.as_bytes().get(1) == Some(&b':');
    let climbs = name.split(['/', '\\']).any(|component| component == "..");
    if is_absolute || climbs || name.chars().any(char::is_control) {
        return Err(format!("the name {name:?} points outside"));
    }
    let path = entry
        .enclosed_name()
        .ok_or_else(|| format!("the name {name:?} points outside"))?;
    let components: Option<Vec<&str>> = path
        .components()
        .map(|component| match component {
            Component::Normal(component) => component.to_str(),
            _ => None,
        })
        .collect();
    match components {
        Some(components) if !components.is_empty() => Ok(components.join("/")),
        _ => Err(format!("{name:?} is no name of a file")),
    }
}

/// Checks that every file can exist beside the others, also where case does not matter.
fn distinct(files: &[FileEntry]) -> Result<(), String> {
    let mut names: HashMap<String, &str> = HashMap::new();
    for file in files {
        if let Some(other) = names.insert(file.name.to_lowercase(), &file.name) {
            return Err(format!(
                "{:?} and {other:?} are the same file where case does not matter",
                file.name
            ));
        }
    }
    let folders: BTreeSet<&str> = names
        .keys()
        .flat_map(|name| name.match_indices('/').map(|(end, _)| &name[..end]))
        .collect();
    match folders
        .into_iter()
        .find(|folder| names.contains_key(*folder))
    {
        Some(folder) => Err(format!("{folder:?} is both a file and a folder")),
        None => Ok(()),
    }
}
