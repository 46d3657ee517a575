//! Types, fill values and filters of HDF5 in the words of NumPy and numcodecs.

use hdf5_reader::error::ByteOrder as Hdf5Order;
use hdf5_reader::filters::{FILTER_DEFLATE, FILTER_FLETCHER32, FILTER_SHUFFLE};
use hdf5_reader::messages::filter_pipeline::FilterDescription;
use hdf5_reader::{Dataset, Datatype};
use serde_json::{Value, json};

use crate::reference::ByteOrder;

/// NumPy's name of a type, the bytes of a value, and their order.
pub(super) fn numpy(dtype: &Datatype) -> Result<(String, usize, Number), String> {
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
pub(super) struct Number {
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
pub(super) fn fill(dataset: &Dataset, number: Number) -> Result<f64, String> {
    let value = dataset.fill_value().and_then(|fill| fill.value.as_deref());
    Ok(value
        .filter(|bytes| !bytes.is_empty())
        .map_or(0.0, |bytes| number.read(bytes)))
}

/// Codecs of numcodecs for a pipeline of filters: all but the last one, and that.
pub(super) fn codecs(
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
