//! The last strip of a TIFF file, which has fewer rows than the others, encoded anew as a whole one: chunks of Zarr are all of one size.

use std::io::Write as _;
use std::ops::Range;

use crate::DataType;
use crate::reference::{ByteOrder, Place, StoredChunk};

/// How to encode the last strip of a band.
#[derive(Debug, Clone)]
pub(crate) struct LastStrip {
    /// The rows that it has.
    pub(crate) rows: Range<u64>,
    /// The number of its chunk.
    pub(super) number: u64,
    /// Bytes of a whole strip.
    pub(super) whole: usize,
    /// Pixels of a row.
    pub(super) cols: usize,
    pub(super) compression: u64,
    pub(super) predictor: u64,
    pub(super) order: ByteOrder,
    pub(super) dtype: DataType,
}

/// Codes of LZW before the first that stands for several bytes.
const LZW_CLEAR: u16 = 256;
const LZW_END: u16 = 257;
/// Bytes after which the table is cleared, before codes need more than nine bits.
const LZW_RUN: usize = 250;
/// Bytes that one count of PackBits can announce.
const PACKBITS_RUN: usize = 128;

impl LastStrip {
    /// The chunk, of the pixels of its rows in the machine's byte order, and zeros below them.
    pub(crate) fn chunk(&self, mut pixels: Vec<u8>) -> Result<StoredChunk, String> {
        pixels.resize(self.whole, 0);
        Ok(StoredChunk {
            number: self.number,
            place: Place::Inline(self.encode(pixels)?),
        })
    }

    fn encode(&self, mut pixels: Vec<u8>) -> Result<Vec<u8>, String> {
        let itemsize = self.dtype.itemsize();
        match self.predictor {
            1 => {}
            2 => pixels
                .chunks_exact_mut(self.cols * itemsize)
                .for_each(|row| differences(row, itemsize)),
            other => {
                return Err(format!(
                    "its last strip is shorter than the others, and there is no encoder for its predictor {other}"
                ));
            }
        }
        if self.order != ByteOrder::NATIVE {
            pixels.chunks_exact_mut(itemsize).for_each(<[u8]>::reverse);
        }
        let words = |error: std::io::Error| error.to_string();
        match self.compression {
            5 => Ok(lzw(&pixels)),
            8 | 32946 => {
                let mut encoder =
                    flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(&pixels).map_err(words)?;
                encoder.finish().map_err(words)
            }
            32773 => Ok(packbits(&pixels)),
            50000 => zstd::bulk::compress(&pixels, 0).map_err(words),
            other => Err(format!(
                "its last strip is shorter than the others, and there is no encoder for its compression {other}"
            )),
        }
    }
}

/// The horizontal predictor: each pixel but the first becomes its difference to the one on its left.
fn differences(row: &mut [u8], itemsize: usize) {
    let number = |bytes: &[u8]| {
        let mut all = [0; 8];
        if cfg!(target_endian = "little") {
            all[..itemsize].copy_from_slice(bytes);
        } else {
            all[8 - itemsize..].copy_from_slice(bytes);
        }
        u64::from_ne_bytes(all)
    };
    let mut left = 0;
    for pixel in row.chunks_exact_mut(itemsize) {
        let here = number(pixel);
        let difference = here.wrapping_sub(left).to_ne_bytes();
        let start = if cfg!(target_endian = "little") {
            0
        } else {
            8 - itemsize
        };
        pixel.copy_from_slice(&difference[start..start + itemsize]);
        left = here;
    }
}

/// LZW that compresses nothing: codes of nine bits for single bytes, and a table that never grows beyond these.
fn lzw(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 9 / 8 + 8);
    let (mut bits, mut count) = (0_u32, 0);
    let runs = bytes
        .chunks(LZW_RUN)
        .flat_map(|run| std::iter::once(LZW_CLEAR).chain(run.iter().map(|byte| u16::from(*byte))));
    for code in runs.chain([LZW_END]) {
        bits = bits << 9 | u32::from(code);
        count += 9;
        while count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    if count > 0 {
        out.push((bits << (8 - count)) as u8);
    }
    out
}

/// PackBits that compresses nothing.
fn packbits(bytes: &[u8]) -> Vec<u8> {
    let runs = bytes.chunks(PACKBITS_RUN);
    runs.flat_map(|run| std::iter::once((run.len() - 1) as u8).chain(run.iter().copied()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiff::lzw as reader;

    #[test]
    fn lzw_without_compression_is_lzw() {
        for len in [1, 249, 250, 251, 5000] {
            let bytes: Vec<u8> = (0..len).map(|k: u32| (k * 7 % 256) as u8).collect();
            let mut decoded = Vec::new();
            reader::make_room(&mut decoded, bytes.len());
            let found = reader::decode(&mut reader::Table::default(), &lzw(&bytes), &mut decoded);
            assert_eq!(found, Some(bytes.len()));
            assert_eq!(&decoded[reader::PREFIX..][..bytes.len()], bytes);
        }
    }
}
