//! What the pixels of a raster show, as a function of the world coordinate.

use std::fmt;
use std::sync::Arc;

use crate::noise::{Noise, Row};

/// A function from world coordinate to pixel value. The value of a pixel is the value at its centre,
/// stored as a cast of C would (integers wrap around).
#[derive(Clone)]
#[non_exhaustive]
pub enum Pattern {
    /// The same value everywhere.
    Constant(f64),
    /// A sawtooth plane: `(base + x * per_x + y * per_y).floor()`, modulo `modulo` (which must be above 0).
    /// Neighbouring pixels differ, so that a pixel in the wrong place shows.
    Plane {
        /// Added before all.
        base: f64,
        /// Rise for each unit of the CRS to the east.
        per_x: f64,
        /// Rise for each unit of the CRS to the north.
        per_y: f64,
        /// Values are below this.
        modulo: f64,
    },
    /// Squares of `cell` units of the CRS, aligned with the CRS's origin.
    Checker {
        /// Edge of a square.
        cell: f64,
        /// Value of the square at the origin.
        even: f64,
        /// Value of its neighbours.
        odd: f64,
    },
    /// A map of classes: coasts, lowlands, mountains, with sea as the outside value.
    LandCover(LandCover),
    /// A map of a share in percent, with sea as the outside value.
    Density(Density),
    /// Any function of x and y.
    Custom(Arc<dyn Fn(f64, f64) -> f64 + Send + Sync>),
}

impl Pattern {
    /// A pattern from any function of x and y.
    pub fn custom(f: impl Fn(f64, f64) -> f64 + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(f))
    }

    /// A plane that rises by one for each pixel of `pixel` units eastward and by 16 for each northward, modulo 251.
    #[must_use]
    pub fn plane(pixel: f64) -> Self {
        Self::Plane {
            base: 0.0,
            per_x: 1.0 / pixel,
            per_y: 16.0 / pixel,
            modulo: 251.0,
        }
    }

    /// The value at a world coordinate, before it is cast to the raster's data type.
    #[must_use]
    pub fn value_at(&self, x: f64, y: f64) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Plane {
                base,
                per_x,
                per_y,
                modulo,
            } => (base + x * per_x + y * per_y).floor().rem_euclid(*modulo),
            Self::Checker { cell, even, odd } => {
                let square = (x / cell).floor() + (y / cell).floor();
                if square.rem_euclid(2.0) == 0.0 {
                    *even
                } else {
                    *odd
                }
            }
            Self::LandCover(map) => map.value_at(x, y),
            Self::Density(map) => map.value_at(x, y),
            Self::Custom(f) => f(x, y),
        }
    }

    /// The values along a row; `scratch` is room for intermediate results.
    pub(crate) fn fill(&self, row: &Row, out: &mut [f64], scratch: &mut Vec<f64>) {
        match self {
            Self::LandCover(map) => map.fill(row, out, scratch),
            Self::Density(map) => map.fill(row, out, scratch),
            _ => {
                for (i, value) in out.iter_mut().enumerate() {
                    *value = self.value_at(row.x(i), row.y);
                }
            }
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "Constant({value})"),
            Self::Plane {
                base,
                per_x,
                per_y,
                modulo,
            } => write!(f, "Plane({base} + {per_x} x + {per_y} y mod {modulo})"),
            Self::Checker { cell, even, odd } => write!(f, "Checker({cell}: {even}, {odd})"),
            Self::LandCover(map) => map.fmt(f),
            Self::Density(map) => map.fmt(f),
            Self::Custom(_) => f.write_str("Custom"),
        }
    }
}

/// Land and sea: a relief, of which everything below the sea level is outside the mapped area.
#[derive(Debug, Clone, PartialEq)]
pub struct Relief {
    /// Height above the deep sea, 0..1.
    pub height: Noise,
    /// Heights below this are sea; below 0: no sea at all.
    pub sea_level: f64,
    /// Makes one island: the relief falls off with the distance from here.
    pub island: Option<Island>,
}

/// Where an island lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Island {
    /// Easting of its middle.
    pub x: f64,
    /// Northing of its middle.
    pub y: f64,
    /// Where the coast would be, were it a circle.
    pub radius: f64,
}

impl Relief {
    /// Fills in the height above sea level, scaled so that coasts are 0 and the highest peaks near 1; sea is negative.
    fn fill(&self, row: &Row, out: &mut [f64]) {
        self.height.fill(row, out);
        if let Some(island) = self.island {
            for (i, height) in out.iter_mut().enumerate() {
                let distance = (row.x(i) - island.x).hypot(row.y - island.y) / island.radius;
                *height += 0.25 * (1.0 - distance * distance) + self.sea_level - 0.5;
            }
        }
        let scale = 1.0 / (1.0 - self.sea_level);
        for height in out.iter_mut() {
            *height = (*height - self.sea_level) * scale;
        }
    }
}

/// A map of classes. Each place has a height (from the relief) and a cover (an independent noise);
/// the height selects a zone, and the cover selects a class of that zone.
#[derive(Debug, Clone, PartialEq)]
pub struct LandCover {
    /// Land and sea.
    pub relief: Relief,
    /// What grows there.
    pub cover: Noise,
    /// From the coast upwards; the last one's upper limit does not matter.
    pub zones: Vec<Zone>,
    /// Lines along which the value is this one: rivers, or roads.
    pub lines: Option<Lines>,
    /// The value of the sea.
    pub outside: f64,
}

/// The classes of a range of heights.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Upper limit of the height above sea level, where 1 is as high as can be.
    pub upto: f64,
    /// `(upper limit of the cover, class value)`, rising; the last one's limit does not matter.
    pub classes: Vec<(f64, f64)>,
}

