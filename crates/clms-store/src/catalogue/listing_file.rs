//! The listing as it is kept on disk, beside the catalogue that it was made from.
//!
//! It is a copy and never the truth: one that was made from another catalogue or by other code, or that is damaged, is as good as none. Whoever
//! finds it so takes the catalogue, and writes it anew.

use std::{
    borrow::Cow,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use clms_cache::Checksum;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Catalogue, Entry, How, Kept, Listing, Place, Unavailable, search::Products};
use crate::{DataId, whole_file::write_whole};

/// The code that makes listings from catalogues: what can be had, and which words there are, is decided by it as much as by the portal.
const MADE_BY: &str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("STORE_FINGERPRINT"));

/// A listing, and how old it is.
#[derive(Debug, PartialEq)]
pub(crate) struct KeptListing {
    /// When the portal said what it was made from.
    pub(crate) loaded_at: Timestamp,
    pub(crate) listing: Listing,
}

/// Stands first in the file.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    made_by: &'a str,
    /// Of the catalogue's file.
    made_from: Checksum,
    /// Of what follows.
    body: Checksum,
}

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    portal: &'a str,
    loaded_at: Timestamp,
    #[serde(borrow)]
    entries: Vec<Row<'a>>,
    products: Cow<'a, Products>,
    unreadable: Cow<'a, [String]>,
}

/// An [`Entry`], whose title is its product's.
#[derive(Serialize, Deserialize)]
struct Row<'a> {
    product: &'a str,
    file: Option<&'a str>,
    source: Option<&'a str>,
    format: Option<&'a str>,
    size: Option<u64>,
    resolution: Option<&'a str>,
    area: Option<&'a str>,
    version: Option<&'a str>,
    how: Option<How>,
    /// Kind, reason and hint.
    why_not: Option<(&'a str, &'a str, &'a str)>,
    /// The position of its dataset, and of its file in that.
    place: (usize, Option<usize>),
}

impl KeptListing {
    /// Makes the listing of a catalogue, and keeps it beside the catalogue's file.
    pub(crate) fn make(kept: Kept, file: &Path) -> Self {
        let (portal, made_from) = (kept.portal.clone(), kept.checksum);
        let listing = Self {
            loaded_at: kept.loaded_at,
            listing: Catalogue::from(kept).into(),
        };
        // What can't be kept is as good as what is. A catalogue that is not on disk has nothing beside it.
        if let Some(made_from) = made_from
            && let Err(why) = listing.write(file, &portal, made_from)
        {
            tracing::debug!(%why, file = %file.display(), "the listing can't be kept");
        }
        listing
    }

    /// What is kept beside a catalogue's file, if it was made from that by this code; `None` if the catalogue has to be read.
    pub(crate) fn read(file: &Path, portal: &str) -> Option<Self> {
        let bytes = std::fs::read(beside(file)).ok()?;
        let (head, body): (Head<'_>, _) = postcard::take_from_bytes(&bytes).ok()?;
        if head.made_by != MADE_BY || head.body != Checksum::of(body) {
            return None;
        }
        let catalogue = std::fs::read(file).ok()?;
        if head.made_from != Checksum::of(&catalogue) {
            return None;
        }
        let body: Body<'_> = postcard::from_bytes(body)
            .inspect_err(|why| tracing::debug!(%why, "the listing on disk can't be read"))
            .ok()?;
        let products = body.products.into_owned();
        let entry = |row: Row<'_>| {
            let title = products.products.get(row.place.0)?.title.clone();
            row.into_entry(title)
        };
        let entries: Option<Vec<Entry>> = body.entries.into_iter().map(entry).collect();
        (body.portal == portal).then_some(Self {
            loaded_at: body.loaded_at,
            listing: Listing {
                entries: entries?,
                products,
                unreadable: body.unreadable.into_owned(),
            },
        })
    }

    fn write(&self, file: &Path, portal: &str, made_from: Checksum) -> io::Result<()> {
        let listing = &self.listing;
        let body = Body {
            portal,
            loaded_at: self.loaded_at,
            entries: listing.entries.iter().map(Row::of).collect(),
            products: Cow::Borrowed(&listing.products),
            unreadable: Cow::Borrowed(&listing.unreadable),
        };
        let body = postcard::to_extend(&body, Vec::new()).map_err(io::Error::other)?;
        let head = Head {
            made_by: MADE_BY,
            made_from,
            body: Checksum::of(&body),
        };
        let mut bytes = postcard::to_extend(&head, Vec::new()).map_err(io::Error::other)?;
        bytes.extend(body);
        write_whole(&beside(file), &bytes)
    }
}

/// The file of the listing of a catalogue's file.
fn beside(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".listing");
    name.into()
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry) -> Self {
        let why_not = entry.why_not.as_ref();
        Self {
            product: entry.data_id.product(),
            file: entry.data_id.file(),
            source: entry.source.as_deref(),
            format: entry.format.as_deref(),
            size: entry.size,
            resolution: entry.resolution.as_deref(),
            area: entry.area.as_deref(),
            version: entry.version.as_deref(),
            how: entry.how,
            why_not: why_not.map(|why| (why.kind, why.reason.as_str(), why.hint.as_str())),
            place: (entry.place.dataset, entry.place.file),
        }
    }

    /// `None` if this code would not have written it.
    fn into_entry(self, title: String) -> Option<Entry> {
        let data_id = match self.file {
            Some(file) => DataId::of_file(self.product, file),
            None => DataId::of_product(self.product),
        };
        let why_not = match self.why_not {
            Some((kind, reason, hint)) => Some(Unavailable::kept(kind, reason, hint)?),
            None => None,
        };
        let text = |text: Option<&str>| text.map(str::to_owned);
        Some(Entry {
            data_id: data_id.ok()?,
            title,
            source: text(self.source),
            format: text(self.format),
            size: self.size,
            resolution: text(self.resolution),
            area: text(self.area),
            version: text(self.version),
            available: self.how.is_some(),
            how: self.how,
            why_not,
            place: Place {
                dataset: self.place.0,
                file: self.place.1,
            },
        })
    }
}

#[cfg(test)]
mod tests;
