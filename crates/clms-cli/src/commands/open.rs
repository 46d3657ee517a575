//! `clms open`.

use std::path::Path;

use clms_store::{
    DataId, OpenOptions, StoreError,
    cube::{
        ArrayStructure, Crs, Dataset, DatasetStructure, GroupStructure, ReferenceReport, Statistics,
    },
    vector::VectorPackage,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Context, Done, Stop, shown::statistics_of};
use crate::{args::Open, cover, failure::Failure, terminal::Colours, text};

/// The structure of a dataset that was opened.
#[derive(Serialize, JsonSchema)]
pub(super) struct Opened<'a> {
    /// What was opened.
    data_id: String,
    /// Where it is cached, if it is.
    cube: Option<String>,
    #[serde(flatten)]
    structure: &'a DatasetStructure,
    /// What was written for other software.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Reference>,
    /// Which values a cached cube has.
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Statistics>,
    /// In place of variables, for vector data.
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<VectorPackage>,
}

pub(crate) async fn run(context: &Context, open: Open) -> Done {
    let data_id: DataId = open.data_id.parse().map_err(StoreError::from)?;
    let options = OpenOptions {
        time: open.time,
        bbox: open.bbox,
        variables: (!open.variable.is_empty()).then_some(open.variable),
        version: open.product_version,
    };
    let cube = context.store.open_part(&data_id, &options).await?;
    let reference = match &open.save_reference {
        Some(file) => Some(save_reference(context, &data_id, &cube, file).await?),
        None => None,
    };
    let cached = context.store.cached_at(&data_id).await?;
    // Of what lies elsewhere, no pixels are read unasked.
    let statistics = match cached {
        Some(_) => statistics_of(context, &cube, &data_id).await,
        None => None,
    };
    let opened = Opened {
        reference,
        data_id: data_id.to_string(),
        cube: cached,
        statistics,
        structure: cube.structure(),
        vector: cube.vector(),
    };
    context.result(&opened, || {
        page(&opened, context.printer.colours_of_results())
    })
}

/// A reference with which xarray opens the same files.
#[derive(Serialize, JsonSchema)]
struct Reference {
    /// Where it was written.
    path: String,
    /// How fsspec reaches the files: `https` or `s3`.
    protocol: String,
    /// The object storage that `s3` means, which takes keys of CDSE.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(flatten)]
    report: ReferenceReport,
}

/// Writes what xarray opens the same files with.
async fn save_reference(
    context: &Context,
    data_id: &DataId,
    dataset: &Dataset,
    file: &Path,
) -> Result<Reference, Stop> {
    if let Some(cube) = context.store.cached_at(data_id).await? {
        return Err(
            Failure::usage(format!("{data_id} is a cube already: {cube}"))
                .with_hint(
                    "open the cube itself; references are for files that are opened where they lie",
                )
                .into(),
        );
    }
    let files = dataset.files();
    let first = files.first().and_then(|name| name.split_once("://"));
    let protocol = first.map_or("https", |(protocol, _)| protocol);
    let report = dataset
        .write_reference(file, str::to_owned)
        .await
        .map_err(|why| StoreError::of_export(data_id, why))?;
    Ok(Reference {
        path: file.display().to_string(),
        protocol: protocol.to_owned(),
        endpoint: (protocol == "s3").then(|| context.store.cdse_endpoint().to_owned()),
        report,
    })
}

fn page(opened: &Opened<'_>, colours: Option<Colours>) -> String {
    let place = opened.cube.as_deref();
    let mut out = format!(
        "{}\n{}\n",
        opened.data_id,
        place.unwrap_or("opened where it lies; nothing is cached")
    );
    if let Some(vector) = &opened.vector {
        out.push_str(&vector_page(vector));
    } else {
        for group in &opened.structure.groups {
            out.push('\n');
            out.push_str(&group_page(group));
        }
    }
    if let Some(statistics) = &opened.statistics {
        out.push_str(&format!("\nvalues of {}", cover::page(statistics, colours)));
    }
    let attributes = attributes(&opened.structure.attributes);
    if !attributes.is_empty() {
        out.push_str(&format!("\nattributes\n{attributes}"));
    }
    if let Some(reference) = &opened.reference {
        out.push_str(&how_to_open_reference(reference));
    }
    let Some(place) = place else { return out };
    if let Some(vector) = &opened.vector {
        out.push_str(&how_to_open_vectors(place, vector));
        return out;
    }
    out.push_str(&format!(
        "\nopen it in Python\n  import xarray as xr, rioxarray\n  ds = xr.open_dataset({:?}, engine=\"zarr\", chunks={{}}, decode_coords=\"all\")\n",
        place
    ));
    out
}

