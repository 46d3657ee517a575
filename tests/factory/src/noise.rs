//! Value noise over world coordinates, evaluated a row at a time.
//!
//! The noise is a pure function of its seed and of the world coordinate, so that neighbouring tiles meet without a seam
//! and a test can ask for the value at any place without reading a file.

use std::ops::Range;

/// The world coordinates of the pixel centres along one row: `x(i) = origin + (first + i + 0.5) * step`, at one `y`.
///
/// Always computed from the column's absolute number, never by adding steps up, so that a single pixel
/// and a whole row give bit-identical coordinates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) origin: f64,
    pub(crate) step: f64,
    pub(crate) first: usize,
    pub(crate) y: f64,
}

impl Row {
    /// The row that consists of one place.
    pub(crate) fn at(x: f64, y: f64) -> Self {
        Self {
            origin: x,
            step: 0.0,
            first: 0,
            y,
        }
    }

    /// The row's pixels from the `start`th on.
    pub(crate) fn from(&self, start: usize) -> Self {
        Self {
            first: self.first + start,
            ..*self
        }
    }

    #[inline]
    pub(crate) fn x(&self, i: usize) -> f64 {
        // By way of a signed number, for which the processor has one instruction.
        self.origin + ((self.first + i) as i64 as f64 + 0.5) * self.step
    }
}

/// Fractal value noise: `octaves` layers, each of half the wavelength and somewhat more than half the amplitude of the one before.
/// The lattices of the layers are turned against each other, so that they don't show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Different seeds give independent fields.
    pub seed: u32,
    /// Wavelength of the coarsest octave, in units of the CRS.
    pub wavelength: f64,
    /// Number of octaves, at least 1.
    pub octaves: u32,
}

/// Amplitude of an octave relative to the one before.
const PERSISTENCE: f64 = 0.55;
/// Sine and cosine of the angle between the lattices of two octaves: that of the triangle 5, 12, 13.
const TURN: (f64, f64) = (5.0 / 13.0, 12.0 / 13.0);

impl Noise {
    /// The noise at a world coordinate, within 0..1 and mostly near 0.5.
    #[must_use]
    pub fn value_at(&self, x: f64, y: f64) -> f64 {
        let mut out = [0.0];
        self.fill(&Row::at(x, y), &mut out);
        out[0]
    }

    /// Fills in the noise where the heights are at least `from`; the other values are left as they are.
    pub(crate) fn fill_above(&self, from: f64, heights: &[f64], row: &Row, out: &mut [f64]) {
        let mut start = 0;
        for run in heights.chunk_by(|a, b| (*a >= from) == (*b >= from)) {
            let end = start + run.len();
            if run[0] >= from {
                self.fill(&row.from(start), &mut out[start..end]);
            }
            start = end;
        }
    }

    pub(crate) fn fill(&self, row: &Row, out: &mut [f64]) {
        out.fill(0.0);
        let total = (1.0 - PERSISTENCE.powi(self.octaves as i32)) / (1.0 - PERSISTENCE);
        // The first lattice is turned, too: most windows are aligned with the axes.
        let (mut sin, mut cos) = TURN;
        let mut frequency = 1.0 / self.wavelength;
        let mut amplitude = 1.0 / total;
        for octave in 0..self.octaves {
            let lattice = Lattice {
                seed: self.seed.wrapping_add(octave.wrapping_mul(0x9E37_79B9)),
                sin: sin * frequency,
                cos: cos * frequency,
                amplitude,
            };
            lattice.add(row, out);
            (sin, cos) = (sin * TURN.1 + cos * TURN.0, cos * TURN.1 - sin * TURN.0);
            frequency *= 2.0;
            amplitude *= PERSISTENCE;
        }
    }
}

/// One octave: random numbers on the points of a turned square lattice, interpolated smoothly between them.
struct Lattice {
    seed: u32,
    /// Sine and cosine of its direction, divided by its spacing.
    sin: f64,
    cos: f64,
    amplitude: f64,
}

impl Lattice {
    fn add(&self, row: &Row, out: &mut [f64]) {
        // By value, so that the inner loop keeps them in registers.
        let (row, sin, cos) = (*row, self.sin, self.cos);
        let shift = (-row.y * sin, row.y * cos);
        let place = move |k: usize| {
            let x = row.x(k);
            (x * cos + shift.0, x * sin + shift.1)
        };
        // How many pixels a row runs through a cell at most.
        let longest = (1.0 / (row.step * cos.abs().max(sin.abs())).abs())
            .ceil()
            .max(1.0) as usize;
        let mut start = 0;
        while start < out.len() {
            let (u, v) = place(start);
            let (i, j) = (u.floor(), v.floor());
            let inside = |k: &usize| {
                let (u, v) = place(*k);
                (i..i + 1.0).contains(&u) && (j..j + 1.0).contains(&v)
            };
            // Where the row leaves the cell: a place's cell is the same however the place was come to.
            let furthest = out
                .len()
                .min(start.saturating_add(longest).saturating_add(1));
            let end = first_outside(start + 1..furthest, inside);
            let corner =
                |di: i64, dj: i64| self.amplitude * random(self.seed, i as i64 + di, j as i64 + dj);
            let base = corner(0, 0);
            let along = corner(1, 0) - base;
            let across = corner(0, 1) - base;
            let twist = corner(1, 1) - base - along - across;
            for (k, value) in out[start..end].iter_mut().enumerate() {
                let (u, v) = place(start + k);
                let (fu, fv) = (fade(u - i), fade(v - j));
                *value += base + along * fu + (across + twist * fu) * fv;
            }
            start = end;
        }
    }
}

/// The first number of the range that is not inside, where all before it are; the range's end when all are.
fn first_outside(range: Range<usize>, inside: impl Fn(&usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if inside(&middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[inline]
fn fade(t: f64) -> f64 {
    t * t * (3.0 - 2.0 * t)
}

/// A number within 0..1 for a point of a lattice: the finaliser of splitmix64 over the three inputs.
fn random(seed: u32, i: i64, j: i64) -> f64 {
    let mut h = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (j as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
        ^ u64::from(seed).wrapping_mul(0x1656_67B1_9E37_79F9);
    h = (h ^ (h >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    h ^= h >> 31;
    (h >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISE: Noise = Noise {
        seed: 7,
        wavelength: 1000.0,
        octaves: 5,
    };

    #[test]
    fn a_row_equals_its_places() {
        let row = Row {
            origin: -1234.5,
            step: 10.0,
            first: 17,
            y: -777.0,
        };
        let mut out = [0.0; 500];
        NOISE.fill(&row, &mut out);
        for (i, value) in out.iter().enumerate() {
            assert_eq!(*value, NOISE.value_at(row.x(i), row.y), "pixel {i}");
        }
    }

    #[test]
    fn it_is_smooth_and_within_its_range() {
        let step = 1.0;
        for k in 0..20_000 {
            let x = f64::from(k) * step - 10_000.0;
            let (here, there) = (NOISE.value_at(x, 55.5), NOISE.value_at(x + step, 55.5));
            assert!((0.0..1.0).contains(&here));
            assert!((here - there).abs() < 0.02, "a jump at {x}: {here} {there}");
        }
    }

    #[test]
    fn seeds_are_independent() {
        let other = Noise { seed: 8, ..NOISE };
        let same = (0..100).filter(|k| {
            let x = f64::from(*k) * 333.0;
            (NOISE.value_at(x, x) - other.value_at(x, x)).abs() < 0.01
        });
        assert!(same.count() < 20);
    }
}
