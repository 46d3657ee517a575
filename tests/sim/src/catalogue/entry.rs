//! Reading the portal's objects, whose fields may be text, objects or missing.

use serde_json::Value;

use super::{PORTAL, PrepackagedFile, served};

/// One object of the catalogue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a>(pub(super) &'a Value);

/// A field's text: itself, or the `token` of a `{token, title}` object (point 15).
pub(crate) fn text(value: &Value) -> &str {
    value
        .as_str()
        .or_else(|| value["token"].as_str())
        .unwrap_or_default()
}

impl<'a> Entry<'a> {
    /// A field; null when it is missing.
    pub(crate) fn field(self, name: &str) -> &'a Value {
        &self.0[name]
    }

    pub(crate) fn uid(self) -> &'a str {
        text(self.field("UID"))
    }

    pub(crate) fn id(self) -> &'a str {
        text(self.field("id"))
    }

    pub(crate) fn title(self) -> &'a str {
        text(self.field("title"))
    }

    pub(crate) fn portal_type(self) -> &'a str {
        text(self.field("@type"))
    }

    /// The path below the portal, without slashes at its ends.
    pub(crate) fn path(self) -> &'a str {
        text(self.field("@id"))
            .trim_start_matches(PORTAL)
            .trim_matches('/')
    }

    /// The object as served by a portal that is called `portal_url`.
    pub(crate) fn served(self, portal_url: &str) -> Value {
        served(self.0, portal_url)
    }

    pub(crate) fn files(self) -> impl Iterator<Item = &'a Value> {
        self.field("downloadable_files")["items"]
            .as_array()
            .into_iter()
            .flatten()
    }

    /// The prepackaged file with this `@id`, if it has a path.
    pub(crate) fn file(self, id: &str) -> Option<&'a Value> {
        self.files()
            .find(|file| file["@id"] == id && !text(&file["path"]).is_empty())
    }

    pub(crate) fn prepackaged(self, file: &Value) -> PrepackagedFile {
        let name = package_name(file);
        PrepackagedFile {
            data_id: format!("{}|{name}", self.id()),
            dataset_uid: self.uid().to_owned(),
            file_id: text(&file["@id"]).to_owned(),
            name,
        }
    }

    /// The download information with this `@id`.
    pub(crate) fn download_information(self, id: &str) -> Option<&'a Value> {
        let items = self.field("dataset_download_information")["items"].as_array()?;
        items.iter().find(|item| item["@id"] == id)
    }

    /// The days that one request may span; 0 where dates are not allowed (point 27).
    pub(crate) fn day_limit(self) -> i64 {
        self.field("download_limit_temporal_extent")
            .as_i64()
            .unwrap_or(0)
    }

    pub(crate) fn is_time_series(self) -> bool {
        self.field("mapviewer_istimeseries")
            .as_bool()
            .unwrap_or(false)
    }

    /// The coordinate reference systems in which areas can be had: the
    /// portal's four and the data set's own.
    pub(crate) fn projections(self) -> Vec<String> {
        let mut codes = ["EPSG:4326", "EPSG:3035", "EPSG:3857", "EPSG:4258"]
            .map(str::to_owned)
            .to_vec();
        for own in text(self.field("characteristics_projection"))
            .split('/')
            .map(str::trim)
        {
            let code = if own.starts_with("EPSG:") {
                own.to_owned()
            } else {
                format!("EPSG:{own}")
            };
            if !own.is_empty() && !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }
}

/// The name of a file's package: without outer blanks and `.zip`. Files
/// without a name are called by their path's last part.
fn package_name(file: &Value) -> String {
    let name = text(&file["file"]).trim();
    let name = if name.is_empty() {
        text(&file["path"])
            .rsplit(['\\', '/'])
            .next()
            .unwrap_or_default()
    } else {
        name
    };
    name.strip_suffix(".zip").unwrap_or(name).to_owned()
}
