//! Which collections of CLMS lie in CDSE, and what is known of them without asking.
//!
//! The table beside this file names 152 collections: where their files lie, the title that the portal gives the same data (127 have one),
//! and unit, scale and offset of their variables as CDSE describes them. What a file says of itself wins over the table.

use std::{collections::HashMap, sync::LazyLock};

/// The table: columns separated by tabs, variables by `; `, their facts by `|`.
const TABLE: &str = include_str!("collections.tsv");

static COLLECTIONS: LazyLock<Vec<Collection>> = LazyLock::new(|| parse(TABLE));

/// By title in its plain form: each product of the portal is looked for.
static BY_TITLE: LazyLock<HashMap<String, Vec<&Collection>>> = LazyLock::new(|| {
    // Confidence layers that have no title of their own, by the id of what they belong to.
    let mut layers: HashMap<String, Vec<&Collection>> = HashMap::new();
    for known in COLLECTIONS.iter().filter(|known| known.title.is_none()) {
        let of = known.id.replacen("-confidence-layer", "", 1);
        layers.entry(of).or_default().push(known);
    }
    let mut found: HashMap<String, Vec<&Collection>> = HashMap::new();
    for main in COLLECTIONS.iter() {
        if let Some(title) = &main.title {
            let layers = layers.get(&main.id).into_iter().flatten();
            let all = || std::iter::once(main).chain(layers.copied()).collect();
            found.entry(plain(title)).or_insert_with(all);
        }
    }
    found
});

/// A collection of CLMS in CDSE.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Collection {
    /// CDSE's name of it, such as `ssm_europe_1km_daily_v1`.
    pub id: String,
    /// Component and product type, such as `bio-geophysical/surface_soil_moisture`: the folder above it, in the catalogue as in the bucket.
    pub folder: String,
    /// What kind of data it holds.
    pub kind: CollectionKind,
    /// The title of the portal's product that has the same data, if there is one.
    pub title: Option<String>,
    /// Other names under which CDSE describes it.
    pub also: Vec<String>,
    /// What is known of its variables.
    pub variables: Vec<VariableFacts>,
}

/// What kind of data a collection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CollectionKind {
    /// Rasters: NetCDF or GeoTIFF.
    Raster,
    /// Vector data: GeoJSON or FlatGeobuf.
    Vector,
    /// Time series of single places, in NetCDF files without a raster.
    Series,
}

/// What is known of a variable without its file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VariableFacts {
    /// As its file is named, such as `FAPAR300-FAPAR`.
    pub name: String,
    /// The unit of its values.
    pub unit: Option<String>,
    /// What stored numbers are multiplied with.
    pub scale: Option<f64>,
    /// What is added then.
    pub offset: Option<f64>,
}

impl Collection {
    /// All collections that are known, by id.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &COLLECTIONS
    }

    /// The collection of this id, or of one of its other names.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        let id = id.trim();
        Self::all().iter().find(|known| known.id == id).or_else(|| {
            Self::all()
                .iter()
                .find(|known| known.also.iter().any(|name| name == id))
        })
    }

    /// The collections that have the data of a product of the portal: first that of its title, then its confidence layer, if that is one of
    /// its own. Blanks, dashes of whatever length, case, and the portal's mark `**SUPERSEDED**` make no difference.
    #[must_use]
    pub fn of_title(title: &str) -> &'static [&'static Self] {
        BY_TITLE.get(&plain(title)).map_or(&[], Vec::as_slice)
    }

    /// What is known of a variable by its name in a dataset: `FAPAR` of `FAPAR300-FAPAR`, whatever its case.
    pub(super) fn facts_of(&self, variable: &str) -> Option<&VariableFacts> {
        let named = |facts: &&VariableFacts| {
            let name = facts.name.to_lowercase();
            let wanted = variable.to_lowercase();
            let own_part = || name.split_once('-').is_some_and(|(_, part)| part == wanted);
            name == wanted || own_part()
        };
        self.variables.iter().find(named)
    }

    /// Where its files lie, for people.
    pub(super) fn place(&self) -> String {
        format!(
            "s3://eodata/CLMS/{}/{} (dataspace.copernicus.eu)",
            self.folder, self.id
        )
    }

    /// What it holds if that is no rasters, in words.
    pub(super) fn is_not_raster(&self) -> Option<&'static str> {
        match self.kind {
            CollectionKind::Raster => None,
            CollectionKind::Vector => Some("vector data"),
            CollectionKind::Series => Some("time series of single places"),
        }
    }

    /// What is known of the variable that a file of this collection holds, by the file's name: that of the longest name in it.
    #[must_use]
    pub fn variable_of_file(&self, stem: &str) -> Option<&VariableFacts> {
        let held = |facts: &&VariableFacts| contains_word(stem, &facts.name);
        self.variables
            .iter()
            .filter(held)
            .max_by_key(|facts| facts.name.len())
    }
}

