//! Boxes of array indices, and the pieces that they are read in.

use std::ops::Range;

/// A box: one range for each dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span(Vec<Range<u64>>);

impl Span {
    pub(super) fn of(ranges: &[Range<u64>]) -> Self {
        Self(ranges.to_vec())
    }

    /// Number of pixels.
    pub(super) fn len(&self) -> usize {
        self.0
            .iter()
            .map(|range| range.end.saturating_sub(range.start) as usize)
            .fold(1, usize::saturating_mul)
    }

    /// The parts of this box in each box of a grid of them.
    pub(super) fn pieces(&self, shape: &[u64]) -> impl Iterator<Item = Vec<Range<u64>>> + use<> {
        let (ranges, shape) = (self.0.clone(), shape.to_vec());
        let counts: Vec<u64> = ranges
            .iter()
            .zip(&shape)
            .map(|(range, size)| range.end.div_ceil(*size) - range.start / size)
            .collect();
        let total: u64 = counts.iter().product();
        (0..total).map(move |number| {
            let mut rest = number;
            let mut piece = vec![0..0; ranges.len()];
            for axis in (0..ranges.len()).rev() {
                let (range, size) = (&ranges[axis], shape[axis]);
                let first = (range.start / size + rest % counts[axis]) * size;
                rest /= counts[axis];
                piece[axis] = range.start.max(first)..range.end.min(first + size);
            }
            piece
        })
    }

    /// Copies the pixels of a part of this box to their places among all of its pixels.
    pub(super) fn paste(&self, part: &[Range<u64>], from: &[u8], to: &mut [u8], itemsize: usize) {
        let lines = self.lines(part, itemsize);
        for (line, source) in lines.zip(from.chunks_exact(line_len(part, itemsize).max(1))) {
            to[line].copy_from_slice(source);
        }
    }

    /// The pixels of a part of this box out of all of its pixels.
    pub(super) fn copied(&self, part: &[Range<u64>], from: &[u8], itemsize: usize) -> Vec<u8> {
        self.lines(part, itemsize)
            .flat_map(|line| &from[line])
            .copied()
            .collect()
    }

    /// Where the bytes of each line of a part lie among those of the whole box.
    fn lines(&self, part: &[Range<u64>], itemsize: usize) -> impl Iterator<Item = Range<usize>> {
        let length = line_len(part, itemsize);
        let outer = &part[..part.len().saturating_sub(1)];
        let count: u64 = outer.iter().map(|range| range.end - range.start).product();
        let mut position: Vec<u64> = part.iter().map(|range| range.start).collect();
        (0..if length == 0 { 0 } else { count }).map(move |_| {
            let mut at = 0;
            for (index, range) in position.iter().zip(&self.0) {
                at = at * (range.end - range.start) as usize + (index - range.start) as usize;
            }
            for (index, range) in position.iter_mut().zip(outer).rev() {
                *index += 1;
                if *index < range.end {
                    break;
                }
                *index = range.start;
            }
            at * itemsize..at * itemsize + length
        })
    }
}

/// Bytes of a line of a box: its pixels along the last dimension.
fn line_len(part: &[Range<u64>], itemsize: usize) -> usize {
    part.last()
        .map_or(itemsize, |last| (last.end - last.start) as usize * itemsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_put_together_are_the_whole() {
        let span = Span::of(&[1..3, 5..17, 0..9]);
        let mut whole = vec![0_u8; span.len()];
        let mut count = 0;
        for piece in span.pieces(&[1, 4, 5]) {
            let mut bytes = Vec::new();
            for a in piece[0].clone() {
                for b in piece[1].clone() {
                    bytes.extend(piece[2].clone().map(|c| (a * 100 + b * 9 + c) as u8));
                }
            }
            count += bytes.len();
            span.paste(&piece, &bytes, &mut whole, 1);
            assert_eq!(span.copied(&piece, &whole, 1), bytes);
        }
        assert_eq!(count, whole.len());
        let expected = (1..3_u64).flat_map(|a| {
            (5..17_u64).flat_map(move |b| (0..9_u64).map(move |c| (a * 100 + b * 9 + c) as u8))
        });
        assert_eq!(whole, expected.collect::<Vec<_>>());
    }
}
