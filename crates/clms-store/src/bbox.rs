//! Boxes as people type them, `west,south,east,north`, and how they are mistyped.
//!
//! ```
//! use clms_store::bbox;
//!
//! let typed = [41.3, 8.5, 43.1, 9.6];
//! assert_eq!(bbox::with_latitude_second(typed), Some([8.5, 41.3, 9.6, 43.1]));
//! assert_eq!(bbox::text([8.5, 41.3, 9.6, 43.1]), "8.5,41.3,9.6,43.1");
//! ```

use clms_api::BBox;

/// West, south, east, north.
pub type Sides = [f64; 4];

/// A product that is that wide is of the whole world, whatever the portal says of its ends.
const WHOLE_WORLD: f64 = 359.0;

/// The box as it is typed.
#[must_use]
pub fn text([west, south, east, north]: Sides) -> String {
    format!("{west},{south},{east},{north}")
}

/// The same box with the smaller sides first, as `9.6,43.1,8.5,41.3` was meant; `None` if it is in order, or nothing lies in it.
#[must_use]
pub fn in_order(sides: Sides) -> Option<Sides> {
    let [west, south, east, north] = sides;
    let ordered = [
        west.min(east),
        south.min(north),
        west.max(east),
        south.max(north),
    ];
    let is_box = ordered[0] < ordered[2] && ordered[1] < ordered[3];
    (is_box && ordered != sides).then_some(ordered)
}

/// A box in degrees that was typed with its latitudes first, as others write it; `None` if that can't be.
#[must_use]
pub fn with_latitude_second([south, west, north, east]: Sides) -> Option<Sides> {
    let is_box = south < north && west < east;
    let is_on_earth = south.abs().max(north.abs()) <= 90.0 && west.abs().max(east.abs()) <= 180.0;
    (is_box && is_on_earth).then_some([west, south, east, north])
}

/// The box of a product, rounded as people read it, if it tells where the product is: not if it is unknown, or the whole world.
pub(crate) fn told_of_product(bbox: Option<BBox>) -> Option<Sides> {
    let b = bbox?;
    let is_told = b.south < b.north && b.west < b.east && b.east - b.west < WHOLE_WORLD;
    let rounded = |side: f64| (side * 1e4).round() / 1e4 + 0.0;
    is_told.then(|| [b.west, b.south, b.east, b.north].map(rounded))
}

/// France's departments overseas, of which European products have rasters of their own that the portal's box of the product leaves out: Saint
/// Martin, Guadeloupe and Martinique, French Guiana, Réunion, Mayotte.
const OVERSEAS: [Sides; 4] = [
    [-63.2, 14.3, -60.7, 18.2],
    [-54.7, 2.0, -51.5, 5.9],
    [55.1, -21.5, 55.9, -20.8],
    [44.9, -13.1, 45.4, -12.6],
];

/// Whether a box has something of Europe's regions overseas.
pub(crate) fn is_overseas(sides: Sides) -> bool {
    OVERSEAS.iter().any(|region| !are_apart(sides, *region))
}

/// Whether two boxes have nothing in common.
pub(crate) fn are_apart(one: Sides, other: Sides) -> bool {
    one[0] > other[2] || other[0] > one[2] || one[1] > other[3] || other[1] > one[3]
}

/// A box of about a degree in the middle of a product's, to show how boxes look; in the middle of Europe if nobody knows where it is.
#[must_use]
pub fn example(product: Option<Sides>) -> Sides {
    const EUROPE: Sides = [-31.0, 27.0, 45.0, 72.0];
    let known = product.filter(|[west, south, east, north]| west < east && south < north);
    let [west, south, east, north] = known.unwrap_or(EUROPE);
    let tenth = |degrees: f64| (degrees * 10.0).round() / 10.0 + 0.0;
    let side = |from: f64, to: f64, most: f64| {
        let (middle, half) = ((from + to) / 2.0, ((to - from) / 4.0).min(most));
        match half < 0.1 {
            // So small that tenths of degrees would leave it.
            true => [middle - half, middle + half].map(|at| (at * 1e4).round() / 1e4 + 0.0),
            false => [tenth(middle - half), tenth(middle + half)],
        }
    };
    let ([west, east], [south, north]) = (side(west, east, 0.5), side(south, north, 0.4));
    [west, south, east, north]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        let corsica = [8.5, 41.3, 9.6, 43.1];
        assert_eq!(in_order([9.6, 43.1, 8.5, 41.3]), Some(corsica));
        assert_eq!(in_order(corsica), None);
        assert_eq!(in_order([1.0, 2.0, 1.0, 3.0]), None);
        assert_eq!(with_latitude_second([41.3, 8.5, 43.1, 9.6]), Some(corsica));
        assert_eq!(with_latitude_second([100.0, 8.5, 101.0, 9.6]), None);
    }

    #[test]
    fn regions_overseas() {
        assert!(is_overseas([-61.8, 15.8, -61.0, 16.5]), "Guadeloupe");
        assert!(!is_overseas([8.5, 41.3, 9.6, 43.1]), "Corsica");
        assert!(!is_overseas([41.3, 8.5, 43.1, 9.6]), "Corsica, swapped");
    }

    #[test]
    fn an_example_lies_in_the_product() {
        for product in [
            [-31.5613, 27.4058, 44.8208, 71.4091],
            [-180.0, -60.0, 180.0, 80.0],
            [6.0, 49.0, 6.1, 49.1],
        ] {
            let [west, south, east, north] = example(Some(product));
            assert!(product[0] < west && west < east && east < product[2]);
            assert!(product[1] < south && south < north && north < product[3]);
        }
        assert_eq!(text(example(None)), "6.5,49.1,7.5,49.9");
    }

    #[test]
    fn only_what_tells_a_place_is_the_box_of_a_product() {
        let told = |west, east| {
            told_of_product(Some(BBox {
                west,
                south: -60.0,
                east,
                north: 80.0,
            }))
        };
        assert_eq!(told(-180.0, 180.0), None);
        assert_eq!(told(170.0, -170.0), None);
        assert_eq!(told(-31.56129, 44.8), Some([-31.5613, -60.0, 44.8, 80.0]));
        assert!(are_apart([0.0, 0.0, 1.0, 1.0], [2.0, 0.0, 3.0, 1.0]));
        assert!(!are_apart([0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 2.0, 2.0]));
    }
}
