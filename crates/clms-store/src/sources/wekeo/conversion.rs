//! From the queries that the portal has stored, which are of the API's first version, to those of the second.

use serde_json::Value;

use super::{
    HdaQuery, Selection,
    hda::MOVED,
    moved::{IDENTIFIER, ONE_FOR_ALL, Place, place},
    query::TimeNames,
};

/// Why a stored query is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConversionError {
    /// The portal stores no query.
    #[error("the portal says that the data are at WEkEO, and not how to ask for them")]
    NoQuery,
    /// It is no JSON, even with its placeholders filled.
    #[error("the portal's query for WEkEO can't be read: {0}")]
    Malformed(String),
    /// The dataset has left its place, and nobody says where it went.
    #[error("{dataset} is no longer at WEkEO")]
    Lost {
        /// The dataset that the query is for.
        dataset: String,
    },
}

impl ConversionError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Lost { .. } => MOVED.to_owned(),
            _ => "look for the dataset at wekeo.copernicus.eu, or in the Copernicus Data Space Ecosystem, dataspace.copernicus.eu".to_owned(),
        })
    }
}

/// The query that finds what a stored one (`wekeo_choices`) was made for. Whether the broker still has the dataset, only the broker knows.
///
/// # Errors
/// [`ConversionError`] says why there is none.
pub fn convert_stored(choices: &str, part: &Selection) -> Result<HdaQuery, ConversionError> {
    if choices.trim().is_empty() {
        return Err(ConversionError::NoQuery);
    }
    let (start, end) = part.instants();
    let mut filled = choices.to_owned();
    for (placeholder, value) in [
        ("@xmin", part.bbox.west.to_string()),
        ("@ymin", part.bbox.south.to_string()),
        ("@xmax", part.bbox.east.to_string()),
        ("@ymax", part.bbox.north.to_string()),
        ("@startdate", start.to_string()),
        ("@enddate", end.to_string()),
    ] {
        filled = filled.replace(placeholder, &value);
    }
    let query: Value =
        serde_json::from_str(&filled).map_err(|why| ConversionError::Malformed(why.to_string()))?;
    convert(&query, part)
}

/// The same for a query whose placeholders are filled, such as the portal gives as a direct link. Its own box and days give way to `part`.
///
/// # Errors
/// [`ConversionError`] says why there is none.
pub fn convert(query: &Value, part: &Selection) -> Result<HdaQuery, ConversionError> {
    let id = query["dataset_id"]
        .as_str()
        .or_else(|| query["datasetId"].as_str())
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| ConversionError::Malformed("it names no dataset".to_owned()))?;
    let mut converted = HdaQuery::new(id);
    converted.filters.extend(filters(query));
    if let Some(names) = time_names(query, id) {
        converted.time_names = names;
    }
    let query = match place(id) {
        Place::Same => converted,
        Place::Renamed(id) => HdaQuery {
            dataset_id: id,
            ..converted
        },
        // What the old dataset could be asked for is in the identifier.
        Place::InOneForAll(identifier) => HdaQuery::new(ONE_FOR_ALL).filter(IDENTIFIER, identifier),
        Place::Lost => {
            return Err(ConversionError::Lost {
                dataset: id.to_owned(),
            });
        }
    };
    Ok(query.select(part))
}

/// The lists of the first version that hold a name and a value.
const CHOICES: [&str; 3] = [
    "stringChoiceValues",
    "multiStringSelectValues",
    "stringInputValues",
];

