//! The catalogue: what the portal offers, as data ids.

mod availability;
mod collections;
mod disk;
mod filter;
mod listing;
mod listing_file;
mod nearest;
mod search;

use std::sync::OnceLock;

use clms_api::{ApiError, Client, Dataset, DatasetQuery, PrepackagedFile};
use futures::StreamExt;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::search::Products;
pub use self::{
    availability::Unavailable,
    collections::Collection,
    filter::{Filter, SOURCES, source},
    listing::Listing,
    search::{Field, Hit, Match, Query},
};
pub(crate) use self::{
    collections::{NamedCollection, default_crs},
    disk::{Kept, file_of, is_fresh},
    listing_file::KeptListing,
    nearest::Wanted,
};
use crate::{
    DataId, StoreError, bbox,
    sources::{self, Offer},
};

/// Everything that the portal offers, loaded once.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    datasets: Vec<Dataset>,
    /// Sorted by data id, of which there is each once.
    entries: Vec<Entry>,
    /// For searches, made for the first one.
    products: OnceLock<Products>,
    unreadable: Vec<String>,
}

/// One thing that the portal offers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub data_id: DataId,
    /// The product's title.
    pub title: String,
    /// Where the portal says that it comes from, such as `EEA`.
    pub source: Option<String>,
    /// The portal's word for the format, such as `Geotiff`.
    pub format: Option<String>,
    /// Size of the download in bytes, rounded by the portal.
    pub size: Option<u64>,
    /// The portal's word for the resolution, such as `100 m`.
    pub resolution: Option<String>,
    /// The portal's word for the area, such as `Europe` or `E00N20`.
    pub area: Option<String>,
    /// The product's version.
    pub version: Option<String>,
    /// True if this program can get it.
    pub available: bool,
    /// How it is got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// Why it can't be got, if it can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<Unavailable>,
    #[serde(skip)]
    place: Place,
}

/// The way in which something is got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// Requested, waited for and cached by a preload job.
    Preload,
    /// Opened where it lies; what is read of it is loaded when it is read.
    Open,
}

/// Where an entry stands in the portal's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    dataset: usize,
    file: Option<usize>,
}

impl Catalogue {
    /// Asks the portal for everything.
    ///
    /// A dataset that can't be read doesn't hide the others; see [`unreadable`](Self::unreadable).
    pub(crate) async fn load(client: &Client) -> Result<Kept, StoreError> {
        let mut datasets = Vec::new();
        let mut unreadable = Vec::new();
        let mut stream = client.datasets(DatasetQuery::new());
        while let Some(dataset) = stream.next().await {
            match dataset {
                Ok(dataset) => datasets.push(dataset),
                Err(why @ ApiError::Decode { .. }) => {
                    tracing::warn!(%why, "one dataset of the catalogue can't be read");
                    unreadable.push(why.to_string());
                }
                Err(why) => return Err(why.into()),
            }
        }
        let portal = client.base_url().as_str();
        Ok(Kept::now(portal, datasets, unreadable))
    }

    /// The catalogue of these datasets.
    #[must_use]
    pub fn of(datasets: Vec<Dataset>) -> Self {
        let mut entries: Vec<Entry> = datasets
            .iter()
            .enumerate()
            .flat_map(|(position, dataset)| entries_of(position, dataset))
            .collect();
        entries.sort_by(|a, b| a.data_id.cmp(&b.data_id));
        entries.dedup_by(|b, a| a.data_id == b.data_id);
        Self {
            datasets,
            entries,
            products: OnceLock::new(),
            unreadable: Vec::new(),
        }
    }

    /// The entries that `filter` lets through, sorted by data id.
    pub fn list(&self, filter: &Filter) -> impl Iterator<Item = &Entry> {
        filter.of(&self.entries)
    }

    /// The products that fit, the best first. Needs nothing but the catalogue.
    #[must_use]
    pub fn search(&self, query: &Query) -> Vec<Hit> {
        self.products().search(&self.entries, query)
    }

