//! Longitudes, which come back to themselves after 360 degrees: datasets run from -180 to 180 or from 0 to 360, and what is wanted may cross either edge.

use crate::Grid;

/// A whole turn.
const TURN: f64 = 360.0;

/// Whether a rectangle with these edges, of which the west one is the greater, is meant to cross the antimeridian: one of more than half the globe
/// is a mistake.
pub(super) fn crosses(west: f64, east: f64) -> bool {
    west > east && east + TURN - west <= TURN / 2.0
}

/// The same rectangle with edges between -180 and 180 degrees: the west one is greater if it crosses the antimeridian.
pub(super) fn normal([west, south, east, north]: [f64; 4]) -> [f64; 4] {
    let is_normal = |edge: f64| (-TURN / 2.0..=TURN / 2.0).contains(&edge);
    if (is_normal(west) && is_normal(east)) || east - west >= TURN {
        return [west, south, east, north];
    }
    let turned = |edge: f64| (edge + TURN / 2.0).rem_euclid(TURN) - TURN / 2.0;
    // An east edge on the antimeridian is at its western side.
    let east = Some(turned(east)).filter(|edge| *edge > -TURN / 2.0);
    [turned(west), south, east.unwrap_or(TURN / 2.0), north]
}

/// What a rectangle has on a grid of longitudes and latitudes, in the grid's own longitudes. A rectangle whose west edge lies to the east of its east
/// edge crosses the antimeridian, as in GeoJSON. One beside the grid stays as it is.
///
/// # Errors
/// What to do about a rectangle of which the grid has one part at its one edge and another part at its other: these are two windows.
pub(super) fn on_grid(
    grid: &Grid,
    [west, south, east, north]: [f64; 4],
) -> Result<[f64; 4], String> {
    let east = if west > east { east + TURN } else { east };
    let [left, _, right, _] = grid.bbox();
    let [pixel, _] = grid.pixel_size();
    let part = |turn: f64| [(west + turn).max(left), (east + turn).min(right)];
    let width = |[west, east]: [f64; 2]| east - west;
    let turns = [0.0, TURN, -TURN, 2.0 * TURN, -2.0 * TURN];
    let mut parts: Vec<(f64, [f64; 2])> = turns
        .map(|turn| (turn, part(turn)))
        .into_iter()
        .filter(|(_, part)| width(*part) > 0.0)
        .collect();
    parts.sort_by(|(_, a), (_, b)| width(*b).total_cmp(&width(*a)));
    let Some((turn, largest)) = parts.first().copied() else {
        return Ok([west, south, east, north]);
    };
    let is_whole = width(largest) > right - left - pixel;
    // Grids whose pixels' centres lie on round degrees reach half a pixel over their edge.
    let second = parts.get(1).filter(|(_, part)| width(*part) > pixel);
    match second {
        Some((_, [other_west, other_east])) if !is_whole => {
            let [first_west, first_east] = largest;
            Err(format!(
                "the bbox crosses the edge of the data, whose longitudes run from {left} to {right}: select {first_west}..{first_east} and {other_west}..{other_east} one after the other"
            ))
        }
        _ => Ok([west + turn, south, east + turn, north]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Crs;

    fn grid(left: f64, width: u64) -> Grid {
        let crs = Crs {
            code: None,
            name: None,
            wkt: String::new(),
        };
        Grid {
            crs,
            geotransform: [left, 1.0, 0.0, 90.0, 0.0, -1.0],
            width,
            height: 180,
        }
    }

    fn longitudes(grid: &Grid, west: f64, east: f64) -> Result<(f64, f64), String> {
        on_grid(grid, [west, 0.0, east, 1.0]).map(|[west, _, east, _]| (west, east))
    }

    #[test]
    fn of_a_whole_turn() {
        let (west, east) = (grid(-180.0, 360), grid(0.0, 360));
        assert_eq!(longitudes(&west, 10.0, 20.0), Ok((10.0, 20.0)));
        assert_eq!(longitudes(&west, 190.0, 200.0), Ok((-170.0, -160.0)));
        assert_eq!(longitudes(&west, -180.0, 180.0), Ok((-180.0, 180.0)));
        assert!(longitudes(&west, 0.0, 360.0).is_err());
        assert_eq!(longitudes(&east, -20.0, -10.0), Ok((340.0, 350.0)));
        assert_eq!(longitudes(&east, 0.0, 360.0), Ok((0.0, 360.0)));
        assert_eq!(longitudes(&east, 170.0, -170.0), Ok((170.0, 190.0)));
        let refused = longitudes(&west, 170.0, -175.0).unwrap_err();
        assert!(refused.contains("170..180 and -180..-175"), "{refused}");
        let refused = longitudes(&east, -5.0, 10.0).unwrap_err();
        assert!(refused.contains("0..10 and 355..360"), "{refused}");
        // Half a pixel over the edge is no second part.
        let centred = grid(-180.5, 360);
        assert_eq!(longitudes(&centred, 170.0, 180.0), Ok((170.0, 180.0)));
    }

    #[test]
    fn what_crosses_the_antimeridian() {
        assert!(crosses(170.0, -170.0) && crosses(20.0, -160.0));
        assert!(!crosses(20.0, 10.0) && !crosses(-170.0, 170.0) && !crosses(f64::NAN, 0.0));
    }

    #[test]
    fn normal_longitudes() {
        let normal = |west: f64, east: f64| {
            let [west, _, east, _] = normal([west, 0.0, east, 1.0]);
            (west, east)
        };
        assert_eq!(normal(10.0, 20.0), (10.0, 20.0));
        assert_eq!(normal(170.0, -170.0), (170.0, -170.0));
        assert_eq!(normal(350.0, 355.0), (-10.0, -5.0));
        assert_eq!(normal(170.0, 190.0), (170.0, -170.0));
        assert_eq!(normal(530.0, 540.0), (170.0, 180.0));
        assert_eq!(normal(-180.0, 180.0), (-180.0, 180.0));
        assert_eq!(normal(0.0, 360.0), (0.0, 360.0));
    }

    #[test]
    fn of_a_part() {
        let europe = grid(-25.0, 70);
        assert_eq!(longitudes(&europe, -180.0, 180.0), Ok((-180.0, 180.0)));
        assert_eq!(longitudes(&europe, 350.0, 355.0), Ok((-10.0, -5.0)));
        assert_eq!(longitudes(&europe, 100.0, 110.0), Ok((100.0, 110.0)));
        // Across the antimeridian, and all of it on one side of a part of the globe.
        let pacific = grid(150.0, 60);
        assert_eq!(longitudes(&pacific, 170.0, -170.0), Ok((170.0, 190.0)));
        assert_eq!(longitudes(&pacific, -178.0, -172.0), Ok((182.0, 188.0)));
    }
}
