//! The invented country that all the European products show.

use crate::noise::Noise;
use crate::pattern::{Island, Relief};

/// Seed of the relief, chosen so that each demo window has land, coast and mountains.
const SEED: u32 = 11975;

/// Noise below this is sea.
pub(super) const SEA_LEVEL: f64 = 0.45;

/// Left and upper edge of the EEA reference grid, in EPSG:3035.
pub(super) const GRID_CORNER: (f64, f64) = (900_000.0, 5_500_000.0);
/// Right and lower edge.
pub(super) const GRID_END: (f64, f64) = (7_400_000.0, 900_000.0);
/// Edge of an `E##N##` tile in metres.
pub(super) const TILE: f64 = 100_000.0;

/// The relief, with everything below `sea_level` outside.
pub(super) fn relief(sea_level: f64) -> Relief {
    Relief {
        height: Noise {
            seed: SEED,
            wavelength: 300_000.0,
            octaves: 8,
        },
        sea_level,
        island: None,
    }
}

/// The height that a relief of this sea level gives to a place, from the value of its noise.
pub(super) fn height(noise: f64, sea_level: f64) -> f64 {
    (noise - sea_level) / (1.0 - sea_level)
}

/// What covers the land: patches that are some hundred pixels wide.
pub(super) fn cover(seed: u32, pixel: f64) -> Noise {
    Noise {
        seed,
        wavelength: 300.0 * pixel,
        octaves: 7,
    }
}

/// Noise whose middle line makes the rivers.
pub(super) fn rivers(pixel: f64) -> Noise {
    Noise {
        seed: 3,
        wavelength: 2000.0 * pixel,
        octaves: 7,
    }
}

/// An island overseas.
pub(super) fn island(seed: u32, x: f64, y: f64, radius: f64) -> Relief {
    Relief {
        height: Noise {
            seed,
            wavelength: radius,
            octaves: 6,
        },
        sea_level: SEA_LEVEL,
        island: Some(Island { x, y, radius }),
    }
}