    /// The words of a text, as they were typed, that nothing in the catalogue knows, wherever and whenever it is.
    #[must_use]
    pub fn unknown_words(&self, text: &str) -> Vec<String> {
        self.products().unknown_words(text)
    }

    fn products(&self) -> &Products {
        self.products
            .get_or_init(|| Products::of(&self.datasets, &self.entries))
    }

    /// The entry of `data_id`.
    ///
    /// # Errors
    /// [`StoreError::NoSuchDataId`] with the nearest names if there is none; [`StoreError::Product`], [`StoreError::NeedsSubset`] and
    /// [`StoreError::Pattern`] for what stands for several.
    pub fn entry(&self, data_id: &DataId) -> Result<&Entry, StoreError> {
        let found = self
            .entries
            .binary_search_by(|entry| entry.data_id.cmp(data_id));
        match found {
            Ok(position) => return Ok(&self.entries[position]),
            Err(_) if data_id.file().is_none() => {
                let of_it = |entry: &&Entry| entry.data_id.product() == data_id.product();
                let files = self.entries.iter().filter(of_it).count();
                if files > 0 {
                    return Err(StoreError::Product {
                        product: data_id.product().to_owned(),
                        files,
                        nearest: self.best_of_product(data_id.product(), 5),
                    });
                }
            }
            Err(_) => {}
        }
        if let Some(why) = self.of_many(data_id) {
            return Err(why);
        }
        Err(StoreError::NoSuchDataId {
            asked: data_id.to_string(),
            nearest: self.nearest(&data_id.to_string(), Wanted::Data),
        })
    }

    /// What stands for several data ids: a collection, of which subsets can be had, or a pattern.
    fn of_many(&self, asked: &DataId) -> Option<StoreError> {
        let pattern = asked.to_string();
        if pattern.contains('*') {
            let filter = Filter {
                pattern: Some(pattern.clone()),
                ..Filter::default()
            };
            let matches = self.list(&filter).count();
            return (matches > 0).then_some(StoreError::Pattern {
                asked: pattern,
                matches,
            });
        }
        let collections = self.collections(asked.product()).ok()?;
        let is_named = |it: &Collection| Some(it.name.as_str()) == asked.file();
        let found = collections.into_iter().find(is_named)?;
        let product = self.product(asked.product()).ok()?;
        let extent = &product.temporal_extent;
        let day = found.needs_time.then_some(extent.end.or(extent.start));
        found.available.then(|| StoreError::NeedsSubset {
            product: product.id.clone(),
            collection: found.name,
            bbox: bbox::example(bbox::told_of_product(product.bbox)),
            day: day.flatten().map(|day| day.to_zoned(TimeZone::UTC).date()),
        })
    }

    /// The portal's own description of what an entry belongs to.
    #[must_use]
    pub fn dataset(&self, entry: &Entry) -> &Dataset {
        &self.datasets[entry.place.dataset]
    }

    /// The prepackaged file of an entry, if it is one.
    #[must_use]
    pub fn file(&self, entry: &Entry) -> Option<&PrepackagedFile> {
        let file = entry.place.file?;
        self.dataset(entry).files.get(file)
    }

    /// Reasons for which datasets are missing from this catalogue.
    #[must_use]
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }
}

impl From<Kept> for Catalogue {
    fn from(kept: Kept) -> Self {
        Self {
            unreadable: kept.unreadable,
            ..Self::of(kept.datasets)
        }
    }
}

