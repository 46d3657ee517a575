//! The Copernicus Data Space Ecosystem (CDSE), where most of CLMS lies now: lists of products that everybody may read, and the files
//! themselves in an object storage, for which keys are needed.
//!
//! ```no_run
//! use clms_store::cdse::{Cdse, CdseSettings, Collection, OpenOptions, ProductQuery};
//! use clms_store::cube::Selection;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Keys from CDSE_AWS_ACCESS_KEY_ID and CDSE_AWS_SECRET_ACCESS_KEY; lists of products are kept in this folder.
//! let cdse = Cdse::new(CdseSettings::new("./clms_lists"))?;
//! let collection = Collection::find("ssm_europe_1km_daily_v1").ok_or("no such collection")?;
//! let june = "2025-06-01T00:00Z".parse()?..="2025-06-30T23:59Z".parse()?;
//! let moisture = cdse.open(collection, &OpenOptions::new(ProductQuery::new().times(june))).await?;
//!
//! // Thirty days, of which the metadata of two files was read. A window reads what lies under it.
//! let alps = Selection::new().bbox([9.0, 46.0, 10.0, 47.0]);
//! let window = moisture.read(&moisture.select("", "ssm", &alps).await?).await?;
//! println!("{:?}: {:?}", window.shape(), moisture.traffic());
//! # Ok(())
//! # }
//! ```
//!
//! What is asked, and when: the list of a collection (two requests, kept and fetched again when it has changed), for GeoTIFFs one folder
//! (one request), and the head of the first and last file of each place. Nothing else before pixels are read.

mod bucket;
mod collections;
mod error;
mod files;
mod lists;
mod moved;
mod open;
mod products;
mod rows;
mod source;
mod versions;
mod web;

use std::path::PathBuf;

use clms_api::RetryPolicy;
use clms_cube::Dataset;
use url::Url;

pub(crate) use self::source::{CdseSource, has};
use self::{bucket::Bucket, lists::Lists, web::Web};
pub use self::{
    bucket::S3Keys,
    collections::{Collection, CollectionKind, VariableFacts},
    error::CdseError,
    lists::{Freshness, ProductList, RasterFormat},
    moved::{Moved, Whereabouts},
    open::OpenOptions,
    products::{Product, ProductQuery, Tile},
    versions::{Consolidation, InvalidVersionWish, ProductName, Version, VersionWish},
};

/// The public container of lists.
pub const DEFAULT_CATALOGUE_URL: &str = "https://s3.waw3-1.cloudferro.com/swift/v1/CatalogueCSV";

/// The object storage, from anywhere.
pub const DEFAULT_S3_ENDPOINT: &str = "https://eodata.dataspace.copernicus.eu";

/// The bucket with the files of all missions.
pub const DEFAULT_BUCKET: &str = "eodata";

/// Where CDSE is, and who asks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CdseSettings {
    /// The container of lists; [`DEFAULT_CATALOGUE_URL`] unless it is said.
    pub catalogue: String,
    /// The object storage; [`DEFAULT_S3_ENDPOINT`] unless it is said.
    pub endpoint: String,
    /// The bucket; [`DEFAULT_BUCKET`] unless it is said.
    pub bucket: String,
    /// Keys for the bucket. Lists are read without.
    pub keys: Option<S3Keys>,
    /// Where lists of products are kept: some of them have hundreds of megabytes.
    pub folder: PathBuf,
    /// How often and how long requests are tried.
    pub retry: RetryPolicy,
}

