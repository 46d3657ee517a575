//! Where data come from: one trait, and a module for each source.
//!
//! A source says what it has of each dataset of the portal's catalogue, and opens it lazily where that is possible. What has to be
//! preloaded is opened from the cache, whatever source it is from. Adding a source is a new folder here and a line in [`ALL`].

pub(crate) mod cdse;
pub(crate) mod eea;
mod landcover;
mod legacy;
mod unsupported;
pub(crate) mod wekeo;

use std::fmt;

use async_trait::async_trait;
use clms_api::{Dataset, DownloadInformation, Source as Word};
use clms_preload::JobRequest;

use self::cdse::Moved;
use crate::{
    DataId, StoreError, Subset,
    catalogue::{Collection, How, NamedCollection, Unavailable},
    network::Network,
    open::OpenOptions,
    preload::PreloadOptions,
};

/// All sources. Of several that offer the same data id, the first one that can get it wins.
/// CDSE stands before those whose data it has taken over.
pub(crate) static ALL: [&dyn Source; 5] = [
    &eea::Eea,
    &cdse::CdseSource,
    &legacy::Legacy,
    &wekeo::Wekeo,
    &landcover::Landcover,
];

/// Somebody who has data.
#[async_trait]
pub(crate) trait Source: fmt::Debug + Send + Sync {
    /// What it has of a dataset, also what can't be had, with the reason.
    fn offers(&self, dataset: &Dataset) -> Vec<Offer>;

    /// Which of the [`OpenOptions`] matter when it opens something.
    fn open_parameters(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it has parts cut out of collections that the portal takes from there.
    fn cuts(&self, _from: &Word) -> bool {
        false
    }

    /// What a subset of a collection can be, of those that it [cuts](Self::cuts).
    fn collection(&self, dataset: &Dataset, collection: &NamedCollection<'_>) -> Collection {
        Collection::uncut(dataset, collection)
    }

    /// The job that brings a subset of such a collection into the cache. All that its server would object to, as far as the catalogue tells, is
    /// found out here.
    fn subset_job(&self, wanted: WantedSubset<'_>) -> Result<JobRequest, StoreError> {
        Err(StoreError::NoSuchDataId {
            asked: wanted.data_id.to_string(),
            nearest: Vec::new(),
        })
    }

    /// Opens what it [offers](Self::offers) with [`How::Open`]: reads metadata, and no pixels.
    async fn open(&self, wanted: Wanted<'_>) -> Result<clms_cube::Dataset, StoreError> {
        Err(StoreError::NotCached {
            data_id: wanted.data_id.to_string(),
            cache: wanted.cache.to_owned(),
        })
    }
}

/// What a source shall open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) data_id: &'a DataId,
    pub(crate) dataset: &'a Dataset,
    pub(crate) options: &'a OpenOptions,
    pub(crate) network: &'a Network,
    /// Where the store looked for it first.
    pub(crate) cache: &'a str,
}

/// A subset that is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantedSubset<'a> {
    pub(crate) data_id: &'a DataId,
    pub(crate) subset: &'a Subset,
    pub(crate) dataset: &'a Dataset,
    pub(crate) collection: &'a NamedCollection<'a>,
    pub(crate) options: &'a PreloadOptions,
}

/// Something that a source has of a dataset.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) data_id: DataId,
    /// The portal's word for the source.
    pub(crate) source: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) resolution: Option<String>,
    pub(crate) area: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) way: Result<How, Unavailable>,
    /// Which of the dataset's files it is, if it is one.
    pub(crate) file: Option<usize>,
}

impl Offer {
    /// A collection of a dataset as a whole, under the product's own id. `None` if that can't be a data id.
    fn of_collection(
        dataset: &Dataset,
        collection: &DownloadInformation,
        way: Result<How, Unavailable>,
    ) -> Option<Self> {
        Some(Self {
            data_id: product_id(dataset)?,
            source: collection.source.as_ref().map(ToString::to_string),
            format: collection.format.as_ref().map(ToString::to_string),
            size: None,
            resolution: dataset.resolution.clone(),
            area: None,
            version: None,
            way,
            file: None,
        })
    }
}

