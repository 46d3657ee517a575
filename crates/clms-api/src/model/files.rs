//! What can be requested of a dataset: prepackaged files, and collections to cut parts from.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::Fields;
use super::ids::{FileId, InformationId};
use super::size::parse_size;
use super::words::{FileKind, Format, Source};
use crate::error::DecodeError;

/// A file that can be requested as it is (an item of `downloadable_files`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PrepackagedFile {
    /// What a request names it by.
    pub id: FileId,
    /// The file's name, without outer blanks and `.zip`; inside, the portal's spelling.
    /// Where the portal leaves it out, the name in `path` stands in, else the id.
    pub name: String,
    /// The area, such as `Europe` or a tile (for a few datasets the portal calls it `Countries`).
    pub area: Option<String>,
    /// Raster or vector; told from the format where the portal leaves it out.
    pub kind: FileKind,
    /// The format of what is inside the zip.
    pub format: Option<Format>,
    /// The spatial resolution in words, such as `100 m`.
    pub resolution: Option<String>,
    /// About how many bytes the zip has; see [`parse_size`].
    pub size: Option<u64>,
    /// Where the portal takes the file from.
    pub source: Option<Source>,
    /// A title; mostly left out.
    pub title: Option<String>,
    /// The version, such as `d02` or `v2020_20u1`.
    pub version: Option<String>,
    /// The year; mostly left out.
    pub year: Option<String>,
    /// The path on the agency's machines. The portal refuses requests for files without one.
    pub path: Option<String>,
    /// Everything else that the portal said, and what could not be read.
    pub extra: Map<String, Value>,
}

impl PrepackagedFile {
    /// `None` for the placeholder that stands in the list of a dataset without files, whose
    /// every value is blank.
    pub(super) fn read(mut fields: Fields) -> Result<Option<Self>, DecodeError> {
        if fields.all_blank_but("@id") {
            return Ok(None);
        }
        let id = FileId::new(fields.required_text("@id")?);
        let path = fields.text("path");
        let format = fields.word("format");
        Ok(Some(Self {
            name: fields
                .text("file")
                .or_else(|| Some(path.as_ref()?.rsplit(['\\', '/']).next()?.to_owned()))
                .map(|name| without_zip(&name).to_owned())
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| id.to_string()),
            area: fields
                .text("area")
                .or_else(|| match fields.texts("Countries") {
                    none if none.is_empty() => None,
                    countries => Some(countries.join(", ")),
                }),
            kind: fields
                .word("type")
                .unwrap_or_else(|| format.as_ref().map_or_else(FileKind::default, kind_of)),
            resolution: fields.text("resolution"),
            size: fields.take("size", |value| match value {
                Value::Number(bytes) => bytes.as_u64(),
                other => parse_size(other.as_str()?),
            }),
            source: fields.word("source"),
            title: fields.text("title"),
            version: fields.text("version"),
            year: fields.text("year"),
            extra: fields.rest(),
            id,
            path,
            format,
        }))
    }
}

impl Default for FileKind {
    fn default() -> Self {
        Self::Unknown(String::new())
    }
}

fn kind_of(format: &Format) -> FileKind {
    match format {
        Format::Geotiff | Format::Netcdf => FileKind::Raster,
        Format::Unknown(_) => FileKind::default(),
        _ => FileKind::Vector,
    }
}

fn without_zip(name: &str) -> &str {
    let stem = name
        .len()
        .checked_sub(4)
        .and_then(|at| name.split_at_checked(at));
    match stem {
        Some((stem, suffix)) if suffix.eq_ignore_ascii_case(".zip") => stem.trim_end(),
        _ => name,
    }
}

/// A collection that parts can be requested of (an item of `dataset_download_information`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DownloadInformation {
    /// What a request names it by.
    pub id: InformationId,
    /// `RASTER` or `VECTOR`.
    pub name: Option<String>,
    /// The collection, such as `100 m`.
    pub collection: Option<String>,
    /// The format in which the portal holds it.
    pub format: Option<Format>,
    /// Where the portal takes it from.
    pub source: Option<Source>,
    /// A path on the agency's machines, a list of files, or a foreign data set's id, depending
    /// on the source.
    pub path: Option<String>,
    /// The layers that a request may choose from. Outer blanks are kept: the portal compares
    /// the name in a request with exactly this text. `ALL BANDS` is a placeholder that requests
    /// must not name.
    pub layers: Vec<String>,
    /// A query for WEkEO with placeholders such as `@startdate`, so not always valid JSON.
    pub wekeo_choices: Option<String>,
    /// The CDSE collection.
    pub byoc_collection: Option<String>,
    /// Everything else that the portal said, and what could not be read.
    pub extra: Map<String, Value>,
}

