//! Data ids: the names under which everything can be asked for.

use std::{borrow::Cow, fmt, str::FromStr};

use clms_cache::CubeName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::subset::{InvalidSubset, Subset, decoded, encoded};

/// The name of something that can be had: `<product id>|<file>` for a prepackaged file of the EEA, `<product id>` for a
/// product as a whole, and `<product id>|<collection>?<subset>` for what the portal is to cut out of a collection: see
/// [`Subset`].
///
/// Ids keep the server's spelling, trimmed of outer blanks. Where a person types them, `<product id>/<file>` means the same,
/// because `|` needs quoting in a shell. In the name of a collection and in the values of a subset, percent escapes stand for
/// `%`, `&`, `?`, `#`, `|`, `/`, `\`, `~` and control characters.
///
/// ```
/// use clms_store::DataId;
///
/// let typed: DataId = "clc2018/u2018_clc2018_v2020_20u1_raster100m".parse()?;
/// assert_eq!(typed.product(), "clc2018");
/// assert_eq!(typed.file(), Some("u2018_clc2018_v2020_20u1_raster100m"));
/// assert_eq!(typed.to_string(), "clc2018|u2018_clc2018_v2020_20u1_raster100m");
///
/// let window: DataId = "clc2018/100 m?crs=EPSG:4326&bbox=5.70,49.4,6.6,50.2".parse()?;
/// assert_eq!(window.collection(), Some("100 m"));
/// assert_eq!(window.to_string(), "clc2018|100 m?bbox=5.7,49.4,6.6,50.2&crs=EPSG:4326");
/// # Ok::<(), clms_store::InvalidDataId>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DataId {
    product: String,
    part: Part,
}

/// What of a product.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Part {
    Whole,
    File(String),
    Subset { collection: String, subset: Subset },
}

/// Between the readable part of the name of a cube whose data id is too long, and its hash. In a data id it is always escaped.
const HASH_MARK: char = '~';
/// Hexadecimal digits of that hash.
const HASH_DIGITS: usize = 16;

impl DataId {
    /// The id of one prepackaged file.
    ///
    /// # Errors
    /// [`InvalidDataId`] if a part is empty or can't be part of an id.
    pub fn of_file(product: &str, file: &str) -> Result<Self, InvalidDataId> {
        Ok(Self {
            product: part(product, "product id")?,
            part: Part::File(part(file, "file")?),
        })
    }

    /// The id of a product as a whole.
    ///
    /// # Errors
    /// [`InvalidDataId`] if it is empty or can't be an id.
    pub fn of_product(product: &str) -> Result<Self, InvalidDataId> {
        Ok(Self {
            product: part(product, "product id")?,
            part: Part::Whole,
        })
    }

    /// The id of what the portal is to cut out of a collection.
    ///
    /// # Errors
    /// [`InvalidDataId`] if a part or the subset is empty, or the product can't be part of an id.
    pub fn of_subset(
        product: &str,
        collection: &str,
        subset: Subset,
    ) -> Result<Self, InvalidDataId> {
        let collection = collection.trim();
        let why = match (collection, subset.is_empty()) {
            ("", _) => Some("its collection is empty"),
            (_, true) => Some("its subset chooses nothing"),
            _ => None,
        };
        if let Some(why) = why {
            return Err(InvalidDataId {
                text: format!("{product}|{collection}?{subset}"),
                why: why.to_owned(),
            });
        }
        Ok(Self {
            product: part(product, "product id")?,
            part: Part::Subset {
                collection: collection.to_owned(),
                subset,
            },
        })
    }

    /// The data id of a cube in a cache; `None` for a name that no data id gives, and for one that is too long to be spelled out
    /// in it.
    #[must_use]
    pub(crate) fn of_cube(name: &CubeName) -> Option<Self> {
        let data_id: Self = name.as_str().parse().ok()?;
        (data_id.cube_name().as_ref() == Ok(name)).then_some(data_id)
    }

    /// The portal's short name of the product, such as `clc2018`.
    #[must_use]
    pub fn product(&self) -> &str {
        &self.product
    }

