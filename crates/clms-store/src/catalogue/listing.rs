//! What can be listed and searched.

use super::{Catalogue, Entry, Filter, Hit, Query, search::Products};

/// What a [`Catalogue`] lists and finds, without all that the portal says of each thing.
///
/// It is made from a catalogue and kept beside it on disk, in a form that loads some twenty times as fast: see
/// [`ClmsStore::listing`](crate::ClmsStore::listing).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    pub(super) entries: Vec<Entry>,
    pub(super) products: Products,
    pub(super) unreadable: Vec<String>,
}

impl Listing {
    /// The entries that `filter` lets through, sorted by data id.
    pub fn list(&self, filter: &Filter) -> impl Iterator<Item = &Entry> {
        filter.of(&self.entries)
    }

    /// The products that fit, the best first.
    #[must_use]
    pub fn search(&self, query: &Query) -> Vec<Hit> {
        self.products.search(&self.entries, query)
    }

    /// The words of a text, as they were typed, that nothing in the catalogue knows, wherever and whenever it is.
    #[must_use]
    pub fn unknown_words(&self, text: &str) -> Vec<String> {
        self.products.unknown_words(text)
    }

    /// Reasons for which datasets of the portal are missing.
    #[must_use]
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }
}

impl From<Catalogue> for Listing {
    fn from(catalogue: Catalogue) -> Self {
        let products = catalogue.products.into_inner();
        Self {
            products: products
                .unwrap_or_else(|| Products::of(&catalogue.datasets, &catalogue.entries)),
            entries: catalogue.entries,
            unreadable: catalogue.unreadable,
        }
    }
}