impl DownloadInformation {
    /// `None` for a placeholder whose every value is blank.
    pub(super) fn read(mut fields: Fields) -> Result<Option<Self>, DecodeError> {
        if fields.all_blank_but("@id") {
            return Ok(None);
        }
        Ok(Some(Self {
            id: InformationId::new(fields.required_text("@id")?),
            name: fields.text("name"),
            collection: fields.text("collection"),
            format: fields.word("full_format"),
            source: fields.word("full_source"),
            path: fields.text("full_path"),
            layers: fields.take("layers", verbatim).unwrap_or_default(),
            wekeo_choices: fields.text("wekeo_choices"),
            byoc_collection: fields.text("byoc_collection"),
            extra: fields.rest(),
        }))
    }
}

fn verbatim(list: &Value) -> Option<Vec<String>> {
    match list {
        Value::String(one) if !one.trim().is_empty() => Some(vec![one.clone()]),
        Value::Array(list) => list
            .iter()
            .map(|text| Some(text.as_str()?.to_owned()))
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn file(value: Value) -> Option<PrepackagedFile> {
        PrepackagedFile::read(Fields::new(value, "f").unwrap()).unwrap()
    }

    #[test]
    fn blanks_go_and_inner_spelling_stays() {
        let file = file(json!({
            "@id": "x", "file": " WAW_2018 (1)_010m.zip", "area": "\tEurope", "version": "\tv2020_20u1",
            "format": {"token": "Geotiff", "title": null}, "size": "23  MB", "source": "EEA", "type": "Raster",
            "title": "", "year": 2018, "colour": "blue",
        }))
        .unwrap();
        assert_eq!(file.name, "WAW_2018 (1)_010m");
        assert_eq!(file.area.as_deref(), Some("Europe"));
        assert_eq!(file.version.as_deref(), Some("v2020_20u1"));
        assert_eq!(file.format, Some(Format::Geotiff));
        assert_eq!(file.size, Some(23 << 20));
        assert_eq!(file.year.as_deref(), Some("2018"));
        assert_eq!(Value::Object(file.extra), json!({"colour": "blue"}));
    }

    #[test]
    fn placeholders_are_no_files() {
        assert_eq!(
            file(json!({"@id": "x", "area": "", "file": " ", "size": null})),
            None
        );
    }

    #[test]
    fn what_is_left_out_is_found_elsewhere() {
        let unnamed = json!({"@id": "x", "file": "", "path": "H:\\a\\TCD_mt.zip", "Countries": ["Malta"], "format": "GDB", "type": ""});
        let found = file(unnamed).unwrap();
        assert_eq!(found.name, "TCD_mt");
        assert_eq!(found.area.as_deref(), Some("Malta"));
        assert_eq!(found.kind, FileKind::Vector);
        assert_eq!(
            file(json!({"@id": "x", "area": "Malta"})).unwrap().name,
            "x"
        );
    }

    #[test]
    fn layers_keep_their_blanks() {
        let item = json!({"@id": "x", "full_source": {"token": "LANDCOVER"}, "layers": ["Cover Fraction: Built-up "], "collection": "20m "});
        let info = DownloadInformation::read(Fields::new(item, "d").unwrap())
            .unwrap()
            .unwrap();
        assert_eq!(info.layers, ["Cover Fraction: Built-up "]);
        assert_eq!(info.collection.as_deref(), Some("20m"));
        assert_eq!(info.source, Some(Source::Landcover));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ \ta-zA-Z0-9.]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::hash_map("[a-z]{1,5}", inner, 0..3)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        /// Whatever the editors type into an item, it decodes, and nothing but blanks is lost.
        #[test]
        fn any_item_with_an_id_decodes(
            values in prop::collection::vec(any_json(), 12),
            id in "[a-f0-9-]{1,36}",
        ) {
            let keys = ["file", "area", "Countries", "format", "path", "resolution", "size", "source", "title", "type", "version", "year"];
            let mut item = Map::new();
            item.insert("@id".to_owned(), id.clone().into());
            item.extend(keys.iter().map(|k| (*k).to_owned()).zip(values));
            if let Some(file) = file(Value::Object(item.clone())) {
                prop_assert_eq!(file.id.as_str(), id);
                prop_assert!(!file.name.is_empty());
                prop_assert_eq!(file.name.trim(), file.name.as_str());
                for (key, kept) in &file.extra {
                    prop_assert_eq!(&item[key], kept);
                }
                if let Some(number) = item["size"].as_u64() {
                    prop_assert_eq!(file.size, Some(number));
                }
            } else {
                prop_assert!(item.iter().all(|(k, v)| k == "@id" || super::super::fields::is_blank(v)));
            }
        }
    }
}
