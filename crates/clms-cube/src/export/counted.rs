//! What is counted of the pixels within polygons.

use std::collections::BTreeMap;

/// Of the values of a quantity, as they come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantity {
    pub(super) valid: u64,
    pub(super) mean: f64,
    /// Sum of the squares of the distances from the mean.
    squares: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Default for Quantity {
    fn default() -> Self {
        Self {
            valid: 0,
            mean: f64::NAN,
            squares: 0.0,
            min: f64::NAN,
            max: f64::NAN,
        }
    }
}

impl Quantity {
    /// Takes a value (Welford's way, which loses no digits).
    pub(super) fn add(&mut self, value: f64) {
        self.valid += 1;
        if self.valid == 1 {
            (self.mean, self.min, self.max) = (value, value, value);
            return;
        }
        let distance = value - self.mean;
        self.mean += distance / self.valid as f64;
        self.squares += distance * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// The standard deviation of all pixels (not of a sample).
    pub(super) fn deviation(&self) -> f64 {
        if self.valid == 0 {
            f64::NAN
        } else {
            (self.squares / self.valid as f64).sqrt()
        }
    }
}

/// Number of pixels and square metres.
pub(super) type Extent = (u64, f64);

/// What is counted of a variable at a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    pub(super) all: Extent,
    pub(super) without_data: Extent,
    pub(super) quantity: Quantity,
    pub(super) classes: BTreeMap<i64, Extent>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_few_values() {
        let mut quantity = Quantity::default();
        assert!(quantity.deviation().is_nan() && quantity.mean.is_nan());
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            quantity.add(value);
        }
        assert_eq!((quantity.valid, quantity.min, quantity.max), (8, 2.0, 9.0));
        assert!((quantity.mean - 5.0).abs() < 1e-12 && (quantity.deviation() - 2.0).abs() < 1e-12);
    }
}