    /// The name of the prepackaged file, if the id names one.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match &self.part {
            Part::File(file) => Some(file),
            _ => None,
        }
    }

    /// The name of the collection, if the id is that of a subset.
    #[must_use]
    pub fn collection(&self) -> Option<&str> {
        match &self.part {
            Part::Subset { collection, .. } => Some(collection),
            _ => None,
        }
    }

    /// What is to be cut out of the collection, if the id is that of a subset.
    #[must_use]
    pub fn subset(&self) -> Option<&Subset> {
        match &self.part {
            Part::Subset { subset, .. } => Some(subset),
            _ => None,
        }
    }

    /// The name of the cube that this id becomes in a cache: the id itself, with `%2F` for the `/` in a subset's time. That of a
    /// subset which is too long for a file name is cut off; a `~` and a hash of the whole follow.
    ///
    /// # Errors
    /// [`InvalidDataId`] if the id of anything but a subset is too long for a file name.
    pub fn cube_name(&self) -> Result<CubeName, InvalidDataId> {
        let name = self.to_string().replace('/', "%2F");
        match CubeName::new(name.as_str()) {
            Ok(name) => Ok(name),
            Err(_) if self.subset().is_some() => self.short_cube_name(name),
            Err(why) => Err(self.invalid(why.to_string())),
        }
    }

    fn short_cube_name(&self, mut name: String) -> Result<CubeName, InvalidDataId> {
        let digest = Sha256::digest(self.to_string());
        let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = &hash[..HASH_DIGITS];
        while name.pop().is_some() {
            if let Ok(name) = CubeName::new(format!("{name}{HASH_MARK}{hash}")) {
                return Ok(name);
            }
        }
        Err(self.invalid("it can't name a cube".to_owned()))
    }

    fn invalid(&self, why: String) -> InvalidDataId {
        InvalidDataId {
            text: self.to_string(),
            why,
        }
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
    // What almost all are made of; thousands are looked at when a catalogue is loaded.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if trimmed.bytes().all(is_plain) {
        return Ok(trimmed.to_owned());
    }
    match trimmed
        .chars()
        .find(|c| matches!(c, '|' | '/' | '\\' | '?') || c.is_control())
    {
        Some(c) => Err(invalid(format!("{c:?} is not allowed in its {what}"))),
        None => Ok(trimmed.to_owned()),
    }
}

impl fmt::Display for DataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.product)?;
        match &self.part {
            Part::Whole => Ok(()),
            Part::File(file) => {
                f.write_str("|")?;
                f.write_str(file)
            }
            Part::Subset { collection, subset } => write!(f, "|{}?{subset}", encoded(collection)),
        }
    }
}

/// The name of the cube, if that is the path of one.
fn cube_in(text: &str) -> Option<&str> {
    let path = text.trim().trim_end_matches(['/', '\\']);
    let name = path.rsplit(['/', '\\']).next()?;
    name.strip_suffix(".zarr").filter(|name| !name.is_empty())
}

impl FromStr for DataId {
    type Err = InvalidDataId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |why: String| InvalidDataId {
            text: text.to_owned(),
            why,
        };
        if let Some(cube) = cube_in(text) {
            let why = match cube.replace("%2F", "/").parse::<Self>() {
                Ok(data_id) if !cube.contains(HASH_MARK) => {
                    format!("that is the path of a cube; its data id is '{data_id}'")
                }
                _ => "that is the path of a cube; `clms cache list` shows data ids".to_owned(),
            };
            return Err(invalid(why));
        }
        // First the query, whose time has a `/` of its own.
        let (name, query) = match text.split_once('?') {
            Some((name, query)) => (name, Some(query)),
            None => (text, None),
        };
        match (name.split_once(['|', '/']), query) {
            (Some((product, file)), None) => Self::of_file(product, file),
            (None, None) => Self::of_product(name),
            (None, Some(_)) => Err(invalid(
                "a subset names the product's collection before the `?`".to_owned(),
            )),
            (Some((product, collection)), Some(query)) => {
                let subset = query
                    .parse()
                    .map_err(|why: InvalidSubset| invalid(why.to_string()))?;
                let collection = decoded(collection).map_err(invalid)?;
                Self::of_subset(product, &collection, subset)
            }
        }
        .map_err(|InvalidDataId { why, .. }| invalid(why))
    }
}

impl JsonSchema for DataId {
    fn schema_name() -> Cow<'static, str> {
        "DataId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A data id: `<product id>|<file>`, `<product id>`, or `<product id>|<collection>?<subset>`.",
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
    use proptest::prelude::*;

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
    fn the_path_of_a_cube_says_its_data_id() {
        for (path, id) in [
            ("clms_cache/a|b.zarr", "'a|b'"),
            ("/data/a|100 m?bbox=1,2,3,4.zarr/", "'a|100 m?bbox=1,2,3,4'"),
            ("s3://bucket/a.zarr", "'a'"),
            ("a|b~0123456789abcdef.zarr", "`clms cache list`"),
        ] {
            let why = path.parse::<DataId>().unwrap_err().to_string();
            assert!(why.contains(id), "{path}: {why}");
        }
    }

    #[test]
    fn a_product_alone_has_no_file() {
        let id: DataId = "lake-ice-extent-baltic-v1-250m".parse().unwrap();
        assert_eq!(id.file(), None);
    }

