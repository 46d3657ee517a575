//! Pixels of a type known at run time.

use super::{DataType, Element};

/// Pixels in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// Unsigned, 8 bits.
    UInt8(Vec<u8>),
    /// Signed, 8 bits.
    Int8(Vec<i8>),
    /// Unsigned, 16 bits.
    UInt16(Vec<u16>),
    /// Signed, 16 bits.
    Int16(Vec<i16>),
    /// Unsigned, 32 bits.
    UInt32(Vec<u32>),
    /// Signed, 32 bits.
    Int32(Vec<i32>),
    /// IEEE 754 single precision.
    Float32(Vec<f32>),
    /// IEEE 754 double precision.
    Float64(Vec<f64>),
}

/// Runs an expression for the pixels of whatever type.
macro_rules! each_pixels {
    ($pixels:expr, $values:ident => $body:expr) => {
        match $pixels {
            $crate::Pixels::UInt8($values) => $body,
            $crate::Pixels::Int8($values) => $body,
            $crate::Pixels::UInt16($values) => $body,
            $crate::Pixels::Int16($values) => $body,
            $crate::Pixels::UInt32($values) => $body,
            $crate::Pixels::Int32($values) => $body,
            $crate::Pixels::Float32($values) => $body,
            $crate::Pixels::Float64($values) => $body,
        }
    };
}
pub(crate) use each_pixels;

impl Pixels {
    /// Number of pixels.
    #[must_use]
    pub fn len(&self) -> usize {
        each_pixels!(self, values => values.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type.
    #[must_use]
    pub fn dtype(&self) -> DataType {
        match self {
            Self::UInt8(_) => DataType::UInt8,
            Self::Int8(_) => DataType::Int8,
            Self::UInt16(_) => DataType::UInt16,
            Self::Int16(_) => DataType::Int16,
            Self::UInt32(_) => DataType::UInt32,
            Self::Int32(_) => DataType::Int32,
            Self::Float32(_) => DataType::Float32,
            Self::Float64(_) => DataType::Float64,
        }
    }

    /// One pixel as a double, which holds every type's values exactly.
    ///
    /// # Panics
    /// When `index` is not below [`Pixels::len`].
    #[must_use]
    #[expect(clippy::unnecessary_cast, reason = "f64 is one of the types")]
    pub fn value(&self, index: usize) -> f64 {
        each_pixels!(self, values => values[index] as f64)
    }

    /// All pixels as doubles.
    #[must_use]
    #[expect(clippy::unnecessary_cast, reason = "f64 is one of the types")]
    pub fn to_f64(&self) -> Vec<f64> {
        each_pixels!(self, values => values.iter().map(|value| *value as f64).collect())
    }

    /// Which pixels are something else than 0.
    pub(crate) fn is_not_zero(&self) -> Vec<bool> {
        (0..self.len())
            .map(|index| self.value(index) != 0.0)
            .collect()
    }

    /// One after the other; all are of the same type.
    pub(crate) fn concatenated(dtype: DataType, parts: &[Self]) -> Self {
        let bytes: Vec<u8> = parts
            .iter()
            .flat_map(|part| each_pixels!(part, values => Element::bytes(values)))
            .copied()
            .collect();
        Self::from_bytes(dtype, &bytes)
    }

    /// From the memory of decoded chunks, in the machine's byte order.
    pub(crate) fn from_bytes(dtype: DataType, bytes: &[u8]) -> Self {
        use zarrs::array::convert_from_bytes_slice as convert;
        match dtype {
            DataType::UInt8 => Self::UInt8(bytes.to_vec()),
            DataType::Int8 => Self::Int8(convert(bytes)),
            DataType::UInt16 => Self::UInt16(convert(bytes)),
            DataType::Int16 => Self::Int16(convert(bytes)),
            DataType::UInt32 => Self::UInt32(convert(bytes)),
            DataType::Int32 => Self::Int32(convert(bytes)),
            DataType::Float32 => Self::Float32(convert(bytes)),
            DataType::Float64 => Self::Float64(convert(bytes)),
        }
    }
}
