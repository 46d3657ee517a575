//! The bucket with the files of all collections, and the files in it.

use std::{env, error::Error, fmt, num::NonZeroU64, ops::Range, sync::Arc};

use async_trait::async_trait;
use clms_api::RetryPolicy;
use clms_cache::{Rate, Throttle};
use clms_cube::{ObjectReader, Part, RangeError, RangeReader};
use futures::StreamExt as _;
use object_store::{
    BackoffConfig, ObjectStore, RetryConfig, aws::AmazonS3Builder, limit::LimitStore, path::Path,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;
use url::Url;

use super::{CdseError, CdseSettings};

/// Requests under way at a time: the quota of an ordinary user of CDSE is four connections.
const CONNECTIONS: usize = 4;

/// Requests in a second: the quota is 2000 in a minute.
const REQUESTS_PER_SECOND: NonZeroU64 = NonZeroU64::new(33).unwrap();

/// Objects of a folder that are looked at: a list of products may name any folder, such as the bucket's root.
const MOST_FILES: usize = 10_000;

/// The bucket's only region.
const REGION: &str = "default";

/// Keys for CDSE's buckets. Neither is ever shown.
#[derive(Clone)]
pub struct S3Keys {
    id: SecretString,
    secret: SecretString,
}

impl S3Keys {
    /// An access key and its secret.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into().into(),
            secret: secret.into().into(),
        }
    }

    /// Those in `CDSE_AWS_ACCESS_KEY_ID` and `CDSE_AWS_SECRET_ACCESS_KEY`, if both are there.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        let variable = |name| {
            env::var(name)
                .ok()
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        Some(Self::new(
            variable("CDSE_AWS_ACCESS_KEY_ID")?,
            variable("CDSE_AWS_SECRET_ACCESS_KEY")?,
        ))
    }
}

impl fmt::Debug for S3Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Keys(..)")
    }
}

/// The bucket. `Debug` shows its name only: what is below it holds keys.
#[derive(Clone)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    name: String,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.name).finish()
    }
}

impl Bucket {
    /// Nothing is asked yet.
    pub(super) fn new(
        settings: &CdseSettings,
        endpoint: &Url,
        keys: &S3Keys,
    ) -> Result<Self, CdseError> {
        let built = AmazonS3Builder::new()
            .with_endpoint(endpoint.as_str().trim_end_matches('/'))
            .with_allow_http(endpoint.scheme() == "http")
            .with_virtual_hosted_style_request(false)
            .with_bucket_name(&settings.bucket)
            .with_region(REGION)
            .with_access_key_id(keys.id.expose_secret())
            .with_secret_access_key(keys.secret.expose_secret())
            .with_retry(retry(settings.retry))
            .build();
        // Its words may name a setting's value.
        let store = built.map_err(|_| CdseError::Setting {
            setting: "endpoint",
            why: "no object storage can be reached by it".to_owned(),
        })?;
        let throttle = Throttle::new(Rate::default().with_requests_per_second(REQUESTS_PER_SECOND));
        let limited = LimitStore::new(throttle.before(Arc::new(store)), CONNECTIONS);
        Ok(Self {
            store: Arc::new(limited),
            name: settings.bucket.clone(),
        })
    }

    /// The key of a folder that a list names as `s3://eodata/CLMS/...`.
    pub(super) fn folder(&self, s3_path: &str) -> Path {
        let key = s3_path
            .trim()
            .strip_prefix("s3://")
            .unwrap_or(s3_path.trim());
        let key = key.trim_matches('/');
        let own = key
            .strip_prefix(self.name.as_str())
            .and_then(|key| key.strip_prefix('/'));
        Path::from(own.unwrap_or(key))
    }

    /// How others name an object.
    fn address(&self, path: &Path) -> String {
        format!("s3://{}/{path}", self.name)
    }