impl Offer {
    /// The same under an id of its own if CDSE has the data now: the product's own id is that of the place that its data have moved to.
    fn beside_cdse(self, dataset: &Dataset, word: &Word) -> Option<Self> {
        if !cdse::has(dataset) {
            return Some(self);
        }
        let data_id = DataId::of_file(&dataset.id, word.as_str()).ok()?;
        Some(Self { data_id, ..self })
    }
}

/// What there is of a dataset; never nothing, unless its id can't be a data id.
pub(crate) fn offers(dataset: &Dataset) -> Vec<Offer> {
    let mut offers: Vec<Offer> = ALL
        .iter()
        .flat_map(|source| source.offers(dataset))
        .collect();
    if offers.is_empty() {
        offers.extend(unsupported::offer(dataset));
    }
    // Stable: what can be had stands first.
    offers.sort_by(|a, b| (&a.data_id, a.way.is_err()).cmp(&(&b.data_id, b.way.is_err())));
    offers.dedup_by(|b, a| a.data_id == b.data_id);
    offers
}

/// Opens an offer of a dataset with the source that made it.
pub(crate) async fn open(wanted: Wanted<'_>) -> Result<clms_cube::Dataset, StoreError> {
    for source in ALL {
        if offers_to_open(source, wanted.data_id, wanted.dataset) {
            return source.open(wanted).await;
        }
    }
    Err(StoreError::NoSuchDataId {
        asked: wanted.data_id.to_string(),
        nearest: Vec::new(),
    })
}

/// Which of the [`OpenOptions`] matter when an offer of a dataset is opened where it lies.
pub(crate) fn open_parameters(data_id: &DataId, dataset: &Dataset) -> &'static [&'static str] {
    let opener = ALL
        .into_iter()
        .find(|source| offers_to_open(*source, data_id, dataset));
    opener.map_or(&[], Source::open_parameters)
}

fn offers_to_open(source: &dyn Source, data_id: &DataId, dataset: &Dataset) -> bool {
    let is_it = |offer: &Offer| offer.data_id == *data_id && offer.way == Ok(How::Open);
    source.offers(dataset).iter().any(is_it)
}

/// Who has parts cut out of a collection; nobody may.
fn cutter(collection: &NamedCollection<'_>) -> Option<&'static dyn Source> {
    let from = collection.information.source.as_ref()?;
    ALL.into_iter().find(|source| source.cuts(from))
}

/// What a subset of a collection can be.
pub(crate) fn collection(dataset: &Dataset, named: &NamedCollection<'_>) -> Collection {
    match cutter(named) {
        Some(source) => source.collection(dataset, named),
        None => Collection::uncut(dataset, named),
    }
}

/// The job that brings a subset into the cache.
pub(crate) fn subset_job(wanted: WantedSubset<'_>) -> Result<JobRequest, StoreError> {
    match cutter(wanted.collection) {
        Some(source) => source.subset_job(wanted),
        None => Err(StoreError::NoSuchDataId {
            asked: wanted.data_id.to_string(),
            nearest: Vec::new(),
        }),
    }
}

/// The first collection that the portal takes from a source.
fn collection_from<'a>(dataset: &'a Dataset, word: &Word) -> Option<&'a DownloadInformation> {
    let mut collections = dataset.download_information.iter();
    collections.find(|collection| collection.source.as_ref() == Some(word))
}

/// Where the data are now that the portal says to take from `word`, if they have moved.
fn moved(dataset: &Dataset, word: &Word) -> Option<Moved> {
    Moved::of_product(&dataset.id, &dataset.title, Some(word.as_str()))
}

fn product_id(dataset: &Dataset) -> Option<DataId> {
    DataId::of_product(&dataset.id)
        .inspect_err(|why| tracing::warn!(%why, "a dataset of the catalogue has no usable name"))
        .ok()
}

/// The page where a person finds out more.
pub(crate) fn page(dataset: &Dataset) -> String {
    dataset.url.as_ref().map_or_else(
        || "https://land.copernicus.eu".to_owned(),
        ToString::to_string,
    )
}
