//! Settings of a store.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clms_api::{Client, ServiceKey};
use clms_cache::{CacheStore, StorageOptions};
use clms_preload::EngineLimits;

use crate::{
    ClmsStore, DEFAULT_API_URL, DEFAULT_CATALOGUE_AGE, DEFAULT_POLL_INTERVAL, StoreError,
    catalogue,
    network::Network,
    sources::{
        cdse::{CdseSettings, S3Keys},
        wekeo::WekeoSettings,
    },
    store::Credentials,
    user_folders::user_cache,
};

/// Settings of a [`ClmsStore`].
#[derive(Debug, Clone)]
pub struct ClmsStoreBuilder {
    api_url: String,
    credentials: Option<Credentials>,
    offline: bool,
    catalogue_age: Duration,
    catalogue_file: Option<PathBuf>,
    cdse: Option<CdseSettings>,
    wekeo: Option<WekeoSettings>,
    cache: Cache,
    storage_options: StorageOptions,
    scratch: Option<PathBuf>,
    poll_interval: Duration,
    limits: EngineLimits,
}

#[derive(Debug, Clone)]
enum Cache {
    Url(String),
    Store(Arc<dyn CacheStore>),
}

impl ClmsStore {
    /// A store with all settings at their defaults: the public portal, the cache `./clms_cache`, no credentials.
    #[must_use]
    pub fn builder() -> ClmsStoreBuilder {
        ClmsStoreBuilder {
            api_url: DEFAULT_API_URL.to_owned(),
            credentials: None,
            offline: false,
            catalogue_age: DEFAULT_CATALOGUE_AGE,
            catalogue_file: None,
            cdse: None,
            wekeo: None,
            cache: Cache::Url("./clms_cache".to_owned()),
            storage_options: StorageOptions::new(),
            scratch: None,
            poll_interval: DEFAULT_POLL_INTERVAL,
            limits: EngineLimits::default(),
        }
    }
}

impl ClmsStoreBuilder {
    /// The portal's API, such as `https://land.copernicus.eu/api`.
    #[must_use]
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_url = url.into();
        self
    }

    /// The file that holds the service key's JSON. It is read when it is needed, and not before.
    #[must_use]
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials = Some(Credentials::File(path.into()));
        self
    }

    /// The service key itself.
    #[must_use]
    pub fn service_key(mut self, key: ServiceKey) -> Self {
        self.credentials = Some(Credentials::Key(key));
        self
    }

    /// Never touch the network: the catalogue on disk and the cache still answer, and everything else is refused.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// How old the catalogue on disk may be before the portal is asked again; [a day](DEFAULT_CATALOGUE_AGE) if not given.
    #[must_use]
    pub fn catalogue_age(mut self, limit: Duration) -> Self {
        self.catalogue_age = limit;
        self
    }

    /// How CDSE is reached; as [`CdseSettings::new`] has it, with lists of products below `$XDG_CACHE_HOME/clms/cdse`, if not given.
    #[must_use]
    pub fn cdse(mut self, settings: CdseSettings) -> Self {
        self.cdse = Some(settings);
        self
    }

    /// Other servers than those of CDSE: a container of lists of products, and an object storage.
    #[must_use]
    pub fn cdse_servers(mut self, catalogue: Option<&str>, endpoint: Option<&str>) -> Self {
        let mut settings = self.cdse.take().unwrap_or_else(usual_cdse);
        if let Some(catalogue) = catalogue {
            settings.catalogue = catalogue.to_owned();
        }
        if let Some(endpoint) = endpoint {
            settings.endpoint = endpoint.to_owned();
        }
        self.cdse = Some(settings);
        self
    }

    /// The keys for CDSE's object storage; those of the environment if not given.
    #[must_use]
    pub fn cdse_keys(mut self, keys: S3Keys) -> Self {
        let settings = self.cdse.take().unwrap_or_else(usual_cdse);
        self.cdse = Some(settings.keys(Some(keys)));
        self
    }

    /// The account and the broker of WEkEO; those of the environment ([`WekeoSettings::from_env`]) if not given, which are read when they are needed.
    #[must_use]
    pub fn wekeo(mut self, settings: WekeoSettings) -> Self {
        self.wekeo = Some(settings);
        self
    }

    /// The file in which the catalogue is kept; one below `$XDG_CACHE_HOME/clms/catalogue` for each portal if not given. What of it can be listed and
    /// searched is kept beside it, with `.listing` behind its name.
    #[must_use]
    pub fn catalogue_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.catalogue_file = Some(file.into());
        self
    }

    /// Where finished cubes live: a path, or a URL as [`open_cache`](clms_cache::open_cache) takes it, such as `s3://bucket/prefix`. Nothing is created before something is written.
    #[must_use]
    pub fn cache(mut self, url: impl Into<String>) -> Self {
        self.cache = Cache::Url(url.into());
        self
    }

    /// Settings of the object storage behind the cache's URL, such as `endpoint` and `region`.
    #[must_use]
    pub fn storage_options(mut self, options: StorageOptions) -> Self {
        self.storage_options = options;
        self
    }

    /// A cache of one's own making.
    #[must_use]
    pub fn cache_store(mut self, cache: Arc<dyn CacheStore>) -> Self {
        self.cache = Cache::Store(cache);
        self
    }

    /// Where downloads in progress live; inside the cache if not given.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// How often the portal's queue is looked at, to begin with; the interval grows while nothing changes.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How much is done side by side, and how much memory all builds together may take: two downloads and one build if not given.
    #[must_use]
    pub fn limits(mut self, limits: EngineLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Checks the settings. Touches neither the network nor the disk.
    ///
    /// # Errors
    /// [`StoreError::Api`] for an API URL and [`StoreError::Cache`] for a cache that can't be used.
    pub fn build(self) -> Result<ClmsStore, StoreError> {
        let portal = Client::builder().base_url(self.api_url).build()?;
        let url = portal.base_url().to_string();
        let cache = match self.cache {
            Cache::Url(url) => {
                let cache = clms_cache::open_cache(&url, &self.storage_options)?;
                if self.offline && cache.as_local().is_none() && !url.starts_with("memory:") {
                    let wanted = format!("the cache {url}");
                    return Err(StoreError::Offline { wanted });
                }
                cache
            }
            Cache::Store(store) => store,
        };
        let cdse = self.cdse.unwrap_or_else(usual_cdse);
        Ok(ClmsStore {
            network: Network::new(portal, self.credentials, cdse, self.wekeo, self.offline),
            catalogue_file: self
                .catalogue_file
                .unwrap_or_else(|| catalogue::file_of(&url, &user_cache())),
            catalogue_age: self.catalogue_age,
            cache,
            scratch: self.scratch,
            poll_interval: self.poll_interval,
            limits: self.limits,
        })
    }
}

fn usual_cdse() -> CdseSettings {
    CdseSettings::new(user_cache().join("clms").join("cdse"))
}
