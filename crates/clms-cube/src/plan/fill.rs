//! The value of pixels without data.
//!
//! Chosen from headers alone as far as these tell. Where the pixels have to be asked (the sources disagree about nodata, or
//! nobody says anything), the choice is provisional, and [`Fill::is_settled`] says so: the build looks at the pixels first.

use crate::plan::{Note, Tile};
use crate::products::Product;
use crate::{CubeError, DataType};

/// The fill value of a variable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    /// `None`: there are no gaps, and the sources have no nodata.
    pub(crate) value: Option<f64>,
    pub(crate) origin: FillOrigin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FillOrigin {
    /// The caller's wish.
    Wanted,
    /// The sources' own nodata.
    Sources,
    /// The product's code for "outside the area".
    Product,
    /// Occurs nowhere in the sources.
    Unused,
    /// No fill value.
    None,
}

impl Fill {
    pub(crate) fn choose(
        wanted: Option<f64>,
        tiles: &[Tile],
        product: Option<&Product>,
        dtype: DataType,
        gaps: bool,
    ) -> Result<Self, CubeError> {
        if let Some(value) = wanted {
            return if dtype.holds(value) {
                Ok(Self {
                    value: Some(value),
                    origin: FillOrigin::Wanted,
                })
            } else {
                Err(CubeError::FillOutOfRange { value, dtype })
            };
        }
        if let Some(value) = tiles.iter().find_map(|tile| tile.nodata) {
            let sources = Self {
                value: Some(value),
                origin: FillOrigin::Sources,
            };
            // Floats have a value that never is data.
            let disagreeing = tiles.iter().any(|tile| sources.clashes_in(tile));
            return Ok(if disagreeing && dtype.is_float() {
                Self {
                    value: Some(f64::NAN),
                    origin: FillOrigin::Unused,
                }
            } else {
                sources
            });
        }
        if let Some(value) = product.and_then(|product| product.outside(dtype)) {
            return Ok(Self {
                value: Some(value),
                origin: FillOrigin::Product,
            });
        }
        if gaps {
            return Ok(Self {
                value: Some(rarest(dtype)),
                origin: FillOrigin::Unused,
            });
        }
        Ok(Self {
            value: None,
            origin: FillOrigin::None,
        })
    }

    /// Whether headers alone decide. If not, the value is provisional, and the pixels have to be looked at.
    pub(crate) fn is_settled(&self, tiles: &[Tile], dtype: DataType) -> bool {
        match self.origin {
            FillOrigin::Sources => !tiles.iter().any(|tile| self.clashes_in(tile)),
            FillOrigin::Unused => dtype.is_float(),
            FillOrigin::Wanted | FillOrigin::Product | FillOrigin::None => true,
        }
    }

    /// The values that may become the fill value, in the order of preference: what the sources state, the product's code for
    /// "outside the area", and then the values that data has least often.
    pub(crate) fn candidates(
        tiles: &[Tile],
        product: Option<&Product>,
        dtype: DataType,
    ) -> Vec<(i64, FillOrigin)> {
        /// All values of 8 and 16 bits; beyond, enough for one to be free.
        const MOST: i64 = 1 << 16;
        let mut candidates: Vec<(i64, FillOrigin)> = Vec::new();
        let stated = tiles.iter().filter_map(|tile| tile.nodata);
        for nodata in stated {
            if !candidates.iter().any(|(known, _)| *known == nodata as i64) {
                candidates.push((nodata as i64, FillOrigin::Sources));
            }
        }
        if let Some(outside) = product.and_then(|product| product.outside(dtype)) {
            candidates.push((outside as i64, FillOrigin::Product));
        }
        if let Some((min, max)) = dtype.integer_range() {
            let count = (max - min + 1).min(MOST);
            let rare = |step: i64| if min == 0 { max - step } else { min + step };
            candidates.extend((0..count).map(|step| (rare(step), FillOrigin::Unused)));
        }
        candidates
    }