fn how_to_open_reference(reference: &Reference) -> String {
    let mut import = "xarray as xr";
    let mut options = vec!["\"asynchronous\": True".to_owned()];
    if let Some(endpoint) = &reference.endpoint {
        import = "os, xarray as xr";
        options.push(format!("\"endpoint_url\": {endpoint:?}"));
        for (name, variable) in [
            ("key", "CDSE_AWS_ACCESS_KEY_ID"),
            ("secret", "CDSE_AWS_SECRET_ACCESS_KEY"),
        ] {
            options.push(format!("\"{name}\": os.environ[\"{variable}\"]"));
        }
    }
    let options = options.join(&format!(",\n{}", " ".repeat(59)));
    format!(
        "\nopen the reference in Python\n  import {import}\n  ds = xr.open_dataset(\"reference://\", engine=\"zarr\", chunks={{}}, decode_coords=\"all\",\n                       storage_options={{\"fo\": {:?}, \"remote_protocol\": \"{}\",\n                                        \"remote_options\": {{{options}}}}})\n",
        reference.path, reference.protocol
    )
}

fn vector_page(vector: &VectorPackage) -> String {
    let mut out = format!("\nvector data\n  geopackage  {}\n", vector.geopackage);
    for source in &vector.sources {
        out.push_str(&format!(
            "  source      {} ({})\n",
            source.path, source.format
        ));
    }
    for layer in &vector.layers {
        out.push_str(&format!(
            "\nlayer {}  ({}, {})\n",
            layer.name,
            text::count(layer.features, "feature"),
            layer.geometry_type
        ));
        if let Some(crs) = &layer.crs {
            out.push_str(&format!("  crs         {}\n", crs_name(crs)));
        }
        if let Some(extent) = layer.extent {
            out.push_str(&bbox(extent));
        }
        for field in &layer.fields {
            out.push_str(&format!("  field       {} {}\n", field.name, field.kind));
        }
    }
    out
}

fn how_to_open_vectors(location: &str, vector: &VectorPackage) -> String {
    let path = format!("{location}/{}", vector.geopackage);
    let layer = vector.layers.first().map_or("", |layer| &layer.name);
    format!(
        "\nopen it in Python\n  import geopandas\n  gdf = geopandas.read_file({path:?}, layer={layer:?})\n"
    )
}

pub(super) fn crs_name(crs: &Crs) -> String {
    match (&crs.code, &crs.name) {
        (Some(code), Some(name)) => format!("{code} ({name})"),
        (Some(either), None) | (None, Some(either)) => either.clone(),
        (None, None) => "unnamed".to_owned(),
    }
}

fn bbox(bbox: [f64; 4]) -> String {
    format!("  bbox        {}\n", text::bbox(bbox))
}

fn group_page(group: &GroupStructure) -> String {
    let dims: Vec<String> = group
        .dims
        .iter()
        .map(|dim| format!("{}: {}", dim.name, dim.size))
        .collect();
    let name = if group.path.is_empty() {
        "root group".to_owned()
    } else {
        format!("group {}", group.path)
    };
    let mut out = format!("{name}  ({})\n", dims.join(", "));
    if let Some(grid) = &group.grid {
        let [width, height] = grid.pixel_size().map(text::number);
        out.push_str(&format!("  crs         {}\n", crs_name(&grid.crs)));
        out.push_str(&bbox(grid.bbox()));
        out.push_str(&format!("  pixel       {width} x {height}\n"));
    }
    for coordinate in &group.coordinates {
        out.push_str(&format!("  coordinate  {}\n", array(coordinate)));
    }
    for variable in &group.variables {
        out.push_str(&format!("  variable    {}\n", array(variable)));
        out.push_str(&variable_notes(variable));
    }
    out
}

fn array(array: &ArrayStructure) -> String {
    let joined = |sizes: &[u64]| {
        sizes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" x ")
    };
    let mut out = format!(
        "{} ({}) {}",
        array.name,
        array.dims.join(", "),
        array.dtype.name()
    );
    if !array.shape.is_empty() {
        out.push_str(&format!(", chunks {}", joined(&array.chunks)));
    }
    if let Some(shards) = &array.shards {
        out.push_str(&format!(" in shards {}", joined(shards)));
    }
    out
}

fn variable_notes(variable: &ArrayStructure) -> String {
    let mut out = String::new();
    if let Some(long_name) = variable.long_name() {
        let units = variable
            .units()
            .map(|units| format!(" [{units}]"))
            .unwrap_or_default();
        out.push_str(&format!("              {long_name}{units}\n"));
    }
    if let Some(fill) = variable.attributes.get("_FillValue") {
        let fill = text::value(fill);
        out.push_str(&format!("              {fill} means no data\n"));
    }
    for class in variable.classes() {
        let colour = class
            .colour
            .map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}"))
            .unwrap_or_default();
        let name = class.name.unwrap_or_default();
        out.push_str(format!("              {:>5}  {colour:7}  {name}", class.value).trim_end());
        out.push('\n');
    }
    out
}

/// Longer attributes are for programs.
const READABLE: usize = 400;

/// Attributes that a person can read.
fn attributes(attributes: &Map<String, Value>) -> String {
    let rows: Vec<(&str, String)> = attributes
        .iter()
        .filter_map(|(name, value)| match value {
            Value::String(text) if text.len() <= READABLE => Some((name.as_str(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Some((name.as_str(), text::value(value))),
            _ => None,
        })
        .collect();
    // Names of files and addresses are to be copied.
    text::pairs_with_prose(&rows, |name| !["source", "references"].contains(&name))
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect()
}
