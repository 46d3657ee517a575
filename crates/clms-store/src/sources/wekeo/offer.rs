//! WEkEO as a source of the store's catalogue.

use clms_api::{Area, BBox, Dataset, Source as Word};
use clms_preload::JobRequest;

use super::{ConversionError, Selection, convert_stored, job_request};
use crate::{
    StoreError, Subset, SubsetParameter,
    catalogue::{Collection, NamedCollection, Unavailable},
    sources::{Offer, Source, WantedSubset, collection_from},
};

/// Collections that the portal takes from WEkEO.
#[derive(Debug)]
pub(crate) struct Wekeo;

/// Why a collection can't be had as it is.
const PARTS_ONLY: &str = "WEkEO gives the products of an area and a day, which become one cube";

/// Why a subset can't be had from WEkEO.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// It does not say where, or by a NUTS code.
    #[error("WEkEO has to be told where with a bbox")]
    Area,
    /// It does not say when.
    #[error("WEkEO has to be told when with a time")]
    Days,
    /// Products come as they are.
    #[error("WEkEO gives its products as they are, so that there is no {0} to choose")]
    Takes(SubsetParameter),
    /// The portal's query is of no use.
    #[error(transparent)]
    Query(#[from] ConversionError),
}

impl SelectionError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Area => Some("give one with --bbox WEST,SOUTH,EAST,NORTH".to_owned()),
            Self::Days => Some("give one with --time DAY".to_owned()),
            Self::Takes(_) => {
                Some("leave it away, and choose when the cube is there: clms export".to_owned())
            }
            Self::Query(why) => why.hint(),
        }
    }
}

impl Selection {
    /// The part of a dataset that a subset is.
    ///
    /// # Errors
    /// [`SelectionError`] says what is missing, or can't be chosen.
    pub fn of(subset: &Subset) -> Result<Self, SelectionError> {
        let choices = [
            (SubsetParameter::Crs, subset.crs().is_some()),
            (SubsetParameter::Format, subset.format().is_some()),
            (SubsetParameter::Layer, subset.layer().is_some()),
        ];
        if let Some((parameter, _)) = choices.into_iter().find(|(_, is_set)| *is_set) {
            return Err(SelectionError::Takes(parameter));
        }
        let Some(Area::BBox(bbox)) = subset.area() else {
            return Err(SelectionError::Area);
        };
        let days = subset.days().ok_or(SelectionError::Days)?;
        Ok(Self {
            bbox: *bbox,
            first: days.first(),
            last: days.last(),
        })
    }
}

impl Source for Wekeo {
    fn offers(&self, dataset: &Dataset) -> Vec<Offer> {
        let offer = collection_from(dataset, &Word::Wekeo).and_then(|collection| {
            let why = match stored_query(collection.wekeo_choices.as_deref(), &ANYTHING) {
                Ok(_) => Unavailable::needs_subset(&dataset.id, PARTS_ONLY),
                Err(why) => unusable(&why),
            };
            let offer = Offer::of_collection(dataset, collection, Err(why))?;
            offer.beside_cdse(dataset, &Word::Wekeo)
        });
        offer.into_iter().collect()
    }

    fn cuts(&self, from: &Word) -> bool {
        *from == Word::Wekeo
    }

    fn collection(&self, dataset: &Dataset, named: &NamedCollection<'_>) -> Collection {
        let stored = named.information.wekeo_choices.as_deref();
        let why_not = stored_query(stored, &ANYTHING).err();
        Collection {
            needs_time: true,
            ..Collection::uncut(dataset, named).cut(why_not.as_ref().map(unusable))
        }
    }

    fn subset_job(&self, wanted: WantedSubset<'_>) -> Result<JobRequest, StoreError> {
        let stored = wanted.collection.information.wekeo_choices.as_deref();
        let query = Selection::of(wanted.subset).and_then(|part| Ok(stored_query(stored, &part)?));
        let query = query.map_err(|why| StoreError::WekeoSubset {
            data_id: wanted.data_id.to_string(),
            why,
        })?;
        Ok(job_request(
            wanted.data_id,
            wanted.dataset,
            &query,
            wanted.options,
        )?)
    }
}

/// Some part, where it is only asked whether there is a query at all.
const ANYTHING: Selection = Selection {
    bbox: BBox {
        west: 0.0,
        south: 0.0,
        east: 1.0,
        north: 1.0,
    },
    first: jiff::civil::date(2020, 1, 1),
    last: jiff::civil::date(2020, 1, 1),
};

fn stored_query(
    stored: Option<&str>,
    part: &Selection,
) -> Result<super::HdaQuery, ConversionError> {
    convert_stored(stored.unwrap_or_default(), part)
}

fn unusable(why: &ConversionError) -> Unavailable {
    Unavailable::unsupported_source(why.to_string(), why.hint().unwrap_or_default())
}
