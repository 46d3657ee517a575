//! Collections of a product, from which the portal cuts subsets.

use clms_api::{Dataset, DownloadInformation, Source};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Catalogue, Unavailable, Wanted};
use crate::{
    StoreError,
    sources::{self, page},
};

/// A collection of a product, and what a [`Subset`](crate::Subset) of it can be.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Collection {
    /// Its name in data ids, such as `100 m`.
    pub name: String,
    /// The portal's word for what it holds: `RASTER` or `VECTOR`.
    pub kind: Option<String>,
    /// Where the portal takes it from, such as `EEA`.
    pub source: Option<String>,
    /// The portal's word for the format in which it is held: what a subset is in unless it says otherwise.
    pub format: Option<String>,
    /// The formats in which it can be had.
    pub formats: Vec<String>,
    /// The CRS of a subset that does not say otherwise.
    pub default_crs: Option<String>,
    /// The CRSs in which it can be had.
    pub crs: Vec<String>,
    /// Its layers, of which a subset can choose one; empty if there is nothing to choose from.
    pub layers: Vec<String>,
    /// Whether a subset must name a time.
    pub needs_time: bool,
    /// How many days the last day of a subset's time may come after its first one; `None` if it takes no time, or needs one and takes any.
    pub max_days: Option<u32>,
    /// The largest bbox in m², by the portal's own reckoning: [`clms_api::BBox::portal_area`]; `None` if any can be had.
    pub max_area: Option<f64>,
    /// True if this program can get subsets of it.
    pub available: bool,
    /// Why it can't, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<Unavailable>,
}

/// A collection with the portal's entry of it.
#[derive(Debug, Clone)]
pub(crate) struct NamedCollection<'a> {
    pub(crate) name: String,
    pub(crate) information: &'a DownloadInformation,
}

/// The collections of a dataset by their names in data ids, which are unique in it: what the portal calls the collection, or else
/// what it holds, or its format; with the portal's id behind it where that would be the name of two.
pub(crate) fn named(dataset: &Dataset) -> Vec<NamedCollection<'_>> {
    let name = |information: &DownloadInformation| {
        let format = information.format.as_ref().map(ToString::to_string);
        let names = [&information.collection, &information.name, &format];
        let found = names.into_iter().flatten().map(|name| name.trim());
        let mut found = found.filter(|name| !name.is_empty());
        found
            .next()
            .map_or_else(|| information.id.to_string(), str::to_owned)
    };
    let names: Vec<String> = dataset.download_information.iter().map(name).collect();
    let all = names.iter().zip(&dataset.download_information);
    all.map(|(name, information)| NamedCollection {
        name: match names.iter().filter(|other| *other == name).count() {
            1 => name.clone(),
            _ => format!("{name} {}", information.id),
        },
        information,
    })
    .collect()
}

/// The CRS of a subset that does not say otherwise: the dataset's own, since pixels are best left as they are; else the portal's first.
pub(crate) fn default_crs(dataset: &Dataset) -> Option<&String> {
    let can_be_had = |crs: &&String| dataset.projections.contains(crs);
    let mut own = dataset.crs.iter().filter(can_be_had);
    own.next().or(dataset.projections.first())
}

impl Collection {
    /// A collection of which nothing can be cut out: what the catalogue tells of it.
    pub(crate) fn uncut(dataset: &Dataset, named: &NamedCollection<'_>) -> Self {
        let information = named.information;
        let reason = match &information.source {
            Some(source) => {
                format!("its source is {source}, of which this version has nothing cut out")
            }
            None => "the portal does not say where its data come from".to_owned(),
        };
        Self {
            name: named.name.clone(),
            kind: information.name.clone(),
            source: information.source.as_ref().map(Source::to_string),
            format: information.format.as_ref().map(ToString::to_string),
            formats: Vec::new(),
            default_crs: None,
            crs: Vec::new(),
            layers: Vec::new(),
            needs_time: false,
            max_days: None,
            max_area: None,
            available: false,
            why_not: Some(Unavailable::no_subsets(
                reason,
                format!("see {}", page(dataset)),
            )),
        }
    }

    /// The same, with what stands in the way of subsets, if anything.
    pub(crate) fn cut(self, why_not: Option<Unavailable>) -> Self {
        Self {
            available: why_not.is_none(),
            why_not,
            ..self
        }
    }
}