    /// Names of the files right in a folder. One request for each 1000; the folder of a product has some ten.
    pub(super) async fn files(&self, folder: &Path) -> Result<Vec<String>, object_store::Error> {
        let mut names = Vec::new();
        let mut listed = self.store.list(Some(folder)).take(MOST_FILES);
        while let Some(object) = listed.next().await {
            let object = object.map_err(|why| refused(folder, why))?;
            let below = object.location.prefix_match(folder);
            let mut below = below.into_iter().flatten();
            if let (Some(name), None) = (below.next(), below.next()) {
                names.push(name.as_ref().to_owned());
            }
        }
        Ok(names)
    }
}

/// Listings that are refused come as any other failure.
fn refused(folder: &Path, why: object_store::Error) -> object_store::Error {
    let mut cause: Option<&dyn Error> = Some(&why);
    while let Some(error) = cause {
        let said = error.to_string();
        if ["401 Unauthorized", "403 Forbidden"]
            .iter()
            .any(|status| said.contains(status))
        {
            return object_store::Error::PermissionDenied {
                path: folder.to_string(),
                source: why.into(),
            };
        }
        cause = error.source();
    }
    why
}

fn retry(policy: RetryPolicy) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: policy.base_delay,
            max_backoff: policy.max_delay,
            base: 2.0,
        },
        max_retries: policy.max_attempts.saturating_sub(1) as usize,
        retry_timeout: policy.max_elapsed,
    }
}

/// Which file of a folder it is.
pub(super) type Recognise = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A file of a product. Its name is known as a rule; where it is not so, its folder is listed when it is read first.
pub(super) struct ProductFile {
    bucket: Bucket,
    folder: Path,
    /// The address that is likely.
    name: String,
    guess: Option<Path>,
    recognise: Recognise,
    found: OnceCell<Found>,
}

/// A file, as it is really called.
struct Found {
    name: String,
    reader: ObjectReader,
}

impl fmt::Debug for ProductFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProductFile").field(&self.name).finish()
    }
}

impl ProductFile {
    /// The file of a folder that is probably called `guess`, and that `recognise` tells from others.
    pub(super) fn new(
        bucket: &Bucket,
        folder: Path,
        guess: Option<String>,
        recognise: Recognise,
    ) -> Self {
        let guess = guess.map(|name| folder.clone().join(name));
        Self {
            bucket: bucket.clone(),
            name: bucket.address(guess.as_ref().unwrap_or(&folder)),
            folder,
            guess,
            recognise,
            found: OnceCell::new(),
        }
    }

    fn found(&self, path: Path) -> Found {
        Found {
            name: self.bucket.address(&path),
            reader: ObjectReader::new(Arc::clone(&self.bucket.store), path),
        }
    }

    fn not_found(&self) -> RangeError {
        RangeError::NotFound {
            name: self.name.clone(),
        }
    }

    /// By a look into the folder.
    async fn look(&self) -> Result<Found, RangeError> {
        tracing::debug!(folder = %self.folder, "looking for a file");
        let names = self.bucket.files(&self.folder).await;
        let names = names.map_err(|why| RangeError::of_store(self.folder.as_ref(), why))?;
        let name = names
            .iter()
            .find(|name| (self.recognise)(name))
            .ok_or_else(|| self.not_found())?;
        Ok(self.found(self.folder.clone().join(name.as_str())))
    }
}

#[async_trait]
impl RangeReader for ProductFile {
    fn name(&self) -> &str {
        self.found.get().map_or(&self.name, |found| &found.name)
    }

    async fn read(&self, range: Range<u64>) -> Result<Part, RangeError> {
        if let Some(found) = self.found.get() {
            return found.reader.read(range).await;
        }
        if let Some(guess) = &self.guess {
            let found = self.found(guess.clone());
            match found.reader.read(range.clone()).await {
                Err(RangeError::NotFound { .. }) => {}
                outcome => {
                    if outcome.is_ok() {
                        let _ = self.found.set(found);
                    }
                    return outcome;
                }
            }
        }
        self.found
            .get_or_try_init(|| self.look())
            .await?
            .reader
            .read(range)
            .await
    }
}