/// Whether a text holds a name that is not part of a longer word.
fn contains_word(text: &str, name: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(name).any(|(at, _)| {
        is_edge(text[..at].chars().next_back()) && is_edge(text[at + name.len()..].chars().next())
    })
}

/// A title without what makes no difference.
fn plain(title: &str) -> String {
    let title = title.replace("**SUPERSEDED**", "");
    let mut plain = String::with_capacity(title.len());
    for word in title.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        for letter in word.chars() {
            match letter {
                '–' | '—' => plain.push('-'),
                _ => plain.extend(letter.to_lowercase()),
            }
        }
    }
    plain
}

/// Reads the table. Rows that lack a column are none; a test sees to it that there are none of these.
fn parse(table: &str) -> Vec<Collection> {
    table.lines().skip(1).filter_map(row).collect()
}

fn row(line: &str) -> Option<Collection> {
    let mut columns = line.split('\t');
    let mut next = || columns.next();
    Some(Collection {
        id: next()?.to_owned(),
        folder: next()?.to_owned(),
        kind: match next()? {
            "raster" => CollectionKind::Raster,
            "vector" => CollectionKind::Vector,
            "series" => CollectionKind::Series,
            _ => return None,
        },
        title: text(next()?),
        also: next()?.split_whitespace().map(str::to_owned).collect(),
        variables: next()?.split("; ").filter_map(variable).collect(),
    })
}

fn variable(text_of_it: &str) -> Option<VariableFacts> {
    let mut facts = text_of_it.split('|');
    let name = text(facts.next()?)?;
    let mut next = || facts.next().unwrap_or_default();
    Some(VariableFacts {
        name,
        unit: text(next()),
        scale: next().parse().ok(),
        offset: next().parse().ok(),
    })
}

fn text(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_of_the_table_is_read_and_makes_sense() {
        assert_eq!(Collection::all().len(), TABLE.lines().count() - 1);
        let mut ids = HashSet::new();
        let mut titles = HashSet::new();
        for collection in Collection::all() {
            let names = std::iter::once(&collection.id).chain(&collection.also);
            for name in names {
                assert!(ids.insert(name.clone()), "{name} stands there twice");
                assert_eq!(Collection::find(name), Some(collection));
            }
            assert_eq!(
                collection.folder.matches('/').count(),
                1,
                "{}",
                collection.id
            );
            if let Some(title) = &collection.title {
                assert!(titles.insert(plain(title)), "{title} stands there twice");
                assert_eq!(Collection::of_title(title)[0], collection);
            }
            for facts in &collection.variables {
                // 0 would make everything the same; 1 needs no saying.
                assert!(
                    facts.scale.is_none_or(|scale| scale > 0.0 && scale < 1.0),
                    "{facts:?}"
                );
                assert!(facts.offset.is_none_or(f64::is_finite));
            }
        }
        assert_eq!(titles.len(), 127);
    }

    #[test]
    fn titles_are_found_as_the_portal_writes_them() {
        let ids = |title: &str| -> Vec<&str> {
            Collection::of_title(title)
                .iter()
                .map(|c| c.id.as_str())
                .collect()
        };
        let burnt = "Burnt Area 2023-2025 (raster 300 m), global, daily - Version 3.1";
        assert_eq!(ids(burnt), ["ba_global_300m_daily_v3"]);
        assert_eq!(
            ids("CLCplus Backbone 2018 (raster 10 m), Europe, 3-yearly"),
            [""; 0]
        );
        let main = Collection::find("clms_vlcc_crop-types_europe_10m_yearly_v1").unwrap();
        assert_eq!(
            ids(main.title.as_deref().unwrap()),
            [
                main.id.as_str(),
                "clms_vlcc_crop-types-confidence-layer_europe_10m_yearly_v1"
            ]
        );
    }

    #[test]
    fn files_tell_their_variable() {
        let facts = |id: &str, stem: &str| Collection::find(id)?.variable_of_file(stem);
        let fapar = facts(
            "fapar_global_300m_10daily_v2",
            "c_gls_FAPAR300-FAPAR-RT6_201401100000_GLOBE_PROBAV_V2.0.1",
        );
        assert_eq!(fapar.unwrap().scale, Some(0.004));
        let ndvi = "c_gls_NDVI-MEAN-LTS_1999-2019-0621_GLOBE_VGT-PROBAV_V3.0.1";
        assert_eq!(
            facts("ndvi-lts_global_1km_10daily_v3", ndvi)
                .unwrap()
                .offset,
            Some(-0.08)
        );
        let snow = "CLMS_WSI_FSC_020m_T32TLR_20260402T102841_S2A_V200_FSCOG-QA";
        let found = facts(
            "clms_wsi_fractional-snow-cover_europe_utm_20m_daily_v2",
            snow,
        );
        assert_eq!(found.unwrap().name, "FSCOG-QA");
        assert_eq!(
            facts("fapar_global_300m_10daily_v2", "something_else"),
            None
        );
    }
}
