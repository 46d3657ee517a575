//! An object store as zarrs reads it on a blocking thread.
//!
//! Other than the adapter of zarrs_object_store, this one keeps the store's error, asks for a part of an object without
//! asking for its size first, and takes keys as they are.

use std::sync::{Arc, Mutex, PoisonError};

use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use zarrs::storage::byte_range::{ByteRange, ByteRangeIterator};
use zarrs::storage::{
    Bytes, MaybeBytes, MaybeBytesIterator, ReadableStorageTraits, StorageError, StoreKey,
};

use crate::CubeError;
use crate::range::{Bridge, Meter};

#[derive(Debug)]
pub(super) struct StoreReader {
    store: Arc<dyn ObjectStore>,
    bridge: Bridge,
    meter: Arc<Meter>,
    /// The last failure, which zarrs can carry as a text only.
    failure: Mutex<Option<CubeError>>,
}

impl StoreReader {
    pub(super) fn new(store: Arc<dyn ObjectStore>, bridge: Bridge, meter: Arc<Meter>) -> Self {
        Self {
            store,
            bridge,
            meter,
            failure: Mutex::new(None),
        }
    }

    pub(super) fn take_failure(&self) -> Option<CubeError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Waits for the store; `None` for an object that doesn't exist.
    fn outcome<T: Send + 'static>(
        &self,
        key: &StoreKey,
        request: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<Option<T>, StorageError> {
        self.meter.request();
        let Some(result) = self.bridge.wait(request) else {
            self.keep(CubeError::Cancelled);
            return Err(StorageError::Other(CubeError::Cancelled.to_string()));
        };
        match result {
            Ok(value) => Ok(Some(value)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => {
                let text = error.to_string();
                self.keep(CubeError::store("read", key.as_str(), error));
                Err(StorageError::Other(text))
            }
        }
    }

    fn keep(&self, error: CubeError) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn count<'a>(&self, parts: impl Iterator<Item = &'a Bytes>) {
        self.meter.bytes(parts.map(Bytes::len).sum());
    }

    fn range(&self, key: &StoreKey, range: ByteRange) -> Result<MaybeBytes, StorageError> {
        let range = match range {
            ByteRange::FromStart(offset, Some(length)) => {
                GetRange::Bounded(offset..offset.saturating_add(length))
            }
            ByteRange::FromStart(offset, None) => GetRange::Offset(offset),
            ByteRange::Suffix(length) => GetRange::Suffix(length),
        };
        let path = path(key)?;
        let options = GetOptions {
            range: Some(range),
            ..GetOptions::default()
        };
        let store = Arc::clone(&self.store);
        let read = self.outcome(key, async move {
            store.get_opts(&path, options).await?.bytes().await
        })?;
        self.count(read.iter());
        Ok(read)
    }
}

fn path(key: &StoreKey) -> Result<Path, StorageError> {
    Path::parse(key.as_str()).map_err(|error| StorageError::Other(error.to_string()))
}

impl ReadableStorageTraits for StoreReader {
    fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        byte_ranges: ByteRangeIterator<'a>,
    ) -> Result<MaybeBytesIterator<'a>, StorageError> {
        let ranges: Vec<ByteRange> = byte_ranges.collect();
        let bounded: Option<Vec<std::ops::Range<u64>>> = ranges
            .iter()
            .map(|range| match range {
                ByteRange::FromStart(offset, Some(length)) => {
                    Some(*offset..offset.saturating_add(*length))
                }
                _ => None,
            })
            .collect();
        let parts: Vec<Bytes> = match bounded {
            // Neighbours are read together.
            Some(bounded) if bounded.len() > 1 => {
                let (store, path) = (Arc::clone(&self.store), path(key)?);
                let read = async move { store.get_ranges(&path, &bounded).await };
                match self.outcome(key, read)? {
                    Some(parts) => {
                        self.count(parts.iter());
                        parts
                    }
                    None => return Ok(None),
                }
            }
            _ => {
                let mut parts = Vec::with_capacity(ranges.len());
                for range in ranges {
                    match self.range(key, range)? {
                        Some(part) => parts.push(part),
                        None => return Ok(None),
                    }
                }
                parts
            }
        };
        Ok(Some(Box::new(parts.into_iter().map(Ok))))
    }

    fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        let (store, path) = (Arc::clone(&self.store), path(key)?);
        let head = self.outcome(key, async move { store.head(&path).await })?;
        Ok(head.map(|meta| meta.size))
    }

    fn supports_get_partial(&self) -> bool {
        true
    }
}
