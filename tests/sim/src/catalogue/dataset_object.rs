//! A `DataSet` as the portal serves it: some 110 keys, of which a few matter.

use serde_json::{Value, json};

use super::PORTAL;

/// What tells one data set from another.
pub(super) struct DataSetFacts<'a> {
    pub(super) id: &'a str,
    pub(super) uid: String,
    pub(super) product: &'a str,
    pub(super) title: &'a str,
    /// As in `characteristics_projection`: "EPSG:3035" or "EPSG:32625/ 32626".
    pub(super) crs: &'a str,
    pub(super) resolution: &'a str,
    pub(super) coverage: &'a str,
    pub(super) temporal: &'a str,
    pub(super) start: &'a str,
    pub(super) end: &'a str,
    pub(super) day_limit: i64,
    pub(super) time_series: bool,
    /// West, south, east, north.
    pub(super) bbox: Vec<&'a str>,
    pub(super) files: Value,
    pub(super) download_information: Value,
}

const CREATED: &str = "2021-10-29T10:15:58+00:00";
const MODIFIED: &str = "2024-04-16T08:56:09+00:00";

/// The whole object of a data set.
pub(super) fn dataset_object(facts: &DataSetFacts<'_>) -> Value {
    let parts = [
        content(facts),
        characteristics(facts),
        metadata(facts),
        download(facts),
        mapviewer(facts),
    ];
    let mut object = serde_json::Map::new();
    for part in parts {
        if let Value::Object(part) = part {
            object.extend(part);
        }
    }
    Value::Object(object)
}

/// The object of a product page, the parent of data sets.
pub(super) fn product_object(slug: &str, uid: &str) -> Value {
    let url = format!("{PORTAL}/en/products/{slug}");
    json!({
        "@components": components(&url), "@id": url, "@type": "Product", "UID": uid,
        "allow_discussion": false, "created": CREATED, "creators": ["admin"], "description": "",
        "effective": CREATED, "exclude_from_nav": false, "expires": null, "id": slug, "is_folderish": true,
        "language": {"title": "English", "token": "en"}, "layout": "view", "modified": MODIFIED,
        "review_state": "published", "subjects": [], "title": product_title(slug), "type_title": "Product",
        "version": "current",
    })
}

fn product_title(slug: &str) -> String {
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    slug.split('-')
        .map(capitalised)
        .collect::<Vec<_>>()
        .join(" ")
}

fn components(url: &str) -> Value {
    let part = |name: &str| json!({"@id": format!("{url}/@{name}")});
    json!({
        "actions": part("actions"), "aliases": part("aliases"), "breadcrumbs": part("breadcrumbs"),
        "contextnavigation": part("contextnavigation"),
        "feedback_survey": {"is_active": false, "link": "", "text": ""},
        "localnavigation": part("localnavigation"), "navigation": part("navigation"), "navroot": part("navroot"),
        "siblings": {"@id": format!("{url}/@siblings"), "items": []},
        "translations": part("translations"), "types": part("types"), "workflow": part("workflow"),
    })
}

fn rich_text(html: &str) -> Value {
    json!({"content-type": "text/html", "data": format!("<html><body><p>{html}</p></body></html>"), "encoding": "utf-8"})
}

/// A vocabulary value, whose title may be null.
fn token(token: &str) -> Value {
    json!({"title": null, "token": token})
}

/// What every content object of the portal has.
fn content(facts: &DataSetFacts<'_>) -> Value {
    let product = format!("{PORTAL}/en/products/{}", facts.product);
    let url = format!("{product}/{}", facts.id);
    json!({
        "@components": components(&url), "@id": url, "@type": "DataSet", "UID": facts.uid,
        "allow_discussion": false, "changeNote": "", "contributors": [], "created": CREATED, "creators": ["admin"],
        "description": format!("Simulated: {}.", facts.title), "effective": CREATED, "exclude_from_nav": false,
        "expires": null, "id": facts.id, "image": null, "image_caption": null, "is_folderish": true, "items": [],
        "items_total": 0, "language": {"title": "English", "token": "en"}, "layout": "view",
        "lock": {"locked": false, "stealable": true}, "modified": MODIFIED, "next_item": {},
        "parent": {
            "@id": product, "@type": "Product", "description": "", "effective": CREATED, "getRemoteUrl": null,
            "image_field": null, "image_scales": {}, "review_state": "published",
            "title": product_title(facts.product), "type_title": "Product",
        },
        "previous_item": {}, "review_state": "published", "rights": "", "subjects": [], "title": facts.title,
        "type_title": "DataSet", "version": "current", "versioning_enabled": true, "working_copy": null,
        "working_copy_of": null,
    })
}

