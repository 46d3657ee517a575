//! Areas of interest: NUTS codes and bounding boxes, as the portal checks them.

use std::f64::consts::{FRAC_PI_4, PI};

use serde_json::Value;

use super::Refusal;
use crate::lookup;

/// Square metres that a bounding box may cover.
const AREA_LIMIT: f64 = 1_600_000_000_000.0;

/// Checks a NUTS code, of which only the country counts (point 25). "" and null pass.
pub(super) fn check_nuts(nuts: &Value) -> Result<(), Refusal> {
    let code = match nuts {
        Value::Null => return Ok(()),
        Value::String(code) if code.is_empty() => return Ok(()),
        Value::String(code) => code,
        Value::Number(number) if number.is_f64() => {
            return Refusal::exception(
                "AttributeError",
                "'float' object has no attribute 'isalnum'",
            );
        }
        Value::Number(_) => {
            return Refusal::exception("AttributeError", "'int' object has no attribute 'isalnum'");
        }
        Value::Bool(_) => {
            return Refusal::exception(
                "AttributeError",
                "'bool' object has no attribute 'isalnum'",
            );
        }
        Value::Array(_) => {
            return Refusal::exception(
                "AttributeError",
                "'list' object has no attribute 'isalnum'",
            );
        }
        Value::Object(_) => {
            return Refusal::exception(
                "AttributeError",
                "'dict' object has no attribute 'isalnum'",
            );
        }
    };
    let known = code.get(..2).is_some_and(lookup::is_country);
    if known && code.chars().all(char::is_alphanumeric) {
        Ok(())
    } else {
        Refusal::tool("NUTS country error")
    }
}

/// Checks a bounding box: four numbers in any order, not too large (points 25
/// and 26). An empty list passes.
pub(super) fn check_bounding_box(value: &Value) -> Result<(), Refusal> {
    const INVALID: &str = "Error, BoundingBox is not valid";
    let Some(corners) = value.as_array() else {
        return Refusal::tool(INVALID);
    };
    if corners.is_empty() {
        return Ok(());
    }
    // Whole degrees, and truth values are integers: that is Python.
    let degrees: Option<Vec<f64>> = corners
        .iter()
        .map(|corner| {
            corner
                .as_f64()
                .or(corner.as_bool().map(|flag| f64::from(u8::from(flag))))
                .map(f64::trunc)
        })
        .collect();
    match degrees.as_deref() {
        Some(&[x1, y1, x2, y2]) => {
            let ((x1, y1), (x2, y2)) = (michigan_central(x1, y1), michigan_central(x2, y2));
            // NaN, for a box with both corners off the world, is not too big.
            if ((x2 - x1) * (y2 - y1)).abs() > AREA_LIMIT {
                return Refusal::tool(
                    "Error, the requested BoundingBox is too big. The limit is 1600000000000.",
                );
            }
            Ok(())
        }
        _ => Refusal::tool(INVALID),
    }
}

/// Longitude and latitude in EPSG:3587, in which the portal measures areas
/// everywhere on Earth: Lambert conformal conic with two standard parallels
/// (Snyder, Map Projections, equations 15-1 to 15-11) on GRS80. Infinite off the world.
fn michigan_central(longitude: f64, latitude: f64) -> (f64, f64) {
    const SEMI_MAJOR: f64 = 6_378_137.0;
    const FLATTENING: f64 = 1.0 / 298.257_222_101;
    const LON_0: f64 = -84.366_666_666_666_7;
    const LAT_0: f64 = 43.316_666_666_666_7;
    const LAT_1: f64 = 45.7;
    const LAT_2: f64 = 44.183_333_333_333_3;
    const X_0: f64 = 6_000_000.0;
    // PROJ takes longitudes of up to 10 radians.
    if longitude.to_radians().abs() > 10.0 || latitude.abs() > 90.0 {
        return (f64::INFINITY, f64::INFINITY);
    }
    let e = (2.0 * FLATTENING - FLATTENING * FLATTENING).sqrt();
    let m = |phi: f64| phi.cos() / (1.0 - (e * phi.sin()).powi(2)).sqrt();
    let t = |phi: f64| {
        (FRAC_PI_4 - phi / 2.0).tan()
            / ((1.0 - e * phi.sin()) / (1.0 + e * phi.sin())).powf(e / 2.0)
    };
    let [phi_1, phi_2] = [LAT_1, LAT_2].map(f64::to_radians);
    let n = (m(phi_1).ln() - m(phi_2).ln()) / (t(phi_1).ln() - t(phi_2).ln());
    let scale = SEMI_MAJOR * m(phi_1) / (n * t(phi_1).powf(n));
    let rho = |degrees: f64| scale * t(degrees.to_radians()).powf(n);
    let turn = 2.0 * PI;
    let lambda = (longitude - LON_0).to_radians();
    let theta = n * (lambda - turn * (lambda / turn).round());
    (
        X_0 + rho(latitude) * theta.sin(),
        rho(LAT_0) - rho(latitude) * theta.cos(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn area(w: f64, s: f64, e: f64, n: f64) -> f64 {
        let ((x1, y1), (x2, y2)) = (michigan_central(w, s), michigan_central(e, n));
        ((x2 - x1) * (y2 - y1)).abs()
    }

    #[test]
    fn areas_are_those_of_the_portal() {
        for (found, expected) in [
            (area(0.0, 40.0, 20.0, 50.0), 7.352e11),
            (area(0.0, 35.0, 1.0, 70.0), 7.098e12),
            (area(95.0, -20.0, 96.0, -19.0), 1.896e12),
            (area(5.0, 45.0, 6.0, 46.0), 7.717e9),
        ] {
            assert!(
                (found / expected - 1.0).abs() < 1e-3,
                "{found} is not {expected}"
            );
        }
    }

    #[test]
    fn boxes_half_off_the_world_are_too_big_and_boxes_wholly_off_it_pass() {
        assert!(check_bounding_box(&json!([6, 49, 601, 50])).is_err());
        assert!(check_bounding_box(&json!([600, 49, 601, 50])).is_ok());
    }

    #[test]
    fn nuts_codes_need_a_country_in_capitals() {
        assert!(check_nuts(&json!("ITC11")).is_ok());
        assert!(check_nuts(&json!("")).is_ok());
        for bad in ["it", "XX1", "IT-C1", "1", "ÄÖ"] {
            assert_eq!(
                check_nuts(&json!(bad)),
                Refusal::tool("NUTS country error"),
                "{bad}"
            );
        }
    }
}
