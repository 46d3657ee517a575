//! Finding the documents of a Zarr hierarchy.

use std::collections::{BTreeMap, HashMap, HashSet};

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};

use super::super::{DatasetStructure, GroupStructure};
use crate::CubeError;
use crate::metadata::{
    ARRAY_V2, ATTRIBUTES_V2, CONSOLIDATED, CONSOLIDATED_V2, GROUP_V2, document_key, node_path,
    nodes_v2,
};
use crate::range::Meter;

/// Groups nested deeper than this are not looked for, when there is no consolidated metadata.
const MAX_DEPTH: usize = 4;

/// Reads the structure of a hierarchy and the documents of its arrays by path.
pub(super) async fn open(
    store: &dyn ObjectStore,
    meter: &Meter,
) -> Result<(DatasetStructure, HashMap<String, Value>), CubeError> {
    let documents = Documents { store, meter };
    let Some(root) = documents.read(&document_key("")).await? else {
        let consolidated = match documents.read(CONSOLIDATED_V2).await? {
            Some(consolidated) => consolidated,
            None => documents.list_v2().await?,
        };
        return Ok(of_v2(&consolidated));
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
        None => documents.list_v3().await?,
    };
    nodes.insert(String::new(), root);
    let structure = structure(&nodes);
    nodes.retain(|_, document| document["node_type"] == "array");
    Ok((structure, nodes.into_iter().collect()))
}

/// The same of a Zarr v2 hierarchy.
fn of_v2(consolidated: &Value) -> (DatasetStructure, HashMap<String, Value>) {
    let (mut nodes, mut arrays) = (BTreeMap::new(), HashMap::new());
    for node in nodes_v2(consolidated) {
        if let Some(array) = node.array {
            arrays.insert(node.path.clone(), array);
        }
        nodes.insert(node.path, node.structure);
    }
    (structure(&nodes), arrays)
}

fn structure(nodes: &BTreeMap<String, Value>) -> DatasetStructure {
    let (groups, arrays): (BTreeMap<_, _>, BTreeMap<_, _>) = nodes
        .iter()
        .partition(|(_, document)| document["node_type"] == "group");
    // Sorted by path, so that the root, whose path is empty, stands first.
    let groups = groups.iter().map(|(path, document)| {
        let prefix = node_path(path, "");
        let below = arrays.iter().filter_map(|(array, document)| {
            let name = array.strip_prefix(&prefix)?;
            (!name.contains('/')).then_some((name, *document))
        });
        GroupStructure::parse(path, document, &below.collect::<Vec<_>>())
    });
    let groups = with_overviews(groups.collect());
    let attributes = groups
        .first()
        .map(|root| root.attributes.clone())
        .unwrap_or_default();
    DatasetStructure { attributes, groups }
}

/// Moves overviews into the groups that they are overviews of.
fn with_overviews(groups: Vec<GroupStructure>) -> Vec<GroupStructure> {
    let is_overview: HashSet<String> = groups
        .iter()
        .flat_map(GroupStructure::overview_paths)
        .collect();
    let (mut overviews, groups): (HashMap<_, _>, Vec<_>) = {
        let (overviews, groups): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| is_overview.contains(&group.path));
        let by_path = overviews
            .into_iter()
            .map(|group| (group.path.clone(), group));
        (by_path.collect(), groups)
    };
    let holds_overviews = |group: &GroupStructure| {
        let below = format!("{}/", group.path);
        !group.path.is_empty()
            && group.dims.is_empty()
            && is_overview.iter().any(|path| path.starts_with(&below))
    };
    groups
        .into_iter()
        .filter(|group| !holds_overviews(group))
        .map(|mut group| {
            let paths = group.overview_paths();
            group.overviews = paths
                .iter()
                .filter_map(|path| overviews.remove(path))
                .collect();
            group
        })
        .collect()
}

/// The JSON documents below a root.
struct Documents<'a> {
    store: &'a dyn ObjectStore,
    meter: &'a Meter,
}

impl Documents<'_> {
    /// A document; `None` when there is none.
    async fn read(&self, key: &str) -> Result<Option<Value>, CubeError> {
        let location =
            Path::parse(key).map_err(|error| CubeError::internal("naming an object", error))?;
        self.meter.request();
        let read = async { self.store.get(&location).await?.bytes().await };
        let bytes = match read.await {
            Ok(bytes) => bytes,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(CubeError::store("read", key, error)),
        };
        self.meter.bytes(bytes.len());
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Some).map_err(|error| CubeError::NotACube {
            reason: format!("{key}: {error}"),
        })
    }

    /// The folders right below a node.
    async fn children(&self, parent: &str) -> Result<Vec<String>, CubeError> {
        let prefix =
            Path::parse(parent).map_err(|error| CubeError::internal("naming an object", error))?;
        self.meter.request();
        let listed = self.store.list_with_delimiter(Some(&prefix)).await;
        let listed = listed.map_err(|error| CubeError::store("list", parent, error))?;
        Ok(listed
            .common_prefixes
            .iter()
            .map(ToString::to_string)
            .collect())
    }

    /// All documents below the root, for hierarchies without consolidated metadata.
    async fn list_v3(&self) -> Result<BTreeMap<String, Value>, CubeError> {
        let mut nodes = BTreeMap::new();
        let mut open = vec![(String::new(), 0)];
        while let Some((parent, depth)) = open.pop() {
            for path in self.children(&parent).await? {
                let Some(found) = self.read(&document_key(&path)).await? else {
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

    /// The same of v2, in the shape of its consolidated metadata.
    async fn list_v2(&self) -> Result<Value, CubeError> {
        let Some(root) = self.read(GROUP_V2).await? else {
            return Err(CubeError::NotACube {
                reason: format!("there is no zarr.json, no {CONSOLIDATED_V2} and no {GROUP_V2}"),
            });
        };
        let mut metadata = serde_json::Map::new();
        metadata.insert(GROUP_V2.to_owned(), root);
        self.add_attributes("", &mut metadata).await?;
        let mut open = vec![(String::new(), 0)];
        while let Some((parent, depth)) = open.pop() {
            for path in self.children(&parent).await? {
                let (array, group) = (node_path(&path, ARRAY_V2), node_path(&path, GROUP_V2));
                if let Some(found) = self.read(&array).await? {
                    metadata.insert(array, found);
                } else if let Some(found) = self.read(&group).await? {
                    metadata.insert(group, found);
                    if depth < MAX_DEPTH {
                        open.push((path.clone(), depth + 1));
                    }
                } else {
                    continue;
                }
                self.add_attributes(&path, &mut metadata).await?;
            }
        }
        Ok(json!({ "metadata": metadata }))
    }

    async fn add_attributes(
        &self,
        path: &str,
        metadata: &mut serde_json::Map<String, Value>,
    ) -> Result<(), CubeError> {
        let key = node_path(path, ATTRIBUTES_V2);
        if let Some(found) = self.read(&key).await? {
            metadata.insert(key, found);
        }
        Ok(())
    }
}
