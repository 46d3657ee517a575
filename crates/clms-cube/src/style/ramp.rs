//! Colour ramps whose steps look equally large.

/// A colour ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ramp {
    /// Dark blue over green to yellow.
    Viridis,
    /// Pale to dark green, for the density of trees.
    Greens,
}

/// Points of the ramp that matplotlib calls viridis, at equal distances.
const VIRIDIS: [[u8; 3]; 9] = [
    [68, 1, 84],
    [71, 45, 123],
    [59, 82, 139],
    [44, 114, 142],
    [33, 145, 140],
    [40, 174, 128],
    [94, 201, 98],
    [173, 220, 48],
    [253, 231, 37],
];

const GREENS: [[u8; 3]; 5] = [
    [240, 240, 240],
    [199, 233, 180],
    [120, 198, 121],
    [35, 132, 67],
    [0, 69, 41],
];

impl Ramp {
    /// The colour at a part of the ramp, from 0 to 1; what lies beyond has the colour of the end.
    pub(super) fn colour(self, part: f64) -> [u8; 3] {
        let points: &[[u8; 3]] = match self {
            Self::Viridis => &VIRIDIS,
            Self::Greens => &GREENS,
        };
        let position = part.clamp(0.0, 1.0) * (points.len() - 1) as f64;
        let index = (position as usize).min(points.len() - 2);
        let rest = position - index as f64;
        let mix = |channel: usize| {
            let (from, to) = (
                f64::from(points[index][channel]),
                f64::from(points[index + 1][channel]),
            );
            (from + (to - from) * rest).round() as u8
        };
        [mix(0), mix(1), mix(2)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_beyond() {
        assert_eq!(Ramp::Viridis.colour(0.0), VIRIDIS[0]);
        assert_eq!(Ramp::Viridis.colour(1.0), VIRIDIS[8]);
        assert_eq!(Ramp::Viridis.colour(7.0), VIRIDIS[8]);
        assert_eq!(Ramp::Greens.colour(0.5), GREENS[2]);
    }
}
