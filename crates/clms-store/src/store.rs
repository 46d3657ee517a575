//! The facade.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clms_api::{ServiceKey, SignedIn};
use clms_cache::CacheStore;
use clms_preload::EngineLimits;
use jiff::Timestamp;

use crate::{
    DataId, StoreError, Subset,
    catalogue::{Catalogue, Kept, KeptListing, Listing, Wanted, is_fresh},
    describe::Description,
    network::Network,
    preload::{self, PreloadOptions},
};

/// The portal's public API.
pub const DEFAULT_API_URL: &str = clms_api::DEFAULT_BASE_URL;

/// How often the portal's queue is looked at, to begin with.
pub const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(15);

/// How old the catalogue on disk may be before the portal is asked again: a day.
pub const DEFAULT_CATALOGUE_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A catalogue of that age is not asked for anew because of a product that it lacks: that is more likely a slip of the pen.
const SURELY_COMPLETE: Duration = Duration::from_secs(60 * 60);

/// The data store: the portal's catalogue on one side, a cache of finished cubes on the other, and the jobs between them.
///
/// Cheap to clone. Nothing is read, created or sent before a method needs it.
#[derive(Debug, Clone)]
pub struct ClmsStore {
    pub(crate) network: Network,
    pub(crate) catalogue_file: PathBuf,
    pub(crate) catalogue_age: Duration,
    pub(crate) cache: Arc<dyn CacheStore>,
    pub(crate) scratch: Option<PathBuf>,
    pub(crate) poll_interval: Duration,
    pub(crate) limits: EngineLimits,
}

/// Who signs in at the portal.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    File(PathBuf),
    Key(ServiceKey),
}

impl ClmsStore {
    /// Signs in, and says who and until when.
    ///
    /// # Errors
    /// [`StoreError::Credentials`] if the key can't be read, [`StoreError::Api`] if it is refused or the portal can't be
    /// reached.
    pub async fn sign_in(&self) -> Result<SignedIn, StoreError> {
        Ok(self.network.signed_portal().await?.sign_in().await?)
    }

    /// Everything that the portal offers: from disk if what lies there is young enough, else from the portal. Needs no credentials; offline no
    /// network either, whatever its age.
    ///
    /// # Errors
    /// [`StoreError::Api`] if the portal can't be reached or doesn't answer as it should and there is no older catalogue;
    /// [`StoreError::Offline`] if there is none on disk and the network must not be used.
    pub async fn catalogue(&self) -> Result<Catalogue, StoreError> {
        Ok(self.known_catalogue().await?.into())
    }

    /// What of the catalogue can be listed and searched: the same, much sooner, since it is kept on disk in a form of its own.
    ///
    /// # Errors
    /// As for [`catalogue`](Self::catalogue).
    pub async fn listing(&self) -> Result<Listing, StoreError> {
        let portal = self.network.portal_url().to_string();
        let kept = self.with_catalogue_file(move |file| KeptListing::read(file, &portal));
        match kept.await? {
            Some(kept) if self.is_good(kept.loaded_at) => Ok(kept.listing),
            _ => self.listing_of(self.known_catalogue().await?).await,
        }
    }

    /// The same, but asked for anew if it is not that young and lacks one of these products, which may be new.
    pub(crate) async fn catalogue_with(
        &self,
        data_ids: &[DataId],
    ) -> Result<Catalogue, StoreError> {
        let catalogue = self.catalogue().await?;
        let mut products = data_ids.iter().map(DataId::product);
        if self.network.is_offline() || products.all(|id| catalogue.product(id).is_ok()) {
            return Ok(catalogue);
        }
        let kept = self.kept_catalogue().await?;
        match kept.is_some_and(|kept| is_fresh(kept.loaded_at, SURELY_COMPLETE)) {
            true => Ok(catalogue),
            // Who can't be asked has nothing new.
            false => Ok(self.refresh_catalogue().await.unwrap_or(catalogue)),
        }
    }

    /// Everything that the portal offers, asked for now and kept on disk.
    ///
    /// # Errors
    /// [`StoreError::Api`] if the portal can't be reached or doesn't answer as it should, [`StoreError::Offline`].
    pub async fn refresh_catalogue(&self) -> Result<Catalogue, StoreError> {
        Ok(self.loaded_catalogue().await?.into())
    }

    /// What of the catalogue can be listed and searched, asked for now and kept on disk.
    ///
    /// # Errors
    /// As for [`refresh_catalogue`](Self::refresh_catalogue).
    pub async fn refresh_listing(&self) -> Result<Listing, StoreError> {
        self.listing_of(self.loaded_catalogue().await?).await
    }

