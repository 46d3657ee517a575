//! Zarr v2, which GDAL since 3.4 and all older readers know: the documents of v3 said in its words, and back.

use serde_json::{Map, Value, json};

use super::Document;
use crate::DataType;
use crate::metadata::node_path;
use crate::reference::{ByteOrder, numpy_type};

/// Where copies of all documents are.
pub(crate) const CONSOLIDATED: &str = ".zmetadata";
pub(crate) const ARRAY: &str = ".zarray";
pub(crate) const GROUP: &str = ".zgroup";
pub(crate) const ATTRIBUTES: &str = ".zattrs";
/// Where xarray keeps the names of an array's dimensions.
pub(crate) const DIMENSIONS: &str = "_ARRAY_DIMENSIONS";
pub(crate) const FILL_VALUE: &str = "_FillValue";

/// Keys and contents of all documents of a cube, the copy of all of them last.
pub(crate) fn documents(of_v3: &[Document]) -> Vec<(String, Value)> {
    let mut documents = Vec::new();
    for document in of_v3 {
        let content = &document.content;
        let mut attributes = content["attributes"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let mut add =
            |name: &str, content: Value| documents.push((node_path(&document.path, name), content));
        if content["node_type"] == "array" {
            // The document has it, and readers want to know it from there alone.
            let fill = attributes
                .remove(FILL_VALUE)
                .map(|_| content["fill_value"].clone());
            attributes.insert(DIMENSIONS.to_owned(), content["dimension_names"].clone());
            add(ARRAY, array(content, fill));
        } else {
            add(GROUP, json!({ "zarr_format": 2 }));
        }
        add(ATTRIBUTES, Value::Object(attributes));
    }
    let metadata: Map<String, Value> = documents.iter().cloned().collect();
    documents.push((
        CONSOLIDATED.to_owned(),
        json!({ "zarr_consolidated_format": 1, "metadata": metadata }),
    ));
    documents
}

fn array(of_v3: &Value, fill: Option<Value>) -> Value {
    let codecs = &of_v3["codecs"];
    let sharding = &codecs[0]["configuration"];
    let (chunks, codecs) = if codecs[0]["name"] == "sharding_indexed" {
        (&sharding["chunk_shape"], &sharding["codecs"])
    } else {
        (&of_v3["chunk_grid"]["configuration"]["chunk_shape"], codecs)
    };
    let codecs = codecs.as_array().map_or(&[][..], Vec::as_slice);
    let zstd = codecs.iter().find(|codec| codec["name"] == "zstd");
    let compressor = zstd.map_or(
        Value::Null,
        |codec| json!({ "id": "zstd", "level": codec["configuration"]["level"] }),
    );
    let dtype = of_v3["data_type"]
        .as_str()
        .and_then(|name| name.parse().ok());
    json!({
        "zarr_format": 2,
        "shape": of_v3["shape"],
        "chunks": chunks,
        "dtype": dtype.map(type_name),
        "compressor": compressor,
        // Without one, every chunk is stored.
        "fill_value": fill.unwrap_or(Value::Null),
        "order": "C",
        "filters": null,
        "dimension_separator": ".",
    })
}

/// NumPy's name of a type, in the machine's byte order.
fn type_name(dtype: DataType) -> String {
    numpy_type(dtype, ByteOrder::NATIVE)
}

/// A node of a hierarchy that is read.
pub(crate) struct Node {
    pub(crate) path: String,
    /// What v3 would say of it, as far as its structure goes.
    pub(crate) structure: Value,
    /// For arrays: the document as it is, with its attributes.
    pub(crate) array: Option<Value>,
}

/// The nodes of the copies in [`CONSOLIDATED`].
pub(crate) fn nodes(consolidated: &Value) -> Vec<Node> {
    let metadata = consolidated["metadata"].as_object();
    let documents = metadata.into_iter().flatten();
    documents
        .filter_map(|(key, content)| {
            let (path, name) = key.rsplit_once('/').unwrap_or(("", key));
            let attributes = &consolidated["metadata"][node_path(path, ATTRIBUTES)];
            let attributes = attributes.as_object().cloned().unwrap_or_default();
            let (structure, array) = match name {
                GROUP => (
                    json!({ "node_type": "group", "attributes": attributes }),
                    None,
                ),
                ARRAY => {
                    let structure = structure(content, attributes);
                    let mut array = content.clone();
                    array["attributes"] = structure["attributes"].clone();
                    (structure, Some(array))
                }
                _ => return None,
            };
            Some(Node {
                path: path.to_owned(),
                structure,
                array,
            })
        })
        .collect()
}

fn structure(content: &Value, mut attributes: Map<String, Value>) -> Value {
    let dimensions = attributes.remove(DIMENSIONS).unwrap_or_else(|| json!([]));
    let dtype = content["dtype"].as_str().unwrap_or_default();
    let known = DataType::ALL.into_iter().find(|known| {
        type_name(*known).trim_start_matches(['<', '>', '|'])
            == dtype.trim_start_matches(['<', '>', '|'])
    });
    let wide = match dtype.trim_start_matches(['<', '>', '|']) {
        "i8" => Some("int64"),
        "u8" => Some("uint64"),
        _ => None,
    };
    if !content["fill_value"].is_null() {
        attributes.insert(FILL_VALUE.to_owned(), content["fill_value"].clone());
    }
    json!({
        "node_type": "array",
        "shape": content["shape"],
        "data_type": known.map(DataType::name).or(wide),
        "chunk_grid": { "configuration": { "chunk_shape": content["chunks"] } },
        "codecs": [],
        "fill_value": content["fill_value"],
        "attributes": attributes,
        "dimension_names": dimensions,
    })
}
