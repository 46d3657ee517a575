//! A zip file that grows product by product, uncompressed, and survives a kill between any two instructions.
//!
//! What the archive's directory will say is kept in `<file>.index.json` beside it, which is written in one step after each product; what is in the
//! file behind the last product of the index was not finished, and is cut off. The fields of the zip64 extension are always used, so that there is one form.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// Bytes that are copied at a time.
const BUFFER: usize = 1 << 20;

/// The true number is in the zip64 field.
const ELSEWHERE: u32 = u32::MAX;

/// A product in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredEntry {
    /// What tells that it is there.
    pub(super) product: String,
    /// Its name in the archive.
    name: String,
    offset: u64,
    len: u64,
    crc32: u32,
}

/// What is kept beside the archive.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Index {
    entries: Vec<StoredEntry>,
    /// Where the last product ends.
    end: u64,
}

/// The archive.
#[derive(Debug)]
pub(super) struct StoredZip {
    path: PathBuf,
    file: File,
    index: Index,
}

impl StoredZip {
    /// The archive `path`, with all products that were ever finished in it. Its folder is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let index: Option<Index> = fs::read(index_path(path))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok());
        let len = file.metadata()?.len();
        // An index that says more than there is belongs to another file.
        let index = index.filter(|index| index.end <= len).unwrap_or_default();
        file.set_len(index.end)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            index,
        })
    }

    /// Whether a product is in it.
    pub(super) fn has(&self, product: &str) -> bool {
        let mut entries = self.index.entries.iter();
        entries.any(|entry| entry.product == product)
    }

    /// Its length so far in bytes.
    pub(super) fn len(&self) -> u64 {
        self.index.end
    }

    /// Puts the file `from` at its end as the product of that id. `name` is made different from those that are there.
    pub(super) fn append(&mut self, product: &str, name: &str, from: &Path) -> io::Result<()> {
        let name = self.free_name(name);
        let offset = self.index.end;
        let mut entry = StoredEntry {
            product: product.to_owned(),
            name,
            offset,
            len: 0,
            crc32: 0,
        };
        self.file.seek(SeekFrom::Start(offset))?;
        // The checksum stands before what it is of: first a header without it.
        let header = entry.local_header();
        self.file.write_all(&header)?;
        let mut crc = crc32fast::Hasher::new();
        let mut input = BufReader::with_capacity(BUFFER, File::open(from)?);
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = input.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            crc.update(&buffer[..read]);
            self.file.write_all(&buffer[..read])?;
            entry.len += read as u64;
        }
        entry.crc32 = crc.finalize();
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(&entry.local_header())?;
        self.file.sync_all()?;
        self.index.end = offset + header.len() as u64 + entry.len;
        self.index.entries.push(entry);
        self.write_index()
    }

    /// Makes it whole with its directory; gives its length.
    pub(super) fn finish(&mut self) -> io::Result<u64> {
        let start = self.index.end;
        self.file.seek(SeekFrom::Start(start))?;
        let mut directory = BufWriter::new(&mut self.file);
        let mut len = 0;
        for entry in &self.index.entries {
            let header = entry.central_header();
            directory.write_all(&header)?;
            len += header.len() as u64;
        }
        directory.write_all(&ends(self.index.entries.len() as u64, start, len))?;
        directory.flush()?;
        drop(directory);
        self.file.sync_all()?;
        self.file.metadata().map(|found| found.len())
    }

    fn free_name(&self, wanted: &str) -> String {
        let is_taken = |name: &str| {
            let mut entries = self.index.entries.iter();
            entries.any(|entry| entry.name.eq_ignore_ascii_case(name))
        };
        // What comes from a server is no path.
        let safe: String = wanted
            .chars()
            .map(|c| match c {
                '/' | '\\' | ':' => '_',
                c if c.is_control() => '_',
                c => c,
            })
            .collect();
        let safe = safe.trim_start_matches('.').to_owned();
        match is_taken(&safe) || safe.is_empty() {
            true => format!("{}_{safe}", self.index.entries.len() + 1),
            false => safe,
        }
    }

    fn write_index(&self) -> io::Result<()> {
        let path = index_path(&self.path);
        let unfinished = path.with_extension("tmp");
        fs::write(&unfinished, serde_json::to_vec(&self.index)?)?;
        fs::rename(&unfinished, &path)
    }
}

impl StoredEntry {
    /// What all headers have between the version and the length of the name: no flag but that the name is UTF-8, stored, 1 January 1980.
    fn common(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in [45_u16, 1 << 11, 0, 0, 0x21] {
            bytes.extend(field.to_le_bytes());
        }
        for field in [self.crc32, ELSEWHERE, ELSEWHERE] {
            bytes.extend(field.to_le_bytes());
        }
        // No name comes near the limit of 65535 bytes: it is a component of an address.
        let name_len = u16::try_from(self.name.len()).unwrap_or(u16::MAX);
        bytes.extend(name_len.to_le_bytes());
        bytes
    }