/// What the products have to be.
fn filters(query: &Value) -> Vec<(String, Value)> {
    if query["dataset_id"].is_string() {
        let own = ["dataset_id", "bbox", "startIndex", "itemsPerPage"];
        let is_time = |name: &str| {
            TimeNames::seen().any(|names| [&names.start, &names.end].contains(&&name.to_owned()))
        };
        let all = query.as_object().into_iter().flatten();
        return all
            .filter(|(name, _)| !own.contains(&name.as_str()) && !is_time(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
    }
    let lists = CHOICES.iter().flat_map(|list| list_of(query, list));
    let choice = |item: &Value| Some((item["name"].as_str()?.to_owned(), item["value"].clone()));
    lists
        .filter_map(choice)
        .filter(|(_, value)| !value.is_null() && *value != "")
        .collect()
}

/// What the second version calls the times of a dataset, by what is known of its providers. The broker has the last word.
fn time_names(query: &Value, id: &str) -> Option<TimeNames> {
    let name = list_of(query, "dateRangeSelectValues")
        .next()?
        .get("name")?
        .as_str()?
        .to_lowercase();
    let (start, end) = match id {
        id if id.starts_with("EO:CLMS:") || id.starts_with("EO:EEA:DAT:CLMS_HRVPP") => {
            ("start".to_owned(), "end".to_owned())
        }
        id if id.starts_with("EO:EUM:") => ("dtstart".to_owned(), "dtend".to_owned()),
        id if id.starts_with("EO:ESA:") => ("startDate".to_owned(), "completionDate".to_owned()),
        _ => (format!("{name}_start"), format!("{name}_end")),
    };
    Some(TimeNames { start, end })
}

fn list_of<'q>(query: &'q Value, name: &str) -> impl Iterator<Item = &'q Value> {
    query[name].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use clms_api::BBox;
    use serde_json::json;

    use super::*;

    fn part() -> Selection {
        Selection {
            bbox: BBox {
                west: -1.5,
                south: 46.0,
                east: 9.5,
                north: 47.0,
            },
            first: "2018-01-05".parse().unwrap(),
            last: "2018-01-05".parse().unwrap(),
        }
    }

    /// As the portal stores it for its snow cover: no JSON before it is filled.
    const SNOW: &str = r#"{"datasetId":"EO:CRYO:DAT:HRSI:FSC",
        "boundingBoxValues":[{"name":"bbox","bbox":[@xmin,@ymin,@xmax,@ymax]}],
        "dateRangeSelectValues":[{"name":"Observed","start":"@startdate","end":"@enddate"}],
        "stringChoiceValues":[{"name":"productType","value":"FSC"}]}"#;

    #[test]
    fn the_portals_query_for_snow_cover() {
        assert!(serde_json::from_str::<Value>(SNOW).is_err());
        let query = convert_stored(SNOW, &part()).unwrap();
        let expected = json!({
            "dataset_id": "EO:CRYO:DAT:HRSI:FSC",
            "productType": "FSC",
            "bbox": [-1.5, 46.0, 9.5, 47.0],
            "observed_start": "2018-01-05T00:00:00.000Z",
            "observed_end": "2018-01-05T23:59:59.999Z",
        });
        assert_eq!(Value::Object(query.body()), expected);
        let names = ["productType", "bbox", "startdate", "enddate"].map(str::to_owned);
        let fitted = query.fitted(&names.into_iter().collect()).unwrap();
        assert_eq!(fitted.time_names, TimeNames::new("startdate", "enddate"));
    }

    #[test]
    fn the_portals_query_for_vegetation_indices() {
        let stored = r#"{"datasetId": "EO:EEA:DAT:CLMS_HRVPP_VI",
            "boundingBoxValues": [{"name": "bbox", "bbox": [@xmin, @ymin, @xmax, @ymax]}],
            "dateRangeSelectValues": [{"name": "temporal_interval", "start": "@startdate", "end": "@enddate"}]}"#;
        let query = convert_stored(stored, &part()).unwrap();
        assert_eq!(query.dataset_id, "EO:EEA:DAT:CLMS_HRVPP_VI");
        assert_eq!(query.time_names, TimeNames::new("start", "end"));
        assert!(query.filters.is_empty());
    }

    #[test]
    fn a_filled_query_gives_its_box_and_days_up() {
        let filled = SNOW
            .replace("@xmin,@ymin,@xmax,@ymax", "-12.5,35.6,32.9,70.3")
            .replace("@startdate", "2020-01-01T00:00:00.000Z");
        let filled: Value = serde_json::from_str(&filled).unwrap();
        let query = convert(&filled, &part()).unwrap();
        assert_eq!(query.bbox, Some([-1.5, 46.0, 9.5, 47.0]));
        assert_eq!(query.time, Some(part().instants()));
    }

    #[test]
    fn the_global_land_service_is_in_one_dataset_now() {
        let old = json!({
            "datasetId": "EO:CLMS:DAT:CGLS_GLOBAL_NDVI300_V1_333M",
            "dateRangeSelectValues": [{"name": "dtrange", "start": "", "end": ""}],
            "multiStringSelectValues": [{"name": "kind", "value": ["x"]}],
        });
        let query = convert(&old, &part()).unwrap();
        assert_eq!(query.dataset_id, "EO:JRC:DAT:CLMS");
        let filters: Vec<_> = query.filters.iter().collect();
        let identifier = json!("ndvi_global_300m_10daily_v1");
        assert_eq!(filters, [(&"datasetIdentifier".to_owned(), &identifier)]);
        let albedo = json!({"datasetId": "EO:CLMS:DAT:CGLS_GLOBAL_ALBH_V1_1KM"});
        let lost = convert(&albedo, &part()).unwrap_err();
        assert!(lost.to_string().contains("no longer at WEkEO"));
        assert!(lost.hint().unwrap().contains("EO:JRC:DAT:CLMS"));
    }

    #[test]
    fn queries_of_the_second_version_are_taken_as_they_are() {
        let new = json!({
            "dataset_id": "EO:JRC:DAT:CLMS", "datasetIdentifier": "x", "fileFormat": "nc",
            "startdate": "2020-01-01", "bbox": [0, 0, 1, 1], "itemsPerPage": 5,
        });
        let query = convert(&new, &part()).unwrap();
        let names: Vec<&String> = query.filters.keys().collect();
        assert_eq!(names, ["datasetIdentifier", "fileFormat"]);
    }

    #[test]
    fn what_is_no_query_is_told() {
        assert_eq!(convert_stored(" ", &part()), Err(ConversionError::NoQuery));
        for bad in ["{", "[]", "{\"datasetId\": \"\"}"] {
            let error = convert_stored(bad, &part()).unwrap_err();
            assert!(matches!(error, ConversionError::Malformed(_)), "{bad}");
        }
    }
}
