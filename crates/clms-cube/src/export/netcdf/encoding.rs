//! The words of the HDF5 file format, version 3.0 of its specification: numbers, types, shapes, checksums.

use crate::dtype::{Element, each_pixels};
use crate::{DataType, Pixels};

/// What stands for "nowhere".
pub(super) const UNDEFINED: u64 = u64::MAX;

/// Pixels in the byte order of the file.
pub(super) fn little_endian(pixels: &Pixels) -> Vec<u8> {
    let size = pixels.dtype().itemsize();
    let mut bytes = each_pixels!(pixels, values => Element::bytes(values).to_vec());
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    bytes
}

/// All first bytes, then all second ones, ...: HDF5's filter `shuffle`.
pub(super) fn shuffled(bytes: &[u8], itemsize: usize) -> Vec<u8> {
    if itemsize == 1 {
        return bytes.to_vec();
    }
    let places = (0..itemsize).flat_map(|place| bytes.iter().skip(place).step_by(itemsize));
    places.copied().collect()
}

/// A text that something is written to.
#[derive(Debug, Default, Clone)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Bytes {
    pub(super) fn u8(&mut self, number: u8) -> &mut Self {
        self.0.push(number);
        self
    }

    pub(super) fn u16(&mut self, number: u16) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    pub(super) fn u32(&mut self, number: u32) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    pub(super) fn u64(&mut self, number: u64) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// With the checksum of all that stands there.
    pub(super) fn checksum(&mut self) -> &mut Self {
        let checksum = hdf5_core::jenkins_lookup3(&self.0);
        self.u32(checksum)
    }
}

/// The message that describes a type.
pub(super) fn datatype(dtype: DataType) -> Vec<u8> {
    let (class, bits): (u8, [u8; 3]) = match dtype {
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => (0x10, [0, 0, 0]),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => (0x10, [0x08, 0, 0]),
        // The sign is the highest bit, the mantissa's first bit is not stored.
        DataType::Float32 => (0x11, [0x20, 31, 0]),
        DataType::Float64 => (0x11, [0x20, 63, 0]),
    };
    let size = dtype.itemsize();
    let mut message = Bytes::default();
    message.u8(class).raw(&bits).u32(size as u32);
    message.u16(0).u16(size as u16 * 8);
    match dtype {
        DataType::Float32 => {
            message.raw(&[23, 8, 0, 23]).u32(127);
        }
        DataType::Float64 => {
            message.raw(&[52, 11, 0, 52]).u32(1023);
        }
        _ => {}
    }
    message.0
}

/// How a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextEnd {
    /// With a zero byte, which is one of its bytes.
    Zero = 0,
    /// With its last byte; shorter ones are filled up with zeros.
    Padded = 1,
}

/// The type of UTF-8 texts of a number of bytes.
pub(super) fn text_type(size: usize, end: TextEnd) -> Vec<u8> {
    let utf8 = 1 << 4;
    let mut message = Bytes::default();
    message
        .u8(0x13)
        .raw(&[end as u8 | utf8, 0, 0])
        .u32(size as u32);
    message.0
}

/// The type of references to objects.
pub(super) fn reference_type() -> Vec<u8> {
    let mut message = Bytes::default();
    message.u8(0x17).raw(&[0; 3]).u32(8);
    message.0
}

/// The type of lists of any length, which lie in a heap.
pub(super) fn list_type(of: &[u8]) -> Vec<u8> {
    let mut message = Bytes::default();
    message.u8(0x19).raw(&[0; 3]).u32(16).raw(of);
    message.0
}

/// The type of records that name an object and one of its dimensions, padded as C does.
pub(super) fn dimension_reference_type() -> Vec<u8> {
    let mut message = Bytes::default();
    message.u8(0x36).raw(&[2, 0, 0]).u32(16);
    message.raw(b"dataset\0").u8(0).raw(&reference_type());
    message
        .raw(b"dimension\0")
        .u8(8)
        .raw(&datatype(DataType::Int32));
    message.0
}

/// The message that describes a shape; none of one value.
pub(super) fn dataspace(shape: &[u64]) -> Vec<u8> {
    let kind = u8::from(!shape.is_empty());
    let mut message = Bytes::default();
    message.raw(&[2, shape.len() as u8, 0, kind]);
    for size in shape {
        message.u64(*size);
    }
    message.0
}
