//! The indices of chunks, of which HDF5 has six kinds.

use hdf5_reader::btree_v1::{BTreeV1Key, collect_btree_v1_leaves_storage};
use hdf5_reader::chunk_index::{
    ChunkEntry, collect_implicit_chunk_entries, collect_v2_chunk_entries_storage,
    single_chunk_entry,
};
use hdf5_reader::error::Error as Hdf5Error;
use hdf5_reader::extensible_array::collect_extensible_array_chunk_entries_storage;
use hdf5_reader::fixed_array::collect_fixed_array_chunk_entries_storage;
use hdf5_reader::messages::filter_pipeline::FilterDescription;
use hdf5_reader::messages::layout::ChunkIndexing;
use hdf5_reader::{Dataset, Hdf5File};

use crate::reference::{Place, StoredChunk};

/// Where the index of a dataset's chunks is.
pub(super) struct Index<'a> {
    pub(super) hdf5: &'a Hdf5File,
    pub(super) dataset: &'a Dataset,
    pub(super) address: u64,
    /// Lengths of a chunk.
    pub(super) dims: &'a [u32],
    pub(super) itemsize: usize,
}

impl Index<'_> {
    /// The chunks that the file has.
    pub(super) fn entries(
        &self,
        kind: Option<&ChunkIndexing>,
    ) -> Result<Vec<ChunkEntry>, Hdf5Error> {
        let storage = self.hdf5.storage();
        let superblock = self.hdf5.superblock();
        let (offset_size, length_size) = (superblock.offset_size, superblock.length_size);
        let (address, dims) = (self.address, self.dims);
        let shape = self.dataset.shape();
        match kind {
            None => {
                let rank = Some(dims.len() as u32);
                let leaves = collect_btree_v1_leaves_storage(
                    storage,
                    address,
                    offset_size,
                    length_size,
                    rank,
                    dims,
                    None,
                )?;
                let entry = |(key, address): (BTreeV1Key, u64)| match key {
                    BTreeV1Key::RawData {
                        chunk_size,
                        filter_mask,
                        offsets,
                    } => Some(ChunkEntry {
                        address,
                        size: u64::from(chunk_size),
                        filter_mask,
                        offsets: offsets.get(..dims.len())?.to_vec(),
                    }),
                    _ => None,
                };
                Ok(leaves.into_iter().filter_map(entry).collect())
            }
            Some(ChunkIndexing::SingleChunk {
                filtered_size,
                filters,
            }) => {
                let entry = single_chunk_entry(address, *filtered_size, *filters, dims.len());
                Ok(vec![entry])
            }
            Some(ChunkIndexing::BTreeV2) => collect_v2_chunk_entries_storage(
                storage,
                address,
                offset_size,
                length_size,
                dims.len() as u32,
                dims,
                None,
            ),
            Some(ChunkIndexing::Implicit) => collect_implicit_chunk_entries(
                address,
                shape,
                dims,
                self.itemsize,
                None,
                storage.len(),
            ),
            Some(ChunkIndexing::FixedArray { .. }) => collect_fixed_array_chunk_entries_storage(
                storage,
                address,
                offset_size,
                length_size,
                shape,
                dims,
                None,
            ),
            Some(ChunkIndexing::ExtensibleArray { .. }) => {
                collect_extensible_array_chunk_entries_storage(
                    storage,
                    address,
                    offset_size,
                    length_size,
                    shape,
                    self.dataset.max_dims(),
                    dims,
                    None,
                )
            }
        }
    }
}

/// The chunks of an array.
pub(super) struct Grid<'a> {
    shape: &'a [u64],
    chunk: &'a [u64],
}

impl<'a> Grid<'a> {
    pub(super) fn new(shape: &'a [u64], chunk: &'a [u64]) -> Option<Self> {
        (shape.len() == chunk.len() && !chunk.contains(&0)).then_some(Self { shape, chunk })
    }

