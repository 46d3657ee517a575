//! Names of cubes.

use std::{fmt, str::FromStr};

/// The name of a cube in a cache: its data id, such as `forest-type-2015|FTY_2015_100m_eu_03035_d02_Full`.
///
/// Any text that is a single, portable path component: not empty, no `/`, `\` or control characters, no leading dot
/// (hidden names are the cache's own), no blanks around it, and short enough for a file name with `.zarr` behind it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CubeName(String);

/// What is behind a cube's name in the cache.
pub(crate) const SUFFIX: &str = ".zarr";

/// File systems end at 255 bytes; leave room for the suffix and for a staging mark.
const MAX_BYTES: usize = 230;

impl CubeName {
    /// Checks `name`.
    ///
    /// # Errors
    /// [`InvalidCubeName`] says what is wrong with it.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidCubeName> {
        let name = name.into();
        let why = if name.is_empty() {
            Some("it is empty".to_owned())
        } else if name.len() > MAX_BYTES {
            Some(format!("it is longer than {MAX_BYTES} bytes"))
        } else if name.starts_with('.') {
            Some("it begins with a dot".to_owned())
        } else if name.trim() != name {
            Some("there are blanks around it".to_owned())
        } else {
            name.chars()
                .find(|c| matches!(c, '/' | '\\') || c.is_control())
                .map(|c| format!("{c:?} is not allowed in it"))
        };
        match why {
            Some(why) => Err(InvalidCubeName { name, why }),
            None => Ok(Self(name)),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component of the cube's path or URL: `<name>.zarr`.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{}{SUFFIX}", self.0)
    }

    /// The inverse of [`folder`](Self::folder); `None` for what is not a cube's folder.
    #[must_use]
    pub fn from_folder(folder: &str) -> Option<Self> {
        Self::new(folder.strip_suffix(SUFFIX)?).ok()
    }
}

impl fmt::Display for CubeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CubeName {
    type Err = InvalidCubeName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

/// A text that cannot name a cube.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot name a cube: {why}")]
pub struct InvalidCubeName {
    name: String,
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_names_are_inverse() {
        let name = CubeName::new("clc2018|u2018 (1)").unwrap();
        assert_eq!(name.folder(), "clc2018|u2018 (1).zarr");
        assert_eq!(CubeName::from_folder(&name.folder()), Some(name));
        assert_eq!(CubeName::from_folder("readme.txt"), None);
        assert_eq!(CubeName::from_folder(".clms.zarr"), None);
    }

    #[test]
    fn names_that_could_escape_or_hide_are_refused() {
        for name in ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", " x", "x\n", "a\0"] {
            assert!(CubeName::new(name).is_err(), "{name:?}");
        }
        assert!(CubeName::new("x".repeat(231)).is_err());
    }
}
