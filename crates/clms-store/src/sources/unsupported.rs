//! Datasets that no source has: they are listed with the reason and the place where they can be had.

use clms_api::{Dataset, Source as Word};

use super::{Offer, moved, page, product_id};
use crate::catalogue::Unavailable;

/// The dataset as something that can't be had.
pub(super) fn offer(dataset: &Dataset) -> Option<Offer> {
    let first = dataset.download_information.first();
    let word = first.and_then(|collection| collection.source.as_ref());
    Some(Offer {
        data_id: product_id(dataset)?,
        source: word.map(ToString::to_string),
        format: first.and_then(|collection| Some(collection.format.as_ref()?.to_string())),
        size: None,
        resolution: dataset.resolution.clone(),
        area: None,
        version: None,
        way: Err(why_not(word, dataset)),
        file: None,
    })
}

fn why_not(word: Option<&Word>, dataset: &Dataset) -> Unavailable {
    let see = || format!("see {}", page(dataset));
    let Some(word) = word else {
        return Unavailable::no_file("the portal names no file to download", see());
    };
    moved(dataset, word).map_or_else(
        || {
            let reason = format!("its source is {word}, which this version can't open");
            let place = match word {
                Word::Cdse | Word::CdseCsv => {
                    "get it from the Copernicus Data Space Ecosystem, dataspace.copernicus.eu"
                        .to_owned()
                }
                _ => see(),
            };
            Unavailable::unsupported_source(reason, place)
        },
        Unavailable::from,
    )
}
