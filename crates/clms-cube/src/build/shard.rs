//! Shards as the `sharding_indexed` codec of Zarr v3 lays them out: compressed chunks one after the other, then an index of
//! offsets and lengths, then the index's CRC-32C.
//!
//! Encoded here and not by zarrs because chunks are encoded as their pixels arrive: a shard never exists uncompressed.

use std::ops::Range;

use zstd::bulk::Compressor;

use crate::CubeError;
use crate::dtype::Element;
use crate::metadata::DEFAULT_COMPRESSION_LEVEL;
use crate::plan::ChunkLayout;

/// Offset and length of a chunk that is all fill and not stored.
const ABSENT: [u64; 2] = [u64::MAX; 2];

/// Makes one shard, a row of chunks after the other.
pub(super) struct ShardEncoder<T> {
    chunk: [usize; 2],
    chunks: [usize; 2],
    fill: T,
    /// Also of chunks that are all fill.
    keep: bool,
    compressor: Compressor<'static>,
    pixels: Vec<T>,
    compressed: Vec<u8>,
    index: Vec<[u64; 2]>,
    bytes: Vec<u8>,
}

impl<T: Element> ShardEncoder<T> {
    pub(super) fn new(
        layout: &ChunkLayout,
        fill: T,
        compression_level: Option<i32>,
        keep: bool,
    ) -> Result<Self, CubeError> {
        let size = |index: usize| layout.chunk[index] as usize;
        Ok(Self {
            chunk: [size(0), size(1)],
            chunks: [0, 1].map(|index| (layout.shard[index] / layout.chunk[index]) as usize),
            fill,
            keep,
            compressor: compressor(compression_level)?,
            pixels: Vec::new(),
            compressed: Vec::new(),
            index: Vec::new(),
            bytes: Vec::new(),
        })
    }

    /// Passes over a row of chunks that are all fill.
    pub(super) fn skip_row(&mut self) {
        self.index
            .extend(std::iter::repeat_n(ABSENT, self.chunks[1]));
    }

    /// Encodes a row of chunks from rows of `width` pixels, of which `columns` belong to this shard. At the edges of an
    /// array there may be fewer rows and columns than the chunks have: the rest is fill.
    pub(super) fn encode_row(
        &mut self,
        rows: &[T],
        width: usize,
        columns: Range<usize>,
    ) -> Result<(), CubeError> {
        let [chunk_height, chunk_width] = self.chunk;
        for chunk in 0..self.chunks[1] {
            let first = columns.start + chunk * chunk_width;
            let end = (first + chunk_width).min(columns.end);
            if first >= end {
                self.index.push(ABSENT);
                continue;
            }
            self.pixels.clear();
            let mut empty = true;
            for row in rows.chunks_exact(width) {
                let row = &row[first..end];
                empty = empty && row.iter().all(|pixel| pixel.same(self.fill));
                self.pixels.extend_from_slice(row);
                self.pixels
                    .resize(self.pixels.len() + chunk_width - row.len(), self.fill);
            }
            if empty && !self.keep {
                self.index.push(ABSENT);
                continue;
            }
            self.pixels.resize(chunk_height * chunk_width, self.fill);
            compress(
                &mut self.compressor,
                T::bytes(&self.pixels),
                &mut self.compressed,
            )?;
            self.index
                .push([self.bytes.len() as u64, self.compressed.len() as u64]);
            self.bytes.extend_from_slice(&self.compressed);
        }
        Ok(())
    }

    /// The number of stored chunks and the shard; `None` when all of it is fill.
    pub(super) fn finish(mut self) -> (u64, Option<Vec<u8>>) {
        let stored = self.index.iter().filter(|entry| **entry != ABSENT).count() as u64;
        if stored == 0 {
            return (0, None);
        }
        // Rows below the array.
        self.index.resize(self.chunks[0] * self.chunks[1], ABSENT);
        let index: Vec<u8> = self
            .index
            .iter()
            .flatten()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        self.bytes.extend_from_slice(&index);
        self.bytes
            .extend_from_slice(&crc32c::crc32c(&index).to_le_bytes());
        (stored, Some(self.bytes))
    }
}

impl<T> ShardEncoder<T> {
    /// The stored chunks one by one, each with its row and column in the shard.
    pub(super) fn finish_apart(self) -> Vec<([u64; 2], Vec<u8>)> {
        let columns = self.chunks[1];
        let stored = self
            .index
            .iter()
            .enumerate()
            .filter(|(_, entry)| **entry != ABSENT);
        stored
            .map(|(number, [offset, len])| {
                let place = [(number / columns) as u64, (number % columns) as u64];
                let bytes = &self.bytes[*offset as usize..(*offset + *len) as usize];
                (place, bytes.to_vec())
            })
            .collect()
    }
}

/// A chunk of its own, outside a shard.
pub(super) fn encode_chunk<T: Element>(values: &[T]) -> Result<Vec<u8>, CubeError> {
    let mut bytes = Vec::new();
    compress(&mut compressor(None)?, T::bytes(values), &mut bytes)?;
    Ok(bytes)
}

fn compressor(level: Option<i32>) -> Result<Compressor<'static>, CubeError> {
    Compressor::new(level.unwrap_or(DEFAULT_COMPRESSION_LEVEL)).map_err(failed)
}

fn compress(
    compressor: &mut Compressor<'_>,
    from: &[u8],
    to: &mut Vec<u8>,
) -> Result<(), CubeError> {
    to.clear();
    to.reserve(zstd::zstd_safe::compress_bound(from.len()));
    compressor.compress_to_buffer(from, to).map_err(failed)?;
    Ok(())
}

fn failed(error: std::io::Error) -> CubeError {
    CubeError::internal("compressing a chunk", error)
}