    /// The entries within the array, by number. One without a size has not been filtered.
    pub(super) fn chunks(
        &self,
        entries: Vec<ChunkEntry>,
        file: &Bounds,
        whole: u64,
        filters: &[FilterDescription],
    ) -> Result<Vec<StoredChunk>, String> {
        let mut chunks = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(number) = self.number(&entry.offsets) else {
                // Files that have shrunk keep chunks of their old size.
                continue;
            };
            if entry.filter_mask != 0 && !filters.is_empty() {
                return Err("some of its chunks are stored without its filters".to_owned());
            }
            let size = if entry.size == 0 { whole } else { entry.size };
            chunks.push(StoredChunk {
                number,
                place: file.place(entry.address, size)?,
            });
        }
        chunks.sort_unstable_by_key(|chunk| chunk.number);
        let is_double = |pair: &[StoredChunk]| pair[0].number == pair[1].number;
        if chunks.windows(2).any(is_double) {
            return Err("two chunks are said to be the same part of it".to_owned());
        }
        Ok(chunks)
    }

    fn number(&self, offsets: &[u64]) -> Option<u64> {
        if offsets.len() != self.shape.len() {
            return None;
        }
        let mut number = 0_u64;
        for ((offset, size), chunk) in offsets.iter().zip(self.shape).zip(self.chunk) {
            if offset >= size || offset % chunk != 0 {
                return None;
            }
            let along: u64 = size.div_ceil(*chunk);
            number = along.checked_mul(number)?.checked_add(offset / chunk)?;
        }
        Some(number)
    }
}

/// Where in the file an HDF5 file begins, and how long the file is.
pub(super) struct Bounds {
    pub(super) base: u64,
    pub(super) size: u64,
}

impl Bounds {
    /// The place of some bytes at an address, which must be in the file.
    pub(super) fn place(&self, address: u64, bytes: u64) -> Result<Place, String> {
        let start = self.base.checked_add(address);
        let range = start.and_then(|start| Some(start..start.checked_add(bytes)?));
        let range = range.filter(|range| range.end <= self.size);
        range
            .map(Place::File)
            .ok_or_else(|| "its values lie beyond the end of the file".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Bounds = Bounds {
        base: 512,
        size: 2000,
    };

    fn entry(address: u64, offsets: [u64; 2]) -> ChunkEntry {
        ChunkEntry {
            address,
            size: 0,
            filter_mask: 0,
            offsets: offsets.to_vec(),
        }
    }

    fn chunks(entries: Vec<ChunkEntry>) -> Result<Vec<StoredChunk>, String> {
        let grid = Grid::new(&[25, 30], &[10, 20]).unwrap();
        grid.chunks(entries, &FILE, 200, &[])
    }

    #[test]
    fn chunks_are_counted_row_by_row() {
        let found = chunks(vec![entry(700, [20, 20]), entry(0, [0, 20])]).unwrap();
        let numbers: Vec<u64> = found.iter().map(|chunk| chunk.number).collect();
        assert_eq!(numbers, [1, 5]);
        assert_eq!(found[0].place, Place::File(512..712));
        // What lay beyond the array before it shrank.
        assert_eq!(chunks(vec![entry(0, [30, 0])]), Ok(Vec::new()));
    }

    #[test]
    fn indices_of_hostile_files() {
        for (entries, reason) in [
            (vec![entry(1400, [0, 0])], "beyond the end"),
            (vec![entry(u64::MAX - 100, [0, 0])], "beyond the end"),
            (
                vec![entry(0, [0, 0]), entry(300, [0, 0])],
                "the same part of it",
            ),
        ] {
            let refused = chunks(entries).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
        assert!(Grid::new(&[25, 30], &[10, 0]).is_none());
        let vast = Grid::new(&[u64::MAX, u64::MAX], &[1, 1]).unwrap();
        assert_eq!(vast.number(&[u64::MAX - 1, 0]), None);
    }
}
