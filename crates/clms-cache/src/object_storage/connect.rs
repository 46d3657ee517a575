//! From a URL and settings to the object store of a provider.

use std::{fmt, num::NonZeroU64, str::FromStr, sync::Arc, time::Duration};

use object_store::{
    ClientConfigKey, ObjectStore, RetryConfig,
    aws::AmazonS3ConfigKey,
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
    http::HttpBuilder,
    limit::LimitStore,
    memory::InMemory,
    path::Path,
};
use url::{Position, Url};

use super::{ObjectStorageCache, aws};
use crate::{CacheError, Rate, StorageOptions, Throttle};

/// How many requests are under way at a time, unless it is said otherwise.
const CONCURRENCY: usize = 32;

/// Fewer would not let one operation wait for another one.
const MIN_CONCURRENCY: usize = 2;

/// Settings that are ours.
const OURS: &[&str] = &[
    "concurrency",
    "requests_per_second",
    "bytes_per_second",
    "lease_time",
    "max_retries",
    "retry_timeout",
    "retry_backoff",
    "retry_max_backoff",
];

/// Settings of every storage's requests.
const REQUESTS: &[&str] = &[
    "timeout",
    "connect_timeout",
    "read_timeout",
    "allow_http",
    "allow_invalid_certificates",
    "proxy_url",
    "proxy_ca_certificate",
    "proxy_excludes",
    "user_agent",
];

/// Settings of S3 that people give; the storage knows more, by the names that `AWS_...` variables have.
const S3: &[&str] = &[
    "profile",
    "region",
    "endpoint",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "anonymous",
    "virtual_hosted_style_request",
    "request_payer",
    "unsigned_payload",
    "checksum_algorithm",
    "conditional_put",
    "disable_bulk_delete",
    "disable_tagging",
    "server_side_encryption",
    "sse_kms_key_id",
    "role_arn",
    "web_identity_token_file",
    "metadata_endpoint",
];

/// The same of Azure, with `AZURE_...`.
const AZURE: &[&str] = &[
    "account_name",
    "access_key",
    "sas_key",
    "bearer_token",
    "client_id",
    "client_secret",
    "tenant_id",
    "endpoint",
    "anonymous",
    "use_emulator",
    "use_azure_cli",
    "federated_token_file",
    "msi_endpoint",
];

/// The same of Google, with `GOOGLE_...`.
const GOOGLE: &[&str] = &[
    "service_account_path",
    "service_account_key",
    "application_credentials",
    "bearer_token",
    "endpoint",
    "anonymous",
];

/// What is left for storages that have no settings of their own.
const NONE: &[&str] = &[];

/// The cache at `url`. Nothing is asked of the storage yet.
pub(crate) fn connect(
    url: &Url,
    options: &StorageOptions,
) -> Result<ObjectStorageCache, CacheError> {
    let settings = Settings::of(options)?;
    let root = Path::from_url_path(url.path()).map_err(|error| unsupported(url, error))?;
    let built = match url.scheme() {
        "s3" | "s3a" => s3(url, &settings),
        "gs" => google(url, &settings),
        "az" | "azure" | "abfs" | "abfss" => azure(url, &settings),
        "http" | "https" => http(url, &settings),
        "memory" => settings
            .keys::<ClientConfigKey>(NONE)
            .map(|_| Arc::new(InMemory::new()) as Arc<dyn ObjectStore>),
        _ => Err(unsupported(url, "its scheme is unknown")),
    };
    let limited = Arc::new(LimitStore::new(built?, settings.concurrency));
    let store: Arc<dyn ObjectStore> = match settings.rate {
        None => limited,
        Some(rate) => Arc::new(Throttle::new(rate).before(limited)),
    };
    // Spelled as other software wants it, which knows nothing of percent signs in the keys of S3.
    let location = match url.scheme() {
        "http" | "https" => url.as_str().to_owned(),
        _ => format!("{}/{root}", &url[..Position::BeforePath]),
    };
    let cache = ObjectStorageCache::new(store, root, location);
    let cache = match settings.lease_time {
        Some(time) => cache.with_lease_time(time),
        None => cache,
    };
    Ok(match url.scheme() {
        "http" | "https" => cache.read_only(),
        _ => cache,
    })
}

fn unsupported(url: &Url, why: impl ToString) -> CacheError {
    CacheError::UnsupportedLocation {
        // What follows may hold a password.
        location: format!("{}://...", url.scheme()),
        why: why.to_string(),
    }
}

fn s3(url: &Url, settings: &Settings<'_>) -> Result<Arc<dyn ObjectStore>, CacheError> {
    let given = settings.keys::<AmazonS3ConfigKey>(S3)?;
    let mut builder = aws::builder(url.as_str(), settings.options, given)?;
    let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint]
        .iter()
        .find_map(|key| builder.get_config_value(key));
    if is_plain_http(endpoint) {
        builder = builder.with_allow_http(true);
    }
    settings.built(builder.with_retry(settings.retry.clone()).build())
}

fn azure(url: &Url, settings: &Settings<'_>) -> Result<Arc<dyn ObjectStore>, CacheError> {
    let mut builder = MicrosoftAzureBuilder::from_env().with_url(url.as_str());
    for (key, value) in settings.keys::<AzureConfigKey>(AZURE)? {
        builder = builder.with_config(key, value);
    }
    if is_plain_http(builder.get_config_value(&AzureConfigKey::Endpoint)) {
        builder = builder.with_allow_http(true);
    }
    settings.built(builder.with_retry(settings.retry.clone()).build())
}