impl Catalogue {
    /// The collections of a product, of which the portal cuts [subsets](crate::Subset).
    ///
    /// # Errors
    /// [`StoreError::NoSuchDataId`] with the nearest names if there is no such product.
    pub fn collections(&self, product: &str) -> Result<Vec<Collection>, StoreError> {
        let dataset = self.product(product)?;
        let named = named(dataset);
        Ok(named
            .iter()
            .map(|named| sources::collection(dataset, named))
            .collect())
    }

    /// A collection of a product by its name in data ids; the only one that subsets can be had of if no name is given.
    ///
    /// # Errors
    /// [`StoreError::NoSuchDataId`] if there is no such product, [`StoreError::NoSuchCollection`] with all names if it has no such
    /// collection, [`StoreError::Unavailable`] if no subsets can be had of it.
    pub(crate) fn collection(
        &self,
        product: &str,
        name: Option<&str>,
    ) -> Result<(&Dataset, NamedCollection<'_>), StoreError> {
        let dataset = self.product(product)?;
        let mut all: Vec<_> = named(dataset)
            .into_iter()
            .map(|named| (sources::collection(dataset, &named), named))
            .collect();
        let none = || StoreError::NoSuchCollection {
            product: dataset.id.clone(),
            asked: name.map(str::to_owned),
            collections: named(dataset).into_iter().map(|named| named.name).collect(),
        };
        match name {
            Some(name) => all.retain(|(it, _)| it.name == name),
            None if all.iter().any(|(it, _)| it.available) => all.retain(|(it, _)| it.available),
            None => {}
        }
        let found = match all.len() {
            1 => all.pop(),
            _ => None,
        };
        let (collection, named) = found.ok_or_else(none)?;
        match collection.why_not {
            None => Ok((dataset, named)),
            Some(why) => Err(StoreError::Unavailable {
                data_id: format!("{}|{}", dataset.id, named.name),
                why,
            }),
        }
    }

    /// The portal's own description of a product.
    ///
    /// # Errors
    /// [`StoreError::NoSuchDataId`] with the nearest names if there is no such product.
    pub(crate) fn product(&self, product: &str) -> Result<&Dataset, StoreError> {
        let found = self.datasets.iter().find(|dataset| dataset.id == product);
        found.ok_or_else(|| StoreError::NoSuchDataId {
            asked: product.to_owned(),
            nearest: self.nearest(product, Wanted::Product),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dataset(items: serde_json::Value) -> Dataset {
        Dataset::from_portal(json!({
            "UID": "u", "id": "product", "coordinateReferenceSystemList": ["WGS84", "EPSG:3035"],
            "dataset_download_information": {"items": items},
        }))
        .unwrap()
    }

    #[test]
    fn collections_have_names_of_their_own() {
        let dataset = dataset(json!([
            {"@id": "1", "full_format": "GDB", "full_source": "EEA", "name": "VECTOR", "full_path": "x"},
            {"@id": "2", "collection": "20m ", "full_format": "Geotiff", "full_source": "WEKEO", "name": "RASTER", "full_path": "x"},
            {"@id": "3", "collection": "100 m", "full_source": "EEA", "full_path": "x"},
            {"@id": "4", "collection": "100 m", "full_source": "EEA", "full_path": "y"},
            {"@id": "5", "full_format": "GPKG"},
        ]));
        let names: Vec<String> = named(&dataset).into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["VECTOR", "20m", "100 m 3", "100 m 4", "GPKG"]);
        let all: Vec<Collection> = named(&dataset)
            .iter()
            .map(|named| sources::collection(&dataset, named))
            .collect();
        let available: Vec<bool> = all.iter().map(|it| it.available).collect();
        assert_eq!(available, [true, false, false, false, false]);
        assert!(all[0].formats.contains(&"GPKG".to_owned()));
        assert_eq!(all[0].default_crs.as_deref(), Some("EPSG:3035"));
        let why = |at: usize| all[at].why_not.as_ref().unwrap().reason.clone();
        assert!(why(1).contains("WEkEO"), "{}", why(1));
        assert!(why(2).contains("format"), "{}", why(2));
    }
}
