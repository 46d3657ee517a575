//! Blocks of a TIFF file as chunks that other software decodes.

use serde_json::{Value, json};

use super::bytes::TiffBytes;
use super::directory::Directory;
use super::last_strip::LastStrip;
use super::table::BlockTable;
use crate::DataType;
use crate::reference::{ByteOrder, Encoding, Place, StoredArray, StoredChunk, numpy_type};

/// Larger strips are not taken into a reference.
const MOST_STRIP_BYTES: usize = 16 << 20;

/// Chunks of one band. A picture of the whole globe in pixels of 10 m has 61 million blocks of 256 x 256, and nobody makes one file of it.
const MOST_CHUNKS: u64 = 16 << 20;

/// How a band (counted from 0) of a raster of this size and type is stored; why other software could not read it.
///
/// Blocks that were never written are left out, and so is the last strip when it is compressed and has fewer rows than the others: how it can be
/// made a chunk stands beside.
pub(crate) fn stored(
    bytes: &mut impl TiffBytes,
    size: [u64; 2],
    dtype: DataType,
    bands: usize,
    band: usize,
) -> Result<(StoredArray, Option<LastStrip>), String> {
    let directory = Directory::read(bytes)?.ok_or("it is no TIFF file")?;
    let table = BlockTable::read(&directory, bytes)?;
    let table = table.ok_or("its bands differ, or it has no table of blocks")?;
    table.check(size, dtype, bands)?;
    let order = match directory.big_endian {
        true => ByteOrder::Big,
        false => ByteOrder::Little,
    };
    let whole = table.block_bytes(dtype)?;
    let [rows, cols] = table.block;
    let per_band = usize::try_from(size[0].div_ceil(rows) * size[1].div_ceil(cols))
        .ok()
        .filter(|per_band| {
            let blocks = per_band.checked_mul(bands);
            blocks == Some(table.offsets.len()) && blocks == Some(table.lengths.len())
        })
        .ok_or("its table of blocks is not of its size")?;
    let own = band * per_band..(band + 1) * per_band;
    let blocks = table.offsets[own.clone()].iter().zip(&table.lengths[own]);
    let mut written: Vec<(u64, u64, u64)> = (0..)
        .zip(blocks)
        .filter(|(_, (at, len))| **at > 0 && **len > 0)
        .map(|(number, (at, len))| (number, *at, *len))
        .collect();
    let mut last_strip = None;
    if written
        .iter()
        .any(|(_, at, len)| at.checked_add(*len).is_none_or(|end| end > bytes.len()))
    {
        return Err("some of its blocks lie beyond the end of the file".to_owned());
    }
    let ends_short = !table.tiled && !size[0].is_multiple_of(rows);
    let last = (per_band as u64).saturating_sub(1);
    let (chunk_rows, chunks) = if table.compression == 1 {
        // The last strip is as short as its rows are few: chunks of fewer rows, which divide both, are all whole.
        let chunk_rows = if ends_short {
            common_divisor(rows, size[0])
        } else {
            rows
        };
        let (pieces, bytes) = (rows / chunk_rows, whole / rows * chunk_rows);
        if pieces.saturating_mul(per_band as u64) > MOST_CHUNKS {
            return Err("its strips would be too many chunks".to_owned());
        }
        let mut chunks = Vec::new();
        for (number, at, len) in written {
            let own = match ends_short && number == last {
                true => size[0] % rows / chunk_rows,
                false => pieces,
            };
            if own * bytes > len {
                return Err("some of its blocks are shorter than their pixels".to_owned());
            }
            let piece = |piece| chunk(number * pieces + piece, at + piece * bytes, bytes);
            chunks.extend((0..own).map(piece));
        }
        (chunk_rows, chunks)
    } else {
        if ends_short && written.pop_if(|(number, ..)| *number == last).is_some() {
            last_strip = Some(LastStrip {
                rows: last * rows..size[0],
                number: last,
                whole: usize::try_from(whole)
                    .ok()
                    .filter(|whole| *whole <= MOST_STRIP_BYTES)
                    .ok_or("its last strip is shorter than the others, and large")?,
                cols: cols as usize,
                compression: table.compression,
                predictor: table.predictor,
                order,
                dtype,
            });
        }
        let chunks = written
            .into_iter()
            .map(|(number, at, len)| chunk(number, at, len));
        (rows, chunks.collect())
    };
    let stored = StoredArray {
        encoding: table.encoding([chunk_rows, cols], dtype, order)?,
        chunks,
        absent: None,
    };
    Ok((stored, last_strip))
}

