//! Where a cache is, as people write it.

use std::{path::PathBuf, str::FromStr, sync::Arc};

use url::Url;

use crate::{CacheError, CacheStore, FilesystemCache, StorageOptions};

/// The place of a cache as people write it: a path, or a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheUrl {
    /// A folder of a local or shared file system.
    Folder(PathBuf),
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
            "s3" | "gs" | "az" | "abfs" | "abfss" | "memory" => unsupported(
                &shown,
                "this version keeps cubes in folders only, not in object stores",
            ),
            "http" | "https" => unsupported(
                &shown,
                "this version keeps cubes in folders only, not behind HTTP",
            ),
            _ => unsupported(&shown, "its scheme is unknown"),
        }
    }
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
/// # Errors
/// [`CacheError::UnsupportedLocation`] for what cannot be a cache, [`CacheError::InvalidOption`] for settings that this
/// storage does not have, and those of [`FilesystemCache::open`].
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(text: &str) -> PathBuf {
        let CacheUrl::Folder(path) = text.parse().unwrap();
        path
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
            "gs://secret/",
            "az://secret",
            "memory://secret",
            "http://user:secret@host/",
            "https://secret",
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
