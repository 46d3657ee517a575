//! The LZW of TIFF 6: codes of 9 to 12 bits, most significant bit first, one code early.
//!
//! A string of the table is a place in what has been decoded already, so that a code is one short copy; decoders that follow links
//! from a string's end to its beginning take several times as long.

const CLEAR: u32 = 256;
const END: u32 = 257;
const FIRST: u32 = 258;
const TABLE: usize = 4096;
/// Bytes that are copied at a time, and that the output must have beyond its end.
pub(super) const SLACK: usize = 32;

/// Strings by code: where they begin in the output, and their length.
#[derive(Debug)]
pub(super) struct Table(Box<[(u32, u32); TABLE]>);

impl Default for Table {
    fn default() -> Self {
        Self(Box::new([(0, 0); TABLE]))
    }
}

/// Decodes a block into `out`, whose last [`SLACK`] bytes are room to copy into. Returns the number of bytes, which is less than there
/// is room for when the data ends early; `None` for data that is no LZW of this kind.
pub(super) fn decode(table: &mut Table, data: &[u8], out: &mut [u8]) -> Option<usize> {
    // The bit order of libtiff before 1992, which begins with CLEAR the other way round.
    if let [0, second, ..] = data
        && second & 1 == 1
    {
        return None;
    }
    let table = &mut *table.0;
    let end = u32::try_from(out.len().checked_sub(SLACK)?).ok()?;
    let (mut bits, mut left, mut position) = (0_u64, 0_u32, 0_usize);
    let mut width = 9;
    let mut next = FIRST;
    let mut at = 0_u32;
    // The string before; of length 0 after CLEAR.
    let mut previous = (0_u32, 0_u32);
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
        let code = (bits >> (64 - width)) as u32;
        bits <<= width;
        left -= width;
        if code < CLEAR {
            out[at as usize] = code as u8;
            if previous.1 > 0 && (next as usize) < TABLE {
                table[next as usize] = (previous.0, previous.1 + 1);
                next += 1;
            }
            previous = (at, 1);
            at += 1;
        } else if code >= FIRST {
            if previous.1 == 0 {
                return None;
            }
            if (next as usize) < TABLE {
                // Its last byte is the first one of the string that follows, which is written right behind.
                table[next as usize] = (previous.0, previous.1 + 1);
                next += 1;
            }
            if code >= next {
                return None;
            }
            let (from, len) = table[code as usize];
            let len = len.min(end - at);
            copy(out, from as usize, at as usize, len as usize);
            previous = (at, len);
            at += len;
        } else if code == CLEAR {
            next = FIRST;
            width = 9;
            previous = (0, 0);
            continue;
        } else {
            debug_assert_eq!(code, END);
            break;
        }
        // One code early: the last of a width is never used.
        if next + 1 >= 1 << width && width < 12 {
            width += 1;
        }
    }
    Some(at as usize)
}

/// Copies a string within the output; may write up to [`SLACK`] bytes beyond its end. The string may reach one byte into its copy.
#[inline(always)]
fn copy(out: &mut [u8], from: usize, to: usize, len: usize) {
    const HALF: usize = SLACK / 2;
    if len <= HALF {
        let mut string = [0; HALF];
        string.copy_from_slice(&out[from..from + HALF]);
        out[to..to + HALF].copy_from_slice(&string);
    } else {
        out.copy_within(from..from + len, to);
    }
    if from + len > to {
        out[to + len - 1] = out[from];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An encoder as TIFF 6 describes it, without any cleverness.
    fn encode(data: &[u8]) -> Vec<u8> {
        let (mut out, mut bits, mut count) = (Vec::new(), 0_u64, 0);
        let mut put = |code: u32, width: u32| {
            bits = bits << width | u64::from(code);
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
            |strings: &std::collections::HashMap<Vec<u8>, u32>, string: &[u8]| match string {
                [byte] => u32::from(*byte),
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
        let mut out = vec![0xee; len + SLACK];
        let found = decode(&mut Table::default(), data, &mut out)?;
        out.truncate(found);
        Some(out)
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
