//! Finding the documents of a cube.

use std::collections::{BTreeMap, HashMap};

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::Value;

use super::structure::{CubeStructure, GroupStructure};
use crate::CubeError;
use crate::metadata::{CONSOLIDATED, document_key, node_path};

/// Groups nested deeper than this are not looked for, when there is no consolidated metadata.
const MAX_DEPTH: usize = 4;

/// Reads the structure of a cube and the documents of its arrays by path.
pub(super) async fn open(
    store: &dyn ObjectStore,
) -> Result<(CubeStructure, HashMap<String, Value>), CubeError> {
    let Some(root) = document(store, "").await? else {
        return Err(CubeError::NotACube {
            reason: "there is no zarr.json".to_owned(),
        });
    };
    if root["zarr_format"] != 3 || root["node_type"] != "group" {
        return Err(CubeError::NotACube {
            reason: "the root is no Zarr v3 group".to_owned(),
        });
    }
    let mut nodes: BTreeMap<String, Value> = match root[CONSOLIDATED]["metadata"].as_object() {
        Some(metadata) => metadata
            .iter()
            .map(|(path, document)| (path.clone(), document.clone()))
            .collect(),
        None => list(store).await?,
    };
    nodes.insert(String::new(), root);
    let (groups, arrays): (BTreeMap<_, _>, BTreeMap<_, _>) = nodes
        .into_iter()
        .partition(|(_, document)| document["node_type"] == "group");
    // Sorted by path, so that the root, whose path is empty, stands first.
    let groups = groups.iter().map(|(path, document)| {
        let prefix = node_path(path, "");
        let below = arrays.iter().filter_map(|(array, document)| {
            Some((array.strip_prefix(&prefix)?, document)).filter(|(name, _)| !name.contains('/'))
        });
        GroupStructure::parse(path, document, &below.collect::<Vec<_>>())
    });
    let groups: Vec<GroupStructure> = groups.collect();
    let attributes = groups
        .first()
        .map(|root| root.attributes.clone())
        .unwrap_or_default();
    Ok((
        CubeStructure { attributes, groups },
        arrays.into_iter().collect(),
    ))
}

/// The document of a node; `None` when there is none.
async fn document(store: &dyn ObjectStore, path: &str) -> Result<Option<Value>, CubeError> {
    let key = document_key(path);
    let location =
        Path::parse(&key).map_err(|error| CubeError::internal("naming an object", error))?;
    let read = async { store.get(&location).await?.bytes().await };
    let bytes = match read.await {
        Ok(bytes) => bytes,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(CubeError::store("read", &key, error)),
    };
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|error| CubeError::NotACube {
        reason: format!("{key}: {error}"),
    })
}

/// All documents below the root, for cubes without consolidated metadata.
async fn list(store: &dyn ObjectStore) -> Result<BTreeMap<String, Value>, CubeError> {
    let mut nodes = BTreeMap::new();
    let mut open = vec![(String::new(), 0)];
    while let Some((parent, depth)) = open.pop() {
        let failed = |error| CubeError::store("list", &parent, error);
        let prefix =
            Path::parse(&parent).map_err(|error| CubeError::internal("naming an object", error))?;
        for child in store
            .list_with_delimiter(Some(&prefix))
            .await
            .map_err(failed)?
            .common_prefixes
        {
            let path = child.to_string();
            let Some(found) = document(store, &path).await? else {
                continue;
            };
            if found["node_type"] == "group" && depth < MAX_DEPTH {
                open.push((path.clone(), depth + 1));
            }
            nodes.insert(path, found);
        }
    }
    Ok(nodes)
}
