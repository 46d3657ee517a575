//! The source LANDCOVER: a bucket that was closed. Its links are still handed out, and each of them is refused.

use clms_api::{Dataset, Source as Word};

use super::{Offer, Source, cdse::Moved, collection_from, page};
use crate::catalogue::Unavailable;

/// The closed bucket of the global land cover.
#[derive(Debug)]
pub(super) struct Landcover;

impl Source for Landcover {
    fn offers(&self, dataset: &Dataset) -> Vec<Offer> {
        let offer = collection_from(dataset, &Word::Landcover)
            .and_then(|collection| Offer::of_collection(dataset, collection, Err(closed(dataset))));
        offer.into_iter().collect()
    }
}

/// What is known of where the data are now.
fn closed(dataset: &Dataset) -> Unavailable {
    let word = Word::Landcover;
    let moved = Moved::of_product(&dataset.id, &dataset.title, Some(word.as_str()));
    let known = moved.map(|moved| (moved.reason, moved.hint));
    let (reason, hint) = known.unwrap_or_else(|| {
        (
            format!("its source {word} was closed"),
            format!("see {}", page(dataset)),
        )
    });
    Unavailable::unsupported_source(reason, hint)
}
