//! The LZW of TIFF 6: codes of 9 to 12 bits, most significant bit first, one code early.
//!
//! A string of the table is a place in what has been decoded already, so that a code is one short copy; decoders that follow links
//! from a string's end to its beginning take several times as long. In front of the output stand all bytes once, so that a code for a
//! single byte is a string like any other: telling them apart would be a jump that no processor can foresee.
//!
//! Most codes come in groups that are decoded without asking for the end of anything between them; a code that is not as usual (a long
//! string, the first one after CLEAR, the last one of a width) is decoded by itself.

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
/// Codes that are sure to be in eight bytes, whatever bit the first one begins with.
const GROUP: usize = (64 - 7) / 12;

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
        // Longer than any string, so that they are never taken for a usual one.
        strings[CLEAR..FIRST].fill(string(0, u32::MAX as usize));
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
    let end = out.len().checked_sub(SLACK)?;
    let mut state = State {
        bit: 0,
        width: 9,
        next: FIRST,
        at: PREFIX,
        previous: 0,
    };
    loop {
        state.usual_codes(table, data, out);
        if state.at >= end {
            break;
        }
        let Some(code) = state.code(data) else { break };
        match code {
            CLEAR => (state.next, state.width, state.previous) = (FIRST, 9, 0),
            END => break,
            code => state.any_code(table, code, out)?,
        }
    }
    Some(state.at - PREFIX)
}

/// How far a block is decoded.
struct State {
    /// Bits of the data that have been read.
    bit: usize,
    /// Bits of the next code.
    width: usize,
    /// The code that the next string of the table gets.
    next: usize,
    /// Where the next byte of the output goes. If a string stands before it, its first byte stands here already, because the next code may be
    /// for that string and its first byte.
    at: usize,
    /// The string before; 0 at the beginning and after CLEAR.
    previous: u64,
}

impl State {
    /// Decodes groups of codes, for as long as all is usual.
    #[inline(always)]
    fn usual_codes(&mut self, Table(table): &mut Table, data: &[u8], out: &mut [u8]) {
        let Self {
            mut bit,
            width,
            mut next,
            mut at,
            mut previous,
        } = *self;
        // One code early: the last of a width is never used.
        let last = if width < 12 { (1 << width) - 2 } else { TABLE };
        'usual: while previous != 0
            && next + GROUP <= last
            && at + GROUP * STEP + SLACK <= out.len()
        {
            let Some(eight) = data.get(bit / 8..).and_then(<[u8]>::first_chunk) else {
                break;
            };
            let mut bits = u64::from_be_bytes(*eight) << (bit % 8);
            for _ in 0..GROUP {
                let code = (bits >> (64 - width)) as usize % TABLE;
                table[next % TABLE] = previous + 1;
                let (from, len) = place(table[code]);
                if len > STEP || code > next {
                    break 'usual;
                }
                next += 1;
                bits <<= width;
                bit += width;
                let first = out[from];
                copy_step(out, from, at);
                previous = string(at, len);
                at += len;
                out[at] = first;
            }
        }
        *self = Self {
            bit,
            width,
            next,
            at,
            previous,
        };
    }

    /// The next code, if the data has one.
    fn code(&mut self, data: &[u8]) -> Option<usize> {
        let rest = data.get(self.bit / 8..)?;
        let skipped = self.bit % 8;
        let bits = match rest.first_chunk() {
            Some(eight) => u64::from_be_bytes(*eight),
            None if rest.len() * 8 < skipped + self.width => return None,
            None => {
                let mut eight = [0; 8];
                eight[..rest.len()].copy_from_slice(rest);
                u64::from_be_bytes(eight)
            }
        };
        self.bit += self.width;
        Some((bits << skipped >> (64 - self.width)) as usize)
    }

    /// Decodes a code for a string, of which nothing is known; `None` when it can't stand here.
    #[inline(always)]
    fn any_code(&mut self, Table(table): &mut Table, code: usize, out: &mut [u8]) -> Option<()> {
        if self.previous == 0 {
            if code > CLEAR {
                return None;
            }
        } else if self.next < TABLE {
            // Its last byte is the first one of the string that follows, which is written right behind.
            table[self.next] = self.previous + 1;
            self.next += 1;
            if self.next + 1 >= 1 << self.width && self.width < 12 {
                self.width += 1;
            }
        }
        if code >= self.next {
            return None;
        }
        let (from, len) = place(table[code]);
        let len = len.min(out.len() - SLACK - self.at);
        copy(out, from, self.at, len);
        self.previous = string(self.at, len);
        self.at += len;
        out[self.at] = out[from];
        Some(())
    }
}

/// Where a string begins in the output, and its length.
#[inline(always)]
fn place(string: u64) -> (usize, usize) {
    ((string >> 32) as usize, string as u32 as usize)
}

/// Copies a string within the output; may write up to [`SLACK`] bytes beyond its end. The string may reach one byte into its copy, which
/// has its value already.
#[inline(always)]
fn copy(out: &mut [u8], from: usize, to: usize, len: usize) {
    copy_step(out, from, to);
    if len > STEP {
        copy_step(out, from + STEP, to + STEP);
        if len > 2 * STEP {
            out.copy_within(from + 2 * STEP..from + len, to + 2 * STEP);
        }
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
