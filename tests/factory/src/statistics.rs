//! What a side-car tells about the pixels: how often each value occurs, and their range, mean and deviation.

use std::collections::BTreeMap;

use crate::raster::DType;

/// Statistics of a band's valid pixels, and the counts of all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Pixels of each value, nodata included; empty for 32 and 64 bit types.
    pub counts: BTreeMap<i64, u64>,
    /// Number of valid pixels.
    pub valid: u64,
    /// Number of all pixels.
    pub all: u64,
    /// Least valid value (0 when there is none).
    pub minimum: f64,
    /// Greatest valid value (0 when there is none).
    pub maximum: f64,
    /// Mean of the valid values.
    pub mean: f64,
    /// Standard deviation of the valid values.
    pub deviation: f64,
}

/// Statistics in the making.
pub(crate) struct Tally {
    /// Counts of the values from `lowest` on; empty when the type has too many values, then `others` holds sums.
    counts: Vec<u64>,
    lowest: i64,
    /// Signed bytes are handed over as the bytes they are stored in.
    signed_bytes: bool,
    others: Sums,
}

#[derive(Default, Clone, Copy)]
struct Sums {
    n: u64,
    sum: f64,
    squares: f64,
    minimum: f64,
    maximum: f64,
}

impl Sums {
    fn add(&mut self, value: f64, n: u64) {
        let first = self.n == 0;
        self.minimum = if first {
            value
        } else {
            self.minimum.min(value)
        };
        self.maximum = if first {
            value
        } else {
            self.maximum.max(value)
        };
        self.n += n;
        self.sum += value * n as f64;
        self.squares += value * value * n as f64;
    }

    fn merge(&mut self, other: Self) {
        if self.n == 0 {
            *self = other;
        } else if other.n > 0 {
            self.minimum = self.minimum.min(other.minimum);
            self.maximum = self.maximum.max(other.maximum);
            self.n += other.n;
            self.sum += other.sum;
            self.squares += other.squares;
        }
    }
}

impl Tally {
    pub(crate) fn new(dtype: DType) -> Self {
        let (values, lowest) = match dtype {
            DType::U8 | DType::I8 => (1 << 8, 0),
            DType::U16 => (1 << 16, 0),
            DType::I16 => (1 << 16, i64::from(i16::MIN)),
            DType::U32 | DType::I32 | DType::F32 | DType::F64 => (0, 0),
        };
        Self {
            counts: vec![0; values],
            lowest,
            signed_bytes: dtype == DType::I8,
            others: Sums::default(),
        }
    }

    pub(crate) fn count(&mut self, values: impl Iterator<Item = f64>) {
        if self.counts.is_empty() {
            values
                .filter(|value| value.is_finite())
                .for_each(|value| self.others.add(value, 1));
        } else {
            values.for_each(|value| self.counts[(value as i64 - self.lowest) as usize] += 1);
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.others.merge(other.others);
    }

    pub(crate) fn finish(self, nodata: Option<f64>) -> Statistics {
        let value_of = |index: usize| {
            let value = self.lowest + index as i64;
            if self.signed_bytes {
                i64::from(value as i8)
            } else {
                value
            }
        };
        let counted = self.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        let counts: BTreeMap<i64, u64> = counted.map(|(index, n)| (value_of(index), *n)).collect();
        let mut sums = self.others;
        for (value, n) in counts
            .iter()
            .filter(|(value, _)| Some(**value as f64) != nodata)
        {
            sums.add(*value as f64, *n);
        }
        let n = sums.n.max(1) as f64;
        let mean = sums.sum / n;
        Statistics {
            all: counts.values().sum::<u64>().max(sums.n),
            valid: sums.n,
            counts,
            minimum: sums.minimum,
            maximum: sums.maximum,
            mean,
            deviation: (sums.squares / n - mean * mean).max(0.0).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_but_averages_the_valid() {
        let mut tally = Tally::new(DType::U8);
        tally.count([1.0, 3.0, 3.0, 255.0].into_iter());
        let statistics = tally.finish(Some(255.0));
        assert_eq!(
            statistics.counts,
            BTreeMap::from([(1, 1), (3, 2), (255, 1)])
        );
        assert_eq!((statistics.valid, statistics.all), (3, 4));
        assert_eq!((statistics.minimum, statistics.maximum), (1.0, 3.0));
        assert!((statistics.mean - 7.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn signed_bytes_are_signed() {
        let mut tally = Tally::new(DType::I8);
        tally.count([128.0, 44.0].into_iter());
        let statistics = tally.finish(None);
        assert_eq!(statistics.counts, BTreeMap::from([(-128, 1), (44, 1)]));
        assert_eq!(statistics.minimum, -128.0);
    }

    #[test]
    fn floats_have_no_counts() {
        let mut tally = Tally::new(DType::F32);
        tally.count([1.5, f64::NAN, -2.0].into_iter());
        let statistics = tally.finish(None);
        assert!(statistics.counts.is_empty());
        assert_eq!(
            (statistics.minimum, statistics.maximum, statistics.valid),
            (-2.0, 1.5, 2)
        );
    }
}
