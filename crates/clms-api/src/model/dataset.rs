//! Datasets of the catalogue.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::fields::{Fields, as_number};
use super::files::{DownloadInformation, PrepackagedFile};
use super::ids::DatasetUid;
use super::rich_text::as_plain_text;
use crate::error::DecodeError;

/// A dataset of the catalogue (portal type `DataSet`).
///
/// `Serialize` and `Deserialize` are this crate's own form, made for keeping a catalogue on disk;
/// the portal's JSON is read by [`Dataset::from_portal`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dataset {
    /// The portal's `UID`, which requests name the dataset by.
    pub uid: DatasetUid,
    /// The last part of the dataset's address, such as `clc2018`.
    pub id: String,
    /// The dataset's page (the portal's `@id`, without `/api`).
    pub url: Option<Url>,
    /// The title, such as `CORINE Land Cover 2018 (vector/raster 100 m), Europe, 6-yearly`.
    pub title: String,
    /// A short description, plain text; may be empty.
    pub description: String,
    /// Words that the portal files it under: its keywords, and terms of the GEMET thesaurus.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// What the dataset covers; several boxes of the portal are joined to one.
    pub bbox: Option<BBox>,
    /// When it covers it.
    pub temporal_extent: TemporalExtent,
    /// The CRSs that the portal names, mostly authority codes such as `EPSG:3035`, though words
    /// such as `WGS84` occur.
    pub crs: Vec<String>,
    /// The CRSs that a part of the dataset can be had in, as the portal would answer: its own four
    /// and those of the dataset's data, such as UTM zones.
    #[serde(default)]
    pub projections: Vec<String>,
    /// The spatial resolution in words, such as `100 m`.
    pub resolution: Option<String>,
    /// How to cite the dataset, plain text.
    pub citation: Option<String>,
    /// The conditions of access and use, plain text.
    pub license: Option<String>,
    /// Whether a request for a part of the dataset must name dates.
    pub is_time_series: bool,
    /// The most days that one such request may ask for; `None` where the portal sets no limit.
    pub max_days: Option<u32>,
    /// When the portal's entry was last changed.
    pub modified: Option<Timestamp>,
    /// The files that can be requested as they are.
    pub files: Vec<PrepackagedFile>,
    /// The collections that a part can be requested of.
    pub download_information: Vec<DownloadInformation>,
    /// Everything else that the portal said, and what could not be read.
    pub extra: Map<String, Value>,
}

impl Dataset {
    /// Reads a full object of the portal (`@search` with `fullobjects`, or the dataset's own
    /// address).
    ///
    /// # Errors
    /// When it is no object, has no `UID`, or its lists of files are no lists. An odd value in
    /// any describing field is left in `extra` instead.
    pub fn from_portal(value: Value) -> Result<Self, DecodeError> {
        let name = name_of(&value);
        Self::read(value).map_err(|error| error.of(name))
    }

    /// The file of that name, without `.zip`.
    pub fn file(&self, name: &str) -> Option<&PrepackagedFile> {
        self.files.iter().find(|file| file.name == name)
    }