    /// Whether the pixels of a tile that equal the fill value are data: then filling would hide them.
    pub(crate) fn clashes_in(&self, tile: &Tile) -> bool {
        let Some(value) = self.value else {
            return false;
        };
        match (self.origin, tile.nodata) {
            // The sources have their own nodata, and it is another one.
            (_, Some(nodata)) => !same(nodata, value),
            (FillOrigin::Wanted | FillOrigin::Unused, None) => !value.is_nan(),
            // A neighbour without the tag, or the product's code: it means the same here.
            (FillOrigin::Sources | FillOrigin::Product | FillOrigin::None, None) => false,
        }
    }

    /// The nodata of a tile that has to be replaced by the fill value.
    pub(crate) fn replaces_in(&self, tile: &Tile) -> Option<f64> {
        let nodata = tile.nodata?;
        (!same(nodata, self.value?)).then_some(nodata)
    }

    pub(crate) fn report(&self, variable: &str, tiles: &[Tile], notes: &mut Vec<Note>) {
        let Some(value) = self.value else { return };
        match self.origin {
            FillOrigin::Product => notes.push(Note {
                file: None,
                message: format!("{variable}: the sources state no nodata that would do; {value} (outside the area) is taken for it"),
            }),
            FillOrigin::Unused => notes.push(Note {
                file: None,
                message: format!("{variable}: gaps are filled with {value}, which occurs nowhere in the sources"),
            }),
            FillOrigin::Wanted | FillOrigin::Sources | FillOrigin::None => {}
        }
        for tile in tiles {
            if let Some(nodata) = self.replaces_in(tile) {
                notes.push(Note::on(
                    &tile.source.name,
                    format!("nodata {nodata} is written as {value}"),
                ));
            }
        }
    }
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// The value that data has least often: the greatest of unsigned types, the least of signed ones, NaN of floats.
fn rarest(dtype: DataType) -> f64 {
    match dtype.integer_range() {
        None => f64::NAN,
        Some((0, max)) => max as f64,
        Some((min, _)) => min as f64,
    }
}

/// A stated nodata value as the data type holds it. Files state signed numbers for unsigned types (-32768 for the pixel
/// value 32768): these are read as the same bits. Any other value that can't occur is none.
pub(crate) fn normalise_nodata(value: f64, dtype: DataType) -> Option<f64> {
    if dtype == DataType::Float32 && value.is_finite() {
        let narrow = value as f32;
        return narrow.is_finite().then_some(f64::from(narrow));
    }
    if dtype.holds(value) {
        return Some(value);
    }
    let (min, max) = dtype.integer_range()?;
    let size = max - min + 1;
    let same_bits = value.fract() == 0.0 && value >= -(size as f64) / 2.0 && value < size as f64;
    same_bits.then_some(if value < 0.0 {
        value + size as f64
    } else {
        value - size as f64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodata_that_types_cannot_hold() {
        assert_eq!(normalise_nodata(-32768.0, DataType::UInt16), Some(32768.0));
        assert_eq!(normalise_nodata(128.0, DataType::Int8), Some(-128.0));
        assert_eq!(normalise_nodata(255.0, DataType::Int8), Some(-1.0));
        assert_eq!(normalise_nodata(-9999.0, DataType::UInt8), None);
        assert_eq!(normalise_nodata(0.5, DataType::UInt8), None);
        assert_eq!(normalise_nodata(f64::NAN, DataType::UInt8), None);
        assert_eq!(normalise_nodata(255.0, DataType::UInt8), Some(255.0));
        assert!(normalise_nodata(f64::NAN, DataType::Float32).is_some_and(f64::is_nan));
        assert_eq!(
            normalise_nodata(-3.4e38, DataType::Float32),
            Some(f64::from(-3.4e38_f32))
        );
        assert_eq!(normalise_nodata(1e300, DataType::Float32), None);
    }
}
