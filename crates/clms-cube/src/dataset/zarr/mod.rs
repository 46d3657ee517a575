//! Zarr hierarchies, v2 and v3, in any object store.

mod documents;
mod storage;

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use object_store::ObjectStore;
use serde_json::Value;
use zarrs::array::{
    Array, ArrayBytes, ArrayMetadata, ArrayPartialDecoderTraits, ArraySubset, CodecOptions,
    convert_from_bytes_slice,
};

use super::source::{Request, Source};
use super::span::Span;
use super::{ArrayStructure, DatasetStructure};
use crate::metadata::node_path;
use crate::range::{Bridge, Meter};
use crate::reference::StoredArray;
use crate::{CubeError, Pixels};
use storage::StoreReader;

/// Shards whose indices are kept, over all arrays.
const KEPT_SHARDS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// A shard (array and place) and what decodes parts of it.
type Shards = LruCache<(String, Vec<u64>), Arc<dyn ArrayPartialDecoderTraits>>;

/// A Zarr hierarchy as a source of pixels.
pub(super) struct ZarrSource {
    reader: Arc<StoreReader>,
    /// The documents of all arrays by path.
    documents: HashMap<String, Value>,
    /// Those that have been read.
    arrays: Mutex<HashMap<String, Arc<Array<StoreReader>>>>,
    shards: Mutex<Shards>,
}

impl fmt::Debug for ZarrSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZarrSource")
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

/// Reads the documents of the hierarchy that a store is rooted at.
pub(super) async fn open(
    store: Arc<dyn ObjectStore>,
    meter: &Arc<Meter>,
) -> Result<(DatasetStructure, ZarrSource), CubeError> {
    let (structure, documents) = documents::open(store.as_ref(), meter).await?;
    let source = ZarrSource {
        reader: Arc::new(StoreReader::new(store, Bridge::here(), Arc::clone(meter))),
        documents,
        arrays: Mutex::default(),
        shards: Mutex::new(LruCache::new(KEPT_SHARDS)),
    };
    Ok((structure, source))
}

impl Source for ZarrSource {
    fn read(&self, request: Request<'_>) -> Result<Pixels, CubeError> {
        let path = node_path(request.group, &request.array.name);
        let array = self.array(&path)?;
        let bytes = match &request.array.shards {
            Some(shape) => self.read_shards(&array, &path, shape, &request)?,
            None => {
                let subset = ArraySubset::new_with_ranges(request.ranges);
                let bytes: ArrayBytes<'static> = array
                    .retrieve_array_subset(&subset)
                    .map_err(|error| self.failed(&path, &error))?;
                self.fixed(&path, bytes)?
            }
        };
        Ok(match Wide::of(&self.documents[&path]) {
            Some(wide) => Pixels::Float64(wide.to_f64(&bytes)),
            None => Pixels::from_bytes(request.array.dtype, &bytes),
        })
    }

    fn files(&self) -> Vec<&str> {
        Vec::new()
    }

    fn stored(
        &self,
        _file: usize,
        group: &str,
        array: &ArrayStructure,
    ) -> Result<StoredArray, CubeError> {
        Err(CubeError::NoReference {
            file: "a Zarr hierarchy".to_owned(),
            array: node_path(group, &array.name),
            reason: "it is Zarr, which others open as it is".to_owned(),
        })
    }
}

impl ZarrSource {
    /// An array, opened once.
    fn array(&self, path: &str) -> Result<Arc<Array<StoreReader>>, CubeError> {
        let mut arrays = self.arrays.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(array) = arrays.get(path) {
            return Ok(Arc::clone(array));
        }
        let document = self.documents.get(path).cloned().unwrap_or_default();
        let metadata: ArrayMetadata =
            serde_json::from_value(document).map_err(|error| self.failed(path, &error))?;
        let array =
            Array::new_with_metadata(Arc::clone(&self.reader), &format!("/{path}"), metadata)
                .map_err(|error| self.failed(path, &error))?;
        let array = Arc::new(array);
        arrays.insert(path.to_owned(), Arc::clone(&array));
        Ok(array)
    }

    /// The store's own failure if there was one, else what zarrs says.
    fn failed(&self, path: &str, error: &dyn ToString) -> CubeError {
        self.reader
            .take_failure()
            .unwrap_or_else(|| CubeError::Decode {
                array: path.to_owned(),
                reason: error.to_string(),
            })
    }

    fn fixed(&self, path: &str, bytes: ArrayBytes<'_>) -> Result<Vec<u8>, CubeError> {
        let fixed = bytes.into_fixed();
        fixed
            .map(std::borrow::Cow::into_owned)
            .map_err(|error| self.failed(path, &error))
    }

    /// Reads shard by shard, with the indices of the last used ones at hand.
    fn read_shards(
        &self,
        array: &Array<StoreReader>,
        path: &str,
        shape: &[u64],
        request: &Request<'_>,
    ) -> Result<Vec<u8>, CubeError> {
        let itemsize = stored_itemsize(array, request.array);
        let whole = Span::of(request.ranges);
        let mut bytes = vec![0; whole.len() * itemsize];
        for part in whole.pieces(shape) {
            let parts = part.iter().zip(shape);
            let shard: Vec<u64> = parts
                .clone()
                .map(|(range, size)| range.start / size)
                .collect();
            let local: Vec<Range<u64>> = parts
                .zip(&shard)
                .map(|((range, size), at)| range.start - at * size..range.end - at * size)
                .collect();
            let subset = ArraySubset::new_with_ranges(&local);
            let decoder = self.shard(array, path, &shard)?;
            let decoded = decoder
                .partial_decode(&subset, &CodecOptions::default())
                .map_err(|error| self.failed(path, &error))?;
            whole.paste(&part, &self.fixed(path, decoded)?, &mut bytes, itemsize);
        }
        Ok(bytes)
    }

    fn shard(
        &self,
        array: &Array<StoreReader>,
        path: &str,
        shard: &[u64],
    ) -> Result<Arc<dyn ArrayPartialDecoderTraits>, CubeError> {
        let key = (path.to_owned(), shard.to_vec());
        let shards = || self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shards().get(&key) {
            return Ok(Arc::clone(known));
        }
        let decoder = array
            .partial_decoder_opt(shard, &CodecOptions::default())
            .map_err(|error| self.failed(path, &error))?;
        shards().put(key, Arc::clone(&decoder));
        Ok(decoder)
    }
}

fn stored_itemsize(array: &Array<StoreReader>, structure: &ArrayStructure) -> usize {
    array
        .data_type()
        .fixed_size()
        .unwrap_or_else(|| structure.dtype.itemsize())
}

/// Whole numbers of 64 bits.
enum Wide {
    Signed,
    Unsigned,
}

impl Wide {
    fn of(document: &Value) -> Option<Self> {
        let name = document["data_type"]
            .as_str()
            .or_else(|| document["dtype"].as_str())?;
        match name.trim_start_matches(['<', '>', '|']) {
            "int64" | "i8" => Some(Self::Signed),
            "uint64" | "u8" => Some(Self::Unsigned),
            _ => None,
        }
    }

    fn to_f64(&self, bytes: &[u8]) -> Vec<f64> {
        match self {
            Self::Signed => convert_from_bytes_slice::<i64>(bytes)
                .into_iter()
                .map(|value| value as f64)
                .collect(),
            Self::Unsigned => convert_from_bytes_slice::<u64>(bytes)
                .into_iter()
                .map(|value| value as f64)
                .collect(),
        }
    }
}
