//! Bytes that grow in pieces of one size: nothing is moved as they grow, and the room of what has been written fits what comes next, so that
//! the allocator keeps little in reserve however large the product is.

use std::ops::Range;

use bytes::Bytes;
use object_store::PutPayload;

/// Small enough that the last piece of each object wastes little, large enough that writing them one by one costs nothing.
const PIECE: usize = 64 << 10;

#[derive(Default)]
pub(super) struct Pieces {
    /// Of [`PIECE`] bytes each.
    full: Vec<Bytes>,
    last: Vec<u8>,
}

impl Pieces {
    pub(super) fn len(&self) -> usize {
        self.full.len() * PIECE + self.last.len()
    }

    pub(super) fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.last.capacity() == 0 {
                self.last = Vec::with_capacity(PIECE);
            }
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.last.len()));
            self.last.extend_from_slice(now);
            if self.last.len() == PIECE {
                self.full.push(std::mem::take(&mut self.last).into());
            }
            bytes = later;
        }
    }

    /// All of them, which can't grow any more.
    pub(super) fn freeze(self) -> Frozen {
        let mut pieces = self.full;
        if !self.last.is_empty() {
            pieces.push(self.last.into());
        }
        Frozen(pieces)
    }
}

/// Pieces that are [`PIECE`] long, but for the last.
pub(super) struct Frozen(Vec<Bytes>);

impl Frozen {
    pub(super) fn into_payload(self) -> PutPayload {
        self.0.into_iter().collect()
    }

    /// A part of it, which is not copied. What lies beyond the end is left out.
    pub(super) fn part(&self, range: Range<usize>) -> PutPayload {
        let pieces = self.0.iter().enumerate().skip(range.start / PIECE);
        pieces
            .map_while(|(number, piece)| {
                let begin = number * PIECE;
                let start = range.start.max(begin) - begin;
                let end = range.end.saturating_sub(begin).min(piece.len());
                (start < end).then(|| piece.slice(start..end))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(payload: &PutPayload) -> Vec<u8> {
        payload.iter().flat_map(|piece| piece.to_vec()).collect()
    }

    proptest! {
        #[test]
        fn parts_are_what_was_put_in(
            lens in proptest::collection::vec(0..2 * PIECE + 3, 1..6),
            ends in (0.0..1.0, 0.0..1.0),
        ) {
            let mut pieces = Pieces::default();
            let mut expected = Vec::new();
            for len in lens {
                let bytes: Vec<u8> = (0..len).map(|at| (expected.len() + at * 7) as u8).collect();
                pieces.extend(&bytes);
                expected.extend(bytes);
                prop_assert_eq!(pieces.len(), expected.len());
            }
            let [a, b] = [ends.0, ends.1].map(|end| (end * expected.len() as f64) as usize);
            let range = a.min(b)..a.max(b);
            let frozen = pieces.freeze();
            prop_assert_eq!(joined(&frozen.part(range.clone())), &expected[range]);
            prop_assert_eq!(joined(&frozen.into_payload()), expected);
        }
    }
}
