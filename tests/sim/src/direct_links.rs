//! `@get-download-file-urls` (points 44 to 46) and what its links lead to.

use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::answer::{self, Refused, Reply};
use crate::call::Call;
use crate::catalogue::text;
use crate::downloads::Delivery;
use crate::state::{App, State};

/// The area and days that the portal puts into a WEkEO query by itself.
const EUROPE: [&str; 4] = ["-12.480469", "35.603719", "32.871094", "70.289117"];
const YEAR_2020: [&str; 2] = ["2020-01-01T00:00:00.000Z", "2020-12-31T00:00:00.000Z"];

/// `@get-download-file-urls`.
pub(crate) fn endpoint(app: &App, state: &State, call: &Call) -> Response {
    if state.habits.direct_links_gone {
        return answer::not_found(&call.url());
    }
    match links(app, state, call) {
        Ok(Value::Array(links)) if links.is_empty() => no_content(),
        Ok(found) => answer::json(200, found),
        Err(response) => *response,
    }
}

/// "Nothing found" is a success with an error inside (point 45).
fn no_content() -> Response {
    answer::tool_error(
        200,
        "There is no content between the selected dates, expand the date range to get links.",
    )
}

fn links(app: &App, state: &State, call: &Call) -> Result<Value, Refused> {
    let refuse = |message: &str| -> Refused {
        answer::json(400, json!({"status": "error", "message": message})).into()
    };
    let parameter = |name: &str| call.parameter(name).filter(|value| !value.is_empty());
    let uid = parameter("dataset_uid")
        .ok_or_else(|| refuse("Required parameters are missing: dataset_uid is mandatory"))?;
    let information_id = parameter("download_information_id").ok_or_else(|| {
        refuse("Required parameters are missing: download_information_id is mandatory")
    })?;
    if let Some(private) = state.catalogue.private_by_uid(uid) {
        let message = format!(
            "You are not allowed to access '{}' in this context",
            private.id()
        );
        return Err(answer::plone_error(401, "Unauthorized", &message).into());
    }
    let dataset = state
        .catalogue
        .by_uid(uid)
        .ok_or_else(|| refuse("Dataset does not exist"))?;
    let information = dataset
        .download_information(information_id)
        .ok_or_else(|| refuse("Dataset collection does not exist"))?;
    let path = text(&information["full_path"]);
    match text(&information["full_source"]) {
        "LEGACY" => legacy(app, call, path),
        "WEKEO" => wekeo(call, text(&information["wekeo_choices"])),
        "LANDCOVER" => land_cover(app, call, path),
        _ => Err(no_content().into()),
    }
}

fn legacy(app: &App, call: &Call, manifest: &str) -> Result<Value, Refused> {
    let (Some(from), Some(to)) = (call.parameter("date_from"), call.parameter("date_to")) else {
        return Err(answer::tool_error(
            400,
            "Error, both date_from and date_to parameters are required",
        )
        .into());
    };
    let date = |name: &str, value: &str| {
        let message = format!("Error, {name} parameter must be a date in YYYY-MM-DD format");
        value
            .parse::<Date>()
            .map_err(|_| Refused::from(answer::tool_error(400, &message)))
    };
    let (from, to) = (date("date_from", from)?, date("date_to", to)?);
    if from > to {
        return Err(answer::tool_error(
            400,
            "Error, date_from parameter must be smaller than date_to",
        )
        .into());
    }
    let series = series(manifest_name(manifest));
    let within = series.filter(|(date, _)| (from..=to).contains(date));
    Ok(within
        .map(|(_, path)| json!(format!("{}/{path}", app.base_url)))
        .collect())
}

fn manifest_name(manifest: &str) -> &str {
    manifest.rsplit('/').next().unwrap_or_default()
}

