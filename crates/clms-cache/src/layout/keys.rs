//! The keys of one cache in an object store.

use object_store::path::Path;

use super::{HIDDEN, VERSION};
use crate::{CacheError, CubeName, Generation};

/// The keys of one cache.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    root: Path,
}

impl Keys {
    /// The keys below `root`.
    pub(crate) fn new(root: Path) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the finished cube `name` is written to.
    pub(crate) fn cube(&self, name: &CubeName) -> Path {
        below(&self.root, [name.folder().as_str()])
    }

    /// Where it is if it was copied from a file system that refuses some names.
    pub(crate) fn portable_cube(&self, name: &CubeName) -> Path {
        below(&self.root, [name.portable_folder().as_str()])
    }

    /// The name of the cube whose keys begin with `prefix`, if that is a cube's.
    pub(crate) fn name_of(prefix: &Path) -> Option<CubeName> {
        CubeName::from_folder(prefix.filename()?)
    }

    /// The hidden folder of all versions.
    pub(crate) fn hidden_root(&self) -> Path {
        below(&self.root, [HIDDEN])
    }

    /// The version of the hidden folder with these keys.
    pub(crate) fn version_of(prefix: &Path) -> Option<u32> {
        prefix.filename()?.strip_prefix('v')?.parse().ok()
    }

    /// Refuses a cache whose hidden folder was made by a newer version of this software.
    pub(crate) fn check_version(newest: Option<u32>, cache: &str) -> Result<(), CacheError> {
        match newest.filter(|found| *found > VERSION) {
            None => Ok(()),
            Some(found) => Err(CacheError::NewerLayout {
                cache: cache.to_owned(),
                found,
                known: VERSION,
            }),
        }
    }

    fn hidden(&self, parts: &[&str]) -> Path {
        let version = format!("v{VERSION}");
        let hidden = [HIDDEN, version.as_str()];
        below(&self.root, hidden.iter().chain(parts).copied())
    }

    pub(crate) fn records(&self) -> Path {
        self.hidden(&["records"])
    }

    /// What cubes are made of; see `manifest.rs`.
    pub(crate) fn manifests(&self) -> Path {
        self.hidden(&["manifests"])
    }

    /// What is known of the cubes that have or had some name.
    pub(crate) fn standings(&self) -> Path {
        self.hidden(&["cubes"])
    }

    /// What is known of the cubes that have or had the name `name`. One spelling everywhere: it is nobody else's business.
    pub(crate) fn standing(&self, name: &CubeName) -> Path {
        self.hidden(&["cubes", &format!("{}.json", name.portable_folder())])
    }

    pub(crate) fn all_staged(&self) -> Path {
        self.hidden(&["staging"])
    }

    pub(crate) fn staged(&self, generation: &Generation) -> Path {
        self.hidden(&["staging", generation.as_str()])
    }

    pub(crate) fn writers(&self) -> Path {
        self.hidden(&["writers"])
    }

    pub(crate) fn writer(&self, generation: &Generation) -> Path {
        self.hidden(&["writers", &format!("{generation}.json")])
    }

    pub(crate) fn lease(&self, name: &CubeName) -> Path {
        self.hidden(&["leases", &format!("{}.json", name.portable_folder())])
    }
}

/// `parts` below `root`, spelled as they are: `Path::from` would encode some of them once more.
fn below<'p>(root: &Path, parts: impl IntoIterator<Item = &'p str>) -> Path {
    let spelled = parts
        .into_iter()
        .filter_map(|part| object_store::path::PathPart::parse(part).ok());
    root.parts().chain(spelled).collect()
}

/// The key `key` of a cube whose keys begin with `prefix`.
pub(crate) fn join(prefix: &Path, key: &Path) -> Path {
    prefix.parts().chain(key.parts()).collect()
}

/// True for the keys that are withheld until all others are written: those directly at a cube's root.
pub(crate) fn is_at_root(key: &Path) -> bool {
    key.parts_count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_they_are() {
        let keys = Keys::new(Path::parse("my cubes/~2024").unwrap());
        let name = CubeName::new("clc2018|u (1)#%?").unwrap();
        let cube = keys.cube(&name);
        assert_eq!(cube.as_ref(), "my cubes/~2024/clc2018|u (1)#%?.zarr");
        assert_eq!(Keys::name_of(&cube), Some(name.clone()));
        assert_eq!(
            Keys::name_of(&keys.portable_cube(&name)),
            Some(name.clone())
        );
        assert_eq!(
            join(&cube, &Path::from("band/c/0")).as_ref(),
            "my cubes/~2024/clc2018|u (1)#%?.zarr/band/c/0"
        );
        assert_eq!(Keys::name_of(&keys.hidden_root()), None);
        assert_eq!(
            Keys::new(Path::default()).cube(&name).as_ref(),
            "clc2018|u (1)#%?.zarr"
        );
    }

    #[test]
    fn the_hidden_folder_has_a_version() {
        let keys = Keys::new(Path::default());
        let version = Path::from_iter([".clms", "v12"]);
        assert_eq!(Keys::version_of(&version), Some(12));
        assert!(keys.records().prefix_matches(&keys.hidden_root()));
    }
}