    #[test]
    fn what_could_leave_the_cache_is_no_id() {
        for text in [
            "",
            "|",
            "a|",
            "|b",
            "a|b|c",
            "a/../b",
            "../x|y",
            "a|..",
            "a|b\0",
            "a|b\\c",
            "a|b?",
            "a?bbox=1,2,3,4",
            "a|?nuts=LU",
            "a|b?nuts=..",
            "a|b?x=/../y",
        ] {
            assert!(text.parse::<DataId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_subset_in_any_spelling_is_one_id() {
        let id: DataId = "ndvi|300m?bbox=5.5,49,6.5,50&time=2021-01-01/2021-01-31&crs=EPSG:3035"
            .parse()
            .unwrap();
        assert_eq!((id.product(), id.collection()), ("ndvi", Some("300m")));
        assert_eq!(id.file(), None);
        for same in [
            "ndvi/300m?bbox=5.5,49,6.5,50&time=2021-01-01/2021-01-31&crs=EPSG:3035",
            "ndvi / 300m ?time=2021-01-01%2F2021-01-31&crs=3035&bbox=5.50,49.0,6.5,50",
        ] {
            assert_eq!(same.parse(), Ok(id.clone()), "{same}");
        }
        let cube = id.cube_name().unwrap();
        assert_eq!(
            cube.as_str(),
            "ndvi|300m?bbox=5.5,49,6.5,50&time=2021-01-01%2F2021-01-31&crs=EPSG:3035"
        );
        assert_eq!(DataId::of_cube(&cube), Some(id));
    }

    #[test]
    fn ids_that_are_too_long_for_a_file_name_have_cubes_all_the_same() {
        let id = |layer: &str| -> DataId {
            let layer = format!("{}{layer}", "long ".repeat(50));
            format!("product|100 m?nuts=LU&layer={layer}")
                .parse()
                .unwrap()
        };
        let [one, other] = ["1", "2"].map(|layer| id(layer).cube_name().unwrap());
        assert_ne!(one, other);
        assert!(one.as_str().starts_with("product|100 m?nuts=LU&layer=long"));
        assert_eq!(
            DataId::of_cube(&one),
            None,
            "its manifest tells the data id"
        );
        assert_eq!(id("1").cube_name().unwrap(), one);
    }

    fn subset() -> impl Strategy<Value = String> {
        let side = -90.0..90.0_f64;
        let bbox = (side.clone(), side.clone(), side.clone(), side).prop_map(|(a, b, c, d)| {
            format!("bbox={},{},{},{}", a.min(c), b.min(d), a.max(c), b.max(d))
        });
        let area = prop_oneof![
            bbox,
            "[a-zA-Z]{2}[0-9]{0,3}".prop_map(|code| format!("nuts={code}"))
        ];
        let time = (0_i16..18000, 0_i16..400).prop_map(|(first, more)| {
            use jiff::ToSpan as _;
            let first = jiff::civil::date(1970, 1, 1).saturating_add(i64::from(first).days());
            let last = first.saturating_add(i64::from(more).days());
            format!("time={first}/{last}")
        });
        let crs = "[a-zA-Z]{2,5}:[0-9]{1,6}".prop_map(|crs| format!("crs={crs}"));
        let format = "[a-zA-Z]{1,9}".prop_map(|format| format!("format={format}"));
        let layer = "\\PC{1,300}".prop_map(|layer| format!("layer={}", encoded(&layer)));
        let all = (
            prop::option::of(area),
            prop::option::of(time),
            prop::option::of(crs),
            prop::option::of(format),
            prop::option::of(layer),
        );
        all.prop_map(|(a, b, c, d, e)| {
            let given: Vec<String> = [e, d, c, b, a].into_iter().flatten().collect();
            given.join("&")
        })
    }

    proptest! {
        /// Whatever can be typed has one spelling, which means the same, and names a cube of its own.
        #[test]
        fn what_is_built_is_parsed_to_the_same(query in subset(), collection in "\\PC{1,20}", slash in any::<bool>()) {
            let between = if slash { '/' } else { '|' };
            let typed = format!("product-1{between}{}?{query}", encoded(&collection));
            if let Ok(id) = typed.parse::<DataId>() {
                let text = id.to_string();
                let again: DataId = text.parse().unwrap();
                prop_assert_eq!(&again, &id);
                prop_assert_eq!(again.to_string(), text.clone());
                let cube = id.cube_name().unwrap();
                prop_assert!(!cube.as_str().contains('/'));
                match DataId::of_cube(&cube) {
                    Some(found) => prop_assert_eq!(found, id),
                    None => prop_assert!(cube.as_str().contains(HASH_MARK), "{}", cube),
                }
            } else {
                let blank = collection.trim().is_empty() || query.is_empty() || query.contains("nuts=");
                let narrow = query.contains("bbox=") || query.contains("layer=");
                prop_assert!(blank || narrow, "{}", typed);
            }
        }
    }
}