fn entries_of(position: usize, dataset: &Dataset) -> Vec<Entry> {
    let entry = |offer: Offer| {
        let (how, why_not) = match offer.way {
            Ok(how) => (Some(how), None),
            Err(why) => (None, Some(why)),
        };
        Entry {
            data_id: offer.data_id,
            title: dataset.title.clone(),
            source: offer.source,
            format: offer.format,
            size: offer.size,
            resolution: offer.resolution,
            area: offer.area,
            version: offer.version,
            available: how.is_some(),
            how,
            why_not,
            place: Place {
                dataset: position,
                file: offer.file,
            },
        }
    };
    sources::offers(dataset).into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn dataset(id: &str, files: &serde_json::Value) -> Dataset {
        Dataset::from_portal(json!({
            "@id": format!("https://land.copernicus.eu/en/products/x/{id}"),
            "UID": "0123456789abcdef0123456789abcdef", "id": id, "title": format!("Title of {id}"),
            "downloadable_files": {"items": files},
        }))
        .unwrap()
    }

    fn catalogue() -> Catalogue {
        let file = |name: &str, format: &str, kind: &str| json!({"@id": name, "file": name, "format": format, "type": kind, "source": "EEA", "path": "H:\\x", "size": "1 MB"});
        let clc = json!([
            file("u2018_clc2018_v2020_20u1_fgdb", "GDB", "Vector"),
            file("u2018_clc2018_v2020_20u1_raster100m", "Geotiff", "Raster"),
            json!({"@id": "elsewhere", "file": "elsewhere", "format": "Netcdf", "type": "Raster", "source": "WEKEO", "path": "x", "size": "1 MB"}),
        ]);
        let forest = json!([
            file("FTY_2015_100m_eu_03035_d02_Full", "Geotiff", "Raster"),
            file("FTY_2015_020m_eu_03035_d04_E00N20", "Geotiff", "Raster"),
        ]);
        Catalogue::of(vec![
            dataset("forest-type-2015", &forest),
            dataset("clc2018", &clc),
        ])
    }

    fn ids(filter: &Filter) -> Vec<String> {
        catalogue()
            .list(filter)
            .map(|entry| entry.data_id.to_string())
            .collect()
    }

    #[test]
    fn what_cannot_be_had_is_shown_only_when_asked_for_and_says_why() {
        assert_eq!(ids(&Filter::default()).len(), 4);
        let all = Filter {
            all: true,
            ..Filter::default()
        };
        assert_eq!(ids(&all).len(), 5);
        let catalogue = catalogue();
        let entry = |id: &str| catalogue.entry(&id.parse().unwrap()).unwrap();
        let why = entry("clc2018|elsewhere").why_not.as_ref().unwrap();
        assert_eq!(why.kind, "unsupported_source");
        assert!(why.reason.contains("WEkEO"), "{}", why.reason);
        let vector = entry("clc2018|u2018_clc2018_v2020_20u1_fgdb");
        assert_eq!(vector.how, Some(How::Preload));
        assert_eq!(vector.format.as_deref(), Some("GDB"));
    }

    #[test]
    fn patterns_match_whole_ids_and_words_match_anywhere() {
        let with = |pattern: &str| {
            ids(&Filter {
                pattern: Some(pattern.to_owned()),
                ..Filter::default()
            })
        };
        assert_eq!(
            with("forest-type-2015|*full"),
            ["forest-type-2015|FTY_2015_100m_eu_03035_d02_Full"]
        );
        assert_eq!(with("forest-type-2015/*e??n??").len(), 1);
        assert_eq!(with("2015 title").len(), 2);
        assert_eq!(with("*nothing*").len(), 0);
    }

    #[test]
    fn a_near_miss_is_told_what_it_was_near_to() {
        let miss = |text: &str| match catalogue().entry(&text.parse().unwrap()) {
            Err(StoreError::NoSuchDataId { nearest, .. }) => nearest,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            miss("forest-type-2015|FTY_2015_100m_eu_03035_d02_full")[0],
            "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full"
        );
        assert_eq!(
            miss("u2018_clc2018_v2020_20u1_raster100m")[0],
            "clc2018|u2018_clc2018_v2020_20u1_raster100m"
        );
        assert!(miss("quite|different").is_empty());
        let product = catalogue()
            .entry(&"forest-type-2015".parse().unwrap())
            .unwrap_err();
        assert!(
            matches!(product, StoreError::Product { files: 2, .. }),
            "{product}"
        );
    }
}
