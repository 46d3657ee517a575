//! One item of a request: checked in the portal's order and words, and turned
//! into what a task shows of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Refusal;
use super::area::{check_bounding_box, check_nuts};
use super::time_range::TimeRange;
use crate::catalogue::{Catalogue, Entry, text};
use crate::lookup;

/// Sources that the engine can fetch from.
const SOURCES: [&str; 9] = [
    "CDSE",
    "CDSE_CSV",
    "EEA",
    "HOTSPOTS",
    "LANDCOVER",
    "LEGACY",
    "VITO_Geotiff_LandCover",
    "VITO_Geotiff_LSP",
    "WEKEO",
];

/// An item that passed the checks.
#[derive(Debug, PartialEq)]
pub(super) enum Item {
    /// `FileID` is "" or null: nothing is done (point 21).
    Ignored,
    /// A prepackaged file, with its package's name.
    Prepackaged { shown: Value, package: String },
    /// An area cut out by the engine.
    Area { shown: Value },
    /// An area cut out by CDSE.
    Cdse { shown: Value },
}

/// Checks one element of `Datasets`.
pub(super) fn check_item(catalogue: &Catalogue, request: &Value) -> Result<Item, Refusal> {
    if !request.is_object() {
        return Refusal::exception("AttributeError", "'str' object has no attribute 'get'");
    }
    let uid = text(&request["DatasetID"]);
    if uid.is_empty() {
        return Refusal::tool("Error, DatasetID is not defined");
    }
    let Some(dataset) = catalogue.by_uid(uid) else {
        return Refusal::tool("Error, the DatasetID is not valid");
    };
    match request.get("FileID") {
        Some(file_id) => prepackaged(dataset, file_id),
        None => area(dataset, request),
    }
}

fn prepackaged(dataset: Entry<'_>, file_id: &Value) -> Result<Item, Refusal> {
    if dataset.portal_type() != "DataSet" {
        return Refusal::exception(
            "AttributeError",
            "'RequestContainer' object has no attribute 'downloadable_files'",
        );
    }
    if file_id.is_null() || file_id == "" {
        return Ok(Item::Ignored);
    }
    let Some(file) = file_id.as_str().and_then(|id| dataset.file(id)) else {
        return Refusal::tool("Error, the FileID is not valid");
    };
    let shown = prepackaged_shown(dataset, file);
    Ok(Item::Prepackaged {
        shown,
        package: dataset.prepackaged(file).name,
    })
}

/// What a task shows of a prepackaged file.
pub(super) fn prepackaged_shown(dataset: Entry<'_>, file: &Value) -> Value {
    json!({
        "DatasetID": dataset.uid(), "DatasetPath": "", "DatasetSource": text(&file["source"]),
        "DatasetTitle": dataset.title(), "FileID": file["@id"],
        "FilePath": STANDARD.encode(text(&file["path"])),
        "FileStructure": text(dataset.field("characteristics_file_structure")),
    })
}