fn characteristics(facts: &DataSetFacts<'_>) -> Value {
    let representation = if facts.resolution.contains("ha") {
        "Vector and Grid"
    } else {
        "Grid"
    };
    json!({
        "characteristics_file_structure": null, "characteristics_platform": null,
        "characteristics_position_accuracy": "", "characteristics_projection": facts.crs,
        "characteristics_release_major_version": null, "characteristics_sensor": "Sentinel-2",
        "characteristics_spatial_coverage": facts.coverage,
        "characteristics_spatial_representation_type": token(representation),
        "characteristics_spatial_resolution": facts.resolution,
        "characteristics_temporal_extent": facts.temporal,
        "characteristics_temporal_usability": token("Archive with regular updates"),
        "characteristics_thematic_accuracy": "\u{2265} 85%", "characteristics_timeliness": "",
        "characteristics_type": token("Satellite products"), "characteristics_update_frequency": token("NotPlanned"),
    })
}

fn metadata(facts: &DataSetFacts<'_>) -> Value {
    let first_resolution = facts.resolution.split('/').next().unwrap_or_default();
    let crs_list: Vec<String> = facts
        .crs
        .split('/')
        .map(|code| {
            let code = code.trim();
            if code.starts_with("EPSG:") {
                code.to_owned()
            } else {
                format!("EPSG:{code}")
            }
        })
        .collect();
    json!({
        "accessAndUseConstraints": rich_text("Full, open and free access."),
        "accessAndUseLimitationPublic_line": "no limitations to public access", "character_set": "utf8",
        "citation": rich_text(&format!("{}. Copernicus Land Monitoring Service.", facts.title)),
        "classificationTopicCategory": ["environment", "imageryBaseMapsEarthCover"],
        "conformityPass": {"title": "Not evaluated", "token": "Null"}, "conformitySpecification": null,
        "coordinateReferenceSystemList": crs_list, "dataResourceAbstract": rich_text(facts.title),
        "dataResourceType": "dataset", "date_stamp": "2023-08-15T13:38:42.642Z",
        "distributionInfo": {"items": []}, "distribution_format_list": ["GeoTIFF"], "gemet": ["land cover"],
        "gemetInspireThemes": ["Land cover"],
        "geographicBoundingBox": {"items": [{
            "@id": "geographicBoundingBox0", "west": facts.bbox.first(), "south": facts.bbox.get(1),
            "east": facts.bbox.get(2), "north": facts.bbox.get(3),
        }]},
        "geographicCoverage": [facts.coverage],
        "geonetwork_identifiers": {"items": [
            {"@id": format!("geonetwork-{}", facts.id), "id": facts.uid, "title": facts.title, "type": "EEA"},
        ]},
        "hierarchy_level": "dataset", "identifier": facts.uid, "keywords": ["Copernicus", "Land"],
        "metadata_language": "eng", "metadata_rest_api_url": "", "metadata_standard_name": "ISO 19115/19139",
        "metadata_standard_version": "1.0", "metadata_wms_url": "", "metadata_wmts_url": "",
        "point_of_contact_data": {"items": []}, "qualityLineage": rich_text("Simulated."),
        "qualitySpatialResolution_line": first_resolution, "resourceEffective": "2023-08-15",
        "resourceModified": null, "responsiblePartyWithRole": {"items": []}, "spatial_representation_type": ["grid"],
        "temporalCoverage": null, "temporalExtentEnd": facts.end, "temporalExtentStart": facts.start,
        "update_frequency": "asNeeded", "validation": rich_text("Validated"),
    })
}

fn download(facts: &DataSetFacts<'_>) -> Value {
    json!({
        "dataset_download_information": facts.download_information, "datasets": [],
        "download_by_area_extra_text": null, "download_full_dataset_text": rich_text("Use the download API."),
        "download_grid_image_for_prepackages": null, "download_limit_temporal_extent": facts.day_limit,
        "download_other_ways_access_dataset": null, "download_page_information": null,
        "download_show_auxiliary_calendar": facts.time_series,
        "download_table_area_of_interest_title": "Area of interest", "downloadable_dataset": true,
        "downloadable_files": facts.files, "downloadable_full_dataset": true, "jrc_show_related_datasets": false,
        "production_updates_show": false,
        "production_updates_text": rich_text("Production is on-going according to the plan."),
        "show_legend_on_prepackages": false, "technical_documents_accordion_text": null,
    })
}

fn mapviewer(facts: &DataSetFacts<'_>) -> Value {
    json!({
        "mapviewer_default_active": false, "mapviewer_handlinglevel": false,
        "mapviewer_istimeseries": facts.time_series, "mapviewer_layers": {"items": []},
        "mapviewer_viewservice": "", "show_pop_up_in_mapviewer": false,
    })
}
