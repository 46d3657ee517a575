//! Four pixels become one.

use crate::dtype::Element;
use crate::plan::Resampling;

/// Pixels of half as many rows and columns; what is left over at the right and the lower edge makes pixels of its own.
pub(super) fn halve<T: Element>(
    pixels: &[T],
    width: usize,
    fill: Option<T>,
    method: Resampling,
    out: &mut Vec<T>,
) {
    // With the widest instructions that this processor has: all pixels of a cube come through here.
    pulp::Arch::new().dispatch(Halving {
        pixels,
        width,
        fill,
        method,
        out,
    });
}

/// A call of [`halve`]. No closure, because only a method can be told to become part of the function that may use wide instructions.
struct Halving<'a, T> {
    pixels: &'a [T],
    width: usize,
    fill: Option<T>,
    method: Resampling,
    out: &'a mut Vec<T>,
}

impl<T: Element> pulp::NullaryFnOnce for Halving<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            pixels,
            width,
            fill,
            method,
            out,
        } = self;
        match (method, fill) {
            (Resampling::Mode, Some(fill)) => {
                let four = |pixels: [T; 4]| mode_of_four(pixels, |pixel| !pixel.same(fill));
                let fewer = |quad: &Quad<T>| mode(quad, Some(fill));
                halve_with(pixels, width, four, |_| true, fewer, out);
            }
            (Resampling::Mode, None) => {
                let four = |pixels: [T; 4]| mode_of_four(pixels, |_| true);
                let fewer = |quad: &Quad<T>| mode(quad, None);
                halve_with(pixels, width, four, |_| true, fewer, out);
            }
            (Resampling::Mean { min, max }, fill) => {
                let [min, max] = [min, max].map(T::from_f64);
                let counts = |pixel: T| (pixel >= min) & (pixel <= max) & !is_fill(pixel, fill);
                let exact = |quad: &Quad<T>| mean(quad, fill, &counts);
                halve_with(pixels, width, T::mean_of_four, counts, exact, out);
            }
        }
    }
}

/// Takes `fast` for four pixels that are all `plain`, and `exact` for all else. Without jumps, so that the processor's wide
/// instructions do it; what they did wrong is done again.
#[inline(always)]
fn halve_with<T: Element>(
    pixels: &[T],
    width: usize,
    fast: impl Fn([T; 4]) -> T,
    plain: impl Fn(T) -> bool,
    exact: impl Fn(&Quad<T>) -> T,
    out: &mut Vec<T>,
) {
    let is_plain = |row: &[T]| {
        let some = |part: &[T]| part.iter().fold(true, |all, pixel| all & plain(*pixel));
        row.chunks(256).all(some)
    };
    let even = width & !1;
    let mut rows = pixels.chunks_exact(width);
    while let Some(upper) = rows.next() {
        let first = out.len();
        // The last row of an odd number stands alone.
        let Some(lower) = rows.next() else {
            out.extend(
                (0..width)
                    .step_by(2)
                    .map(|left| exact(&Quad::of(upper, None, left))),
            );
            return;
        };
        out.resize(first + even / 2, T::from_f64(0.0));
        let halved = &mut out[first..];
        quads(&upper[..even], &lower[..even], &fast, halved);
        if !(is_plain(upper) && is_plain(lower)) {
            for (index, pixel) in halved.iter_mut().enumerate() {
                let quad = Quad::of(upper, Some(lower), 2 * index);
                if !quad.pixels.iter().all(|pixel| plain(*pixel)) {
                    *pixel = exact(&quad);
                }
            }
        }
        if even < width {
            out.push(exact(&Quad::of(upper, Some(lower), even)));
        }
    }
}

/// Two rows become one. First the four pixels of each are laid side by side, some dozens at a time: what is done with them then is seen
/// to be the same for all of them, and becomes wide instructions.
#[inline(always)]
fn quads<T: Element>(upper: &[T], lower: &[T], four: &impl Fn([T; 4]) -> T, out: &mut [T]) {
    const LANES: usize = 64;
    let zero = T::from_f64(0.0);
    let [mut a, mut b, mut c, mut d] = [[zero; LANES]; 4];
    let (blocks, rest) = out.as_chunks_mut::<LANES>();
    let (uppers, upper_rest) = upper.as_chunks::<{ 2 * LANES }>();
    let (lowers, lower_rest) = lower.as_chunks::<{ 2 * LANES }>();
    for (out, (upper, lower)) in blocks.iter_mut().zip(uppers.iter().zip(lowers)) {
        for k in 0..LANES {
            (a[k], b[k]) = (upper[2 * k], upper[2 * k + 1]);
            (c[k], d[k]) = (lower[2 * k], lower[2 * k + 1]);
        }
        for k in 0..LANES {
            out[k] = four([a[k], b[k], c[k], d[k]]);
        }
    }
    let (uppers, lowers) = (upper_rest.as_chunks().0, lower_rest.as_chunks().0);
    for (pixel, ([a, b], [c, d])) in rest.iter_mut().zip(uppers.iter().zip(lowers)) {
        *pixel = four([*a, *b, *c, *d]);
    }
}

/// Up to four pixels that become one.
struct Quad<T> {
    pixels: [T; 4],
    len: usize,
}

