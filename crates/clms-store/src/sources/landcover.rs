//! The source LANDCOVER: a bucket that was closed. Its links are still handed out, and each of them is refused.

use clms_api::{Dataset, Source as Word};

use super::{Offer, Source};
use crate::catalogue::Unavailable;

/// The closed bucket of the global land cover.
#[derive(Debug)]
pub(super) struct Landcover;

impl Source for Landcover {
    fn offers(&self, dataset: &Dataset) -> Vec<Offer> {
        let collections = dataset.download_information.iter().enumerate();
        let mut of_it = collections.filter(|(_, one)| one.source == Some(Word::Landcover));
        let offer = of_it
            .next()
            .and_then(|(number, _)| Offer::of_collection(dataset, number, Err(closed())));
        offer.into_iter().collect()
    }
}

/// Closed since 2025-06-14, as those who had used it were told.
fn closed() -> Unavailable {
    Unavailable::unsupported_source(
        "its source LANDCOVER was closed in June 2025".to_owned(),
        "the same data are in the Copernicus Data Space Ecosystem (dataspace.copernicus.eu), collection lc_global_100m_yearly_v3"
            .to_owned(),
    )
}