    fn read(value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::new(value, "")?;
        let uid = DatasetUid::new(fields.required_text("UID")?);
        let url = fields.take("@id", |value| page(value.as_str()?));
        let id = fields
            .text("id")
            .or_else(|| Some(url.as_ref()?.path_segments()?.next_back()?.to_owned()))
            .unwrap_or_else(|| uid.to_string());
        let mut files = Vec::new();
        for (item, path) in fields.items("downloadable_files")? {
            files.extend(PrepackagedFile::read(Fields::new(item, path)?)?);
        }
        let mut download_information = Vec::new();
        for (item, path) in fields.items("dataset_download_information")? {
            download_information.extend(DownloadInformation::read(Fields::new(item, path)?)?);
        }
        Ok(Self {
            title: fields.text("title").unwrap_or_else(|| id.clone()),
            description: fields
                .take("description", as_plain_text)
                .unwrap_or_default(),
            keywords: [fields.texts("keywords"), fields.texts("gemet")].concat(),
            bbox: fields.take("geographicBoundingBox", BBox::read),
            temporal_extent: TemporalExtent {
                start: fields.time("temporalExtentStart"),
                end: fields.time("temporalExtentEnd"),
                text: fields.text("characteristics_temporal_extent"),
            },
            crs: fields.texts("coordinateReferenceSystemList"),
            projections: projections(fields.text("characteristics_projection").as_deref()),
            resolution: fields
                .text("qualitySpatialResolution_line")
                .or_else(|| fields.text("characteristics_spatial_resolution")),
            citation: fields.take("citation", as_plain_text),
            license: fields.take("accessAndUseConstraints", as_plain_text),
            is_time_series: fields.flag("mapviewer_istimeseries").unwrap_or(false),
            max_days: fields
                .whole("download_limit_temporal_extent")
                .and_then(|days| u32::try_from(days).ok())
                .filter(|days| *days > 0),
            modified: fields.time("modified"),
            files,
            download_information,
            extra: fields.rest(),
            uid,
            id,
            url,
        })
    }
}

/// The CRSs that parts of every dataset can be had in.
const PROJECTIONS: [&str; 4] = ["EPSG:4326", "EPSG:3035", "EPSG:3857", "EPSG:4258"];

