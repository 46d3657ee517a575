//! Where the chunks of an HDF5 file are, and how they are encoded.

mod encoding;
mod index;

use hdf5_reader::Hdf5File;
use hdf5_reader::error::Error as Hdf5Error;
use hdf5_reader::io::Cursor;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::layout::DataLayout;

use self::encoding::{codecs, fill, numpy};
use self::index::{Bounds, Grid, Index};
use crate::reference::{Encoding, Place, StoredArray, StoredChunk};

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
    let file = Bounds {
        // Addresses count from the superblock, which may not be the first byte.
        base: file_size.saturating_sub(hdf5.storage().len()),
        size: file_size,
    };
    let whole: Vec<u64> = shape.iter().map(|size| (*size).max(1)).collect();
    let (chunk_shape, chunks) = match layout.ok_or("it has no layout")? {
        DataLayout::Compact { data } => {
            let bytes = usize::try_from(bytes_of(&whole, itemsize)?).ok();
            let values = bytes.and_then(|bytes| data.get(..bytes));
            let chunk = StoredChunk {
                number: 0,
                place: Place::Inline(values.ok_or(CUT_OFF)?.to_vec()),
            };
            (whole, vec![chunk])
        }
        DataLayout::Contiguous { address, size } => {
            let mut chunks = Vec::new();
            if !is_undefined(hdf5, *address) && *size > 0 {
                let bytes = bytes_of(&whole, itemsize)?;
                if *size < bytes {
                    return Err(CUT_OFF.to_owned());
                }
                chunks.push(StoredChunk {
                    number: 0,
                    place: file.place(*address, bytes)?,
                });
            }
            (whole, chunks)
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
            let bytes = bytes_of(&chunk_shape, itemsize)?;
            let chunks = grid.chunks(entries, &file, bytes, filters)?;
            (chunk_shape.clone(), chunks)
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

const CUT_OFF: &str = "its values are fewer than its shape says";

/// Bytes of an array of this shape.
fn bytes_of(shape: &[u64], itemsize: usize) -> Result<u64, String> {
    let bytes = shape
        .iter()
        .try_fold(itemsize as u64, |bytes, size| bytes.checked_mul(*size));
    bytes.ok_or_else(|| "its shape is absurdly large".to_owned())
}

fn is_undefined(hdf5: &Hdf5File, address: u64) -> bool {
    Cursor::is_undefined_offset(address, hdf5.superblock().offset_size)
}
