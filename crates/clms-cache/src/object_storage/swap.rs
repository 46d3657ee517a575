//! Objects that are only ever changed by whoever knows what they were.

use bytes::Bytes;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion, path::Path,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::CacheError;

/// What was read, and by what to recognise it when it is changed.
#[derive(Debug, Clone)]
pub(super) struct Versioned<T> {
    pub(super) value: T,
    pub(super) version: UpdateVersion,
}

/// The object at `path`, if there is one.
pub(super) async fn read<T: DeserializeOwned>(
    store: &dyn ObjectStore,
    path: &Path,
) -> Result<Option<Versioned<T>>, CacheError> {
    let found = match store.get(path).await {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let version = UpdateVersion {
        e_tag: found.meta.e_tag.clone(),
        version: found.meta.version.clone(),
    };
    let bytes = found.bytes().await?;
    let value = serde_json::from_slice(&bytes).map_err(|why| CacheError::Unreadable {
        path: path.to_string(),
        why: why.to_string(),
    })?;
    Ok(Some(Versioned { value, version }))
}

/// Puts `value` if the object at `path` is still `known`, or is not there if that is `None`; `None` if it is not.
///
/// No two values may ever be the same: after an error the object is read to see whether this very value arrived. So an
/// answer that was lost on its way, and a request that was sent twice, are no failures.
pub(super) async fn swap<T: Serialize>(
    store: &dyn ObjectStore,
    path: &Path,
    value: &T,
    known: Option<&UpdateVersion>,
) -> Result<Option<UpdateVersion>, CacheError> {
    let mode = match known {
        None => PutMode::Create,
        Some(version) => PutMode::Update(version.clone()),
    };
    swap_bytes(store, path, to_json(path, value)?.into(), mode).await
}

/// The same with any content and condition.
pub(super) async fn swap_bytes(
    store: &dyn ObjectStore,
    path: &Path,
    bytes: Bytes,
    mode: PutMode,
) -> Result<Option<UpdateVersion>, CacheError> {
    let payload = PutPayload::from(bytes.clone());
    let put = store.put_opts(path, payload, PutOptions::from(mode)).await;
    let error = match put {
        Ok(done) => return Ok(Some(done.into())),
        Err(error @ (Error::NotImplemented { .. } | Error::NotSupported { .. })) => {
            return Err(CacheError::NoConditionalPuts {
                why: error.to_string(),
            });
        }
        Err(error) => error,
    };
    if let Ok(there) = store.get(path).await {
        let version = UpdateVersion {
            e_tag: there.meta.e_tag.clone(),
            version: there.meta.version.clone(),
        };
        if there.bytes().await.is_ok_and(|there| there == bytes) {
            return Ok(Some(version));
        }
    }
    match error {
        Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. } => {
            Ok(None)
        }
        error => Err(error.into()),
    }
}

/// Makes sure that the storage refuses what it has to refuse, by trying to change the object at `path` as one must not.
/// What is tried is to put what is there already, so that nothing happens if it is not refused.
pub(super) async fn check_conditions<T: Serialize>(
    store: &dyn ObjectStore,
    path: &Path,
    value: &T,
) -> Result<(), CacheError> {
    let bytes = to_json(path, value)?;
    let wrong = UpdateVersion {
        e_tag: Some(format!("\"{}\"", "0".repeat(32))),
        // Small numbers are generations on some servers.
        version: Some("4611686018427387904".to_owned()),
    };
    for mode in [PutMode::Create, PutMode::Update(wrong)] {
        let put = store
            .put_opts(path, bytes.clone().into(), mode.clone().into())
            .await;
        match put {
            Err(
                Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. },
            ) => {}
            Ok(_) => {
                let condition = match mode {
                    PutMode::Create => "If-None-Match",
                    _ => "If-Match",
                };
                return Err(CacheError::NoConditionalPuts {
                    why: format!("it ignores {condition}"),
                });
            }
            Err(error @ (Error::NotImplemented { .. } | Error::NotSupported { .. })) => {
                return Err(CacheError::NoConditionalPuts {
                    why: error.to_string(),
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn to_json<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, CacheError> {
    serde_json::to_vec(value).map_err(|why| CacheError::Unreadable {
        path: path.to_string(),
        why: why.to_string(),
    })
}
