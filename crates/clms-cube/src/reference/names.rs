//! Names of groups and arrays, which become keys of Zarr and folders on a disk.

use std::path::{Component, Path};

use crate::metadata::node_path;
use crate::{CubeError, Dataset};

/// That no name of the dataset leads elsewhere, or is that of a document: names come from files, and those from anywhere.
pub(super) fn check(dataset: &Dataset) -> Result<(), CubeError> {
    for group in &dataset.structure().groups {
        let refused = |array: &str| CubeError::NoReference {
            file: dataset.files().first().map_or("", |name| name).to_owned(),
            array: node_path(&group.path, array),
            reason: "its name can't be one of Zarr".to_owned(),
        };
        if !group.path.is_empty() && !group.path.split('/').all(is_plain) {
            return Err(refused(""));
        }
        let arrays = group.coordinates.iter().chain(&group.variables);
        for array in arrays {
            if !is_plain(&array.name) {
                return Err(refused(&array.name));
            }
        }
    }
    Ok(())
}

/// Whether it is the name of one folder, and none that Zarr keeps for itself.
fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let is_one = components.next() == Some(Component::Normal(name.as_ref()));
    let is_odd = |c: char| matches!(c, '/' | '\\') || c.is_control();
    is_one && components.next().is_none() && !name.starts_with(".z") && !name.contains(is_odd)
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn names_that_lead_elsewhere() {
        for name in ["ssm", "FAPAR300-FAPAR", "Bodenfeuchte (%)", "..a", "a.b"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "", ".", "..", "/etc", "../a", "a/b", "a\\b", "a\n", ".zattrs",
        ] {
            assert!(!is_plain(name), "{name:?}");
        }
    }
}
