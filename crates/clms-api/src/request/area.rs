//! Areas of interest, and how the portal measures them.

use std::f64::consts::{FRAC_PI_4, PI};

use serde::{Deserialize, Serialize};

use super::invalid::InvalidRequest;
use super::nuts::NutsCode;
use crate::model::BBox;

/// The largest area of a bounding box, in m² by the portal's reckoning
/// ([`BBox::portal_area`]).
pub const MAX_PORTAL_AREA: f64 = 1.6e12;

/// Where to cut a part from a dataset: a bounding box or a region, never both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// A bounding box.
    #[serde(rename = "bbox")]
    BBox(BBox),
    /// A region of the nomenclature of territorial units for statistics, or a country.
    Nuts(NutsCode),
}

impl BBox {
    /// A box from its sides in degrees: west, south, east, north.
    ///
    /// # Errors
    /// [`InvalidRequest::BoundingBox`] when the sides are no numbers, are off the world, or are
    /// in the wrong order. The portal takes all of these and cuts out something else.
    pub fn new(west: f64, south: f64, east: f64, north: f64) -> Result<Self, InvalidRequest> {
        let bbox = Self {
            west,
            south,
            east,
            north,
        };
        bbox.check().map(|()| bbox)
    }

    /// Checks a box that was not made by [`BBox::new`].
    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        let Self {
            west,
            south,
            east,
            north,
        } = *self;
        let problem = if ![west, south, east, north]
            .iter()
            .all(|side| side.is_finite())
        {
            "its sides must be numbers"
        } else if [west, east].iter().any(|side| side.abs() > 180.0) {
            "longitudes are from -180 to 180 degrees"
        } else if [south, north].iter().any(|side| side.abs() > 90.0) {
            "latitudes are from -90 to 90 degrees"
        } else if west >= east {
            "its west must be less than its east (a box across the antimeridian must be asked for in two)"
        } else if south >= north {
            "its south must be less than its north"
        } else {
            return Ok(());
        };
        Err(InvalidRequest::BoundingBox {
            west,
            south,
            east,
            north,
            problem: problem.to_owned(),
        })
    }

    /// The area in m² by the portal's reckoning, which decides whether a request is too large
    /// ([`MAX_PORTAL_AREA`]).
    ///
    /// The portal cuts the degrees' fractions off, projects two corners to EPSG:3587 (Lambert
    /// conformal conic for a part of Michigan) wherever on Earth they are, and takes the
    /// rectangle between them. So a box within one degree has no area, a box of 20 by 10 degrees
    /// in Europe passes, and one of a single degree in the Indian Ocean does not. The result is
    /// infinite at the south pole.
    ///
    /// ```
    /// use clms_api::BBox;
    /// let area = |w, s, e, n| BBox::new(w, s, e, n).map(|bbox| bbox.portal_area());
    /// assert!((area(0.0, 40.0, 20.0, 50.0)? / 7.352e11 - 1.0).abs() < 1e-3);
    /// assert_eq!(area(6.1, 49.1, 6.2, 49.2)?, 0.0);
    /// # Ok::<(), clms_api::InvalidRequest>(())
    /// ```
    pub fn portal_area(&self) -> f64 {
        let (x1, y1) = epsg_3587(self.west.trunc(), self.south.trunc());
        let (x2, y2) = epsg_3587(self.east.trunc(), self.north.trunc());
        ((x2 - x1) * (y2 - y1)).abs()
    }
}

impl Area {
    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        let Self::BBox(bbox) = self else {
            return Ok(());
        };
        bbox.check()?;
        let area = bbox.portal_area();
        if area > MAX_PORTAL_AREA {
            return Err(InvalidRequest::TooLarge { area });
        }
        Ok(())
    }
}

