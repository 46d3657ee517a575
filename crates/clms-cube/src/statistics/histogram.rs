//! How often which values of a quantity occur.

use schemars::JsonSchema;
use serde::Serialize;

/// A bin of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Bin {
    /// The least value in it.
    pub from: f64,
    /// The values in it are less than this; those of the last bin of real numbers may be equal.
    pub to: f64,
    /// The part of the ground with data that has values in it, from 0 to 1.
    pub share: f64,
    /// Red, green, blue: as [`Style`](crate::Style) draws the value in its middle.
    pub colour: [u8; 3],
}

/// The most bins that a histogram has.
const MOST_BINS: usize = 20;

/// Bins of the same width from the least to the greatest stored value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bins {
    least: f64,
    width: f64,
    count: usize,
}

impl Bins {
    /// Each bin of whole numbers holds the same number of them, so that none stands out only because it is wider.
    pub(super) fn over(least: f64, greatest: f64, whole_numbers: bool) -> Self {
        if whole_numbers {
            let values = greatest - least + 1.0;
            let width = (values / MOST_BINS as f64).ceil();
            return Self {
                least,
                width,
                count: (values / width).ceil() as usize,
            };
        }
        let is_one = least >= greatest;
        Self {
            least,
            width: if is_one {
                0.0
            } else {
                (greatest - least) / MOST_BINS as f64
            },
            count: if is_one { 1 } else { MOST_BINS },
        }
    }

    pub(super) fn len(self) -> usize {
        self.count
    }

    /// The number of the bin that a stored value is in.
    pub(super) fn of(self, stored: f64) -> usize {
        if self.width <= 0.0 {
            return 0;
        }
        (((stored - self.least) / self.width) as usize).min(self.count - 1)
    }

    /// Where the bin of a number begins and ends.
    pub(super) fn edges(self, bin: usize) -> [f64; 2] {
        [bin, bin + 1].map(|edge| self.least + edge as f64 * self.width)
    }

    /// The stored value in the middle of the bin of a number.
    pub(super) fn middle(self, bin: usize) -> f64 {
        self.least + (bin as f64 + 0.5) * self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_share_bins_evenly() {
        let few = Bins::over(3.0, 7.0, true);
        assert_eq!((few.len(), few.of(3.0), few.of(7.0)), (5, 0, 4));
        assert_eq!(few.edges(4), [7.0, 8.0]);
        let percent = Bins::over(0.0, 100.0, true);
        assert_eq!((percent.len(), percent.edges(0)), (17, [0.0, 6.0]));
        assert_eq!(
            (percent.of(5.0), percent.of(6.0), percent.of(100.0)),
            (0, 1, 16)
        );
    }

    #[test]
    fn real_numbers_have_the_greatest_in_the_last_bin() {
        let bins = Bins::over(-1.0, 1.0, false);
        assert_eq!((bins.len(), bins.of(-1.0), bins.of(1.0)), (20, 0, 19));
        let one = Bins::over(0.5, 0.5, false);
        assert_eq!((one.len(), one.of(0.5), one.edges(0)), (1, 0, [0.5, 0.5]));
    }
}
