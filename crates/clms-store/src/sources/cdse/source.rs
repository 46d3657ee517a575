//! CDSE as a source of the store's catalogue.

use async_trait::async_trait;
use clms_api::Dataset;

use super::{
    Collection, CollectionKind, Freshness, Moved, OpenOptions, ProductQuery, moved::collections_of,
};
use crate::{
    DataId, StoreError,
    catalogue::{How, Unavailable},
    sources::{Offer, Source, Wanted, product_id},
};

/// The collections of CLMS in CDSE, under the products of the portal that they belong to.
#[derive(Debug)]
pub(crate) struct CdseSource;

/// The portal's word for it.
const WORD: &str = "CDSE";

/// Whether CDSE has the data of a dataset.
pub(crate) fn has(dataset: &Dataset) -> bool {
    !collections_of(&dataset.title, portals_word(dataset)).is_empty()
}

/// A dataset's collections, each with its data id: the product's own if there is only one.
fn collections(dataset: &Dataset) -> Vec<(DataId, &'static Collection)> {
    let found = collections_of(&dataset.title, portals_word(dataset));
    let is_only_one = found.len() == 1;
    let ids = found.into_iter().filter_map(|collection| {
        let id = match is_only_one {
            true => product_id(dataset)?,
            false => DataId::of_file(&dataset.id, &collection.id).ok()?,
        };
        Some((id, collection))
    });
    ids.collect()
}

/// Where the portal says that the data are.
fn portals_word(dataset: &Dataset) -> Option<&str> {
    let first = dataset.download_information.first()?;
    Some(first.source.as_ref()?.as_str())
}

#[async_trait]
impl Source for CdseSource {
    fn offers(&self, dataset: &Dataset) -> Vec<Offer> {
        let offer = |(data_id, collection): (DataId, &Collection)| Offer {
            data_id,
            source: Some(WORD.to_owned()),
            format: None,
            size: None,
            resolution: dataset.resolution.clone(),
            area: None,
            version: None,
            way: way(dataset, collection),
            file: None,
        };
        collections(dataset).into_iter().map(offer).collect()
    }

    fn open_parameters(&self) -> &'static [&'static str] {
        &["time", "bbox", "variables", "version"]
    }

    async fn open(&self, wanted: Wanted<'_>) -> Result<clms_cube::Dataset, StoreError> {
        let mut of_product = collections(wanted.dataset).into_iter();
        let found = of_product.find(|(data_id, _)| data_id == wanted.data_id);
        let (_, collection) = found.ok_or_else(|| StoreError::NoSuchDataId {
            asked: wanted.data_id.to_string(),
            nearest: Vec::new(),
        })?;
        let cdse = wanted.network.cdse()?;
        let options = wanted.options;
        let mut query = ProductQuery::new().version(options.version.clone());
        if let Some(time) = options.time {
            query = query.times(time.instants());
        }
        if let Some(bbox) = options.bbox {
            query = query.bbox(bbox);
        }
        let mut of_collection = OpenOptions::new(query).freshness(Freshness::default());
        if let Some(variables) = &options.variables {
            of_collection = of_collection.variables(variables);
        }
        Ok(cdse.open(collection, &of_collection).await?)
    }
}

fn way(dataset: &Dataset, collection: &Collection) -> Result<How, Unavailable> {
    if collection.kind == CollectionKind::Raster {
        return Ok(How::Open);
    }
    let moved = Moved::of_product(&dataset.id, &dataset.title, portals_word(dataset));
    Err(moved.map_or_else(
        || {
            let reason = "it is at CDSE, in a form that this version does not read".to_owned();
            let hint = format!("get the files from {}", collection.place());
            Unavailable::unsupported_source(reason, hint)
        },
        Unavailable::from,
    ))
}
