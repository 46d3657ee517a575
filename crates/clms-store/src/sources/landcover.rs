//! The source LANDCOVER: a bucket that was closed. Its links are still handed out, and each of them is refused.

use clms_api::{Dataset, Source as Word};

use super::{Offer, Source, collection_from, moved, page};
use crate::catalogue::Unavailable;

/// The closed bucket of the global land cover.
#[derive(Debug)]
pub(super) struct Landcover;

impl Source for Landcover {
    fn offers(&self, dataset: &Dataset) -> Vec<Offer> {
        let offer = collection_from(dataset, &Word::Landcover)
            .and_then(|collection| Offer::of_collection(dataset, collection, Err(closed(dataset))))
            .and_then(|offer| offer.beside_cdse(dataset, &Word::Landcover));
        offer.into_iter().collect()
    }
}

/// What is known of where the data are now.
fn closed(dataset: &Dataset) -> Unavailable {
    let word = Word::Landcover;
    moved(dataset, &word).map_or_else(
        || {
            let reason = format!("its source {word} was closed");
            Unavailable::unsupported_source(reason, format!("see {}", page(dataset)))
        },
        Unavailable::from,
    )
}
