//! Pixel types, and pixels of a type known at run time.

mod element;
mod pixels;

use std::fmt;
use std::str::FromStr;

pub(crate) use element::{Element, SourceWindow, with_element};
pub use pixels::Pixels;
pub(crate) use pixels::each_pixels;
use serde::{Serialize, Serializer};

/// The type of a pixel. Cubes keep the type of their sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataType {
    /// Unsigned, 8 bits.
    UInt8,
    /// Signed, 8 bits.
    Int8,
    /// Unsigned, 16 bits.
    UInt16,
    /// Signed, 16 bits.
    Int16,
    /// Unsigned, 32 bits.
    UInt32,
    /// Signed, 32 bits.
    Int32,
    /// IEEE 754 single precision.
    Float32,
    /// IEEE 754 double precision.
    Float64,
}

impl DataType {
    pub(crate) const ALL: [Self; 8] = [
        Self::UInt8,
        Self::Int8,
        Self::UInt16,
        Self::Int16,
        Self::UInt32,
        Self::Int32,
        Self::Float32,
        Self::Float64,
    ];

    /// The name that Zarr and NumPy use: `uint8`, ..., `float64`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UInt8 => "uint8",
            Self::Int8 => "int8",
            Self::UInt16 => "uint16",
            Self::Int16 => "int16",
            Self::UInt32 => "uint32",
            Self::Int32 => "int32",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        }
    }

    /// Bytes of a pixel.
    #[must_use]
    pub fn itemsize(self) -> usize {
        match self {
            Self::UInt8 | Self::Int8 => 1,
            Self::UInt16 | Self::Int16 => 2,
            Self::UInt32 | Self::Int32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// Whether it holds fractions.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// The least and the greatest whole number; `None` for floats.
    pub(crate) fn integer_range(self) -> Option<(i64, i64)> {
        match self {
            Self::UInt8 => Some((0, 0xff)),
            Self::Int8 => Some((-0x80, 0x7f)),
            Self::UInt16 => Some((0, 0xffff)),
            Self::Int16 => Some((-0x8000, 0x7fff)),
            Self::UInt32 => Some((0, 0xffff_ffff)),
            Self::Int32 => Some((-0x8000_0000, 0x7fff_ffff)),
            Self::Float32 | Self::Float64 => None,
        }
    }

    /// Whether the type holds exactly this value.
    pub(crate) fn holds(self, value: f64) -> bool {
        match self.integer_range() {
            Some((min, max)) => value.fract() == 0.0 && value >= min as f64 && value <= max as f64,
            None if self == Self::Float32 => !value.is_finite() || (value as f32).is_finite(),
            None => true,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DataType {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|dtype| dtype.name() == name);
        found.ok_or_else(|| format!("unsupported data type {name:?}"))
    }
}

impl Serialize for DataType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_types_hold() {
        assert!(DataType::UInt8.holds(255.0));
        assert!(!DataType::UInt8.holds(256.0));
        assert!(!DataType::UInt8.holds(-1.0));
        assert!(!DataType::Int16.holds(0.5));
        assert!(!DataType::Int16.holds(f64::NAN));
        assert!(DataType::Float32.holds(f64::NAN));
        assert!(!DataType::Float32.holds(1e300));
        assert!(DataType::Float32.holds(-3.4028234663852886e38));
        for dtype in DataType::ALL {
            assert_eq!(dtype.name().parse(), Ok(dtype));
        }
    }
}
