//! Pixel types, and pixels of a type known at run time.

use std::fmt;
use std::str::FromStr;

use gdal::raster::{GdalDataType, RasterBand};
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

/// Runs an expression with a type parameter for a data type.
macro_rules! with_element {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DataType::UInt8 => {
                type $T = u8;
                $body
            }
            $crate::DataType::Int8 => {
                type $T = i8;
                $body
            }
            $crate::DataType::UInt16 => {
                type $T = u16;
                $body
            }
            $crate::DataType::Int16 => {
                type $T = i16;
                $body
            }
            $crate::DataType::UInt32 => {
                type $T = u32;
                $body
            }
            $crate::DataType::Int32 => {
                type $T = i32;
                $body
            }
            $crate::DataType::Float32 => {
                type $T = f32;
                $body
            }
            $crate::DataType::Float64 => {
                type $T = f64;
                $body
            }
        }
    };
}
pub(crate) use with_element;

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

/// A window of a source raster: column, row, width, height.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceWindow {
    pub(crate) col: usize,
    pub(crate) row: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// A pixel type that GDAL reads and Zarr holds.
pub(crate) trait Element: bytemuck::Pod + PartialEq + PartialOrd + Send + Sync {
    /// Rounds towards the type; call [`DataType::holds`] first.
    fn from_f64(value: f64) -> Self;
    /// As a double, which holds every type's values exactly.
    fn to_f64(self) -> f64;
    /// The nearest value of the type.
    fn rounded(value: f64) -> Self;
    /// The mean of four values, rounded.
    fn mean_of_four(values: [Self; 4]) -> Self;
    /// Equality in which NaN equals NaN.
    fn same(self, other: Self) -> bool;
    /// The memory of a slice, in the machine's byte order.
    fn bytes(values: &[Self]) -> &[u8] {
        bytemuck::cast_slice(values)
    }
    /// The same, to be written to.
    fn bytes_mut(values: &mut [Self]) -> &mut [u8] {
        bytemuck::cast_slice_mut(values)
    }
    /// Reads a window of a band, whose pixels must be of this type, into a slice of just that size.
    fn read(
        band: &RasterBand<'_>,
        window: SourceWindow,
        out: &mut [Self],
    ) -> gdal::errors::Result<()>;
}

fn read_as<T: gdal::raster::GdalType + Copy>(
    band: &RasterBand<'_>,
    window: SourceWindow,
    out: &mut [T],
) -> gdal::errors::Result<()> {
    let size = (window.width, window.height);
    band.read_into_slice(
        (window.col as isize, window.row as isize),
        size,
        size,
        out,
        None,
    )
}

/// Means with a type that sums don't overflow.
macro_rules! element_means {
    ($T:ty, f64) => {
        fn to_f64(self) -> f64 {
            f64::from(self)
        }
        fn rounded(value: f64) -> Self {
            value as Self
        }
        #[inline(always)]
        fn mean_of_four(values: [Self; 4]) -> Self {
            (values.map(f64::from).iter().sum::<f64>() / 4.0) as Self
        }
    };
    ($T:ty, $Sum:ty) => {
        fn to_f64(self) -> f64 {
            f64::from(self)
        }
        fn rounded(value: f64) -> Self {
            (value + 0.5).floor() as Self
        }
        #[inline(always)]
        fn mean_of_four([a, b, c, d]: [Self; 4]) -> Self {
            let sum = <$Sum>::from(a) + <$Sum>::from(b) + <$Sum>::from(c) + <$Sum>::from(d);
            // Shifting rounds negative sums down, as `floor` does.
            ((sum + 2) >> 2) as Self
        }
    };
}

macro_rules! element {
    ($T:ty, $Sum:ident, $same:expr) => {
        impl Element for $T {
            element_means!($T, $Sum);
            fn from_f64(value: f64) -> Self {
                value as Self
            }
            #[inline(always)]
            fn same(self, other: Self) -> bool {
                let same: fn(Self, Self) -> bool = $same;
                same(self, other)
            }
            fn read(
                band: &RasterBand<'_>,
                window: SourceWindow,
                out: &mut [Self],
            ) -> gdal::errors::Result<()> {
                read_as(band, window, out)
            }
        }
    };
}

element!(u8, u16, |a, b| a == b);
element!(u16, u32, |a, b| a == b);
element!(i16, i32, |a, b| a == b);
element!(u32, u64, |a, b| a == b);
element!(i32, i64, |a, b| a == b);
element!(f32, f64, |a, b| a == b || (a.is_nan() && b.is_nan()));
element!(f64, f64, |a, b| a == b || (a.is_nan() && b.is_nan()));

impl Element for i8 {
    element_means!(i8, i16);
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    #[inline(always)]
    fn same(self, other: Self) -> bool {
        self == other
    }
    fn read(
        band: &RasterBand<'_>,
        window: SourceWindow,
        out: &mut [Self],
    ) -> gdal::errors::Result<()> {
        // GDAL up to 3.6 has no signed byte: it shows the bits as unsigned bytes. Later ones convert to 16 bits.
        if band.band_type() == GdalDataType::UInt8 {
            let mut bits = vec![0_u8; out.len()];
            read_as(band, window, &mut bits)?;
            out.iter_mut()
                .zip(bits)
                .for_each(|(out, bits)| *out = bits.cast_signed());
        } else {
            let mut wide = vec![0_i16; out.len()];
            read_as(band, window, &mut wide)?;
            out.iter_mut()
                .zip(wide)
                .for_each(|(out, wide)| *out = wide as i8);
        }
        Ok(())
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
