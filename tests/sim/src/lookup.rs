//! The portal's small tables: formats, projections, names of regions, time series.

use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::answer;
use crate::call::Call;
use crate::catalogue::text;
use crate::state::State;

/// The formats' exact names (point 24).
pub(crate) const FORMATS: [&str; 8] = [
    "GDB",
    "GML",
    "GPKG",
    "Geojson",
    "Geotiff",
    "Netcdf",
    "Shapefile",
    "WFS",
];

/// Whether the engine can turn one format into the other.
pub(crate) fn converts(from: &str, to: &str) -> bool {
    match (from, to) {
        ("WFS", "WFS")
        | ("GML", "GML")
        | ("Geotiff" | "Netcdf", "Geotiff")
        | ("Netcdf", "Netcdf") => true,
        ("GDB" | "GPKG" | "Geojson" | "Shapefile" | "WFS", to) => {
            matches!(to, "GDB" | "GML" | "GPKG" | "Geojson" | "Shapefile")
        }
        _ => false,
    }
}

pub(crate) fn format_conversion_table() -> Response {
    let row = |from: &str| -> Map<String, Value> {
        FORMATS
            .iter()
            .map(|to| ((*to).to_owned(), json!(converts(from, to))))
            .collect()
    };
    let table: Map<String, Value> = FORMATS
        .iter()
        .map(|from| ((*from).to_owned(), json!(row(from))))
        .collect();
    answer::json(200, Value::Object(table))
}

/// The projections of one data set or, without `uid`, the portal's own; none
/// for an unknown one (point 17).
pub(crate) fn projections(state: &State, call: &Call) -> Response {
    let codes = match call.parameter("uid") {
        None => json!(["EPSG:4326", "EPSG:3035", "EPSG:3857", "EPSG:4258"]),
        Some(uid) => json!(
            state
                .catalogue
                .by_uid(uid)
                .map(|dataset| dataset.projections())
                .unwrap_or_default()
        ),
    };
    answer::json(200, codes)
}

/// Names of NUTS regions; an unknown code is its own name (point 17).
pub(crate) fn nuts_names(call: &Call) -> Response {
    let codes = call
        .parameters("nuts_ids")
        .flat_map(|codes| codes.split(','));
    let names: Map<String, Value> = codes
        .filter(|code| !code.is_empty())
        .map(|code| (code.to_owned(), json!(nuts_name(code))))
        .collect();
    answer::json(200, Value::Object(names))
}

/// The name of a region or country.
pub(crate) fn nuts_name(code: &str) -> &str {
    NAMES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or(code, |(_, name)| *name)
}

/// `@get-time-series-metadata`: what the map viewer wants to know of a data set.
pub(crate) fn time_series_metadata(state: &State, call: &Call) -> Response {
    let Some(dataset) = call
        .parameter("dataset")
        .and_then(|uid| state.catalogue.by_uid(uid))
    else {
        return answer::json(200, json!({}));
    };
    let mut metadata = json!({
        "download_limit_temporal_extent": dataset.field("download_limit_temporal_extent"),
        "mapviewer_istimeseries": dataset.is_time_series(),
    });
    if dataset.is_time_series() {
        metadata["start"] = json!(text(dataset.field("temporalExtentStart")));
        metadata["end"] = json!(text(dataset.field("temporalExtentEnd")));
    }
    answer::json(200, metadata)
}

/// Whether these two letters are a country: ISO 3166, and the EU's own EL and UK.
pub(crate) fn is_country(code: &str) -> bool {
    COUNTRIES
        .split_ascii_whitespace()
        .any(|country| country == code)
}

const NAMES: [(&str, &str); 16] = [
    ("AT", "Österreich"),
    ("BE", "Belgique-België"),
    ("BR", "Brazil"),
    ("CH", "Schweiz/Suisse/Svizzera"),
    ("DE", "Deutschland"),
    ("DK", "Danmark"),
    ("ES", "España"),
    ("FR", "France"),
    ("IT", "Italia"),
    ("ITC1", "Piemonte"),
    ("ITC11", "Torino"),
    ("LU", "Luxembourg"),
    ("MT", "Malta"),
    ("NL", "Nederland"),
    ("PL", "Polska"),
    ("PT", "Portugal"),
];

const COUNTRIES: &str = "
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH EL ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO
    JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR
    MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO
    RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV
    TW TZ UA UG UK UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";
