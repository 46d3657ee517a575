//! The ground that pixels cover.

use std::ops::Range;

use gdal::spatial_ref::SpatialRef;

use crate::{CubeError, Grid};

/// Square metres of the pixels of each row of a grid.
#[derive(Debug, Clone)]
pub(crate) enum PixelArea {
    /// In the plane of a projection, whatever that does to areas.
    Projected(f64),
    /// On the ellipsoid.
    Geographic {
        /// Latitude of the outer edge of the first row.
        first: f64,
        /// Of a row, in degrees; negative where rows run to the south.
        step: f64,
        width: f64,
        semi_axes: [f64; 2],
    },
}

impl PixelArea {
    pub(crate) fn of(grid: &Grid) -> Result<Self, CubeError> {
        let failed = |error: gdal::errors::GdalError| CubeError::internal("reading a CRS", error);
        let srs = SpatialRef::from_definition(&grid.crs.wkt).map_err(failed)?;
        let [width, height] = grid.pixel_size();
        if !grid.crs.is_geographic() {
            let metres = srs.linear_units();
            return Ok(Self::Projected(width * height * metres * metres));
        }
        Ok(Self::Geographic {
            first: grid.geotransform[3],
            step: grid.geotransform[5],
            width,
            semi_axes: [
                srs.semi_major().map_err(failed)?,
                srs.semi_minor().map_err(failed)?,
            ],
        })
    }

    /// Of a pixel of a row.
    pub(crate) fn of_row(&self, row: u64) -> f64 {
        self.of_rows(&(row as f64..(row + 1) as f64))
    }

    /// Of a column of pixels in some rows, which may begin and end within a row.
    pub(crate) fn of_rows(&self, rows: &Range<f64>) -> f64 {
        match self {
            Self::Projected(area) => area * (rows.end - rows.start),
            Self::Geographic {
                first,
                step,
                width,
                semi_axes: [a, b],
            } => {
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
                let edges = [rows.start, rows.end].map(|row| zone(first + row * step));
                width.to_radians() * b * b / 2.0 * (edges[0] - edges[1]).abs()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Crs;

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

    #[test]
    fn parts_of_rows_add_up_whichever_way_they_run() {
        let grid = |first, step| Grid {
            crs: Crs::from_definition("EPSG:4326").unwrap(),
            geotransform: [5.0, 0.1, 0.0, first, 0.0, step],
            width: 10,
            height: 10,
        };
        let down = PixelArea::of(&grid(50.0, -0.1)).unwrap();
        let up = PixelArea::of(&grid(49.0, 0.1)).unwrap();
        let part = down.of_rows(&(0.0..2.5)) + down.of_rows(&(2.5..10.0));
        assert!((part / up.of_rows(&(0.0..10.0)) - 1.0).abs() < 1e-9);
        assert!(down.of_row(0) < up.of_row(0), "the north has less ground");
    }
}
