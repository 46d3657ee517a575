//! Zarr v3 documents.

use serde_json::{Map, Value, json};

use crate::DataType;
use crate::dataset::TIME;
use crate::metadata::Document;
use crate::plan::{GroupPlan, VariablePlan};

/// Where the root document keeps copies of all others, so that a cube opens with one read.
pub(crate) const CONSOLIDATED: &str = "consolidated_metadata";

/// The byte order of chunks is the machine's: no pixel is swapped while a cube is built.
const ENDIAN: &str = if cfg!(target_endian = "little") {
    "little"
} else {
    "big"
};

/// The default level is the fastest: land cover is smooth, higher levels gain a few percent for twice the time.
pub(crate) const DEFAULT_COMPRESSION_LEVEL: i32 = 1;

/// Key of the document of a node.
pub(crate) fn document_key(path: &str) -> String {
    node_path(path, "zarr.json")
}

/// Path of a child of a node.
pub(crate) fn node_path(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}/{name}")
    }
}

pub(crate) fn group(attributes: Map<String, Value>) -> Value {
    json!({ "zarr_format": 3, "node_type": "group", "attributes": attributes })
}

/// Copies the documents below a group into its own.
pub(crate) fn consolidate<'a>(
    group: &mut Value,
    documents: impl Iterator<Item = &'a Document>,
    path: &str,
) {
    let metadata: Map<String, Value> = documents
        .map(|document| {
            let relative = document
                .path
                .strip_prefix(path)
                .unwrap_or(&document.path)
                .trim_start_matches('/');
            let mut content = document.content.clone();
            if let Some(content) = content.as_object_mut() {
                content.remove(CONSOLIDATED);
            }
            (relative.to_owned(), content)
        })
        .collect();
    group[CONSOLIDATED] =
        json!({ "kind": "inline", "must_understand": false, "metadata": metadata });
}

/// A coordinate axis: one chunk, which readers load as a whole.
pub(crate) fn coordinate(name: &str, size: u64, attributes: Map<String, Value>) -> Value {
    let codecs = chunk_codecs(DataType::Float64, DEFAULT_COMPRESSION_LEVEL);
    array(
        DataType::Float64,
        &[size],
        &[size.max(1)],
        json!("NaN"),
        codecs,
        attributes,
        &[name.to_owned()],
    )
}

/// A scalar that only carries attributes; its value, 0, is not stored.
pub(crate) fn scalar(attributes: Map<String, Value>) -> Value {
    array(
        DataType::Int32,
        &[],
        &[],
        json!(0),
        bytes_codec(DataType::Int32),
        attributes,
        &[],
    )
}

/// A variable of a group.
pub(super) fn sharded(
    group: &GroupPlan,
    variable: &VariablePlan,
    compression_level: Option<i32>,
    attributes: Map<String, Value>,
) -> Value {
    let level = compression_level.unwrap_or(DEFAULT_COMPRESSION_LEVEL);
    let mut shape = vec![group.grid.height, group.grid.width];
    let mut chunk = group.layout.chunk.to_vec();
    let mut shard = group.layout.shard.to_vec();
    let mut dims = group.dims().to_vec();
    if variable.has_times {
        shape.insert(0, group.times.len() as u64);
        chunk.insert(0, 1);
        shard.insert(0, 1);
        dims.insert(0, TIME.to_owned());
    }
    let fill = (group.dtype, variable.fill.value);
    sharded_array(&shape, [&chunk, &shard], fill, level, attributes, &dims)
}

/// An array in shards, given the shapes of chunks and shards.
pub(crate) fn sharded_array(
    shape: &[u64],
    [chunk, shard]: [&[u64]; 2],
    (dtype, fill_value): (DataType, Option<f64>),
    level: i32,
    attributes: Map<String, Value>,
    dimensions: &[String],
) -> Value {
    let mut index_codecs =
        vec![json!({ "name": "bytes", "configuration": { "endian": "little" } })];
    index_codecs.push(json!({ "name": "crc32c" }));
    let codecs = json!([{
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": chunk,
            "codecs": chunk_codecs(dtype, level),
            "index_codecs": index_codecs,
            "index_location": "end",
        },
    }]);
    let fill = fill_value.map_or(json!(0), |value| number(value, dtype));
    array(dtype, shape, shard, fill, codecs, attributes, dimensions)
}

fn array(
    dtype: DataType,
    shape: &[u64],
    chunk: &[u64],
    fill_value: Value,
    codecs: Value,
    attributes: Map<String, Value>,
    dimensions: &[String],
) -> Value {
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": dtype.name(),
        "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": chunk } },
        "chunk_key_encoding": { "name": "default", "configuration": { "separator": "/" } },
        "fill_value": fill_value,
        "codecs": codecs,
        "attributes": attributes,
        "dimension_names": dimensions,
        "storage_transformers": [],
    })
}

fn bytes_codec(dtype: DataType) -> Value {
    if dtype.itemsize() == 1 {
        json!([{ "name": "bytes" }])
    } else {
        json!([{ "name": "bytes", "configuration": { "endian": ENDIAN } }])
    }
}

fn chunk_codecs(dtype: DataType, level: i32) -> Value {
    let mut codecs = bytes_codec(dtype);
    if let Some(codecs) = codecs.as_array_mut() {
        codecs.push(
            json!({ "name": "zstd", "configuration": { "level": level, "checksum": false } }),
        );
    }
    codecs
}

/// A pixel value as Zarr v3 writes it.
pub(crate) fn number(value: f64, dtype: DataType) -> Value {
    if !dtype.is_float() {
        json!(value as i64)
    } else if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}
