//! The service key: the JSON that a user makes once in the portal's profile page.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

/// A service key of the portal. Cheap to clone; `Debug` shows no secret.
#[derive(Clone)]
pub struct ServiceKey {
    inner: Arc<Inner>,
}

struct Inner {
    client_id: String,
    user_id: String,
    /// As the key spells it: the portal compares the audience of an assertion with this text.
    audience: String,
    token_uri: Url,
    /// Redacts itself in `Debug` and wipes itself when dropped.
    signing_key: EncodingKey,
    title: Option<String>,
    key_id: Option<String>,
    issued: Option<civil::DateTime>,
    ip_range: Option<String>,
}

/// A service key from a file, and what should be said about the file.
#[derive(Debug, Clone)]
pub struct LoadedKey {
    /// The key.
    pub key: ServiceKey,
    /// What the user should change about the file. The key can be used all the same.
    pub warning: Option<KeyFileWarning>,
}

/// The file with the service key can be read by other people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the service key {} can be read by other users of this machine (mode {:04o})", path.display(), mode)]
pub struct KeyFileWarning {
    /// The file.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

impl KeyFileWarning {
    /// The command that closes the file to others.
    pub fn hint(&self) -> String {
        format!("chmod 600 '{}'", self.path.display())
    }
}

/// Why there is no service key. `origin` is the file, or `the given text`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceKeyError {
    /// There is no such file.
    #[error("there is no service key at {}", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file is there but can't be read.
    #[error("can't read the service key {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("{origin} is empty")]
    Empty {
        /// Where it came from.
        origin: String,
    },
    /// The file is there, but it is no text in UTF-8, such as one that Windows' editors save as UTF-16.
    #[error("{} is no text in UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// What is there is no JSON.
    #[error("{origin} is no JSON (line {line}, column {column})")]
    NotJson {
        /// Where it came from.
        origin: String,
        /// Where the JSON breaks off, from 1.
        line: usize,
        /// Where the JSON breaks off, from 1.
        column: usize,
    },
    /// JSON, but no service key.
    #[error("{origin} is no service key of the portal: '{field}' {problem}")]
    NotAServiceKey {
        /// Where it came from.
        origin: String,
        /// The field that is missing or wrong.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Its private key can't sign.
    #[error("the 'private_key' of {origin} is no RSA private key in PEM form: {reason}")]
    NotAnRsaKey {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ServiceKeyError {
    /// A stable word for the kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "service_key_not_found",
            Self::Unreadable { .. } => "service_key_unreadable",
            Self::Empty { .. } => "service_key_empty",
            Self::NotUtf8 { .. } => "service_key_not_utf8",
            Self::NotJson { .. } => "service_key_not_json",
            Self::NotAServiceKey { .. } => "not_a_service_key",
            Self::NotAnRsaKey { .. } => "service_key_not_rsa",
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> String {
        match self {
            Self::NotFound { .. } => {
                "log in at https://land.copernicus.eu, make an API token in your profile, and save its JSON \
                 in that file, or name another file"
            }
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::IsADirectory => {
                "name the file in that folder"
            }
            Self::Unreadable { .. } => "check the owner and the permissions of the file",
            Self::NotUtf8 { .. } => "save it as plain text in UTF-8",
            Self::Empty { .. } | Self::NotJson { .. } | Self::NotAServiceKey { .. } | Self::NotAnRsaKey { .. } => {
                "save the whole JSON text that the portal shows once when it makes the key, or make a new key"
            }
        }
        .to_owned()
    }
}

impl ServiceKey {
    /// Reads a service key from its JSON text.
    ///
    /// # Errors
    /// When the text is no JSON, lacks a field, or its private key can't sign.
    pub fn from_json(text: &str) -> Result<Self, ServiceKeyError> {
        Self::read(text, "the given text")
    }

    /// Reads a service key from a file (a small one, so this blocks).
    ///
    /// # Errors
    /// As [`ServiceKey::from_json`], and when there is no such file or it can't be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<LoadedKey, ServiceKeyError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => ServiceKeyError::NotFound {
                path: path.to_owned(),
            },
            ErrorKind::InvalidData => ServiceKeyError::NotUtf8 {
                path: path.to_owned(),
            },
            _ => ServiceKeyError::Unreadable {
                path: path.to_owned(),
                source,
            },
        })?;
        let text = SecretString::from(text);
        let key = Self::read(text.expose_secret(), &path.display().to_string())?;
        Ok(LoadedKey {
            key,
            warning: open_to_others(path),
        })
    }

    /// The key's public name at the portal.
    pub fn client_id(&self) -> &str {
        &self.inner.client_id
    }

    /// Whose key it is.
    pub fn user_id(&self) -> &str {
        &self.inner.user_id
    }

    /// Where tokens are fetched.
    pub fn token_uri(&self) -> &Url {
        &self.inner.token_uri
    }

    /// The name that the user gave the key.
    pub fn title(&self) -> Option<&str> {
        self.inner.title.as_deref()
    }

    /// The portal's number of the key, needed to revoke it there.
    pub fn key_id(&self) -> Option<&str> {
        self.inner.key_id.as_deref()
    }

    /// When the key was made; the portal names no time zone.
    pub fn issued(&self) -> Option<civil::DateTime> {
        self.inner.issued
    }

    /// The addresses that the key may be used from. From elsewhere the portal hands out a token,
    /// and then refuses every call with it.
    pub fn ip_range(&self) -> Option<&str> {
        self.inner.ip_range.as_deref()
    }

    /// What an assertion must name as its audience.
    pub(crate) fn audience(&self) -> &str {
        &self.inner.audience
    }

    /// Signs claims as an RS256 JWT.
    pub(crate) fn sign<T: Serialize>(
        &self,
        claims: &T,
    ) -> jsonwebtoken::errors::Result<SecretString> {
        sign(claims, &self.inner.signing_key)
    }

    fn read(text: &str, origin: &str) -> Result<Self, ServiceKeyError> {
        // Windows' editors put a byte order mark in front.
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(ServiceKeyError::Empty {
                origin: origin.to_owned(),
            });
        }
        // serde's messages of wrong types would quote what is there, and that may be the secret.
        let value: Value =
            serde_json::from_str(text).map_err(|error| ServiceKeyError::NotJson {
                origin: origin.to_owned(),
                line: error.line(),
                column: error.column(),
            })?;
        let wrong = |field, problem| ServiceKeyError::NotAServiceKey {
            origin: origin.to_owned(),
            field,
            problem,
        };
        let Value::Object(fields) = value else {
            return Err(wrong("client_id", "is missing: this is no JSON object"));
        };
        let required = |field: &'static str| match fields.get(field) {
            None | Some(Value::Null) => Err(wrong(field, "is missing")),
            Some(Value::String(text)) if text.trim().is_empty() => Err(wrong(field, "is blank")),
            Some(Value::String(text)) => Ok(text.trim()),
            Some(_) => Err(wrong(field, "is no text")),
        };
        let client_id = required("client_id")?.to_owned();
        let user_id = required("user_id")?.to_owned();
        let audience = required("token_uri")?.to_owned();
        let token_uri = Url::parse(&audience)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| wrong("token_uri", "is no web address"))?;
        let signing_key = signing_key(required("private_key")?).map_err(|reason| {
            ServiceKeyError::NotAnRsaKey {
                origin: origin.to_owned(),
                reason,
            }
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                client_id,
                user_id,
                audience,
                token_uri,
                signing_key,
                title: optional(&fields, "title"),
                key_id: optional(&fields, "key_id"),
                issued: optional(&fields, "issued").and_then(|text| text.parse().ok()),
                ip_range: optional(&fields, "ip_range"),
            }),
        })
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceKey")
            .field("client_id", &self.inner.client_id)
            .field("user_id", &self.inner.user_id)
            .field("token_uri", &self.inner.audience)
            .field("title", &self.inner.title)
            .field("key_id", &self.inner.key_id)
            .field("ip_range", &self.inner.ip_range)
            .finish_non_exhaustive()
    }
}

fn optional(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let text = fields.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Proves the key by signing with it: a public key or a broken one parses too.
fn signing_key(pem: &str) -> Result<EncodingKey, String> {
    let unreadable = |_| "it can't be read".to_owned();
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(unreadable)?;
    sign(&Map::new(), &key).map_err(|_| "nothing can be signed with it".to_owned())?;
    Ok(key)
}

fn sign<T: Serialize>(claims: &T, key: &EncodingKey) -> jsonwebtoken::errors::Result<SecretString> {
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, key).map(SecretString::from)
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<KeyFileWarning> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then(|| KeyFileWarning {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<KeyFileWarning> {
    None
}
