//! Collections of a product, from which the portal cuts subsets.

use clms_api::{
    Dataset, DownloadInformation, InvalidRequest, MAX_PORTAL_AREA, PartRequestBuilder, Source,
};
use serde::Serialize;

use super::{Catalogue, Unavailable};
use crate::{DataId, StoreError, sources::page};

/// A collection of a product, and what a [`Subset`](crate::Subset) of it can be.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// How many days the last day of a subset's time may come after its first one; `None` if it takes no time.
    pub max_days: Option<u32>,
    /// The largest bbox in m², by the portal's own reckoning: [`clms_api::BBox::portal_area`].
    pub max_area: f64,
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

/// Why no subsets can be had of a collection; `refused` is what there is to say of any request for them.
fn why_not(
    information: &DownloadInformation,
    dataset: &Dataset,
    refused: Option<&InvalidRequest>,
) -> Option<Unavailable> {
    let reason = match (&information.source, refused) {
        (Some(Source::Eea), None) => return None,
        (_, Some(why)) => why.to_string(),
        (Some(source), None) => {
            format!("its source is {source}, of which this version has nothing cut out")
        }
        (None, None) => "the portal does not say where its data come from".to_owned(),
    };
    let hint = format!("see {}", page(dataset));
    Some(Unavailable::no_subsets(reason, hint))
}

impl Collection {
    pub(super) fn of(dataset: &Dataset, named: &NamedCollection<'_>) -> Self {
        let NamedCollection { name, information } = named;
        let builder = PartRequestBuilder::offline(dataset, &information.id);
        let why_not = why_not(information, dataset, builder.as_ref().err());
        let formats = builder.as_ref().map(PartRequestBuilder::allowed_formats);
        let layers = builder
            .iter()
            .flat_map(PartRequestBuilder::allowed_layers)
            .map(|layer| layer.trim().to_owned());
        Self {
            name: name.clone(),
            kind: information.name.clone(),
            source: information.source.as_ref().map(Source::to_string),
            format: information.format.as_ref().map(ToString::to_string),
            formats: formats
                .unwrap_or_default()
                .iter()
                .map(ToString::to_string)
                .collect(),
            default_crs: default_crs(dataset).cloned(),
            crs: dataset.projections.clone(),
            layers: layers.collect(),
            needs_time: dataset.is_time_series,
            max_days: dataset.max_days,
            max_area: MAX_PORTAL_AREA,
            available: why_not.is_none(),
            why_not,
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
            .map(|named| Collection::of(dataset, named))
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
            .map(|named| (Collection::of(dataset, &named), named))
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
        found.ok_or_else(|| {
            let nearest = DataId::of_product(product).map(|data_id| self.nearest(&data_id));
            StoreError::NoSuchDataId {
                asked: product.to_owned(),
                nearest: nearest.unwrap_or_default(),
            }
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
            .map(|named| Collection::of(&dataset, named))
            .collect();
        let available: Vec<bool> = all.iter().map(|it| it.available).collect();
        assert_eq!(available, [true, false, false, false, false]);
        assert!(all[0].formats.contains(&"GPKG".to_owned()));
        assert_eq!(all[0].default_crs.as_deref(), Some("EPSG:3035"));
        let why = |at: usize| all[at].why_not.as_ref().unwrap().reason.clone();
        assert!(why(1).contains("WEKEO"), "{}", why(1));
        assert!(why(2).contains("format"), "{}", why(2));
    }
}
