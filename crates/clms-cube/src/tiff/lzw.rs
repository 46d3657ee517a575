//! The LZW of TIFF 6: codes of 9 to 12 bits, most significant bit first, one code early.
//!
//! A string of the table is a place in what has been decoded already, so that a code is one short copy; decoders that follow links
//! from a string's end to its beginning take several times as long. In front of the output stand all bytes once, so that a code for a
//! single byte is a string like any other: telling them apart would be a jump that no processor can foresee.

const CLEAR: usize = 256;
const END: usize = 257;
const FIRST: usize = 258;
const TABLE: usize = 4096;
/// Bytes in front of the output: each value once.
pub(super) const PREFIX: usize = 256;
/// Bytes that the output must have beyond its end.
pub(super) const SLACK: usize = 32;
/// Bytes that are copied at a time.
const STEP: usize = SLACK / 2;

/// Strings by code: where they begin in the output, in the upper half, and their length.
#[derive(Debug)]
pub(super) struct Table(Box<[u64; TABLE]>);

const fn string(at: usize, len: usize) -> u64 {
    (at as u64) << 32 | len as u64
}

impl Default for Table {
    fn default() -> Self {
        let mut strings = Box::new([0; TABLE]);
        for (byte, entry) in strings[..CLEAR].iter_mut().enumerate() {
            *entry = string(byte, 1);
        }
        Self(strings)
    }
}

/// Makes a buffer for so many bytes between [`PREFIX`] and [`SLACK`].
pub(super) fn make_room(out: &mut Vec<u8>, bytes: usize) {
    if out.is_empty() {
        out.extend(0..=u8::MAX);
    }
    out.resize(PREFIX + bytes + SLACK, 0);
}

/// Decodes a block into `out`, between its first [`PREFIX`] bytes, which [`make_room`] has written, and its last [`SLACK`] bytes, which are
/// room to copy into. Returns the number of bytes, which is less than there is room for when the data ends early; `None` for data that is
/// no LZW of this kind.
pub(super) fn decode(table: &mut Table, data: &[u8], out: &mut [u8]) -> Option<usize> {
    // The bit order of libtiff before 1992, which begins with CLEAR the other way round.
    if let [0, second, ..] = data
        && second & 1 == 1
    {
        return None;
    }
    let table = &mut *table.0;
    let end = out.len().checked_sub(SLACK)?;
    let (mut bits, mut left, mut position) = (0_u64, 0_u32, 0_usize);
    let mut width = 9;
    let mut next = FIRST;
    let mut at = PREFIX;
    // The string before; 0 at the beginning and after CLEAR.
    let mut previous = 0;
    while at < end {
        if left < width {
            if let Some(eight) = data
                .get(position..position + 8)
                .and_then(|bytes| bytes.try_into().ok())
            {
                bits |= u64::from_be_bytes(eight) >> left;
                let taken = (63 - left) >> 3;
                position += taken as usize;
                left += taken * 8;
            } else {
                while left <= 56 && position < data.len() {
                    bits |= u64::from(data[position]) << (56 - left);
                    position += 1;
                    left += 8;
                }
                if left < width {
                    break;
                }
            }
        }
        let code = (bits >> (64 - width)) as usize;
        bits <<= width;
        left -= width;
        if code == CLEAR {
            (next, width, previous) = (FIRST, 9, 0);
            continue;
        }
        if code == END {
            break;
        }
        if previous == 0 {
            if code > CLEAR {
                return None;
            }
        } else if next < TABLE {
            // Its last byte is the first one of the string that follows, which is written right behind.
            table[next] = previous + 1;
            next += 1;
            // One code early: the last of a width is never used.
            if next + 1 >= 1 << width && width < 12 {
                width += 1;
            }
        }
        if code >= next {
            return None;
        }
        let (from, len) = ((table[code] >> 32) as usize, table[code] as u32 as usize);
        let len = len.min(end - at);
        copy(out, from, at, len);
        previous = string(at, len);
        at += len;
    }
    Some(at - PREFIX)
}

/// Copies a string within the output; may write up to [`SLACK`] bytes beyond its end. The string may reach one byte into its copy.
#[inline(always)]
fn copy(out: &mut [u8], from: usize, to: usize, len: usize) {
    copy_step(out, from, to);
    if len > STEP {
        copy_step(out, from + STEP, to + STEP);
        if len > 2 * STEP {
            out.copy_within(from + 2 * STEP..from + len, to + 2 * STEP);
        }
    }
    if from + len > to {
        out[to + len - 1] = out[from];
    }
}

#[inline(always)]
fn copy_step(out: &mut [u8], from: usize, to: usize) {
    let mut bytes = [0; STEP];
    bytes.copy_from_slice(&out[from..from + STEP]);
    out[to..to + STEP].copy_from_slice(&bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An encoder as TIFF 6 describes it, without any cleverness.
    fn encode(data: &[u8]) -> Vec<u8> {
        let (mut out, mut bits, mut count) = (Vec::new(), 0_u64, 0);
        let mut put = |code: usize, width: u32| {
            bits = bits << width | code as u64;
            count += width;
            while count >= 8 {
                count -= 8;
                out.push((bits >> count) as u8);
            }
        };
        let mut strings = std::collections::HashMap::new();
        let (mut next, mut width) = (FIRST, 9);
        put(CLEAR, width);
        let mut string: Vec<u8> = Vec::new();
        let code_of =
            |strings: &std::collections::HashMap<Vec<u8>, usize>, string: &[u8]| match string {
                [byte] => usize::from(*byte),
                longer => strings[longer],
            };
        for byte in data {
            let mut longer = string.clone();
            longer.push(*byte);
            if longer.len() == 1 || strings.contains_key(&longer) {
                string = longer;
                continue;
            }
            put(code_of(&strings, &string), width);
            strings.insert(longer, next);
            next += 1;
            if next == 4094 {
                put(CLEAR, 12);
                strings.clear();
                (next, width) = (FIRST, 9);
            } else if next + 1 > 1 << width {
                width += 1;
            }
            string = vec![*byte];
        }
        if !string.is_empty() {
            put(code_of(&strings, &string), width);
            next += 1;
            if next + 1 > 1 << width {
                width += 1;
            }
        }
        put(END, width);
        put(0, 7);
        out
    }

    fn decoded(data: &[u8], len: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        make_room(&mut out, len);
        let found = decode(&mut Table::default(), data, &mut out)?;
        Some(out[PREFIX..PREFIX + found].to_vec())
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let mut random = 1_u64;
        let mut noise = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 60) as u8
        };
        let noisy: Vec<u8> = (0..70_000).map(|_| noise()).collect();
        let runs: Vec<u8> = (0..70_000_u32).map(|i| (i / 997) as u8).collect();
        for data in [
            &noisy[..],
            &runs,
            &[7; 70_000],
            b"abababababab",
            b"a",
            b"aa",
            b"aaa",
        ] {
            assert_eq!(decoded(&encode(data), data.len()).as_deref(), Some(data));
        }
    }

    #[test]
    fn damaged_data_ends_and_does_not_panic() {
        let good = encode(
            &(0..3000_u32)
                .map(|i| (i * i / 50) as u8)
                .collect::<Vec<_>>(),
        );
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            let _ = decoded(&bad, 3000);
            // The end mark may be missing.
            let missing = at + 3 < good.len();
            assert!(!missing || decoded(&good[..at], 3000).is_none_or(|found| found.len() < 3000));
        }
        assert_eq!(decoded(&[0, 1, 2], 10), None);
    }
}
