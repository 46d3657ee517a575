//! The directories of a TIFF or BigTIFF file.

use super::bytes::TiffBytes;

/// More directories than this (overviews, masks) are not walked through.
const MOST_DIRECTORIES: usize = 64;
/// More bytes of one value than this are not read.
const MOST_BYTES: u64 = 256 << 20;

/// The first directory of a file: tags with what they hold.
#[derive(Debug)]
pub(crate) struct Directory {
    entries: Vec<Entry>,
    pub(super) big_endian: bool,
}

#[derive(Debug)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// The value itself, if it fits, else its offset.
    inline: Vec<u8>,
}

/// How numbers are written.
#[derive(Clone, Copy)]
struct Format {
    big_endian: bool,
    big_tiff: bool,
}

impl Format {
    fn number(self, bytes: &[u8]) -> u64 {
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if self.big_endian {
            bytes.iter().fold(0, add)
        } else {
            bytes.iter().rev().fold(0, add)
        }
    }
}

/// Bytes of one value of a type.
fn size_of_kind(kind: u16) -> Option<u64> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => return None,
    })
}

impl Directory {
    /// Reads the first directory, and makes sure that all the bytes of all directories are there, because GDAL will look at them.
    /// `None` for what is no TIFF file.
    pub(crate) fn read(bytes: &mut impl TiffBytes) -> Result<Option<Self>, String> {
        let mut header = [0; 16];
        let known = header
            .len()
            .min(usize::try_from(bytes.len()).unwrap_or(usize::MAX));
        bytes.read_at(0, &mut header[..known])?;
        let big_endian = match &header[..2] {
            b"II" => false,
            b"MM" => true,
            _ => return Ok(None),
        };
        let format = Format {
            big_endian,
            big_tiff: false,
        };
        let (format, mut offset) = match format.number(&header[2..4]) {
            42 => (format, format.number(&header[4..8])),
            43 => (
                Format {
                    big_tiff: true,
                    ..format
                },
                format.number(&header[8..16]),
            ),
            _ => return Ok(None),
        };
        let mut first = None;
        for _ in 0..MOST_DIRECTORIES {
            if offset == 0 {
                break;
            }
            let (directory, next) = Self::read_one(bytes, format, offset)?;
            for entry in &directory.entries {
                if let Some((offset, len)) = entry.outside(format) {
                    bytes.require(offset, len)?;
                }
            }
            first.get_or_insert(directory);
            offset = next;
        }
        Ok(first)
    }

    fn read_one(
        bytes: &mut impl TiffBytes,
        format: Format,
        offset: u64,
    ) -> Result<(Self, u64), String> {
        let (count_size, entry_size, next_size) = if format.big_tiff {
            (8, 20, 8)
        } else {
            (2, 12, 4)
        };
        let mut count = [0; 8];
        bytes.read_at(offset, &mut count[..count_size])?;
        let count = format.number(&count[..count_size]);
        if count > u64::from(u16::MAX) {
            return Err(format!("a directory of {count} tags"));
        }
        let mut table = vec![0; count as usize * entry_size + next_size];
        bytes.read_at(offset + count_size as u64, &mut table)?;
        let (table, next) = table.split_at(count as usize * entry_size);
        let entries = table
            .chunks_exact(entry_size)
            .map(|entry| {
                let (count, inline) = entry[4..].split_at((entry_size - 4) / 2);
                Entry {
                    tag: format.number(&entry[..2]) as u16,
                    kind: format.number(&entry[2..4]) as u16,
                    count: format.number(count),
                    inline: inline.to_vec(),
                }
            })
            .collect();
        let directory = Self {
            entries,
            big_endian: format.big_endian,
        };
        Ok((directory, format.number(next)))
    }

    /// The whole numbers of a tag; `None` when there are none.
    pub(super) fn numbers(
        &self,
        tag: u16,
        bytes: &mut impl TiffBytes,
    ) -> Result<Option<Vec<u64>>, String> {
        let Some(entry) = self.entries.iter().find(|entry| entry.tag == tag) else {
            return Ok(None);
        };
        let size = match entry.kind {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return Ok(None),
        };
        let format = Format {
            big_endian: self.big_endian,
            big_tiff: entry.inline.len() == 8,
        };
        let stored = match entry.outside(format) {
            None => entry.inline.clone(),
            Some((_, len)) if len > MOST_BYTES.min(bytes.len()) => {
                return Err(format!("tag {tag} holds {len} bytes"));
            }
            Some((offset, len)) => {
                let mut stored = vec![0; len as usize];
                bytes.read_at(offset, &mut stored)?;
                stored
            }
        };
        let numbers = stored.chunks_exact(size).take(entry.count as usize);
        Ok(Some(numbers.map(|number| format.number(number)).collect()))
    }

    /// The one number of a tag, or what it is when the tag is left out; `None` when there are several that differ.
    pub(super) fn number(
        &self,
        tag: u16,
        default: u64,
        bytes: &mut impl TiffBytes,
    ) -> Result<Option<u64>, String> {
        let numbers = self.numbers(tag, bytes)?.unwrap_or_else(|| vec![default]);
        let first = numbers.first().copied();
        Ok(first.filter(|first| numbers.iter().all(|number| number == first)))
    }
}

impl Entry {
    /// Offset and length of a value that does not fit into the entry.
    fn outside(&self, format: Format) -> Option<(u64, u64)> {
        let len = self.count.checked_mul(size_of_kind(self.kind)?)?;
        (len > self.inline.len() as u64).then(|| (format.number(&self.inline), len))
    }
}