impl Zone {
    /// A zone whose classes have about equal shares of the area.
    #[must_use]
    pub fn of(upto: f64, classes: &[u16]) -> Self {
        let shares = classes.len().max(1) as f64;
        let classes = classes
            .iter()
            .enumerate()
            .map(|(k, class)| (cover_quantile((k + 1) as f64 / shares), f64::from(*class)))
            .collect();
        Self { upto, classes }
    }
}

/// The cover below which about this share of all places lies. Noise heaps up around 0.5, with about a logistic distribution.
fn cover_quantile(share: f64) -> f64 {
    let share = share.clamp(0.001, 0.999);
    0.5 + 0.07 * (share / (1.0 - share)).ln()
}

/// Lines where a noise passes through its middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lines {
    /// The noise.
    pub noise: Noise,
    /// Half the width, in units of the noise.
    pub width: f64,
    /// There are none below this height.
    pub from: f64,
    /// The value on the lines.
    pub value: f64,
}

impl LandCover {
    /// The class at a world coordinate, or the outside value.
    #[must_use]
    pub fn value_at(&self, x: f64, y: f64) -> f64 {
        let mut out = [0.0];
        self.fill(&Row::at(x, y), &mut out, &mut Vec::new());
        out[0]
    }

    fn fill(&self, row: &Row, out: &mut [f64], scratch: &mut Vec<f64>) {
        let width = out.len();
        self.relief.fill(row, out);
        scratch.resize(2 * width, 0.0);
        let (cover, lines) = scratch.split_at_mut(width);
        // Noise is what takes the time, so it is left out where it makes no difference.
        let uniform = self.zones.iter().take_while(|zone| zone.classes.len() == 1);
        let varied = uniform.last().map_or(0.0, |zone| zone.upto.max(0.0));
        self.cover.fill_above(varied, out, row, cover);
        if let Some(spec) = &self.lines {
            spec.noise.fill_above(spec.from.max(0.0), out, row, lines);
        }
        for ((value, cover), line) in out.iter_mut().zip(cover).zip(lines) {
            let height = *value;
            *value = match self.lines {
                _ if height < 0.0 => self.outside,
                Some(spec) if height >= spec.from && (*line - 0.5).abs() < spec.width => spec.value,
                _ => self.class(height, *cover),
            };
        }
    }

    fn class(&self, height: f64, cover: f64) -> f64 {
        let zone = self
            .zones
            .iter()
            .find(|zone| height < zone.upto)
            .or(self.zones.last());
        zone.and_then(|zone| {
            let class = zone.classes.iter().find(|(upto, _)| cover < *upto);
            class.or(zone.classes.last())
        })
        .map_or(self.outside, |(_, value)| *value)
    }
}

/// A map of a share of 0 to 100 percent: hills of the noise above a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    /// Land and sea.
    pub relief: Relief,
    /// Where there is much of it.
    pub amount: Noise,
    /// Amounts up to this are 0 percent.
    pub from: f64,
    /// Amounts from this on are 100 percent.
    pub to: f64,
    /// The value of the sea.
    pub outside: f64,
}

impl Density {
    /// The share at a world coordinate, a whole number of percent, or the outside value.
    #[must_use]
    pub fn value_at(&self, x: f64, y: f64) -> f64 {
        let mut out = [0.0];
        self.fill(&Row::at(x, y), &mut out, &mut Vec::new());
        out[0]
    }

    fn fill(&self, row: &Row, out: &mut [f64], scratch: &mut Vec<f64>) {
        self.relief.fill(row, out);
        scratch.resize(out.len(), 0.0);
        self.amount.fill_above(0.0, out, row, scratch);
        let slope = 100.0 / (self.to - self.from);
        for (value, amount) in out.iter_mut().zip(scratch.iter()) {
            *value = if *value < 0.0 {
                self.outside
            } else {
                // Positive, so that the cast rounds down, and is faster than `floor`.
                f64::from(((amount - self.from) * slope).clamp(0.0, 100.0) as u8)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_tell_neighbours_apart() {
        let plane = Pattern::plane(10.0);
        assert_eq!(plane.value_at(5.0, 5.0), 8.0);
        assert_eq!(plane.value_at(15.0, 5.0), 9.0);
        assert_eq!(plane.value_at(5.0, 15.0), 24.0);
        assert!((0.0..251.0).contains(&plane.value_at(-5.0, -5.0)));
    }

    #[test]
    fn checkers_alternate_across_the_origin() {
        let checker = Pattern::Checker {
            cell: 100.0,
            even: 1.0,
            odd: 2.0,
        };
        assert_eq!(checker.value_at(50.0, 50.0), 1.0);
        assert_eq!(checker.value_at(-50.0, 50.0), 2.0);
        assert_eq!(checker.value_at(-50.0, -50.0), 1.0);
    }

    #[test]
    fn equal_shares_are_about_equal() {
        let noise = Noise {
            seed: 3,
            wavelength: 1000.0,
            octaves: 5,
        };
        let zone = Zone::of(1.0, &[1, 2, 3, 4, 5]);
        let mut counts = [0_u32; 5];
        for k in 0..200_000_u32 {
            let (x, y) = (f64::from(k % 400) * 97.0, f64::from(k / 400) * 89.0);
            let cover = noise.value_at(x, y);
            let class = zone.classes.iter().position(|(upto, _)| cover < *upto);
            counts[class.unwrap_or(4)] += 1;
        }
        for count in counts {
            assert!((20_000..70_000).contains(&count), "{counts:?}");
        }
    }
}
