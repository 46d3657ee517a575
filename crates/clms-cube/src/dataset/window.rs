//! Parts of arrays: where they are, and their pixels.

use std::ops::Range;

use super::decode::Decoding;
use super::span::Span;
use crate::{Grid, Pixels};

/// A part of an array, found and not yet read: one range of indices for each dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Slab {
    /// Path of the group; that of an overview if a lower resolution was wanted.
    pub group: String,
    /// The variable or coordinate.
    pub variable: String,
    /// Names of the dimensions.
    pub dims: Vec<String>,
    /// Indices along each dimension.
    pub ranges: Vec<Range<u64>>,
    /// Where its pixels lie, if the group has a grid that the array lies on. Rows and columns are the last two dimensions.
    pub grid: Option<Grid>,
    /// Shape of the chunks of the array.
    pub(super) chunks: Vec<u64>,
}

impl Slab {
    /// Lengths of the dimensions.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.ranges
            .iter()
            .map(|range| range.end.saturating_sub(range.start))
            .collect()
    }

    /// Number of pixels.
    #[must_use]
    pub fn pixels(&self) -> usize {
        Span::of(&self.ranges).len()
    }

    /// Parts of at most so many pixels, or of one chunk where chunks are larger, that together are the whole. Their edges are edges of
    /// chunks, so that no chunk is read twice.
    pub fn pieces(&self, most: usize) -> impl Iterator<Item = Self> + use<> {
        let mut shape: Vec<u64> = self.chunks.iter().map(|size| (*size).max(1)).collect();
        let wanted = self.shape();
        let most = most as u128;
        for axis in (0..shape.len()).rev() {
            let others: u128 = shape
                .iter()
                .zip(&wanted)
                .enumerate()
                .filter(|(other, _)| *other != axis)
                .map(|(_, (size, wanted))| u128::from(*size.min(wanted)))
                .product();
            let room = most / others.max(1) / u128::from(shape[axis]);
            // One more than fills it, for a range that begins and ends within chunks.
            let enough = u128::from(wanted[axis].div_ceil(shape[axis]) + 1);
            shape[axis] *= room.clamp(1, enough) as u64;
        }
        let whole = self.clone();
        Span::of(&self.ranges)
            .pieces(&shape)
            .map(move |ranges| whole.part(ranges))
    }

    fn part(&self, ranges: Vec<Range<u64>>) -> Self {
        let grid = self.grid.as_ref().and_then(|grid| {
            let axes = ranges.iter().zip(&self.ranges);
            let mut local =
                axes.map(|(part, whole)| part.start - whole.start..part.end - whole.start);
            let (cols, rows) = (local.next_back()?, local.next_back()?);
            Some(grid.window(&rows, &cols))
        });
        Self {
            grid,
            ranges,
            ..self.clone()
        }
    }
}

/// Pixels of a part of an array.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Which part.
    pub slab: Slab,
    /// Values as they are stored: not scaled, fill included; the last dimension fastest.
    pub pixels: Pixels,
    pub(super) decoding: Decoding,
    /// What the variable's mask says of each pixel.
    pub(super) valid: Option<Vec<bool>>,
}

impl Window {
    /// Lengths of the dimensions.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.slab.shape()
    }

    /// Which pixels are data, if a mask beside the variable says so: cubes have one where every value of the type is data.
    #[must_use]
    pub fn valid(&self) -> Option<&[bool]> {
        self.valid.as_deref()
    }

    /// Physical values: scaled, and NaN for what is no data by its value (see [`Decoding`]) or by the mask beside it.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        let mut values = self.decoding.values(&self.pixels);
        for (value, valid) in values.iter_mut().zip(self.valid().unwrap_or_default()) {
            if !valid {
                *value = f64::NAN;
            }
        }
        values
    }
}
