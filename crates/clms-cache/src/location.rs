//! Where a cache is, as people write it.

use std::{path::PathBuf, str::FromStr, sync::Arc};

use url::Url;

use crate::{CacheError, CacheStore, FilesystemCache, StorageOptions, object_storage::connect};

/// The place of a cache as people write it: a path, or a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheUrl {
    /// A folder of a local or shared file system.
    Folder(PathBuf),
    /// An object store: `s3`, `gs`, `az` (or `abfs`), `memory`, or read-only `http` and `https`.
    ObjectStorage(Url),
}

impl FromStr for CacheUrl {
    type Err = CacheError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unsupported = |location: &str, why: &str| {
            Err(CacheError::UnsupportedLocation {
                location: location.to_owned(),
                why: why.to_owned(),
            })
        };
        if text.is_empty() {
            return unsupported(text, "it is empty");
        }
        let scheme = match text.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => scheme.to_ascii_lowercase(),
            _ => return Ok(Self::Folder(text.into())),
        };
        // What follows may hold a password.
        let shown = format!("{scheme}://...");
        match scheme.as_str() {
            "file" => match Url::parse(text).map(|url| url.to_file_path()) {
                Ok(Ok(path)) => Ok(Self::Folder(path)),
                _ => unsupported(
                    &shown,
                    "a file URL has three slashes and an absolute path, as in file:///data/clms",
                ),
            },
            "s3" | "s3a" | "gs" | "az" | "azure" | "abfs" | "abfss" | "http" | "https" => {
                match Url::parse(text) {
                    Ok(url) if url.host_str().is_none_or(str::is_empty) => {
                        unsupported(&shown, "it names no bucket, container or host")
                    }
                    Ok(url) => without_secrets(url),
                    Err(error) => unsupported(&shown, &error.to_string()),
                }
            }
            "memory" => match Url::parse(text) {
                Ok(url) => without_secrets(url),
                Err(error) => unsupported(&shown, &error.to_string()),
            },
            _ => unsupported(&shown, "its scheme is unknown"),
        }
    }
}

/// The place at `url`, which must not hold what belongs in settings: it is shown, logged and written down.
fn without_secrets(url: Url) -> Result<CacheUrl, CacheError> {
    // Azure's URLs have the container before an @.
    let has_user = !url.username().is_empty() && !url.scheme().starts_with(['a']);
    let why = if url.password().is_some() || has_user {
        "credentials do not belong in a URL: give them as storage options, or in the environment"
    } else if url.query().is_some() || url.fragment().is_some() {
        "it has a query or a fragment; in a prefix ? is written as %3F and # as %23"
    } else {
        return Ok(CacheUrl::ObjectStorage(url));
    };
    Err(CacheError::UnsupportedLocation {
        location: format!("{}://...", url.scheme()),
        why: why.to_owned(),
    })
}

/// True if `text` can be the scheme of a URL.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// Opens the cache at `location`, a path or a URL, with settings of its storage.
///
/// | URL | storage | without settings, credentials come from |
/// |---|---|---|
/// | a path, `file:///data/cubes` | a folder | |
/// | `s3://bucket/prefix` | S3 and what speaks like it | `AWS_...`, a profile, the machine's role |
/// | `gs://bucket/prefix` | Google Cloud Storage | `GOOGLE_...`, application default credentials, the machine's role |
/// | `az://container/prefix`, `abfss://container@account.dfs.core.windows.net/prefix` | Azure | `AZURE_...`, managed identity |
/// | `memory://` | this process, a new one with each call | |
/// | `https://host/prefix` | a web server, for reading | |
///
/// Settings are those of the provider by the names of its variables, with or without `AWS_`, `AZURE_STORAGE_` or `GOOGLE_`
/// (`region`, `endpoint`, `access_key_id`, ...), those of its requests (`timeout`, `connect_timeout`, `allow_http`, ...),
/// and ours: `anonymous` (no credentials), `profile` (S3), `concurrency` (requests at a time), `requests_per_second`, `bytes_per_second`, `max_retries`,
/// `retry_timeout`, `retry_backoff`, `retry_max_backoff`, and `lease_time` (how long a lease lives without being renewed).
///
/// # Errors
/// [`CacheError::UnsupportedLocation`] for what cannot be a cache, [`CacheError::InvalidOption`] for settings that this
/// storage does not have, [`CacheError::Settings`] for those it cannot work with, and those of [`FilesystemCache::open`].
pub fn open_cache(
    location: &str,
    options: &StorageOptions,
) -> Result<Arc<dyn CacheStore>, CacheError> {
    match location.parse()? {
        CacheUrl::Folder(path) => {
            if let Some((key, _)) = options.iter().next() {
                return Err(CacheError::InvalidOption {
                    key: key.to_owned(),
                    why: "a cache in a folder has no storage options".to_owned(),
                });
            }
            Ok(Arc::new(FilesystemCache::open(path)?))
        }
        CacheUrl::ObjectStorage(url) => Ok(Arc::new(connect(&url, options)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(text: &str) -> PathBuf {
        match text.parse().unwrap() {
            CacheUrl::Folder(path) => path,
            CacheUrl::ObjectStorage(url) => panic!("{url}"),
        }
    }

    #[test]
    fn paths_and_file_urls_are_folders() {
        assert_eq!(folder("data/cubes"), PathBuf::from("data/cubes"));
        assert_eq!(folder("/data/a|b c%20d"), PathBuf::from("/data/a|b c%20d"));
        assert_eq!(
            folder("file:///data/a%7Cb%20c"),
            PathBuf::from("/data/a|b c")
        );
        assert_eq!(folder("FILE:///data"), PathBuf::from("/data"));
        assert_eq!(folder("./odd://name"), PathBuf::from("./odd://name"));
    }

    #[test]
    fn other_places_are_refused_without_their_secrets() {
        for url in [
            "s3://key:secret@bucket/prefix",
            "s3://secret@bucket/prefix",
            "abfs://container:secret@account/",
            "gs://bucket/prefix?token=secret",
            "http://user:secret@host/",
            "https://host/prefix#secret",
            "s3:///secret",
            "ftp://secret",
            "file://secret/path",
            "",
        ] {
            let error = url.parse::<CacheUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
            assert!(!error.is_retryable() && error.hint().is_some(), "{error}");
        }
    }
}