    async fn known_catalogue(&self) -> Result<Kept, StoreError> {
        match self.kept_catalogue().await? {
            Some(kept) if self.is_good(kept.loaded_at) => Ok(kept),
            None => self.loaded_catalogue().await,
            Some(kept) => match self.loaded_catalogue().await {
                Ok(loaded) => Ok(loaded),
                Err(why) => {
                    let loaded_at = kept.loaded_at;
                    tracing::warn!(%why, %loaded_at, "an older catalogue stands in for the portal's");
                    Ok(kept)
                }
            },
        }
    }

    /// Whether what was loaded then need not, or must not, be asked for anew.
    fn is_good(&self, loaded_at: Timestamp) -> bool {
        self.network.is_offline() || is_fresh(loaded_at, self.catalogue_age)
    }

    async fn loaded_catalogue(&self) -> Result<Kept, StoreError> {
        let mut kept = Catalogue::load(self.network.portal()?).await?;
        let written = self.with_catalogue_file(move |file| {
            // A catalogue that can't be kept is as good as one that is.
            if let Err(why) = kept.write(file) {
                tracing::debug!(%why, file = %file.display(), "the catalogue can't be kept");
            }
            kept
        });
        written.await
    }

    async fn kept_catalogue(&self) -> Result<Option<Kept>, StoreError> {
        let portal = self.network.portal_url().to_string();
        let read = self.with_catalogue_file(move |file| Kept::read(file, &portal));
        read.await
    }

    async fn listing_of(&self, kept: Kept) -> Result<Listing, StoreError> {
        let made = self.with_catalogue_file(|file| KeptListing::make(kept, file));
        Ok(made.await?.listing)
    }

