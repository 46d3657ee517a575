//! Deflated entries that are not compressed.
//!
//! What deflate can't make smaller, it stores as it is, in runs of at most 64 KiB. Rasters that are compressed by themselves are such, and
//! they fill most packages. Their bytes need neither be inflated nor written anywhere: they are read where they are.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use super::DeflatedEntry;

/// Bytes that a run must have on average: else finding the runs costs more than inflating.
const LEAST: u64 = 4096;

/// Where the bytes of an entry are in its archive.
#[derive(Debug)]
pub(crate) struct StoredRuns {
    archive: PathBuf,
    len: u64,
    /// The first byte of each run: counted in the entry, and in the archive.
    runs: Vec<[u64; 2]>,
}

impl StoredRuns {
    /// Looks at the head of each block of an entry; `None` if any is compressed, or if something is wrong with it.
    pub(super) fn find(entry: &DeflatedEntry) -> io::Result<Option<Self>> {
        let mut file = File::open(&entry.archive)?;
        let mut found = Self {
            archive: entry.archive.clone(),
            len: entry.len,
            runs: Vec::new(),
        };
        let end = entry.offset.saturating_add(entry.compressed_len);
        let (mut place, mut at) = (entry.offset, 0_u64);
        let most = entry.len / LEAST + 2;
        // All heads begin with a byte of their own, because the stored bytes before them do.
        for _ in 0..=most {
            let mut head = [0; Head::LEN as usize];
            let len = end.saturating_sub(place).min(Head::LEN) as usize;
            file.seek(SeekFrom::Start(place))?;
            file.read_exact(&mut head[..len])?;
            let (is_last, len) = match Head::of(&head[..len]) {
                Some(Head::Stored { is_last, len }) => (is_last, len),
                Some(Head::End) => (true, 0),
                None => return Ok(None),
            };
            place += Head::LEN;
            if len > 0 {
                found.runs.push([at, place]);
            }
            (place, at) = (place + len, at + len);
            if is_last {
                let is_whole = at == entry.len && (len == 0 || place <= end);
                return Ok(is_whole.then_some(found));
            }
            if place > end {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

/// How a block begins (RFC 1951, 3.2).
enum Head {
    Stored {
        is_last: bool,
        len: u64,
    },
    /// A last block with nothing in it, which compressors write that did not know that the one before was the last.
    End,
}

impl Head {
    const LEN: u64 = 5;

    fn of(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            // Three bits that are used, and the length twice.
            [bits, a, b, c, d] if bits & 0b110 == 0 => {
                let (len, inverted) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
                (len == !inverted).then(|| Self::Stored {
                    is_last: bits & 1 == 1,
                    len: len.into(),
                })
            }
            [bits, more, ..] if bits == 0b011 && more & 0b11 == 0 => Some(Self::End),
            _ => None,
        }
    }
}

/// Reads such an entry; each reader has its own.
#[derive(Debug)]
pub(crate) struct StoredBytes {
    file: File,
    runs: Arc<StoredRuns>,
}

impl StoredBytes {
    pub(crate) fn open(runs: Arc<StoredRuns>) -> io::Result<Self> {
        Ok(Self {
            file: File::open(&runs.archive)?,
            runs,
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.runs.len
    }

    /// Fills `out` from byte `offset` of the entry on.
    pub(crate) fn read_at(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let runs = &self.runs.runs;
        let first = runs.partition_point(|[at, _]| *at <= offset).checked_sub(1);
        let (mut rest, mut offset) = (out, offset);
        let mut number = first.ok_or(io::ErrorKind::UnexpectedEof)?;
        while !rest.is_empty() {
            let [at, place] = *runs.get(number).ok_or(io::ErrorKind::UnexpectedEof)?;
            let end = runs.get(number + 1).map_or(self.runs.len, |[at, _]| *at);
            let here = end.saturating_sub(offset).min(rest.len() as u64);
            let (now, later) = rest.split_at_mut(here as usize);
            self.file.seek(SeekFrom::Start(place + offset - at))?;
            self.file.read_exact(now)?;
            (rest, offset, number) = (later, offset + here, number + 1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, Crc, write::DeflateEncoder};

    use super::*;

    fn deflated(data: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// An archive of one entry, with something before and behind it.
    fn entry(folder: &tempfile::TempDir, data: &[u8], deflated: &[u8]) -> DeflatedEntry {
        let archive = folder.path().join("a.zip");
        std::fs::write(&archive, [&[7; 100], deflated, &[7; 100]].concat()).unwrap();
        let mut crc = Crc::new();
        crc.update(data);
        DeflatedEntry {
            archive,
            offset: 100,
            compressed_len: deflated.len() as u64,
            len: data.len() as u64,
            crc32: crc.sum(),
        }
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut random = 1_u64;
        let mut next = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 56) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn what_is_only_stored_is_read_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let data = noise(300_000);
        for level in [0, 1, 6, 9] {
            let entry = entry(&folder, &data, &deflated(&data, level));
            let runs = StoredRuns::find(&entry).unwrap().unwrap();
            assert!(runs.runs.len() > 1, "level {level}");
            let mut bytes = StoredBytes::open(Arc::new(runs)).unwrap();
            for (start, end) in [(0, 300_000), (0, 1), (65_000, 200_000), (299_999, 300_000)] {
                let mut out = vec![0; end - start];
                bytes.read_at(start as u64, &mut out).unwrap();
                assert_eq!(out, data[start..end], "level {level}, {start}..{end}");
            }
            assert!(bytes.read_at(299_999, &mut [0; 2]).is_err());
        }
    }

    #[test]
    fn what_is_compressed_or_wrong_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let found = |data: &[u8], deflated: &[u8], len: u64| {
            let entry = DeflatedEntry {
                len,
                ..entry(&folder, data, deflated)
            };
            StoredRuns::find(&entry).unwrap().is_some()
        };
        let data = noise(200_000);
        let stored = deflated(&data, 0);
        assert!(found(&data, &stored, 200_000));
        assert!(!found(&data, &stored, 199_999));
        assert!(!found(&data, &stored, 200_001));
        assert!(!found(&data, &stored[..stored.len() - 1], 200_000));
        let mut torn = stored.clone();
        torn[3] ^= 1;
        assert!(!found(&data, &torn, 200_000));
        // The end is compressed.
        let mixed = [noise(100_000), vec![0; 100_000]].concat();
        assert!(!found(&mixed, &deflated(&mixed, 6), 200_000));
        // Runs of one byte are not worth their heads.
        let short: Vec<u8> = [[0, 1, 0, 254, 255, 9]; 1000].concat();
        assert!(!found(&[9; 1000], &short, 1000));
    }
}