/// Easting and northing in EPSG:3587 of a longitude and latitude in degrees: Lambert conformal
/// conic with two standard parallels on GRS 80 (Snyder 1987, equations 15-1 to 15-10).
fn epsg_3587(longitude: f64, latitude: f64) -> (f64, f64) {
    const SEMI_MAJOR_AXIS: f64 = 6_378_137.0;
    const INVERSE_FLATTENING: f64 = 298.257_222_101;
    const LATITUDE_OF_ORIGIN: f64 = 43.316_666_666_666_7;
    const CENTRAL_MERIDIAN: f64 = -84.366_666_666_666_7;
    const STANDARD_PARALLELS: [f64; 2] = [45.7, 44.183_333_333_333_3];
    const FALSE_EASTING: f64 = 6_000_000.0;

    let flattening = 1.0 / INVERSE_FLATTENING;
    let eccentricity = (flattening * (2.0 - flattening)).sqrt();
    // The radius of the parallel, and the isometric colatitude's tangent.
    let m = |phi: f64| phi.cos() / (1.0 - (eccentricity * phi.sin()).powi(2)).sqrt();
    let t = |phi: f64| {
        let sine = eccentricity * phi.sin();
        (FRAC_PI_4 - phi / 2.0).tan() / ((1.0 - sine) / (1.0 + sine)).powf(eccentricity / 2.0)
    };
    let [first, second] = STANDARD_PARALLELS.map(f64::to_radians);
    let cone = (m(first) / m(second)).ln() / (t(first) / t(second)).ln();
    let scale = SEMI_MAJOR_AXIS * m(first) / (cone * t(first).powf(cone));
    let radius = |phi: f64| scale * t(phi).powf(cone);

    // The way around the Earth that is shorter.
    let east = (longitude - CENTRAL_MERIDIAN).to_radians();
    let theta = cone * (east - 2.0 * PI * (east / (2.0 * PI)).round());
    let radius_here = radius(latitude.to_radians());
    (
        FALSE_EASTING + radius_here * theta.sin(),
        radius(LATITUDE_OF_ORIGIN.to_radians()) - radius_here * theta.cos(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(west: f64, south: f64, east: f64, north: f64) -> f64 {
        BBox::new(west, south, east, north).unwrap().portal_area()
    }

    #[test]
    fn areas_that_the_portal_reckoned() {
        for (found, expected) in [
            (area(0.0, 40.0, 20.0, 50.0), 7.352e11),
            (area(0.0, 35.0, 1.0, 70.0), 7.098e12),
            (area(95.0, -20.0, 96.0, -19.0), 1.896e12),
            (area(5.0, 45.0, 6.0, 46.0), 7.717e9),
        ] {
            assert!(
                (found / expected - 1.0).abs() < 1e-3,
                "{found:e} is not {expected:e}"
            );
        }
    }

    #[test]
    fn the_origin_lies_where_the_definition_says() {
        let (x, y) = epsg_3587(-84.366_666_666_666_7, 43.316_666_666_666_7);
        assert!((x - 6e6).abs() < 1e-6 && y.abs() < 1e-6, "{x} {y}");
    }

    #[test]
    fn boxes_that_are_none() {
        for (sides, problem) in [
            ([7.0, 49.0, 6.0, 50.0], "west must be less"),
            ([6.0, 50.0, 7.0, 49.0], "south must be less"),
            ([6.0, 49.0, 6.0, 50.0], "west must be less"),
            ([600.0, 49.0, 601.0, 50.0], "longitudes"),
            ([6.0, 49.0, 7.0, 91.0], "latitudes"),
            ([6.0, f64::NAN, 7.0, 50.0], "numbers"),
        ] {
            let [west, south, east, north] = sides;
            let error = BBox::new(west, south, east, north).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn large_boxes_say_how_large() {
        let error = Area::BBox(BBox::new(0.0, 35.0, 1.0, 70.0).unwrap())
            .check()
            .unwrap_err();
        let words = error.to_string();
        assert!(
            words.contains("7.098e12") && words.contains("1.6e12"),
            "{words}"
        );
        Area::BBox(BBox::new(0.0, 40.0, 20.0, 50.0).unwrap())
            .check()
            .unwrap();
    }

    proptest! {
        /// Only whole degrees count.
        #[test]
        fn fractions_do_not_matter(
            west in -179_i32..178, south in -89_i32..88, w in 0.0..0.99_f64, s in 0.0..0.99_f64,
            width in 1_i32..20, height in 1_i32..20,
        ) {
            let (east, north) = ((west + width).min(179), (south + height).min(89));
            let off = |whole: i32, part: f64| f64::from(whole) + part.copysign(f64::from(whole) + 0.5);
            let whole = [west, south, east, north].map(f64::from);
            let odd = [off(west, w), off(south, s), off(east, w), off(north, s)];
            let area = |sides: [f64; 4]| BBox { west: sides[0], south: sides[1], east: sides[2], north: sides[3] }.portal_area();
            prop_assert_eq!(area(whole), area(odd));
        }

        /// The rectangle between two corners does not depend on which one comes first.
        #[test]
        fn corners_may_be_swapped(w in -180.0..180.0_f64, s in -89.0..89.0_f64, e in -180.0..180.0_f64, n in -89.0..89.0_f64) {
            let area = BBox { west: w, south: s, east: e, north: n }.portal_area();
            let swapped = BBox { west: e, south: n, east: w, north: s }.portal_area();
            prop_assert!(area >= 0.0 && area.is_finite());
            prop_assert!((area - swapped).abs() <= area * 1e-12);
        }

        /// Cells of one degree shrink towards the north, as those on a globe and on a cone do.
        #[test]
        fn cells_shrink_northwards(lat in -88_i32..85) {
            // Along the central meridian, where x is east and y is north.
            let cell = |lat: i32| BBox { west: -85.0, south: lat.into(), east: -84.0, north: (lat + 1).into() };
            prop_assert!(cell(lat).portal_area() > cell(lat + 1).portal_area());
        }
    }
}