impl CdseSettings {
    /// The usual ones, with keys from the environment ([`S3Keys::from_env`]) and copies of lists in this folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            catalogue: DEFAULT_CATALOGUE_URL.to_owned(),
            endpoint: DEFAULT_S3_ENDPOINT.to_owned(),
            bucket: DEFAULT_BUCKET.to_owned(),
            keys: S3Keys::from_env(),
            folder: folder.into(),
            retry: RetryPolicy::default(),
        }
    }

    /// Other servers: a container of lists, and an object storage (`http://` or `https://`).
    #[must_use]
    pub fn servers(mut self, catalogue: impl Into<String>, endpoint: impl Into<String>) -> Self {
        self.catalogue = catalogue.into();
        self.endpoint = endpoint.into();
        self
    }

    /// Another bucket.
    #[must_use]
    pub fn bucket(mut self, bucket: impl Into<String>) -> Self {
        self.bucket = bucket.into();
        self
    }

    /// These keys, or none.
    #[must_use]
    pub fn keys(mut self, keys: Option<S3Keys>) -> Self {
        self.keys = keys;
        self
    }

    /// Tries as often and as long as this.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }
}

/// The collections of CLMS in CDSE. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cdse {
    lists: Lists,
    bucket: Option<Bucket>,
}

impl Cdse {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// [`CdseError::Setting`].
    pub fn new(settings: CdseSettings) -> Result<Self, CdseError> {
        let catalogue = url("catalogue", &settings.catalogue)?;
        let endpoint = url("endpoint", &settings.endpoint)?;
        let bucket = settings
            .keys
            .as_ref()
            .map(|keys| Bucket::new(&settings, &endpoint, keys))
            .transpose()?;
        Ok(Self {
            lists: Lists {
                web: Web::new(settings.retry)?,
                catalogue,
                folder: settings.folder,
            },
            bucket,
        })
    }

    /// The copy of a collection's list of products, in this format or in the one that is preferred. Needs no keys.
    ///
    /// # Errors
    /// [`CdseError::NotRaster`], [`CdseError::NoList`], [`CdseError::Offline`] when it may not be asked for and is not kept,
    /// [`CdseError::Web`], [`CdseError::List`], [`CdseError::Io`].
    pub async fn list(
        &self,
        collection: &Collection,
        format: Option<RasterFormat>,
        freshness: Freshness,
    ) -> Result<ProductList, CdseError> {
        if let Some(what) = collection.is_not_raster() {
            return Err(CdseError::NotRaster {
                collection: collection.id.clone(),
                what,
                place: collection.place(),
            });
        }
        self.lists.list(collection, format, freshness).await
    }

    /// The products of a list that a query finds, by time and place: of several versions the wanted one. Needs neither keys nor network.
    ///
    /// # Errors
    /// [`CdseError::NothingFound`], [`CdseError::TooMany`], [`CdseError::Doubles`], [`CdseError::List`], [`CdseError::Io`].
    pub async fn products(
        &self,
        collection: &Collection,
        list: &ProductList,
        query: &ProductQuery,
    ) -> Result<Vec<Product>, CdseError> {
        products::select(list.path.clone(), &collection.id, query).await
    }

    /// Opens products of a collection as one dataset. Products of several places become one mosaic; one for each CRS, the largest as the root
    /// group, where places have different ones.
    ///
    /// # Errors
    /// As [`Cdse::list`] and [`Cdse::products`]; [`CdseError::NoKeys`]; [`CdseError::TooManyTiles`]; [`CdseError::NoSuchVariable`];
    /// [`CdseError::Bucket`] and [`CdseError::Cube`] for what the object storage says, and files that can't be read or don't fit together.
    pub async fn open(
        &self,
        collection: &Collection,
        options: &OpenOptions,
    ) -> Result<Dataset, CdseError> {
        let bucket = self.bucket.as_ref().ok_or(CdseError::NoKeys)?;
        let list = self
            .list(collection, options.format, options.freshness)
            .await?;
        let products = self.products(collection, &list, &options.query).await?;
        open::open(bucket, collection, products, list.format, options).await
    }
}

fn url(setting: &'static str, text: &str) -> Result<Url, CdseError> {
    let bad = |why: String| CdseError::Setting { setting, why };
    let url: Url = text
        .trim()
        .parse()
        .map_err(|why: url::ParseError| bad(why.to_string()))?;
    if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
        return Err(bad("it has to begin with https:// or http://".to_owned()));
    }
    Ok(url)
}
