//! Variables of several datasets in one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::selection::TIME;
use super::source::{Request, Source};
use super::{ArrayStructure, Dataset, DatasetStructure, GroupStructure};
use crate::range::Meter;
use crate::reference::StoredArray;
use crate::{CubeError, Pixels};

impl Dataset {
    /// The variables of several datasets of the same groups, dimensions, grids and times in one: products come with a file for each variable.
    /// Coordinates are those of the first one that has them, attributes those that all agree on. Reads coordinates of time, and nothing
    /// where they are known already.
    ///
    /// # Errors
    /// [`CubeError::Differing`] if dimensions, grids or times differ, if two have a variable of the same name, or if there are no datasets.
    pub async fn merge(parts: Vec<Self>) -> Result<Self, CubeError> {
        let mut all = parts.iter();
        let first = all
            .next()
            .ok_or_else(|| differing("nothing", "there are no datasets"))?;
        let mut structure = DatasetStructure::clone(&first.structure);
        let mut routes = Routes::default();
        routes.add(0, &structure.groups);
        for (number, part) in (1..).zip(all) {
            part.same_groups(first)?;
            part.same_times(first).await?;
            agreed(&mut structure.attributes, &part.structure.attributes);
            for group in &mut structure.groups {
                let other = part.group(&group.path)?;
                join(group, other)?;
                // A level that not all have is none of the whole.
                group.overviews.retain_mut(|overview| {
                    let other = other
                        .overviews
                        .iter()
                        .find(|other| other.path == overview.path);
                    other.is_some_and(|other| join(overview, other).is_ok())
                });
            }
            routes.add(number, &part.structure.groups);
        }
        let meters = parts.iter().map(|part| Arc::clone(&part.meter)).collect();
        Ok(Self {
            structure: Arc::new(structure),
            source: Arc::new(Merged {
                parts: parts.into_iter().map(|part| part.source).collect(),
                routes,
            }),
            meter: Arc::new(Meter::of(meters)),
        })
    }

    /// That there are the groups that another dataset has.
    fn same_groups(&self, other: &Self) -> Result<(), CubeError> {
        let paths = |dataset: &Self| -> BTreeSet<String> {
            let groups = dataset.structure.groups.iter();
            groups.map(|group| group.path.clone()).collect()
        };
        match paths(self) == paths(other) {
            true => Ok(()),
            false => {
                let all: Vec<String> = self.structure.groups.iter().map(names).collect();
                let reason = "other groups than the first dataset";
                Err(differing(&all.join(", "), reason))
            }
        }
    }

    /// That all groups have the times that those of another dataset have.
    async fn same_times(&self, other: &Self) -> Result<(), CubeError> {
        for group in &self.structure.groups {
            let has_time = |dataset: &Self| {
                Ok::<_, CubeError>(dataset.group(&group.path)?.coordinate(TIME).is_ok())
            };
            let same = match (has_time(self)?, has_time(other)?) {
                (true, true) => self.dates(&group.path).await? == other.dates(&group.path).await?,
                (own, others) => own == others,
            };
            if !same {
                return Err(differing(
                    &names(group),
                    "other times than the first dataset",
                ));
            }
        }
        Ok(())
    }
}

/// Adds the variables of a group to those of another one.
fn join(group: &mut GroupStructure, other: &GroupStructure) -> Result<(), CubeError> {
    if group.grid != other.grid {
        return Err(differing(
            &names(other),
            "another grid than the first dataset",
        ));
    }
    for dim in &other.dims {
        match group.dims.iter().find(|known| known.name == dim.name) {
            Some(known) if known.size != dim.size => {
                let reason = format!("{} of length {} and not {}", dim.name, dim.size, known.size);
                return Err(differing(&names(other), &reason));
            }
            Some(_) => {}
            None => group.dims.push(dim.clone()),
        }
    }
    for variable in &other.variables {
        if has(&group.variables, variable) {
            return Err(differing(&variable.name, "two datasets have it"));
        }
        group.variables.push(variable.clone());
    }
    for coordinate in &other.coordinates {
        if !has(&group.coordinates, coordinate) {
            group.coordinates.push(coordinate.clone());
        }
    }
    agreed(&mut group.attributes, &other.attributes);
    Ok(())
}

fn has(arrays: &[ArrayStructure], wanted: &ArrayStructure) -> bool {
    arrays.iter().any(|known| known.name == wanted.name)
}

