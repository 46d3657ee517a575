//! Which pixels a small picture consists of.

use std::ops::Range;

/// Which source pixels are taken along one axis: one from the middle of each of `len` equal parts of `size`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Samples {
    /// Pixels of the full resolution.
    pub(super) size: u64,
    pub(super) len: u64,
    /// Pixels of the full resolution that each pixel that is read stands for.
    pub(super) factor: u64,
}

impl Samples {
    /// The pixel that is read.
    pub(super) fn source(&self, index: u64) -> u64 {
        let full = u128::from(2 * index + 1) * u128::from(self.size) / u128::from(2 * self.len);
        full as u64 / self.factor
    }

    /// Pixels that there are to read.
    pub(super) fn extent(&self) -> u64 {
        self.size.div_ceil(self.factor)
    }

    /// The samples whose source lies in a range.
    pub(super) fn within(&self, range: &Range<u64>) -> Range<u64> {
        let first_at = |position: u64| {
            let guess = (u128::from(position * self.factor) * u128::from(self.len)
                / u128::from(self.size)) as u64;
            // The middle of a part may lie on either side of the position.
            (guess.saturating_sub(1)..=guess + 1)
                .find(|index| *index >= self.len || self.source(*index) >= position)
        };
        let bound = |position| first_at(position).unwrap_or(self.len).min(self.len);
        bound(range.start)..bound(range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_in_the_middle_and_in_one_range_each() {
        for (size, len) in [
            (10, 5),
            (10, 10),
            (7, 3),
            (65_000, 997),
            (5, 1),
            (1000, 999),
        ] {
            for factor in [1, 2, 3, 8] {
                let samples = Samples { size, len, factor };
                let extent = samples.extent();
                assert!((0..len).all(|index| samples.source(index) < extent));
                // A level is read only where it has enough pixels.
                for step in [1, 3, 4096].into_iter().filter(|_| extent >= len) {
                    let mut next = 0;
                    for start in (0..extent).step_by(step) {
                        let range = start..(start + step as u64).min(extent);
                        let within = samples.within(&range);
                        assert!(
                            within.is_empty() || within.start == next,
                            "{size} {len} {range:?} {within:?}"
                        );
                        assert!(
                            within
                                .clone()
                                .all(|index| range.contains(&samples.source(index)))
                        );
                        next = next.max(within.end);
                    }
                    assert_eq!(next, len);
                }
            }
        }
    }
}
