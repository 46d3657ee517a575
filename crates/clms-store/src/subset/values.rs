//! Values of a subset, read from text and normalised.

use clms_api::{BBox, Days, Format};

use crate::{
    bbox::{in_order, text as text_of},
    day_range::{DayRange, InvalidDayRange},
};

pub(super) fn not_empty(text: &str) -> Result<&str, String> {
    match text {
        "" => Err("it has no value".to_owned()),
        text => Ok(text),
    }
}

/// What an error of the request says, which begins with the value that is told already.
pub(super) fn said(why: &clms_api::InvalidRequest) -> String {
    use clms_api::InvalidRequest::{BoundingBox, Days, Nuts};
    match why {
        BoundingBox { problem, .. } | Days { problem, .. } | Nuts { problem, .. } => {
            problem.clone()
        }
        other => other.to_string(),
    }
}

/// Degrees are kept to a tenth of a millimetre.
const DEGREE_DIGITS: f64 = 1e9;

pub(super) fn bbox(text: &str) -> Result<BBox, String> {
    const FORM: &str = "a bbox is WEST,SOUTH,EAST,NORTH in degrees, such as 5.7,49.4,6.6,50.2";
    let side = |text: &str| {
        let degrees: f64 = text.trim().parse().ok()?;
        // Adding zero makes a negative zero positive.
        Some((degrees * DEGREE_DIGITS).round() / DEGREE_DIGITS + 0.0)
    };
    let sides: Option<Vec<f64>> = text.split(',').map(side).collect();
    match sides.as_deref() {
        Some(&[west, south, east, north]) => BBox::new(west, south, east, north).map_err(|why| {
            let meant = in_order([west, south, east, north]);
            let meant = meant.map_or_else(String::new, |meant| {
                format!("; did you mean {}?", text_of(meant))
            });
            said(&why) + &meant
        }),
        _ => Err(FORM.to_owned()),
    }
}

pub(super) fn days(text: &str) -> Result<Days, String> {
    const FORM: &str =
        "a time is FIRST/LAST, such as 2021-01-01/2021-01-31, or one day, month or year";
    let range: DayRange = text
        .parse()
        .map_err(|why: InvalidDayRange| format!("{}; {FORM}", why.reason()))?;
    let ends = range.first.zip(range.last);
    let (first, last) = ends.ok_or_else(|| format!("both ends must be named; {FORM}"))?;
    Days::new(first, last).map_err(|why| said(&why))
}

pub(super) fn crs(text: &str) -> Result<String, String> {
    let (authority, code) = text.split_once(':').unwrap_or(("EPSG", text));
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    let is_code = is_word(code) && (text.contains(':') || code.bytes().all(|b| b.is_ascii_digit()));
    if is_word(authority) && is_code {
        Ok(format!("{authority}:{code}").to_ascii_uppercase())
    } else {
        Err("a CRS is an authority and a code, such as EPSG:3035".to_owned())
    }
}

/// A format by the portal's word in any case, or by its usual file ending.
pub(super) fn format_of(text: &str) -> Result<Format, String> {
    let word = match not_empty(text)?.to_ascii_lowercase().as_str() {
        "geotiff" | "tiff" | "tif" => Format::Geotiff,
        "netcdf" | "nc" => Format::Netcdf,
        "gdb" => Format::Gdb,
        "shapefile" | "shp" => Format::Shapefile,
        "gpkg" | "geopackage" => Format::Gpkg,
        "geojson" => Format::Geojson,
        "gml" => Format::Gml,
        "wfs" => Format::Wfs,
        // Those whom it is asked of will say what there is.
        _ => Format::from(text),
    };
    Ok(word)
}