/// The files of a manifest from 2014 to 2025, as paths below the sim's URL:
/// of each day if its name says `daily`, else of the tenth of each month.
fn series(manifest: &str) -> impl Iterator<Item = (Date, String)> {
    let name = manifest
        .trim_start_matches("manifest_")
        .trim_start_matches("clms_global_")
        .trim_end_matches(".txt");
    let mut words = name.split('_');
    let code = words.next().unwrap_or_default().to_uppercase();
    let resolution = words.next().unwrap_or_default();
    let product = format!("{code}{resolution}");
    let origin = if code == "SWI" {
        "GLOBE_ASCAT_V3.1.1"
    } else {
        "GLOBE_SIM_V1.0.1"
    };
    let is_daily = name.contains("_daily");
    let days = jiff::civil::date(2014, 1, 1).series(1.day());
    let days = days.take_while(|date| date.year() <= 2025);
    let days = days.filter(move |date| is_daily || date.day() == 10);
    days.map(move |date| {
        let folder = date.strftime("%Y/%m/%d");
        let day = date.strftime("%Y%m%d");
        let file = format!("c_gls_{product}_{day}1200_{origin}.nc");
        (date, format!("legacydata/{product}/{folder}/{file}"))
    })
}

/// The stored query with its placeholders filled in, dates unchecked (point 46).
fn wekeo(call: &Call, choices: &str) -> Result<Value, Refused> {
    let corners = ["x_min", "y_min", "x_max", "y_max"].map(|name| call.parameter(name));
    let [west, south, east, north] = match corners {
        [Some(west), Some(south), Some(east), Some(north)] => [west, south, east, north],
        _ => EUROPE,
    };
    let start = call.parameter("date_from").unwrap_or(YEAR_2020[0]);
    let end = call.parameter("date_to").unwrap_or(YEAR_2020[1]);
    let mut query = choices.to_owned();
    for (placeholder, value) in [
        ("@xmin", west),
        ("@ymin", south),
        ("@xmax", east),
        ("@ymax", north),
        ("@startdate", start),
        ("@enddate", end),
    ] {
        query = query.replace(placeholder, value);
    }
    serde_json::from_str(&query).map_err(|_| {
        answer::plone_error(
            500,
            "JSONDecodeError",
            "Expecting value: line 1 column 1 (char 0)",
        )
        .into()
    })
}

/// The tiles of 20 degrees that touch the box; without one, all there are.
fn land_cover(app: &App, call: &Call, version_and_year: &str) -> Result<Value, Refused> {
    let number = |name: &str, default: f64| match call.parameter(name) {
        None => Ok(default),
        Some(text) => text.trim().parse::<f64>().map_err(|_| {
            Refused::from(answer::plone_error(
                500,
                "ValueError",
                &format!("could not convert string to float: '{text}'"),
            ))
        }),
    };
    let (west, south) = (number("x_min", -180.0)?, number("y_min", -90.0)?);
    let (east, north) = (number("x_max", 180.0)?, number("y_max", 90.0)?);
    if west > east || south > north {
        return Ok(json!([]));
    }
    let tiles = [-20_i32, 0, 20]
        .into_iter()
        .flat_map(|left| [40_i32, 60, 80].map(|top| (left, top)));
    let touched = tiles.filter(|(left, top)| {
        let (left, top) = (f64::from(*left), f64::from(*top));
        left < east && left + 20.0 > west && top - 20.0 < north && top > south
    });
    let (version, year) = version_and_year
        .split_once('/')
        .unwrap_or((version_and_year, ""));
    let link = |(left, top): (i32, i32)| {
        let side = if left < 0 { 'W' } else { 'E' };
        let tile = format!("{side}{:03}N{top:02}", left.abs());
        let file = format!("{tile}_PROBAV_LC100_global_{version}_{year}_EPSG-4326.tif");
        json!(format!(
            "{}/landcover/{version_and_year}/{tile}/{file}",
            app.base_url
        ))
    };
    Ok(touched.map(link).collect())
}

/// What the links lead to: manifests, LEGACY files and land cover tiles.
pub(crate) fn linked_file(app: &App, state: &State, call: &Call) -> Reply {
    let path = call.local_path();
    let name = path.rsplit('/').next().unwrap_or_default();
    let content_type = match path.split('/').next() {
        Some("landcover") if state.habits.landcover_closed => {
            let closed = "<Error><Code>AllAccessDisabled</Code></Error>".to_owned();
            return Reply::Answer(answer::text(403, closed));
        }
        Some("landcover") => "image/tiff",
        Some("legacydata") => "application/x-netcdf",
        _ => {
            let links = series(name).map(|(_, path)| format!("{}/{path}\n", app.base_url));
            return Reply::Answer(answer::text(200, links.collect()));
        }
    };
    Reply::File(Delivery::new(app.packages.loose_file(name), content_type).into())
}
