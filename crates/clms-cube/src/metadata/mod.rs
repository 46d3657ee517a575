//! The metadata documents of a cube: Zarr v3, CF and GeoZarr.

pub(crate) mod cf;
pub(crate) mod geozarr;
mod time_axis;
mod zarr_v2;
pub(crate) mod zarr_v3;

use serde_json::{Map, Value, json};

use crate::dataset::TIME;
use crate::plan::{CubePlan, GroupPlan, OVERVIEWS};
use crate::vector::VectorPackage;
use crate::{Note, PackageFiles, Provenance};

#[cfg(feature = "fuzzing")]
pub(crate) use cf::flag_meanings;
pub(crate) use cf::{
    CLASS_NAMES, FLAG_COLORS, FLAG_MEANINGS, FLAG_VALUES, VALIDITY, axis, flags, spatial_ref,
};
pub(crate) use time_axis::{TimeAxis, time_attributes};
pub(crate) use zarr_v2::{
    ARRAY as ARRAY_V2, ATTRIBUTES as ATTRIBUTES_V2, CONSOLIDATED as CONSOLIDATED_V2,
    DIMENSIONS as DIMENSIONS_V2, FILL_VALUE, GROUP as GROUP_V2, documents as documents_v2,
    nodes as nodes_v2,
};
pub(crate) use zarr_v3::{CONSOLIDATED, DEFAULT_COMPRESSION_LEVEL, document_key, node_path};

/// The document of one node (group or array) and where it belongs.
#[derive(Debug)]
pub(crate) struct Document {
    /// Path of the node: empty for the root.
    pub(crate) path: String,
    pub(crate) content: Value,
}

/// All documents of a cube. The root comes last: it is what makes the hierarchy a cube, and holds a copy of all others.
pub(crate) fn documents(plan: &CubePlan) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    let level = plan.options.compression_level;
    for group in &plan.groups {
        let mut below = group_arrays(group, level);
        if !group.levels.is_empty() {
            below.push(Document {
                path: node_path(&group.path, OVERVIEWS),
                content: zarr_v3::group(Map::new()),
            });
        }
        for overview in &group.levels {
            let overview = group.level_group(overview);
            let arrays = group_arrays(&overview, level);
            below.push(group_document(&overview, &arrays));
            below.extend(arrays);
        }
        if !group.path.is_empty() {
            documents.push(group_document(group, &below));
        }
        documents.extend(below);
    }
    let mut attributes = root_attributes(&plan.options.provenance, &plan.files, &plan.notes);
    if let Some(root) = plan.groups.first() {
        attributes.extend(geozarr::group_attributes(root));
        attributes.extend(cf::time_coverage(root));
        cf::own_attributes(root, &mut attributes);
    }
    let mut content = zarr_v3::group(attributes);
    zarr_v3::consolidate(&mut content, documents.iter(), "");
    documents.push(Document {
        path: String::new(),
        content,
    });
    documents
}

/// The document of a group other than the root, with copies of those below it.
fn group_document(group: &GroupPlan, below: &[Document]) -> Document {
    let mut attributes = geozarr::group_attributes(group);
    attributes.extend(cf::time_coverage(group));
    cf::own_attributes(group, &mut attributes);
    let mut content = zarr_v3::group(attributes);
    zarr_v3::consolidate(&mut content, below.iter(), &group.path);
    Document {
        path: group.path.clone(),
        content,
    }
}

fn group_arrays(group: &GroupPlan, compression_level: Option<i32>) -> Vec<Document> {
    let grid = &group.grid;
    let at = |name: &str| node_path(&group.path, name);
    let [y, x] = group.dims();
    let mut documents = vec![
        Document {
            path: at(&y),
            content: zarr_v3::coordinate(&y, grid.height, axis(&grid.crs, "Y")),
        },
        Document {
            path: at(&x),
            content: zarr_v3::coordinate(&x, grid.width, axis(&grid.crs, "X")),
        },
        Document {
            path: at("spatial_ref"),
            content: zarr_v3::scalar(spatial_ref(grid)),
        },
    ];
    if !group.times.is_empty() {
        let axis = TimeAxis::of(&group.times);
        documents.push(Document {
            path: at(TIME),
            content: zarr_v3::coordinate(TIME, axis.numbers.len() as u64, axis.attributes),
        });
    }
    for variable in &group.variables {
        let attributes = cf::variable(variable, group);
        let content = zarr_v3::sharded(group, variable, compression_level, attributes);
        documents.push(Document {
            path: at(&variable.name),
            content,
        });
    }
    documents
}

/// The document of a vector package: a root group without arrays.
pub(crate) fn vector_document(
    provenance: &Provenance,
    files: &PackageFiles,
    notes: &[Note],
    package: &VectorPackage,
) -> Document {
    let mut attributes = root_attributes(provenance, files, notes);
    package.describe_in(&mut attributes);
    let mut content = zarr_v3::group(attributes);
    zarr_v3::consolidate(&mut content, [].iter(), "");
    Document {
        path: String::new(),
        content,
    }
}

/// Names of files that are listed in the attributes: every reader of the cube has to read them.
const MOST_FILES: usize = 1000;

fn root_attributes(
    provenance: &Provenance,
    files: &PackageFiles,
    notes: &[Note],
) -> Map<String, Value> {
    let mut attributes = Map::new();
    attributes.insert("Conventions".into(), json!("CF-1.11"));
    let this = concat!("clms-cube ", env!("CARGO_PKG_VERSION"));
    let software = provenance.software.as_deref().unwrap_or(this);
    let made = provenance
        .created_at
        .map_or(String::new(), |time| format!("{time:.0} "));
    let references: Vec<&str> = [&provenance.doi, &provenance.source_url]
        .into_iter()
        .filter_map(|text| text.as_deref())
        .collect();
    let optional = [
        ("title", provenance.title.clone()),
        ("summary", provenance.summary.clone()),
        (
            "institution",
            Some("Copernicus Land Monitoring Service".to_owned()),
        ),
        ("source", provenance.source_file.clone()),
        ("history", Some(format!("{made}converted by {software}"))),
        ("license", provenance.licence.clone()),
        (
            "references",
            Some(references.join(" ")).filter(|text| !text.is_empty()),
        ),
        ("product_version", provenance.product_version.clone()),
    ];
    attributes.extend(
        optional
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), json!(text?)))),
    );
    let mut details = serde_json::to_value(provenance)
        .ok()
        .and_then(|value| value.as_object().cloned())
        .unwrap_or_default();
    details.insert("software".into(), json!(software));
    let used = &files.used[..files.used.len().min(MOST_FILES)];
    let left_out = &files.left_out[..files.left_out.len().min(MOST_FILES)];
    details.insert("files_used".into(), json!(used));
    details.insert("files_left_out".into(), json!(left_out));
    for (name, listed, all) in [
        ("files_used_count", used.len(), files.used.len()),
        ("files_left_out_count", left_out.len(), files.left_out.len()),
    ] {
        if listed < all {
            details.insert(name.into(), json!(all));
        }
    }
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    if !notes.is_empty() {
        details.insert("notes".into(), json!(notes));
    }
    attributes.insert("clms".into(), Value::Object(details));
    attributes
}
