//! What a cached cube holds, in a few words.

use clms_cube::{ArrayStructure, Class, Dataset, vector::VectorLayer};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{ClmsStore, DataId, StoreError};

/// What a cached cube holds; see [`Description::contents`](crate::Description::contents).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CubeContents {
    /// The size of the cube in bytes, if that was written down.
    pub bytes: Option<u64>,
    /// What has been measured, at full resolution.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<VariableContents>,
    /// In place of variables, for vector data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<VectorLayer>,
}

/// A variable of a cached cube.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct VariableContents {
    /// Its name, behind the path of its group if that is not the root.
    pub name: String,
    /// Names of its dimensions; for rasters `y`, `x`.
    pub dims: Vec<String>,
    /// Lengths of its dimensions.
    pub shape: Vec<u64>,
    /// The units of its values.
    pub units: Option<String>,
    /// What its values stand for, if they are codes.
    pub classes: Vec<Class>,
}

impl ClmsStore {
    /// Reads metadata and no pixels. Nothing is told of a cube that can't be read: who opens it learns why.
    pub(crate) async fn contents(
        &self,
        data_id: &DataId,
    ) -> Result<Option<CubeContents>, StoreError> {
        let name = data_id.cube_name()?;
        let dataset = match self.open(data_id).await {
            Ok(dataset) => dataset,
            Err(why) => {
                tracing::debug!(%why, "what the cube holds is not told");
                return Ok(None);
            }
        };
        let manifest = self.readable_manifest(&name).await;
        Ok(Some(CubeContents {
            bytes: manifest.map(|manifest| manifest.bytes),
            variables: variables(&dataset),
            layers: dataset.vector().map(|it| it.layers).unwrap_or_default(),
        }))
    }
}

fn variables(dataset: &Dataset) -> Vec<VariableContents> {
    let groups = &dataset.structure().groups;
    groups
        .iter()
        .flat_map(|group| {
            let of_it = group.variables.iter();
            of_it.map(|variable| variable_in(&group.path, variable))
        })
        .collect()
}

fn variable_in(group: &str, variable: &ArrayStructure) -> VariableContents {
    VariableContents {
        name: match group {
            "" => variable.name.clone(),
            group => format!("{group}/{}", variable.name),
        },
        dims: variable.dims.clone(),
        shape: variable.shape.clone(),
        units: variable.units().map(str::to_owned),
        classes: variable.classes(),
    }
}