    fn local_header(&self) -> Vec<u8> {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend(self.common());
        let extra = zip64(&[self.len, self.len]);
        bytes.extend((extra.len() as u16).to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes.extend(extra);
        bytes
    }

    fn central_header(&self) -> Vec<u8> {
        let mut bytes = b"PK\x01\x02".to_vec();
        bytes.extend(45_u16.to_le_bytes());
        bytes.extend(self.common());
        let extra = zip64(&[self.len, self.len, self.offset]);
        // No comment, first disk, no attributes.
        for field in [extra.len() as u16, 0, 0, 0, 0, 0] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(ELSEWHERE.to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes.extend(extra);
        bytes
    }
}

/// The extension with numbers of 64 bits.
fn zip64(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = 1_u16.to_le_bytes().to_vec();
    bytes.extend((8 * numbers.len() as u16).to_le_bytes());
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

/// What stands behind a directory of `entries` entries that begins at `start` and has `len` bytes.
fn ends(entries: u64, start: u64, len: u64) -> Vec<u8> {
    let mut bytes = b"PK\x06\x06".to_vec();
    bytes.extend(44_u64.to_le_bytes());
    bytes.extend([45_u16, 45].into_iter().flat_map(u16::to_le_bytes));
    bytes.extend([0_u32, 0].into_iter().flat_map(u32::to_le_bytes));
    bytes.extend(
        [entries, entries, len, start]
            .into_iter()
            .flat_map(u64::to_le_bytes),
    );
    bytes.extend(b"PK\x06\x07");
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend((start + len).to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(b"PK\x05\x06");
    bytes.extend(
        [0_u16, 0, u16::MAX, u16::MAX]
            .into_iter()
            .flat_map(u16::to_le_bytes),
    );
    bytes.extend(
        [ELSEWHERE, ELSEWHERE]
            .into_iter()
            .flat_map(u32::to_le_bytes),
    );
    bytes.extend(0_u16.to_le_bytes());
    bytes
}

fn index_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".index.json");
    name.into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clms_preload::{ContentKey, EntrySource, JobId, Meter, NoProgress, StageName, ZipUnpacker};
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn unpacked(archive: &Path) -> Vec<(String, Vec<u8>)> {
        let into = archive.with_extension("unpacked");
        let job = JobId::of("x", &ContentKey::other("x"));
        let meter = Meter::new(job, StageName::Unpacking, Arc::new(NoProgress));
        let cancel = CancellationToken::new();
        let package = ZipUnpacker::new(|_| true)
            .unpack_blocking(archive, &into, &meter, &cancel)
            .unwrap();
        let content = |source: &EntrySource| match source {
            EntrySource::File(path) => fs::read(path).unwrap(),
            other => panic!("{other:?}"),
        };
        let entries = package.entries.iter();
        entries
            .map(|entry| (entry.name.clone(), content(&entry.source)))
            .collect()
    }

    #[test]
    fn it_goes_on_after_a_kill_and_other_software_opens_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.zip.part");
        let (one, two) = (folder.path().join("1"), folder.path().join("2"));
        fs::write(&one, b"one").unwrap();
        fs::write(&two, vec![7; 3 * BUFFER]).unwrap();

        StoredZip::open(&path)
            .unwrap()
            .append("a", "x.tif", &one)
            .unwrap();
        // Killed in the midst of the second one, or of the directory.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"half of something").unwrap();
        let mut zip = StoredZip::open(&path).unwrap();
        assert!(zip.has("a") && !zip.has("b"));
        zip.append("b", "X.TIF", &two).unwrap();
        zip.append("c", "../.evil", &one).unwrap();
        let len = zip.finish().unwrap();
        drop(zip);
        assert_eq!(fs::metadata(&path).unwrap().len(), len);
        let expected = [
            ("x.tif".to_owned(), b"one".to_vec()),
            ("2_X.TIF".to_owned(), vec![7; 3 * BUFFER]),
            ("_.evil".to_owned(), b"one".to_vec()),
        ];
        assert!(unpacked(&path) == expected);

        let mut again = StoredZip::open(&path).unwrap();
        assert_eq!(again.finish().unwrap(), len, "finishing twice is finishing");
        assert!(unpacked(&path) == expected);
        fs::write(&path, b"").unwrap();
        assert!(!StoredZip::open(&path).unwrap().has("a"), "another file");
    }
}
