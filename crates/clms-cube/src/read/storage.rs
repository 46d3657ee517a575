//! An object store as zarrs reads it on a blocking thread.
//!
//! Other than the adapter of zarrs_object_store, this one keeps the store's error, asks for a part of an object without
//! asking for its size first, and takes keys as they are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;
use zarrs::storage::byte_range::{ByteRange, ByteRangeIterator};
use zarrs::storage::{
    Bytes, MaybeBytes, MaybeBytesIterator, ReadableStorageTraits, StorageError, StoreKey,
};

use crate::CubeError;

#[derive(Debug)]
pub(super) struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
    bytes_read: Arc<AtomicU64>,
    /// The last failure, which zarrs can carry as a text only.
    failure: Mutex<Option<CubeError>>,
}

impl ObjectReader {
    /// Must be called within a Tokio runtime.
    pub(super) fn new(store: Arc<dyn ObjectStore>, bytes_read: Arc<AtomicU64>) -> Self {
        Self {
            store,
            runtime: Handle::current(),
            bytes_read,
            failure: Mutex::new(None),
        }
    }

    pub(super) fn take_failure(&self) -> Option<CubeError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// `None` for an object that doesn't exist.
    fn outcome<T>(
        &self,
        key: &StoreKey,
        result: object_store::Result<T>,
    ) -> Result<Option<T>, StorageError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => {
                let text = error.to_string();
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                *failure = Some(CubeError::store("read", key.as_str(), error));
                Err(StorageError::Other(text))
            }
        }
    }

    fn count<'a>(&self, parts: impl Iterator<Item = &'a Bytes>) {
        let bytes: usize = parts.map(Bytes::len).sum();
        self.bytes_read.fetch_add(bytes as u64, Ordering::Relaxed);
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
        let read = self
            .runtime
            .block_on(async { self.store.get_opts(&path, options).await?.bytes().await });
        let read = self.outcome(key, read)?;
        self.count(read.iter());
        Ok(read)
    }
}

fn path(key: &StoreKey) -> Result<Path, StorageError> {
    Path::parse(key.as_str()).map_err(|error| StorageError::Other(error.to_string()))
}

impl ReadableStorageTraits for ObjectReader {
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
                let read = self
                    .runtime
                    .block_on(self.store.get_ranges(&path(key)?, &bounded));
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
        let head = self.runtime.block_on(self.store.head(&path(key)?));
        Ok(self.outcome(key, head)?.map(|meta| meta.size))
    }

    fn supports_get_partial(&self) -> bool {
        true
    }
}