impl<T: Element> Quad<T> {
    #[inline(always)]
    fn of(upper: &[T], lower: Option<&[T]>, left: usize) -> Self {
        match (lower, left + 1 < upper.len()) {
            (Some(lower), true) => Self {
                pixels: [upper[left], upper[left + 1], lower[left], lower[left + 1]],
                len: 4,
            },
            (Some(lower), false) => Self {
                pixels: [upper[left], lower[left], lower[left], lower[left]],
                len: 2,
            },
            (None, true) => Self {
                pixels: [upper[left], upper[left + 1], upper[left], upper[left]],
                len: 2,
            },
            (None, false) => Self {
                pixels: [upper[left]; 4],
                len: 1,
            },
        }
    }

    fn all(&self) -> &[T] {
        &self.pixels[..self.len]
    }
}

#[inline(always)]
fn is_fill<T: Element>(pixel: T, fill: Option<T>) -> bool {
    fill.is_some_and(|fill| pixel.same(fill))
}

/// The same as [`mode`] of four values, without jumps: the first that is valid, unless a later one occurs twice.
#[inline(always)]
fn mode_of_four<T: Element>([a, b, c, d]: [T; 4], is_valid: impl Fn(T) -> bool) -> T {
    let mut best = if is_valid(c) { c } else { d };
    best = if is_valid(b) { b } else { best };
    best = if is_valid(a) { a } else { best };
    best = if is_valid(c) & c.same(d) { c } else { best };
    best = if is_valid(b) & (b.same(c) | b.same(d)) {
        b
    } else {
        best
    };
    if is_valid(a) & (a.same(b) | a.same(c) | a.same(d)) {
        a
    } else {
        best
    }
}

/// The most frequent of the values that are not fill.
fn mode<T: Element>(quad: &Quad<T>, fill: Option<T>) -> T {
    let mut best = (0, quad.pixels[0]);
    for pixel in quad.all() {
        if is_fill(*pixel, fill) {
            continue;
        }
        let count = quad.all().iter().filter(|other| other.same(*pixel)).count();
        if count > best.0 {
            best = (count, *pixel);
        }
    }
    best.1
}

/// The mean of the values that count, or a code where none does.
fn mean<T: Element>(quad: &Quad<T>, fill: Option<T>, counts: &impl Fn(T) -> bool) -> T {
    let (mut sum, mut count) = (0.0, 0.0);
    for pixel in quad.all().iter().filter(|pixel| counts(**pixel)) {
        sum += pixel.to_f64();
        count += 1.0;
    }
    if count > 0.0 {
        T::rounded(sum / count)
    } else {
        mode(quad, fill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halved<T: Element>(
        pixels: &[T],
        width: usize,
        fill: Option<T>,
        method: Resampling,
    ) -> Vec<T> {
        let mut out = Vec::new();
        halve(pixels, width, fill, method, &mut out);
        out
    }

    const PERCENT: Resampling = Resampling::Mean {
        min: 0.0,
        max: 100.0,
    };

    #[test]
    fn classes_stay_classes() {
        let pixels = [1, 2, 255, 255, 3, 2, 2, 255, 7, 255, 255, 9_u8];
        assert_eq!(
            halved(&pixels, 4, Some(255), Resampling::Mode),
            [2, 2, 7, 9]
        );
        assert_eq!(halved(&[5, 6, 7_u8], 3, None, Resampling::Mode), [5, 7]);
        assert_eq!(halved(&[255; 4], 2, Some(255_u8), Resampling::Mode), [255]);
    }

    #[test]
    fn four_without_jumps_are_as_good_as_counted() {
        for number in 0..4_u32.pow(4) {
            let pixels = [0, 2, 4, 6].map(|bits| (number >> bits) as u8 & 3);
            let quad = Quad { pixels, len: 4 };
            for fill in [None, Some(3)] {
                let found = mode_of_four(pixels, |pixel| Some(pixel) != fill);
                assert_eq!(found, mode(&quad, fill), "{pixels:?}");
            }
        }
    }

    #[test]
    fn means_of_what_is_valid() {
        assert_eq!(halved(&[10, 20, 30, 41_u8], 2, Some(255), PERCENT), [25]);
        assert_eq!(halved(&[10, 20, 254, 255_u8], 2, Some(255), PERCENT), [15]);
        assert_eq!(
            halved(&[254, 255, 255, 255_u8], 2, Some(255), PERCENT),
            [254]
        );
        assert_eq!(halved(&[255; 4], 2, Some(255_u8), PERCENT), [255]);
        assert_eq!(
            halved(
                &[-3, -4, -4, -4_i16],
                2,
                None,
                Resampling::Mean {
                    min: -9.0,
                    max: 9.0
                }
            ),
            [-4]
        );
        let all = Resampling::Mean {
            min: f64::NEG_INFINITY,
            max: f64::INFINITY,
        };
        assert_eq!(
            halved(&[1.0, f32::NAN, 2.0, f32::NAN], 2, Some(f32::NAN), all),
            [1.5]
        );
        assert!(halved(&[f32::NAN; 4], 2, Some(f32::NAN), all)[0].is_nan());
    }
}