fn area(dataset: Entry<'_>, request: &Value) -> Result<Item, Refusal> {
    if dataset.portal_type() != "DataSet" {
        return Refusal::exception(
            "AttributeError",
            "'RequestContainer' object has no attribute 'characteristics_projection'",
        );
    }
    let mut shown = json!({
        "DatasetID": dataset.uid(), "DatasetTitle": dataset.title(),
        "FileStructure": text(dataset.field("characteristics_file_structure")),
        "Metadata": metadata_links(dataset),
    });
    if let Some(nuts) = request.get("NUTS") {
        check_nuts(nuts)?;
        shown["NUTSID"] = nuts.clone();
        shown["NUTSName"] = json!(lookup::nuts_name(text(nuts)));
    }
    if let Some(bounding_box) = request.get("BoundingBox") {
        if request.get("NUTS").is_some() {
            return Refusal::tool("Error, NUTS is also defined");
        }
        check_bounding_box(bounding_box)?;
        shown["BoundingBox"] = bounding_box.clone();
    }
    let range = request
        .get("TemporalFilter")
        .map(|filter| TimeRange::check(filter, dataset))
        .transpose()?;
    match request.get("OutputGCS").map(text) {
        None => return Refusal::tool("The OutputGCS parameter is mandatory."),
        Some(code)
            if !code.is_empty() && !dataset.projections().iter().any(|known| known == code) =>
        {
            return Refusal::tool("Error, defined GCS not in the list");
        }
        Some(code) => shown["OutputGCS"] = json!(code),
    }
    let Some(information_id) = request.get("DatasetDownloadInformationID").map(text) else {
        return Refusal::tool("Error, DatasetDownloadInformationID is not defined.");
    };
    let information = dataset
        .download_information(information_id)
        .filter(|information| {
            let has_path = !text(&information["full_path"]).is_empty()
                || text(&information["full_source"]) == "CDSE";
            has_path && !text(&information["full_format"]).is_empty()
        });
    let Some(information) = information else {
        return Refusal::tool("Error, this dataset is not downloadable");
    };
    check_format_and_layer(request, information)?;
    let source = text(&information["full_source"]);
    check_extent(dataset, request, source)?;
    for (key, value) in [
        ("DatasetFormat", json!(text(&information["full_format"]))),
        ("DatasetSource", json!(source)),
        ("OutputFormat", request["OutputFormat"].clone()),
        ("WekeoChoices", json!(text(&information["wekeo_choices"]))),
    ] {
        shown[key] = value;
    }
    if let Some(layer) = request.get("Layer").filter(|_| has_layers(information)) {
        shown["Layer"] = layer.clone();
    }
    if source == "CDSE" {
        shown["DatasetPath"] = json!("");
        shown["ByocCollection"] = information["byoc_collection"].clone();
        shown["SpatialResolution"] = dataset.field("qualitySpatialResolution_line").clone();
        if let Some(range) = range {
            shown["TemporalFilter"] = range.stored_for_cdse();
        }
        return Ok(Item::Cdse { shown });
    }
    shown["DatasetPath"] = json!(STANDARD.encode(text(&information["full_path"])));
    if let Some(range) = range {
        shown["TemporalFilter"] = range.stored();
    }
    Ok(Item::Area { shown })
}

fn has_layers(information: &Value) -> bool {
    information["layers"]
        .as_array()
        .is_some_and(|layers| !layers.is_empty())
}

fn check_format_and_layer(request: &Value, information: &Value) -> Result<(), Refusal> {
    if !SOURCES.contains(&text(&information["full_source"])) {
        return Refusal::tool("Error, the dataset source is not valid");
    }
    let output = text(&request["OutputFormat"]);
    if !lookup::FORMATS.contains(&output) {
        return Refusal::tool("Error, the specified output format is not valid");
    }
    if !lookup::converts(text(&information["full_format"]), output) {
        return Refusal::tool("Error, specified formats are not compatible");
    }
    let layers = information["layers"].as_array();
    match (request.get("Layer"), layers) {
        (Some(layer), Some(layers)) if !layers.is_empty() && !layers.contains(layer) => {
            Refusal::tool("Error, the requested band/layer is not valid")
        }
        _ => Ok(()),
    }
}

/// Whole products are had in other ways, and time series only for some days (point 28).
fn check_extent(dataset: Entry<'_>, request: &Value, source: &str) -> Result<(), Refusal> {
    let has_area = request.get("NUTS").is_some() || request.get("BoundingBox").is_some();
    let has_dates = request.get("TemporalFilter").is_some();
    match (has_area, has_dates) {
        (false, false) if source == "EEA" => Refusal::tool(
            "To download the full dataset, please download it through the corresponding pre-packaged data collection",
        ),
        (false, false) => Refusal::tool(
            "You are requesting to download the full dataset but this dataset is not an EEA dataset and thus you \
             need to query an specific endpoint to request its download. Please check the API documentation to get \
             more information about this specific endpoint.",
        ),
        (false, true) if source != "EEA" => Refusal::tool(
            "You have to select a specific area of interest. In case you want to download the full dataset, please \
             use the Auxiliary API.",
        ),
        (true, false) if dataset.is_time_series() => Refusal::tool(
            "You are requesting to download a time series enabled dataset and you are required to request the \
             download of an specific date range. Please check the download documentation to get more information",
        ),
        _ => Ok(()),
    }
}

/// The links to a data set's metadata records.
fn metadata_links(dataset: Entry<'_>) -> Vec<String> {
    let identifiers = dataset.field("geonetwork_identifiers")["items"].as_array();
    let link = |identifier: &Value| {
        let id = text(&identifier["id"]);
        match text(&identifier["type"]) {
            "EEA" => format!(
                "https://sdi.eea.europa.eu/catalogue/copernicus/api/records/{id}/formatters/xml?approved=true"
            ),
            "VITO" => format!(
                "https://globalland.vito.be/geonetwork/srv/api/records/{id}/formatters/xml?approved=true"
            ),
            _ => id.to_owned(),
        }
    };
    identifiers.into_iter().flatten().map(link).collect()
}
