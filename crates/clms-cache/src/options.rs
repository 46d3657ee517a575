//! Settings of a cache's storage, as people write them.

use std::{collections::BTreeMap, fmt};

use crate::CacheError;

/// Settings of the storage behind a cache, each a key and a value, such as `endpoint=http://localhost:9000`.
///
/// Keys are compared without regard to case, and `-` is `_`. Values may be secrets: `Debug` shows none of them, [`shown`](Self::shown) those
/// that are known to be none.
///
/// ```
/// use clms_cache::StorageOptions;
///
/// let options = StorageOptions::parse(["region=eu-central-1", "skip-signature=true"])?;
/// assert_eq!(options.get("skip_signature"), Some("true"));
/// # Ok::<_, clms_cache::CacheError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StorageOptions(BTreeMap<String, String>);

/// Settings whose values are no secrets. Those that are not listed may be: they are any setting of any provider.
const PLAIN: [&str; 12] = [
    "allow_http",
    "anonymous",
    "bytes_per_second",
    "concurrency",
    "endpoint",
    "lease_time",
    "max_retries",
    "profile",
    "region",
    "requests_per_second",
    "skip_signature",
    "virtual_hosted_style_request",
];

impl StorageOptions {
    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings of which each is `KEY=VALUE`; of several with one key the last one counts.
    ///
    /// # Errors
    /// [`CacheError::InvalidOption`] for a text without `=` or without a key.
    pub fn parse<T: AsRef<str>>(pairs: impl IntoIterator<Item = T>) -> Result<Self, CacheError> {
        pairs.into_iter().try_fold(Self::new(), |options, pair| {
            match pair.as_ref().split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => Ok(options.with(key, value)),
                // The text may be a secret whose key was forgotten.
                _ => Err(CacheError::InvalidOption {
                    key: String::new(),
                    why: "a storage option is KEY=VALUE".to_owned(),
                }),
            }
        })
    }

    /// The same with this setting.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0.insert(normal(key), value.trim().to_owned());
        self
    }

    /// The value of a setting.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(&normal(key)).map(String::as_str)
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All settings by their normalised keys, with those values that are known to be no secrets. An address among them can still hold
    /// a password of its own.
    pub fn shown(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.iter()
            .map(|(key, value)| (key, PLAIN.contains(&key).then_some(value)))
    }

    /// All settings.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

fn normal(key: &str) -> String {
    key.trim().to_ascii_lowercase().replace('-', "_")
}

impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_secret_is_shown() {
        let options = StorageOptions::new()
            .with("Secret-Access-Key", "hush")
            .with("Allow-HTTP", "true")
            .with("what_nobody_knows", "hush");
        let shown: Vec<_> = options.shown().collect();
        assert_eq!(
            shown,
            [
                ("allow_http", Some("true")),
                ("secret_access_key", None),
                ("what_nobody_knows", None)
            ]
        );
    }

    #[test]
    fn values_and_texts_without_a_key_are_not_shown() {
        let options = StorageOptions::parse(["Secret-Access-Key=hush=", "region = eu "]).unwrap();
        assert_eq!(options.get("SECRET_ACCESS_KEY"), Some("hush="));
        assert_eq!(options.get("region"), Some("eu"));
        assert_eq!(format!("{options:?}"), r#"{"region", "secret_access_key"}"#);
        for text in ["hush", "=hush"] {
            let error = StorageOptions::parse([text]).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
        }
    }
}
