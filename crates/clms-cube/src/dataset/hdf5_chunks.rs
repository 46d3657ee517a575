//! Where the chunks of an HDF5 file are, and how they are encoded.

use hdf5_reader::btree_v1::{BTreeV1Key, collect_btree_v1_leaves_storage};
use hdf5_reader::chunk_index::{
    ChunkEntry, collect_implicit_chunk_entries, collect_v2_chunk_entries_storage,
    single_chunk_entry,
};
use hdf5_reader::error::{ByteOrder as Hdf5Order, Error as Hdf5Error};
use hdf5_reader::extensible_array::collect_extensible_array_chunk_entries_storage;
use hdf5_reader::filters::{FILTER_DEFLATE, FILTER_FLETCHER32, FILTER_SHUFFLE};
use hdf5_reader::fixed_array::collect_fixed_array_chunk_entries_storage;
use hdf5_reader::io::Cursor;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::filter_pipeline::FilterDescription;
use hdf5_reader::messages::layout::{ChunkIndexing, DataLayout};
use hdf5_reader::{Dataset, Datatype, Hdf5File};
use serde_json::{Value, json};

use crate::reference::{ByteOrder, Encoding, Place, StoredArray, StoredChunk};

/// How a dataset that is read with this shape is stored; why other software could not read it.
pub(super) fn stored(
    hdf5: &Hdf5File,
    file_size: u64,
    path: &str,
    shape: &[u64],
) -> Result<StoredArray, String> {
    let words = |error: Hdf5Error| error.to_string();
    let dataset = hdf5.dataset(path).map_err(words)?;
    let header = hdf5.get_or_parse_header(dataset.address()).map_err(words)?;
    let (mut layout, mut filters) = (None, &[][..]);
    for message in &header.messages {
        match message {
            HdfMessage::DataLayout(found) => layout = Some(&found.layout),
            HdfMessage::FilterPipeline(found) => filters = &found.filters,
            HdfMessage::ExternalFiles(_) => return Err("its values are in other files".to_owned()),
            HdfMessage::Shared(_) => return Err("its description is elsewhere".to_owned()),
            _ => {}
        }
    }
    let (dtype, itemsize, order) = numpy(dataset.dtype())?;
    // Addresses count from the superblock, which may not be the first byte.
    let base = file_size.saturating_sub(hdf5.storage().len());
    let whole: Vec<u64> = shape.iter().map(|size| (*size).max(1)).collect();
    let (chunk_shape, chunks) = match layout.ok_or("it has no layout")? {
        DataLayout::Compact { data } => {
            let chunk = StoredChunk {
                number: 0,
                place: Place::Inline(data.clone()),
            };
            (whole, vec![chunk])
        }
        DataLayout::Contiguous { address, size } => {
            let is_there = !is_undefined(hdf5, *address) && *size > 0;
            let chunk = || StoredChunk {
                number: 0,
                place: Place::File(base + address..base + address.saturating_add(*size)),
            };
            (whole, is_there.then(chunk).into_iter().collect())
        }
        DataLayout::Chunked {
            address,
            dims,
            chunk_indexing,
            ..
        } => {
            // Older layouts have the size of an element as one more.
            let dims = dims.get(..shape.len()).ok_or("its chunks have no shape")?;
            let chunk_shape: Vec<u64> = dims.iter().map(|size| u64::from(*size)).collect();
            let entries = if is_undefined(hdf5, *address) {
                Vec::new()
            } else {
                let index = Index {
                    hdf5,
                    dataset: &dataset,
                    address: *address,
                    dims,
                    itemsize,
                };
                index.entries(chunk_indexing.as_ref()).map_err(words)?
            };
            let grid = Grid::new(shape, &chunk_shape).ok_or("its chunks have no size")?;
            let bytes = chunk_shape.iter().product::<u64>() * itemsize as u64;
            (
                chunk_shape.clone(),
                grid.chunks(entries, base, bytes, filters)?,
            )
        }
    };
    let (filters, compressor) = codecs(filters, itemsize)?;
    Ok(StoredArray {
        encoding: Encoding {
            dtype,
            chunks: chunk_shape,
            filters,
            compressor,
        },
        chunks,
        absent: Some(fill(&dataset, order)?),
    })
}

fn is_undefined(hdf5: &Hdf5File, address: u64) -> bool {
    Cursor::is_undefined_offset(address, hdf5.superblock().offset_size)
}

/// NumPy's name of a type, the bytes of a value, and their order.
fn numpy(dtype: &Datatype) -> Result<(String, usize, Number), String> {
    let (kind, size, order) = match dtype {
        Datatype::FixedPoint {
            size,
            signed,
            byte_order,
        } => (if *signed { 'i' } else { 'u' }, *size, *byte_order),
        Datatype::FloatingPoint { size, byte_order } => ('f', *size, *byte_order),
        _ => return Err("its values are no numbers".to_owned()),
    };
    let sizes: &[u8] = if kind == 'f' { &[4, 8] } else { &[1, 2, 4, 8] };
    if !sizes.contains(&size) {
        return Err(format!("its numbers have {size} bytes"));
    }
    let order = match order {
        Hdf5Order::LittleEndian => ByteOrder::Little,
        Hdf5Order::BigEndian => ByteOrder::Big,
    };
    let size = usize::from(size);
    Ok((order.numpy(kind, size), size, Number { kind, order }))
}

