//! Which variables a dataset has, and what is known of them.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{ArrayStructure, Dataset, GroupStructure};
use crate::CubeError;

/// Attributes that name other variables, without which one can't be understood.
const NAMING: [&str; 3] = ["ancillary_variables", "bounds", "grid_mapping"];

impl Dataset {
    /// The same with these variables only, and what they and the coordinates name: masks, bounds, grid mappings. Groups that have none of them
    /// keep their coordinates.
    ///
    /// # Errors
    /// [`CubeError::NoSuchVariable`] for a name that is in no group.
    pub fn with_variables<T: AsRef<str>>(mut self, names: &[T]) -> Result<Self, CubeError> {
        let groups = &self.structure.groups;
        for name in names {
            let is_it = |variable: &ArrayStructure| variable.name == name.as_ref();
            let mut groups_with_it = groups.iter().filter(|it| it.variables.iter().any(is_it));
            if groups_with_it.next().is_none() {
                let all = groups.iter().flat_map(|group| &group.variables);
                return Err(CubeError::NoSuchVariable {
                    group: String::new(),
                    variable: name.as_ref().to_owned(),
                    available: all.map(|variable| variable.name.clone()).collect(),
                });
            }
        }
        for group in &mut Arc::make_mut(&mut self.structure).groups {
            group.keep(names);
            for overview in &mut group.overviews {
                overview.keep(names);
            }
        }
        Ok(self)
    }

    /// The same with attributes that a variable of a group, and of the group's overviews, has where the dataset itself does not say them:
    /// what is known of a product without its files. Scale, offset and the like are heeded in all that is decoded.
    ///
    /// # Errors
    /// [`CubeError::NoSuchGroup`], [`CubeError::NoSuchVariable`].
    pub fn with_default_attributes(
        mut self,
        group: &str,
        variable: &str,
        attributes: &Map<String, Value>,
    ) -> Result<Self, CubeError> {
        self.variable(group, variable)?;
        let structure = Arc::make_mut(&mut self.structure);
        let wanted = structure
            .groups
            .iter_mut()
            .filter(|known| known.path == group);
        for group in wanted {
            let levels = std::iter::once(&mut group.variables).chain(
                group
                    .overviews
                    .iter_mut()
                    .map(|overview| &mut overview.variables),
            );
            for known in levels.flatten().filter(|known| known.name == variable) {
                for (name, value) in attributes {
                    known
                        .attributes
                        .entry(name.as_str())
                        .or_insert_with(|| value.clone());
                }
            }
        }
        Ok(self)
    }
}

impl GroupStructure {
    fn keep<T: AsRef<str>>(&mut self, names: &[T]) {
        let is_named = |it: &&ArrayStructure| names.iter().any(|name| name.as_ref() == it.name);
        let wanted = self.variables.iter().filter(is_named);
        let mut needed: HashSet<String> = wanted.clone().map(|it| it.name.clone()).collect();
        for variable in wanted.chain(&self.coordinates) {
            let texts = NAMING.map(|name| variable.attributes.get(name)?.as_str());
            let named = texts.into_iter().flatten();
            let words = named.flat_map(str::split_ascii_whitespace);
            needed.extend(words.map(|word| word.trim_end_matches(':').to_owned()));
        }
        self.variables.retain(|it| needed.contains(&it.name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn array(dims: &[&str], attributes: Value) -> Value {
        json!({
            "zarr_format": 3, "node_type": "array", "shape": vec![4; dims.len()], "data_type": "uint8",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": vec![4; dims.len()]}},
            "chunk_key_encoding": {"name": "default"}, "fill_value": 0, "codecs": [{"name": "bytes"}],
            "dimension_names": dims, "attributes": attributes,
        })
    }

    #[test]
    fn what_a_variable_names_stays_with_it() {
        let arrays = [
            ("time", array(&["time"], json!({"bounds": "time_bounds"}))),
            ("time_bounds", array(&["time", "both"], json!({}))),
            ("mask", array(&["y", "x"], json!({}))),
            (
                "NDVI",
                array(&["y", "x"], json!({"ancillary_variables": "mask other"})),
            ),
            ("NOBS", array(&["y", "x"], json!({}))),
        ];
        let arrays: Vec<(&str, &Value)> = arrays.iter().map(|(name, it)| (*name, it)).collect();
        let mut group = GroupStructure::parse("", &json!({}), &arrays);
        group.keep(&["NDVI"]);
        let names: Vec<&str> = group.variables.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["time_bounds", "mask", "NDVI"]);
        assert_eq!(group.coordinates.len(), 1);
    }
}
