//! Where the chunks of an array are: HDF5's B-tree of version 1, which all its readers know.

use std::collections::BTreeMap;

use super::encoding::{Bytes, UNDEFINED};

/// Children of a node: as many as readers expect where a file does not say otherwise.
const CHILDREN: usize = 64;

/// Chunks by the indices of their first pixels: address and bytes.
pub(super) type Chunks = BTreeMap<Vec<u64>, (u64, u32)>;

/// The first pixel of a child, and the bytes of the chunk there.
type Key = (Vec<u64>, u32);

/// The nodes of a tree from a place in the file on, the root last, and the address of the root; none for no chunks.
pub(super) fn nodes(chunks: &Chunks, chunk: &[u64], start: u64) -> Option<(Vec<u8>, u64)> {
    let (last, _) = chunks.last_key_value()?;
    // Beyond all of them.
    let end: Key = (
        last.iter().zip(chunk).map(|(at, size)| at + size).collect(),
        0,
    );
    let mut bytes = Vec::new();
    let mut children: Vec<(Key, u64)> = chunks
        .iter()
        .map(|(at, (address, size))| ((at.clone(), *size), *address))
        .collect();
    for level in 0_u8.. {
        let mut parents = Vec::new();
        let size = node_size(chunk.len());
        let first = start + bytes.len() as u64;
        let count = children.len().div_ceil(CHILDREN);
        for (number, group) in children.chunks(CHILDREN).enumerate() {
            let address = |number: usize| first + (number * size) as u64;
            let left = number.checked_sub(1).map_or(UNDEFINED, address);
            let right = if number + 1 < count {
                address(number + 1)
            } else {
                UNDEFINED
            };
            let next = children.get((number + 1) * CHILDREN);
            let upper = next.map_or(&end, |(key, _)| key);
            bytes.extend(node(level, group, upper, [left, right], size));
            parents.push((group[0].0.clone(), address(number)));
        }
        if let [(_, root)] = parents[..] {
            return Some((bytes, root));
        }
        children = parents;
    }
    None
}

/// Bytes of a key: size and filters of a chunk, an index for each dimension and one for the bytes of a pixel.
fn key_size(dimensions: usize) -> usize {
    8 + 8 * (dimensions + 1)
}

fn node_size(dimensions: usize) -> usize {
    24 + CHILDREN * (key_size(dimensions) + 8) + key_size(dimensions)
}

fn node(
    level: u8,
    children: &[(Key, u64)],
    upper: &Key,
    siblings: [u64; 2],
    size: usize,
) -> Vec<u8> {
    let mut node = Bytes::default();
    node.raw(b"TREE").u8(1).u8(level).u16(children.len() as u16);
    node.u64(siblings[0]).u64(siblings[1]);
    for (of_child, address) in children {
        key(&mut node, of_child);
        node.u64(*address);
    }
    key(&mut node, upper);
    node.0.resize(size, 0);
    node.0
}

fn key(node: &mut Bytes, (at, size): &Key) {
    let no_filter_left_out = 0;
    node.u32(*size).u32(no_filter_left_out);
    for index in at {
        node.u64(*index);
    }
    node.u64(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_as_many_levels_as_it_takes() {
        let chunks = |count: u64| -> Chunks {
            (0..count)
                .map(|n| (vec![n / 100 * 512, n % 100 * 512], (n, 7)))
                .collect()
        };
        assert!(nodes(&chunks(0), &[512, 512], 48).is_none());
        let size = node_size(2);
        for (count, expected) in [(1, 1), (64, 1), (65, 3), (4096, 65), (4097, 68)] {
            let (bytes, root) = nodes(&chunks(count), &[512, 512], 48).unwrap();
            assert_eq!(bytes.len(), expected * size, "{count}");
            assert_eq!(root, 48 + bytes.len() as u64 - size as u64);
        }
    }
}