/// These and a dataset's own, which the portal tells as `EPSG:32625/ 32626`.
fn projections(own: Option<&str>) -> Vec<String> {
    let mut codes = PROJECTIONS.map(str::to_owned).to_vec();
    let own = own.unwrap_or_default().split('/').map(str::trim);
    for code in own.filter(|code| !code.is_empty()) {
        let code = match code.strip_prefix("EPSG:") {
            Some(_) => code.to_owned(),
            None => format!("EPSG:{code}"),
        };
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// What to call a dataset whose JSON can't be read.
fn name_of(value: &Value) -> String {
    let name = ["id", "@id", "UID", "title"].iter().find_map(|key| {
        value
            .get(key)?
            .as_str()
            .filter(|text| !text.trim().is_empty())
    });
    name.map_or_else(
        || "a dataset without a name".to_owned(),
        |name| format!("dataset '{name}'"),
    )
}

/// The page of an `@id`: the same address without `/api` before the language.
pub(super) fn page(id: &str) -> Option<Url> {
    let mut url = Url::parse(id.trim()).ok()?;
    let path = ["/api/", "/++api++/"]
        .iter()
        .find_map(|api| url.path().strip_prefix(api));
    if let Some(path) = path {
        let path = format!("/{path}");
        url.set_path(&path);
    }
    Some(url)
}

/// A bounding box in degrees: longitudes and latitudes on WGS 84, in the order
/// west, south, east, north.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BBox {
    /// The westernmost longitude.
    pub west: f64,
    /// The southernmost latitude.
    pub south: f64,
    /// The easternmost longitude.
    pub east: f64,
    /// The northernmost latitude.
    pub north: f64,
}

impl BBox {
    /// Joins the boxes of `{"items": [{"west": "-31.5", ...}]}`.
    fn read(value: &Value) -> Option<Self> {
        let items = value.get("items").unwrap_or(value);
        let boxes = items.as_array()?.iter().map(|item| {
            let side = |name| as_number(item.get(name)?);
            Some(Self {
                west: side("west")?,
                south: side("south")?,
                east: side("east")?,
                north: side("north")?,
            })
        });
        boxes
            .reduce(|joined, next| Some(joined?.union(next?)))
            .flatten()
    }

    /// The smallest box that holds both.
    fn union(self, other: Self) -> Self {
        Self {
            west: self.west.min(other.west),
            south: self.south.min(other.south),
            east: self.east.max(other.east),
            north: self.north.max(other.north),
        }
    }
}

/// When a dataset has data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemporalExtent {
    /// The first instant; `None` where the portal says nothing.
    pub start: Option<Timestamp>,
    /// The last one, as the portal puts it: a bare date stands for its midnight. `None` is an
    /// open end, or unknown.
    pub end: Option<Timestamp>,
    /// The portal's own words, such as `2016 - present`. They need not agree with the times.
    pub text: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn minimal() -> Value {
        json!({"UID": "0407d497d3c44bcd93ce8fd5bf78596a", "@id": "http://h/api/en/products/corine/clc2018", "title": "T"})
    }

    fn with(key: &str, value: Value) -> Dataset {
        let mut dataset = minimal();
        dataset[key] = value;
        Dataset::from_portal(dataset).unwrap()
    }

    #[test]
    fn a_catalogue_brain_is_enough() {
        let dataset = Dataset::from_portal(minimal()).unwrap();
        assert_eq!(dataset.id, "clc2018");
        assert_eq!(
            dataset.url.unwrap().as_str(),
            "http://h/en/products/corine/clc2018"
        );
        assert!(dataset.extra.is_empty());
    }

    #[test]
    fn boxes_are_read_from_texts_and_joined() {
        let dataset = with(
            "geographicBoundingBox",
            json!({"items": [
                {"@id": "x", "east": "44.820775", "north": "71.409109", "south": "27.405827", "west": "-31.561261"},
                {"west": -63, "south": "-22", "east": 56, "north": " 19.0 "},
            ]}),
        );
        let expected = BBox {
            west: -63.0,
            south: -22.0,
            east: 56.0,
            north: 71.409109,
        };
        assert_eq!(dataset.bbox, Some(expected));
    }

    #[test]
    fn an_odd_description_costs_nothing_and_is_kept() {
        let odd = json!({"items": [{"west": "west", "south": "0", "east": "1", "north": "1"}]});
        let dataset = with("geographicBoundingBox", odd.clone());
        assert_eq!(dataset.bbox, None);
        assert_eq!(dataset.extra["geographicBoundingBox"], odd);
        assert_eq!(
            with("temporalExtentStart", json!("soon")).extra["temporalExtentStart"],
            "soon"
        );
        assert_eq!(
            with("temporalExtentEnd", json!("")).temporal_extent.end,
            None
        );
        assert_eq!(
            with("coordinateReferenceSystemList", json!("EPSG:3035")).crs,
            ["EPSG:3035"]
        );
    }

    #[test]
    fn parts_can_be_had_in_the_usual_projections_and_the_dataset_s_own() {
        assert_eq!(
            Dataset::from_portal(minimal()).unwrap().projections,
            PROJECTIONS
        );
        let utm = with("characteristics_projection", json!("EPSG:3035/ 32628"));
        assert_eq!(utm.projections[4..], ["EPSG:32628"]);
    }

    #[test]
    fn errors_name_the_dataset_and_the_path() {
        let error = Dataset::from_portal(json!({"id": "clc2018"})).unwrap_err();
        assert_eq!(
            (error.what.as_str(), error.path.as_str()),
            ("dataset 'clc2018'", "UID")
        );
        let mut dataset = minimal();
        dataset["downloadable_files"] =
            json!({"items": [{"@id": "a", "file": "f"}, {"file": "g"}]});
        let error = Dataset::from_portal(dataset).unwrap_err();
        assert_eq!(error.path, "downloadable_files.items[1].@id");
    }

    #[test]
    fn our_own_form_round_trips() {
        let dataset = with(
            "downloadable_files",
            json!({"items": [{"@id": "a", "file": "f.zip", "format": "X", "size": "1 MB"}]}),
        );
        let text = serde_json::to_string(&dataset).unwrap();
        assert_eq!(serde_json::from_str::<Dataset>(&text).unwrap(), dataset);
    }
}
