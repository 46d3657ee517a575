//! From stored numbers to physical values, as CF says it.

use serde_json::Value;

use super::ArrayStructure;
use crate::Pixels;
use crate::dtype::each_pixels;

/// How stored numbers become values: `stored * scale_factor + add_offset`, and which of them are none.
///
/// None (NaN) are the fill value, `missing_value`, and what lies outside of `valid_range` (`valid_min`, `valid_max`), where products
/// keep their flags: CF calls these missing. Class codes have no scale and stay as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoding {
    scale: f64,
    offset: f64,
    missing: Vec<f64>,
    valid: [f64; 2],
}

impl Decoding {
    /// What the attributes of an array say.
    #[must_use]
    pub fn of(array: &ArrayStructure) -> Self {
        let number = |name: &str| array.attributes.get(name).and_then(first_number);
        let range = array.valid_range();
        let [min, max] = range.unwrap_or([
            number("valid_min").unwrap_or(f64::NEG_INFINITY),
            number("valid_max").unwrap_or(f64::INFINITY),
        ]);
        Self {
            scale: number("scale_factor")
                .filter(|scale| scale.is_finite())
                .unwrap_or(1.0),
            offset: number("add_offset")
                .filter(|offset| offset.is_finite())
                .unwrap_or(0.0),
            missing: array
                .fill_value
                .into_iter()
                .chain(number("missing_value"))
                // NaN is none anyway, and would make two that are alike differ.
                .filter(|missing| !missing.is_nan())
                .collect(),
            valid: [min, max],
        }
    }

    /// The value of a stored number; NaN for none.
    #[must_use]
    pub fn value(&self, stored: f64) -> f64 {
        // Not `contains` of a range: NaN limits must let everything through.
        let invalid = stored < self.valid[0] || stored > self.valid[1];
        if invalid || self.missing.contains(&stored) {
            f64::NAN
        } else {
            self.scaled(stored)
        }
    }

    /// The value of a stored number, whether or not it is a valid one.
    pub(crate) fn scaled(&self, stored: f64) -> f64 {
        stored * self.scale + self.offset
    }

    /// The values of pixels.
    #[must_use]
    #[expect(clippy::unnecessary_cast, reason = "f64 is one of the types")]
    pub fn values(&self, pixels: &Pixels) -> Vec<f64> {
        each_pixels!(pixels, stored => stored.iter().map(|stored| self.value(*stored as f64)).collect())
    }
}

fn first_number(value: &Value) -> Option<f64> {
    match value {
        Value::Array(values) => values.first().and_then(Value::as_f64),
        value => value.as_f64(),
    }
}