fn google(url: &Url, settings: &Settings<'_>) -> Result<Arc<dyn ObjectStore>, CacheError> {
    let mut builder = GoogleCloudStorageBuilder::from_env().with_url(url.as_str());
    for (key, value) in settings.keys::<GoogleConfigKey>(GOOGLE)? {
        builder = builder.with_config(key, value);
    }
    if is_plain_http(builder.get_config_value(&GoogleConfigKey::BaseUrl)) {
        let key = GoogleConfigKey::Client(ClientConfigKey::AllowHttp);
        builder = builder.with_config(key, "true");
    }
    settings.built(builder.with_retry(settings.retry.clone()).build())
}

fn http(url: &Url, settings: &Settings<'_>) -> Result<Arc<dyn ObjectStore>, CacheError> {
    let mut builder = HttpBuilder::new().with_url(&url[..Position::BeforePath]);
    if url.scheme() == "http" {
        builder = builder.with_config(ClientConfigKey::AllowHttp, "true");
    }
    for (key, value) in settings.keys::<ClientConfigKey>(NONE)? {
        builder = builder.with_config(key, value);
    }
    settings.built(builder.with_retry(settings.retry.clone()).build())
}

/// True for an endpoint that was written with `http://`: nobody does that by mistake.
fn is_plain_http(endpoint: Option<String>) -> bool {
    endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"))
}

/// The settings, of which those that are ours have been understood.
struct Settings<'o> {
    options: &'o StorageOptions,
    concurrency: usize,
    rate: Option<Rate>,
    lease_time: Option<Duration>,
    retry: RetryConfig,
}

impl<'o> Settings<'o> {
    fn of(options: &'o StorageOptions) -> Result<Self, CacheError> {
        let mut retry = RetryConfig::default();
        if let Some(times) = number(options, "max_retries", 0)? {
            retry.max_retries = times;
        }
        if let Some(time) = duration(options, "retry_timeout")? {
            retry.retry_timeout = time;
        }
        if let Some(time) = duration(options, "retry_backoff")? {
            retry.backoff.init_backoff = time;
        }
        if let Some(time) = duration(options, "retry_max_backoff")? {
            retry.backoff.max_backoff = time;
        }
        let concurrency = number(options, "concurrency", MIN_CONCURRENCY)?;
        let rate = Rate {
            requests_per_second: number(options, "requests_per_second", NonZeroU64::MIN)?,
            bytes_per_second: number(options, "bytes_per_second", NonZeroU64::MIN)?,
        };
        Ok(Self {
            options,
            concurrency: concurrency.unwrap_or(CONCURRENCY),
            rate: Some(rate).filter(|rate| *rate != Rate::default()),
            lease_time: duration(options, "lease_time")?,
            retry,
        })
    }

    /// The settings that are the storage's, which knows those of `known` and more.
    fn keys<K: FromStr>(&self, known: &[&str]) -> Result<Vec<(K, String)>, CacheError> {
        let is_google = known == GOOGLE;
        let mut keys = Vec::new();
        for (key, value) in self.options.iter() {
            if OURS.contains(&key) || (key == "profile" && known.contains(&key)) {
                continue;
            }
            let theirs = match key {
                "anonymous" if known.contains(&key) => "skip_signature",
                "endpoint" if is_google => "base_url",
                key => key,
            };
            let parsed = theirs.parse().map_err(|_| CacheError::InvalidOption {
                key: key.to_owned(),
                why: format!(
                    "this storage has no such setting; it has {}",
                    [known, OURS, REQUESTS].concat().join(", ")
                ),
            })?;
            keys.push((parsed, value.to_owned()));
        }
        Ok(keys)
    }

    /// What was built; an error does not show what may be a secret.
    fn built<S: ObjectStore>(
        &self,
        built: object_store::Result<S>,
    ) -> Result<Arc<dyn ObjectStore>, CacheError> {
        match built {
            Ok(store) => Ok(Arc::new(store)),
            Err(error) => {
                let mut why = error.to_string();
                for (key, value) in self.options.iter() {
                    if is_secret(key) && !value.is_empty() {
                        why = why.replace(value, "...");
                    }
                }
                Err(CacheError::Settings { why })
            }
        }
    }
}

fn is_secret(key: &str) -> bool {
    ["secret", "key", "token", "sas", "password"]
        .iter()
        .any(|part| key.contains(part))
}

fn number<N: FromStr + PartialOrd + fmt::Display>(
    options: &StorageOptions,
    key: &str,
    least: N,
) -> Result<Option<N>, CacheError> {
    let Some(text) = options.get(key) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(number) if number >= least => Ok(Some(number)),
        _ => Err(CacheError::InvalidOption {
            key: key.to_owned(),
            why: format!("it has to be a number of at least {least}"),
        }),
    }
}

fn duration(options: &StorageOptions, key: &str) -> Result<Option<Duration>, CacheError> {
    let Some(text) = options.get(key) else {
        return Ok(None);
    };
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(Some(time)),
        _ => Err(CacheError::InvalidOption {
            key: key.to_owned(),
            why: "it has to be a time such as 30s or 2m".to_owned(),
        }),
    }
}