/// Leaves what both say.
fn agreed(attributes: &mut Map<String, Value>, other: &Map<String, Value>) {
    attributes.retain(|name, value| other.get(name) == Some(value));
}

fn names(group: &GroupStructure) -> String {
    let names: Vec<&str> = group
        .variables
        .iter()
        .map(|known| known.name.as_str())
        .collect();
    names.join(", ")
}

pub(super) fn differing(what: &str, reason: &str) -> CubeError {
    CubeError::Differing {
        what: what.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Several sources as one.
#[derive(Debug)]
struct Merged {
    parts: Vec<Arc<dyn Source>>,
    routes: Routes,
}

/// Which part has an array, by group and name.
#[derive(Debug, Default)]
struct Routes(HashMap<String, HashMap<String, usize>>);

impl Routes {
    /// Of arrays that several parts have, the first one's is taken.
    fn add(&mut self, part: usize, groups: &[GroupStructure]) {
        for group in groups {
            let known = self.0.entry(group.path.clone()).or_default();
            for array in group.coordinates.iter().chain(&group.variables) {
                known.entry(array.name.clone()).or_insert(part);
            }
            self.add(part, &group.overviews);
        }
    }
}

impl Merged {
    /// The part that has an array of a group.
    fn part(&self, group: &str, array: &ArrayStructure) -> Result<&Arc<dyn Source>, CubeError> {
        let group = self.routes.0.get(group);
        let part = group.and_then(|group| group.get(&array.name));
        let part = part.and_then(|part| self.parts.get(*part));
        part.ok_or_else(|| CubeError::internal("finding a dataset's part", &array.name))
    }
}

impl Source for Merged {
    fn read(&self, request: Request<'_>) -> Result<Pixels, CubeError> {
        self.part(request.group, request.array)?.read(request)
    }

    fn files(&self) -> Vec<&str> {
        self.parts.iter().flat_map(|part| part.files()).collect()
    }

    fn steps(&self) -> usize {
        self.parts.first().map_or(0, |part| part.steps())
    }

    fn file_of(&self, step: usize, group: &str, array: &ArrayStructure) -> Option<&str> {
        self.part(group, array).ok()?.file_of(step, group, array)
    }

    fn stored(
        &self,
        step: usize,
        group: &str,
        array: &ArrayStructure,
    ) -> Result<StoredArray, CubeError> {
        let part = self.part(group, array)?;
        if part.steps() != self.steps() {
            return Err(CubeError::NoReference {
                file: part.file_of(0, group, array).unwrap_or_default().to_owned(),
                array: array.name.clone(),
                reason: "its times are in one file for all, and those of others in one for each"
                    .to_owned(),
            });
        }
        part.stored(step, group, array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataType;

    /// A source of so many files.
    #[derive(Debug)]
    struct Files(usize);

    impl Source for Files {
        fn read(&self, _: Request<'_>) -> Result<Pixels, CubeError> {
            Err(CubeError::Cancelled)
        }

        fn files(&self) -> Vec<&str> {
            vec!["a file"; self.0]
        }

        fn stored(&self, _: usize, _: &str, _: &ArrayStructure) -> Result<StoredArray, CubeError> {
            Err(CubeError::Cancelled)
        }
    }

    fn variable(name: &str) -> ArrayStructure {
        ArrayStructure {
            name: name.to_owned(),
            dtype: DataType::UInt8,
            dims: ["time", "y", "x"].map(str::to_owned).to_vec(),
            shape: vec![3, 2, 2],
            chunks: vec![1, 2, 2],
            shards: None,
            fill_value: None,
            attributes: Map::new(),
        }
    }

    #[test]
    fn parts_in_other_numbers_of_files_have_no_common_reference() {
        let stored = |counts: [usize; 2], name: &str| {
            let parts: [Arc<dyn Source>; 2] = counts.map(|count| Arc::new(Files(count)) as _);
            let mut routes = Routes::default();
            for (part, name) in ["a", "b"].into_iter().enumerate() {
                let group = GroupStructure::new("", Map::new(), vec![variable(name)]);
                routes.add(part, &[group]);
            }
            let merged = Merged {
                parts: parts.to_vec(),
                routes,
            };
            merged.stored(0, "", &variable(name)).unwrap_err()
        };
        assert!(matches!(stored([3, 3], "b"), CubeError::Cancelled));
        assert!(matches!(stored([1, 3], "a"), CubeError::Cancelled));
        let refused = stored([1, 3], "b");
        assert!(
            matches!(refused, CubeError::NoReference { .. }),
            "{refused}"
        );
    }
}
