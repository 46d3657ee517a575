//! How arrays are stored in files of other formats, in the words of Zarr v2.

use std::ops::Range;

use serde_json::Value;

use crate::DataType;

/// An array of one file: how its chunks are encoded, and where those are that the file has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredArray {
    pub(crate) encoding: Encoding,
    /// By number. What is missing here is missing in the file.
    pub(crate) chunks: Vec<StoredChunk>,
    /// What all pixels of a missing chunk are; without it, the array's fill value, or 0.
    pub(crate) absent: Option<f64>,
}

/// How chunks are encoded. All files of a stack must say the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Encoding {
    /// NumPy's name of the type, with the byte order.
    pub(crate) dtype: String,
    /// Lengths of a chunk along the dimensions that the array has in the file. Chunks at the edges are as long as all others.
    pub(crate) chunks: Vec<u64>,
    /// Configurations of codecs, the first that encodes first.
    pub(crate) filters: Vec<Value>,
    /// The codec that encodes last.
    pub(crate) compressor: Option<Value>,
}

/// A chunk of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredChunk {
    /// Counted in row-major order of the chunks of the array in the file.
    pub(crate) number: u64,
    pub(crate) place: Place,
}

/// Where the encoded bytes are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    /// In the file.
    File(Range<u64>),
    /// Here.
    Inline(Vec<u8>),
}

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// That of this machine.
    pub(crate) const NATIVE: Self = if cfg!(target_endian = "little") {
        Self::Little
    } else {
        Self::Big
    };

    /// NumPy's name of a type of a kind (`u`, `i`, `f`).
    pub(crate) fn numpy(self, kind: char, itemsize: usize) -> String {
        let order = match self {
            _ if itemsize == 1 => '|',
            Self::Little => '<',
            Self::Big => '>',
        };
        format!("{order}{kind}{itemsize}")
    }
}

/// NumPy's name of a type.
pub(crate) fn numpy_type(dtype: DataType, order: ByteOrder) -> String {
    let kind = match dtype {
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => 'u',
        DataType::Int8 | DataType::Int16 | DataType::Int32 => 'i',
        DataType::Float32 | DataType::Float64 => 'f',
    };
    order.numpy(kind, dtype.itemsize())
}