fn chunk(number: u64, at: u64, len: u64) -> StoredChunk {
    StoredChunk {
        number,
        place: Place::File(at..at.saturating_add(len)),
    }
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

impl BlockTable {
    /// That the samples are whole numbers of bytes and lie as a chunk has them.
    fn check(&self, size: [u64; 2], dtype: DataType, bands: usize) -> Result<(), String> {
        if self.size != size || self.samples != bands as u64 {
            return Err("its first directory is not what GDAL reads".to_owned());
        }
        if self.bits != dtype.itemsize() as u64 * 8 {
            return Err(format!("its samples have {} bits", self.bits));
        }
        if self.fill_order != 1 {
            return Err("the bits of its bytes are turned round".to_owned());
        }
        if bands > 1 && self.planes != 2 {
            return Err("its bands are interleaved by pixel".to_owned());
        }
        Ok(())
    }

    /// Bytes of a whole block, decoded.
    fn block_bytes(&self, dtype: DataType) -> Result<u64, String> {
        let [rows, cols] = self.block;
        let pixels = rows.checked_mul(cols).filter(|pixels| *pixels > 0);
        pixels
            .and_then(|pixels| pixels.checked_mul(dtype.itemsize() as u64))
            .ok_or_else(|| "its blocks have no size".to_owned())
    }

    /// The codecs of numcodecs and imagecodecs that decode a block.
    fn encoding(
        &self,
        chunks: [u64; 2],
        dtype: DataType,
        order: ByteOrder,
    ) -> Result<Encoding, String> {
        let compressor = match self.compression {
            1 => None,
            5 => Some(json!({ "id": "imagecodecs_lzw" })),
            8 | 32946 => Some(json!({ "id": "zlib", "level": 6 })),
            32773 => Some(json!({ "id": "imagecodecs_packbits" })),
            50000 => Some(json!({ "id": "zstd", "level": 9 })),
            other => {
                return Err(format!(
                    "there is no codec for its compression, {}",
                    name(other)
                ));
            }
        };
        let mut order = order;
        let filter: Option<Value> = match self.predictor {
            1 => None,
            // Differences of the bits as whole numbers, whatever they mean.
            2 => {
                let bits = order.numpy('u', dtype.itemsize());
                Some(
                    json!({ "id": "imagecodecs_delta", "shape": chunks, "dtype": bits, "axis": -1 }),
                )
            }
            3 if dtype.is_float() => {
                // The bytes of all pixels, the highest of each first, whatever the order of the file.
                order = ByteOrder::Little;
                let floats = numpy_type(dtype, order);
                Some(
                    json!({ "id": "imagecodecs_floatpred", "shape": chunks, "dtype": floats, "axis": -1 }),
                )
            }
            other => return Err(format!("there is no codec for its predictor {other}")),
        };
        Ok(Encoding {
            dtype: numpy_type(dtype, order),
            chunks: chunks.to_vec(),
            filters: filter.into_iter().collect(),
            compressor,
        })
    }
}

/// What a compression is called.
fn name(compression: u64) -> String {
    let name = match compression {
        2..=4 => "CCITT",
        6 | 7 => "JPEG",
        34712 => "JPEG 2000",
        34887 => "LERC",
        34925 => "LZMA",
        50001 => "WebP",
        50002 | 52546 => "JPEG XL",
        other => return other.to_string(),
    };
    name.to_owned()
}
