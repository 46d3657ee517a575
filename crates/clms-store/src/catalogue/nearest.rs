//! Which data ids somebody may have meant who asked for one that there is not.

use std::collections::BTreeMap;

use super::{Catalogue, Entry, Query};
use crate::spelling::{NAMED, Name, Typed};

/// What somebody wanted whose name there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Something that can be had as it is.
    Data,
    /// Also a product as a whole, to be described or cut.
    Product,
}

/// What a name may be that of.
#[derive(Clone, Copy)]
enum Meant<'a> {
    Product(&'a str),
    Entry(&'a Entry),
}

impl Catalogue {
    /// The data ids that are most like what was asked for, at most five, the nearest first. It may be a slip of the pen, in another case, a file without its
    /// product or a product without a file, a product's title, or else words that a search finds.
    pub(crate) fn nearest(&self, asked: &str, wanted: Wanted) -> Vec<String> {
        let mut named: Vec<(Meant<'_>, Name)> = self
            .entries
            .iter()
            .map(|entry| {
                let name = Name::of_data_id(&entry.data_id.to_string());
                (Meant::Entry(entry), name)
            })
            .collect();
        let products: BTreeMap<&str, &Entry> = self
            .entries
            .iter()
            .map(|entry| (entry.data_id.product(), entry))
            .collect();
        for (product, entry) in products {
            let meant = Meant::Product(product);
            named.push((meant, Name::of_text(&entry.title)));
            named.push((meant, Name::of_text(product)));
        }
        let meant = Typed::new(asked).best(named);
        let meant: Vec<Meant<'_>> = meant.into_iter().map(|(_, meant)| meant).collect();
        let mut ids: Vec<String> = Vec::new();
        // Of one product several files may be meant, of several the best of each.
        let of_each = if meant.len() == 1 { NAMED } else { 1 };
        for meant in meant {
            let more = match (meant, wanted) {
                (Meant::Entry(entry), _) => vec![entry.data_id.to_string()],
                (Meant::Product(product), Wanted::Product) => vec![product.to_owned()],
                (Meant::Product(product), Wanted::Data) => self.best_of_product(product, of_each),
            };
            for id in more {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        if ids.is_empty() {
            ids = self.found_by_words(asked, wanted);
        }
        ids.truncate(NAMED);
        ids
    }

    /// The data ids of a product, at most so many: first what can be had, and the whole before its tiles, which are smaller.
    pub(super) fn best_of_product(&self, product: &str, most: usize) -> Vec<String> {
        let mut entries: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.data_id.product() == product)
            .collect();
        entries.sort_by_key(|entry| (!entry.available, std::cmp::Reverse(entry.size)));
        let ids = entries.iter().map(|entry| entry.data_id.to_string());
        ids.take(most).collect()
    }

    fn found_by_words(&self, text: &str, wanted: Wanted) -> Vec<String> {
        let query = Query {
            text: text.to_owned(),
            ..Query::default()
        };
        let hits = self.search(&query).into_iter().take(NAMED);
        hits.map(|hit| match wanted {
            Wanted::Data => hit.entry.data_id.to_string(),
            Wanted::Product => hit.entry.data_id.product().to_owned(),
        })
        .collect()
    }
}
