//! Statistics of pixels, and the ground that they cover.

use std::collections::BTreeMap;

use gdal::spatial_ref::SpatialRef;

use crate::{CubeError, Grid};

/// Of the values of a quantity, as they come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantity {
    pub(super) valid: u64,
    pub(super) mean: f64,
    /// Sum of the squares of the distances from the mean.
    squares: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Default for Quantity {
    fn default() -> Self {
        Self {
            valid: 0,
            mean: f64::NAN,
            squares: 0.0,
            min: f64::NAN,
            max: f64::NAN,
        }
    }
}

impl Quantity {
    /// Takes a value (Welford's way, which loses no digits).
    pub(super) fn add(&mut self, value: f64) {
        self.valid += 1;
        if self.valid == 1 {
            (self.mean, self.min, self.max) = (value, value, value);
            return;
        }
        let distance = value - self.mean;
        self.mean += distance / self.valid as f64;
        self.squares += distance * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// The standard deviation of all pixels (not of a sample).
    pub(super) fn deviation(&self) -> f64 {
        if self.valid == 0 {
            f64::NAN
        } else {
            (self.squares / self.valid as f64).sqrt()
        }
    }
}

/// Number of pixels and square metres.
pub(super) type Extent = (u64, f64);

/// What is counted of a variable at a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    pub(super) all: Extent,
    pub(super) without_data: Extent,
    pub(super) quantity: Quantity,
    pub(super) classes: BTreeMap<i64, Extent>,
}

/// Square metres of the pixels of each row of a grid.
#[derive(Debug, Clone)]
pub(super) enum PixelArea {
    /// In the plane of a projection, whatever that does to areas.
    Projected(f64),
    /// On the ellipsoid.
    Geographic {
        north: f64,
        height: f64,
        width: f64,
        semi_axes: [f64; 2],
    },
}

impl PixelArea {
    pub(super) fn of(grid: &Grid) -> Result<Self, CubeError> {
        let failed = |error: gdal::errors::GdalError| CubeError::internal("reading a CRS", error);
        let srs = SpatialRef::from_definition(&grid.crs.wkt).map_err(failed)?;
        let [width, height] = grid.pixel_size();
        if !grid.crs.is_geographic() {
            let metres = srs.linear_units();
            return Ok(Self::Projected(width * height * metres * metres));
        }
        Ok(Self::Geographic {
            north: grid.geotransform[3],
            height,
            width,
            semi_axes: [
                srs.semi_major().map_err(failed)?,
                srs.semi_minor().map_err(failed)?,
            ],
        })
    }

    /// Of a pixel of a row.
    pub(super) fn of_row(&self, row: u64) -> f64 {
        match self {
            Self::Projected(area) => *area,
            Self::Geographic {
                north,
                height,
                width,
                semi_axes: [a, b],
            } => {
                let upper = north - row as f64 * height;
                let e = (1.0 - (b / a).powi(2)).sqrt();
                // Twice the sine of the latitude, on a sphere.
                let zone = |latitude: f64| {
                    let sine = latitude.clamp(-90.0, 90.0).to_radians().sin();
                    let bulge = if e > 0.0 {
                        ((1.0 + e * sine) / (1.0 - e * sine)).ln() / (2.0 * e)
                    } else {
                        sine
                    };
                    sine / (1.0 - (e * sine).powi(2)) + bulge
                };
                width.to_radians() * b * b / 2.0 * (zone(upper) - zone(upper - height))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Crs;

    #[test]
    fn of_a_few_values() {
        let mut quantity = Quantity::default();
        assert!(quantity.deviation().is_nan() && quantity.mean.is_nan());
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            quantity.add(value);
        }
        assert_eq!((quantity.valid, quantity.min, quantity.max), (8, 2.0, 9.0));
        assert!((quantity.mean - 5.0).abs() < 1e-12 && (quantity.deviation() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn all_pixels_of_the_globe_are_its_surface() {
        let grid = Grid {
            crs: Crs::from_definition("EPSG:4326").unwrap(),
            geotransform: [-180.0, 0.5, 0.0, 90.0, 0.0, -0.5],
            width: 720,
            height: 360,
        };
        let area = PixelArea::of(&grid).unwrap();
        let surface: f64 = (0..360).map(|row| area.of_row(row) * 720.0).sum();
        // Of the ellipsoid of WGS 84, in square metres.
        assert!(
            (surface / 510_065_621_724_088.4 - 1.0).abs() < 1e-9,
            "{surface}"
        );
    }
}
