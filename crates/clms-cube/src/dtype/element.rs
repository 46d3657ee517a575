//! Pixel types as type parameters: what GDAL reads and Zarr holds.

use gdal::raster::{GdalDataType, RasterBand};

use super::Pixels;

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
    /// Values as pixels, without a copy.
    fn pixels(values: Vec<Self>) -> Pixels;
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
    ($T:ty, $Pixels:ident, $Sum:ident, $same:expr) => {
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
            fn pixels(values: Vec<Self>) -> Pixels {
                Pixels::$Pixels(values)
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

element!(u8, UInt8, u16, |a, b| a == b);
element!(u16, UInt16, u32, |a, b| a == b);
element!(i16, Int16, i32, |a, b| a == b);
element!(u32, UInt32, u64, |a, b| a == b);
element!(i32, Int32, i64, |a, b| a == b);
element!(f32, Float32, f64, |a, b| a == b
    || (a.is_nan() && b.is_nan()));
element!(f64, Float64, f64, |a, b| a == b
    || (a.is_nan() && b.is_nan()));

impl Element for i8 {
    element_means!(i8, i16);
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    #[inline(always)]
    fn same(self, other: Self) -> bool {
        self == other
    }
    fn pixels(values: Vec<Self>) -> Pixels {
        Pixels::Int8(values)
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
