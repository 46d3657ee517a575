//! Data ids: the names under which everything can be asked for.

use std::{fmt, str::FromStr};

use clms_cache::CubeName;
use serde::{Serialize, Serializer};

/// The name of something that can be had: `<product id>|<file>` for a prepackaged file of the EEA, `<product id>` for a
/// product as a whole.
///
/// Ids keep the server's spelling, trimmed of outer blanks. Where a person types them, `<product id>/<file>` means the same,
/// because `|` needs quoting in a shell.
///
/// ```
/// use clms_store::DataId;
///
/// let typed: DataId = "clc2018/u2018_clc2018_v2020_20u1_raster100m".parse()?;
/// assert_eq!(typed.product(), "clc2018");
/// assert_eq!(typed.file(), Some("u2018_clc2018_v2020_20u1_raster100m"));
/// assert_eq!(typed.to_string(), "clc2018|u2018_clc2018_v2020_20u1_raster100m");
/// # Ok::<(), clms_store::InvalidDataId>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DataId {
    product: String,
    file: Option<String>,
}

impl DataId {
    /// The id of one prepackaged file.
    ///
    /// # Errors
    /// [`InvalidDataId`] if a part is empty or can't be part of an id.
    pub fn of_file(product: &str, file: &str) -> Result<Self, InvalidDataId> {
        Ok(Self {
            product: part(product, "product id")?,
            file: Some(part(file, "file")?),
        })
    }

    /// The id of a product as a whole.
    ///
    /// # Errors
    /// [`InvalidDataId`] if it is empty or can't be an id.
    pub fn of_product(product: &str) -> Result<Self, InvalidDataId> {
        Ok(Self {
            product: part(product, "product id")?,
            file: None,
        })
    }

    /// The portal's short name of the product, such as `clc2018`.
    #[must_use]
    pub fn product(&self) -> &str {
        &self.product
    }

    /// The name of the prepackaged file, if the id names one.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The name of the cube that this id becomes in a cache.
    ///
    /// # Errors
    /// [`InvalidDataId`] if the id is too long for a file name.
    pub fn cube_name(&self) -> Result<CubeName, InvalidDataId> {
        CubeName::new(self.to_string()).map_err(|why| InvalidDataId {
            text: self.to_string(),
            why: why.to_string(),
        })
    }
}

fn part(text: &str, what: &str) -> Result<String, InvalidDataId> {
    let invalid = |why: String| InvalidDataId {
        text: text.to_owned(),
        why,
    };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(invalid(format!("its {what} is empty")));
    }
    if trimmed.starts_with('.') {
        return Err(invalid(format!("its {what} begins with a dot")));
    }
    match trimmed
        .chars()
        .find(|c| matches!(c, '|' | '/' | '\\') || c.is_control())
    {
        Some(c) => Err(invalid(format!("{c:?} is not allowed in its {what}"))),
        None => Ok(trimmed.to_owned()),
    }
}

impl fmt::Display for DataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.product)?;
        match &self.file {
            Some(file) => write!(f, "|{file}"),
            None => Ok(()),
        }
    }
}

impl FromStr for DataId {
    type Err = InvalidDataId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(['|', '/']) {
            Some((product, file)) => Self::of_file(product, file),
            None => Self::of_product(text),
        }
        .map_err(|InvalidDataId { why, .. }| InvalidDataId {
            text: text.to_owned(),
            why,
        })
    }
}

impl Serialize for DataId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no data id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a data id: {why}")]
pub struct InvalidDataId {
    text: String,
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_mean_the_same_and_blanks_do_not_matter() {
        let id: DataId = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full"
            .parse()
            .unwrap();
        assert_eq!(
            " forest-type-2015 / FTY_2015_100m_eu_03035_d02_Full\t".parse(),
            Ok(id.clone())
        );
        assert_eq!(id.to_string().parse(), Ok(id.clone()));
        assert_eq!(id.cube_name().unwrap().as_str(), id.to_string());
    }

    #[test]
    fn a_product_alone_has_no_file() {
        let id: DataId = "lake-ice-extent-baltic-v1-250m".parse().unwrap();
        assert_eq!(id.file(), None);
    }

    #[test]
    fn what_could_leave_the_cache_is_no_id() {
        for text in [
            "", "|", "a|", "|b", "a|b|c", "a/../b", "../x|y", "a|..", "a|b\0", "a|b\\c",
        ] {
            assert!(text.parse::<DataId>().is_err(), "{text:?}");
        }
    }
}
