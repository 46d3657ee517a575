//! The only door to the network: whoever wants to reach something asks here for the means, and is refused when the store is offline.

use std::sync::Arc;

use clms_api::{Client, ServiceKey};
use object_store::{ClientOptions, ObjectStore, RetryConfig, http::HttpBuilder, limit::LimitStore};
use url::Url;

use crate::{
    StoreError,
    sources::{
        cdse::{Cdse, CdseSettings},
        wekeo::{DEFAULT_BROKER, HdaClient, WekeoSettings},
    },
    store::Credentials,
};

/// Requests to one file server that are under way at the same time.
const AT_ONCE: usize = 8;

/// Said to every server: some refuse those who don't say who they are.
pub(crate) const USER_AGENT: &str = concat!(
    "clms/",
    env!("CARGO_PKG_VERSION"),
    " (+",
    env!("CARGO_PKG_REPOSITORY"),
    ")"
);

/// How the world is reached, if it may be.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// Without a key, for what everybody may see.
    portal: Client,
    credentials: Option<Credentials>,
    cdse: CdseSettings,
    /// The environment's if there are none.
    wekeo: Option<WekeoSettings>,
    offline: bool,
}

impl Network {
    pub(crate) fn new(
        portal: Client,
        credentials: Option<Credentials>,
        cdse: CdseSettings,
        wekeo: Option<WekeoSettings>,
        offline: bool,
    ) -> Self {
        Self {
            portal,
            credentials,
            cdse,
            wekeo,
            offline,
        }
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.offline
    }

    /// The portal's address, which needs no network.
    pub(crate) fn portal_url(&self) -> &Url {
        self.portal.base_url()
    }

    /// The portal, for what everybody may see.
    pub(crate) fn portal(&self) -> Result<&Client, StoreError> {
        self.allow("the portal")?;
        Ok(&self.portal)
    }

    /// The portal as a stranger sees it, for work that needs some portal and asks it for nothing that matters.
    pub(crate) fn portal_without_key(&self) -> Client {
        self.portal.clone()
    }

    /// The portal, for those who sign in; without credentials it says so when they are needed.
    pub(crate) async fn signed_portal(&self) -> Result<Client, StoreError> {
        self.allow("the portal")?;
        let key: ServiceKey = match &self.credentials {
            None => return Ok(self.portal.clone()),
            Some(credentials) => credentials.key().await?,
        };
        Ok(Client::builder()
            .base_url(self.portal.base_url().as_str())
            .service_key(key)
            .build()?)
    }

    /// CDSE, with the user's keys if there are any.
    pub(crate) fn cdse(&self) -> Result<Cdse, StoreError> {
        self.allow("CDSE")?;
        Ok(Cdse::new(self.cdse.clone())?)
    }

    /// The address of CDSE's object storage, which needs no network.
    pub(crate) fn cdse_endpoint(&self) -> &str {
        &self.cdse.endpoint
    }

    /// WEkEO with the user's account, and whether terms may be accepted in its name.
    pub(crate) fn wekeo(&self) -> Result<(HdaClient, bool), StoreError> {
        self.allow("WEkEO")?;
        let settings = match &self.wekeo {
            Some(settings) => settings.clone(),
            None => WekeoSettings::from_env()?,
        };
        let broker = settings.broker.as_deref().unwrap_or(DEFAULT_BROKER);
        let client = HdaClient::new(broker, settings.account)?;
        Ok((client, settings.accepts_terms))
    }

    /// The server of a file, rooted at the host. Repeats requests that are refused for a while (429) or fail, each time after a longer
    /// pause.
    pub(crate) fn file_server(&self, file: &Url) -> Result<Arc<dyn ObjectStore>, StoreError> {
        let root = file[..url::Position::BeforePath].to_owned();
        self.allow(&root)?;
        let options = ClientOptions::new()
            .with_allow_http(true)
            .with_user_agent(USER_AGENT.parse().map_err(|_| setting(&root, USER_AGENT))?);
        let server = HttpBuilder::new()
            .with_url(&root)
            .with_client_options(options)
            .with_retry(RetryConfig::default())
            .build()
            .map_err(|why| setting(&root, &why.to_string()))?;
        Ok(Arc::new(LimitStore::new(server, AT_ONCE)))
    }

    fn allow(&self, place: &str) -> Result<(), StoreError> {
        if self.offline {
            return Err(StoreError::Offline {
                wanted: place.to_owned(),
            });
        }
        // A machine without certificates reaches nobody, and the portal's client says it best.
        Ok(self.portal.set_up()?)
    }
}

fn setting(url: &str, why: &str) -> StoreError {
    StoreError::Setting {
        setting: "url",
        value: url.to_owned(),
        why: why.to_owned(),
    }
}