    /// Does what waits for the disk with the catalogue, which may sleep.
    async fn with_catalogue_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = self.catalogue_file.clone();
        let done = tokio::task::spawn_blocking(move || work(&file));
        done.await.map_err(|why| StoreError::Setting {
            setting: "catalogue",
            value: self.catalogue_file.display().to_string(),
            why: why.to_string(),
        })
    }

    /// What a data id is, also that of a product as a whole or of a subset, and what its cube holds if it is cached. Needs no credentials.
    ///
    /// # Errors
    /// [`StoreError::NoSuchDataId`] with the nearest names; for a subset [`StoreError::NoSuchCollection`], [`StoreError::Unavailable`]
    /// or [`StoreError::Subset`]; [`StoreError::Api`] as for [`catalogue`](Self::catalogue).
    pub async fn describe(&self, data_id: &DataId) -> Result<Description, StoreError> {
        let catalogue = self.catalogue_with(std::slice::from_ref(data_id)).await?;
        let mut description = self.describe_by(&catalogue, data_id).await?;
        if description.cube.is_some() {
            description.contents = self.contents(data_id).await?;
        }
        Ok(description)
    }

    /// The same by a catalogue that is there.
    pub(crate) async fn describe_by(
        &self,
        catalogue: &Catalogue,
        data_id: &DataId,
    ) -> Result<Description, StoreError> {
        let cube = self.cache.look_up(&data_id.cube_name()?).await?;
        let cube = cube.map(|cube| cube.location);
        let product = data_id.product();
        if data_id.subset().is_some() {
            // Says what is wrong with it, if anything.
            preload::request(catalogue, data_id, &PreloadOptions::default())?;
            let mut collections = catalogue.collections(product)?;
            collections.retain(|it| Some(it.name.as_str()) == data_id.collection());
            if let Some(collection) = collections.pop() {
                let dataset = catalogue.product(product)?;
                let data_id = data_id.clone();
                return Ok(Description::of_subset(data_id, dataset, collection, cube));
            }
        }
        match catalogue.entry(data_id) {
            Err(StoreError::Product { .. }) => Ok(Description::of_product(
                data_id.clone(),
                catalogue.product(product)?,
                catalogue.collections(product)?,
            )),
            // Also a product can be described.
            Err(StoreError::NoSuchDataId { asked, .. }) => Err(StoreError::NoSuchDataId {
                nearest: catalogue.nearest(&asked, Wanted::Product),
                asked,
            }),
            Err(why) => Err(why),
            Ok(entry) => {
                let mut description = Description::of(entry, catalogue, cube);
                if data_id.file().is_none() {
                    description.collections = catalogue.collections(product)?;
                    if description.collections.iter().any(|it| it.available) {
                        description.available = true;
                        description.why_not = None;
                    }
                }
                Ok(description)
            }
        }
    }

    /// Whether the portal offers `data_id` and this program can get it: not so of a product that is several files, each with a data id of its own.
    /// Needs no credentials.
    ///
    /// # Errors
    /// [`StoreError::Api`] as for [`catalogue`](Self::catalogue).
    pub async fn has_data(&self, data_id: &DataId) -> Result<bool, StoreError> {
        let catalogue = self.catalogue_with(std::slice::from_ref(data_id)).await?;
        if data_id.subset().is_some() {
            return Ok(preload::request(&catalogue, data_id, &PreloadOptions::default()).is_ok());
        }
        match catalogue.entry(data_id) {
            Ok(entry) => Ok(entry.available),
            Err(
                StoreError::NoSuchDataId { .. }
                | StoreError::Product { .. }
                | StoreError::NeedsSubset { .. }
                | StoreError::Pattern { .. },
            ) => Ok(false),
            Err(why) => Err(why),
        }
    }

    /// The data ids of a subset of each of these products or collections: `<product id>` where a product has one collection of
    /// which subsets can be had, or `<product id>|<collection>`. The catalogue is asked for only if a collection is not named.
    ///
    /// # Errors
    /// [`StoreError::NoSuchDataId`] and [`StoreError::NoSuchCollection`], with what there is; [`StoreError::SubsetOfSubset`] for an
    /// id that chooses already, [`StoreError::InvalidDataId`] for a subset that chooses nothing; [`StoreError::Api`] as for
    /// [`catalogue`](Self::catalogue).
    pub async fn subsets_of(
        &self,
        data_ids: &[DataId],
        subset: &Subset,
    ) -> Result<Vec<DataId>, StoreError> {
        let named = data_ids.iter().all(|data_id| data_id.file().is_some());
        let catalogue = match named {
            true => None,
            false => Some(self.catalogue_with(data_ids).await?),
        };
        let subset_of = |data_id: &DataId| {
            let product = data_id.product();
            if data_id.subset().is_some() {
                return Err(StoreError::SubsetOfSubset {
                    data_id: data_id.to_string(),
                });
            }
            let name = match (data_id.file(), &catalogue) {
                (Some(name), _) => name.to_owned(),
                (None, Some(catalogue)) => catalogue.collection(product, None)?.1.name,
                (None, None) => String::new(),
            };
            Ok(DataId::of_subset(product, &name, subset.clone())?)
        };
        data_ids.iter().map(subset_of).collect()
    }

    /// Where other software opens the cube of `data_id`, whether or not it is there.
    ///
    /// # Errors
    /// [`StoreError::InvalidDataId`] if it can't name a cube.
    pub fn cube_location(&self, data_id: &DataId) -> Result<String, StoreError> {
        Ok(self.cache.cube_location(&data_id.cube_name()?))
    }

    /// Where other software opens the cube of `data_id`, if it is there.
    ///
    /// # Errors
    /// [`StoreError::InvalidDataId`] if it can't name a cube, [`StoreError::Cache`] if the cache can't be read.
    pub async fn cached_at(&self, data_id: &DataId) -> Result<Option<String>, StoreError> {
        let found = self.cache.look_up(&data_id.cube_name()?).await?;
        Ok(found.map(|cube| cube.location))
    }

    /// The cache's root as other programs find it, wherever they run.
    pub(crate) fn cache_in_full(&self) -> String {
        let named = self.cache.location();
        match std::path::absolute(named) {
            Ok(path) if !named.contains("://") => path.display().to_string(),
            _ => named.to_owned(),
        }
    }

    /// The cache's root, as it was named.
    #[must_use]
    pub fn cache_location(&self) -> &str {
        self.cache.location()
    }

    /// The address of CDSE's object storage, in which the buckets of `s3://` files are that [references](crate::cube::Dataset::write_reference) name.
    #[must_use]
    pub fn cdse_endpoint(&self) -> &str {
        self.network.cdse_endpoint()
    }
}

impl Credentials {
    /// The key; read from its file each time, for it may have been replaced.
    pub(crate) async fn key(&self) -> Result<ServiceKey, StoreError> {
        match self {
            Self::Key(key) => Ok(key.clone()),
            Self::File(path) => read_key(path).await,
        }
    }
}

async fn read_key(path: &Path) -> Result<ServiceKey, StoreError> {
    // Small, but on a disk that may sleep.
    let file = path.to_owned();
    let loaded = tokio::task::spawn_blocking(move || ServiceKey::from_file(file))
        .await
        .map_err(|why| StoreError::Setting {
            setting: "credentials",
            value: path.display().to_string(),
            why: why.to_string(),
        })??;
    if let Some(warning) = loaded.warning {
        tracing::warn!("{warning}; {}", warning.hint());
    }
    Ok(loaded.key)
}