/// How a number is written.
#[derive(Clone, Copy)]
struct Number {
    kind: char,
    order: ByteOrder,
}

impl Number {
    fn read(self, bytes: &[u8]) -> f64 {
        let mut ordered = bytes.to_vec();
        if self.order == ByteOrder::Little {
            ordered.reverse();
        }
        let bits = ordered
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let unused = 64 - 8 * bytes.len().clamp(1, 8) as u32;
        match (self.kind, bytes.len()) {
            ('f', 4) => f64::from(f32::from_bits(bits as u32)),
            ('f', _) => f64::from_bits(bits),
            ('i', _) => ((bits << unused) as i64 >> unused) as f64,
            _ => bits as f64,
        }
    }
}

/// What is read where nothing was written.
fn fill(dataset: &Dataset, number: Number) -> Result<f64, String> {
    let value = dataset.fill_value().and_then(|fill| fill.value.as_deref());
    Ok(value
        .filter(|bytes| !bytes.is_empty())
        .map_or(0.0, |bytes| number.read(bytes)))
}

/// Codecs of numcodecs for a pipeline of filters: all but the last one, and that.
fn codecs(
    filters: &[FilterDescription],
    itemsize: usize,
) -> Result<(Vec<Value>, Option<Value>), String> {
    let codec = |filter: &FilterDescription| match filter.id {
        FILTER_DEFLATE => {
            let level = filter.client_data.first().copied().unwrap_or(6);
            Ok(json!({ "id": "zlib", "level": level }))
        }
        FILTER_SHUFFLE => {
            let size = filter
                .client_data
                .first()
                .map_or(itemsize, |size| *size as usize);
            Ok(json!({ "id": "shuffle", "elementsize": size }))
        }
        FILTER_FLETCHER32 => Ok(json!({ "id": "fletcher32" })),
        id => Err(format!(
            "there is no codec for its filter {}",
            filter_name(id, filter)
        )),
    };
    let mut codecs = filters.iter().map(codec).collect::<Result<Vec<_>, _>>()?;
    // Shuffling alone compresses nothing; readers expect it among the filters.
    let ends_with_shuffle = filters.last().is_some_and(|last| last.id == FILTER_SHUFFLE);
    let compressor = if ends_with_shuffle {
        None
    } else {
        codecs.pop()
    };
    Ok((codecs, compressor))
}

/// What a filter is called.
fn filter_name(id: u16, filter: &FilterDescription) -> String {
    let name = match id {
        4 => "szip",
        5 => "nbit",
        6 => "scaleoffset",
        307 => "bzip2",
        32001 => "Blosc",
        32004 => "LZ4",
        32008 => "bitshuffle",
        32013 => "ZFP",
        32015 => "zstd",
        _ => return filter.name.clone().unwrap_or_else(|| id.to_string()),
    };
    name.to_owned()
}

/// Where the index of a dataset's chunks is.
struct Index<'a> {
    hdf5: &'a Hdf5File,
    dataset: &'a Dataset,
    address: u64,
    dims: &'a [u32],
    itemsize: usize,
}

impl Index<'_> {
    fn entries(&self, kind: Option<&ChunkIndexing>) -> Result<Vec<ChunkEntry>, Hdf5Error> {
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
struct Grid<'a> {
    shape: &'a [u64],
    chunk: &'a [u64],
}

impl<'a> Grid<'a> {
    fn new(shape: &'a [u64], chunk: &'a [u64]) -> Option<Self> {
        (shape.len() == chunk.len() && !chunk.contains(&0)).then_some(Self { shape, chunk })
    }

    /// The entries within the array, by number. One without a size has not been filtered.
    fn chunks(
        &self,
        entries: Vec<ChunkEntry>,
        base: u64,
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
            let start = base + entry.address;
            chunks.push(StoredChunk {
                number,
                place: Place::File(start..start.saturating_add(size)),
            });
        }
        chunks.sort_unstable_by_key(|chunk| chunk.number);
        Ok(chunks)
    }

    fn number(&self, offsets: &[u64]) -> Option<u64> {
        if offsets.len() != self.shape.len() {
            return None;
        }
        let mut number = 0;
        for ((offset, size), chunk) in offsets.iter().zip(self.shape).zip(self.chunk) {
            if offset >= size || offset % chunk != 0 {
                return None;
            }
            number = number * size.div_ceil(*chunk) + offset / chunk;
        }
        Some(number)
    }
}
