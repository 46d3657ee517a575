//! Blocks of a file kept in bounded memory, so that many small reads become few requests.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use lru::LruCache;
use zarrs::storage::Bytes;

use super::{FileVersion, Part, RangeError, RangeReader};

/// Requests of one call that run at the same time.
const CONCURRENT_REQUESTS: usize = 4;

/// Longer runs of blocks are read in several requests, at the same time.
const MAX_REQUEST: u64 = 8 << 20;

/// How a [`CachedReader`] reads and what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheOptions {
    /// Bytes of a block: reads begin and end at multiples of it.
    pub block: u64,
    /// Bytes of the first read of a file, where the metadata of most formats is.
    pub head: u64,
    /// Bytes kept, at most.
    pub capacity: u64,
    /// Bytes that are read beyond what is wanted, at most, when reads follow one another: one block at first, then twice as much each
    /// time.
    pub read_ahead: u64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            block: 16 << 10,
            head: 64 << 10,
            capacity: 8 << 20,
            read_ahead: 128 << 10,
        }
    }
}

/// Reads whole blocks, neighbours in one request, and keeps the last used ones. The first read learns the size and version of the
/// file; a later one of another version is refused. Two calls that miss the same block at the same moment both read it.
#[derive(Debug)]
pub struct CachedReader {
    inner: Arc<dyn RangeReader>,
    options: CacheOptions,
    version: OnceLock<FileVersion>,
    blocks: Mutex<LruCache<u64, Bytes>>,
    sequence: Mutex<Sequence>,
}

/// How far reads have followed one another.
#[derive(Debug, Default)]
struct Sequence {
    /// The block behind the last request.
    next: u64,
    /// Blocks that were read ahead.
    ahead: u64,
}

impl CachedReader {
    /// Over another reader. Nothing is read yet.
    #[must_use]
    pub fn new(inner: Arc<dyn RangeReader>, options: CacheOptions) -> Self {
        let options = CacheOptions {
            block: options.block.max(1),
            ..options
        };
        let kept = usize::try_from(options.capacity / options.block).unwrap_or(usize::MAX);
        Self {
            inner,
            options,
            version: OnceLock::new(),
            blocks: Mutex::new(LruCache::new(
                NonZeroUsize::new(kept).unwrap_or(NonZeroUsize::MIN),
            )),
            sequence: Mutex::default(),
        }
    }

    /// Size and version of the file; reads its head if nothing has been read yet.
    ///
    /// # Errors
    /// Why the file can't be read.
    pub async fn version(&self) -> Result<&FileVersion, RangeError> {
        if let Some(version) = self.version.get() {
            return Ok(version);
        }
        let part = self.inner.read(0..self.options.head.max(1)).await?;
        let version = self.version.get_or_init(|| part.version.clone());
        self.check(&part.version)?;
        self.keep(0, &part.bytes, version.size);
        Ok(version)
    }

    /// Reads several ranges, with as few requests as their places allow. None may reach beyond the end of the file.
    ///
    /// # Errors
    /// Why they can't be read.
    pub async fn read_ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, RangeError> {
        let size = self.version().await?.size;
        for range in ranges {
            if range.end > size || range.start > range.end {
                return Err(RangeError::Truncated {
                    name: self.name().to_owned(),
                    offset: range.start,
                    wanted: range.end.saturating_sub(range.start),
                    got: size.saturating_sub(range.start),
                });
            }
        }
        let (mut blocks, missing) = self.find(ranges);
        let requests = futures::stream::iter(self.requests(&missing, size));
        let parts: Vec<(u64, Bytes)> = requests
            .map(|(first, range)| async move {
                let part = self.inner.read(range.clone()).await?;
                self.check(&part.version)?;
                if part.bytes.len() as u64 != range.end - range.start {
                    return Err(RangeError::Truncated {
                        name: self.name().to_owned(),
                        offset: range.start,
                        wanted: range.end - range.start,
                        got: part.bytes.len() as u64,
                    });
                }
                Ok((first, part.bytes))
            })
            .buffer_unordered(CONCURRENT_REQUESTS)
            .try_collect()
            .await?;
        for (first, bytes) in parts {
            self.keep(first, &bytes, size);
            let block = self.options.block as usize;
            for (number, start) in (first..).zip((0..bytes.len()).step_by(block)) {
                blocks.insert(number, bytes.slice(start..bytes.len().min(start + block)));
            }
        }
        let whole = |range: &Range<u64>| self.assemble(&blocks, range);
        ranges.iter().map(whole).collect()
    }

    /// A range of which every block is at hand; costs no request and does not wait.
    pub(crate) fn read_cached(&self, range: &Range<u64>) -> Option<Bytes> {
        let (blocks, missing) = self.find(std::slice::from_ref(range));
        if missing.is_empty() {
            self.assemble(&blocks, range).ok()
        } else {
            None
        }
    }

    fn blocks(&self) -> MutexGuard<'_, LruCache<u64, Bytes>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The blocks under some ranges that are at hand, and the sorted numbers of those that are not.
    fn find(&self, ranges: &[Range<u64>]) -> (HashMap<u64, Bytes>, Vec<u64>) {
        let (mut found, mut missing) = (HashMap::new(), Vec::new());
        let mut cache = self.blocks();
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            for number in range.start / self.options.block..=(range.end - 1) / self.options.block {
                match cache.get(&number) {
                    Some(bytes) => {
                        found.insert(number, bytes.clone());
                    }
                    None => missing.push(number),
                }
            }
        }
        missing.sort_unstable();
        missing.dedup();
        (found, missing)
    }

    /// Requests for blocks: the first block's number and the bytes. One block between two wanted ones is read with them.
    fn requests(&self, missing: &[u64], size: u64) -> Vec<(u64, Range<u64>)> {
        let block = self.options.block;
        let most = (MAX_REQUEST / block).max(1);
        let mut runs: Vec<Range<u64>> = Vec::new();
        for number in missing {
            match runs.last_mut() {
                Some(run) if *number <= run.end + 1 && *number - run.start < most => {
                    run.end = number + 1;
                }
                _ => runs.push(*number..number + 1),
            }
        }
        if let [run] = &mut runs[..] {
            run.end += self.ahead(run);
        }
        let bytes = |run: Range<u64>| {
            (
                run.start,
                run.start * block..run.end.saturating_mul(block).min(size),
            )
        };
        runs.into_iter().map(bytes).collect()
    }

    /// Blocks to read beyond a run, if it goes on where the last one ended.
    fn ahead(&self, run: &Range<u64>) -> u64 {
        let mut sequence = self.sequence.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.options.read_ahead / self.options.block;
        sequence.ahead = if run.start == sequence.next && run.start > 0 {
            (sequence.ahead * 2).clamp(1, most.max(1)).min(most)
        } else {
            0
        };
        sequence.next = run.end + sequence.ahead;
        sequence.ahead
    }

    fn assemble(
        &self,
        blocks: &HashMap<u64, Bytes>,
        range: &Range<u64>,
    ) -> Result<Bytes, RangeError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let size = self.options.block;
        let mut whole = Vec::new();
        for number in range.start / size..=(range.end - 1) / size {
            let origin = number * size;
            let start = range.start.max(origin) - origin;
            let end = range.end.min(origin + size) - origin;
            let part = blocks
                .get(&number)
                .and_then(|bytes| bytes.get(start as usize..end as usize));
            let part = part.ok_or_else(|| RangeError::Truncated {
                name: self.name().to_owned(),
                offset: range.start,
                wanted: range.end - range.start,
                got: whole.len() as u64,
            })?;
            if whole.is_empty() && part.len() as u64 == range.end - range.start {
                let bytes = &blocks[&number];
                return Ok(bytes.slice(start as usize..end as usize));
            }
            whole.extend_from_slice(part);
        }
        Ok(whole.into())
    }

    /// Keeps the whole blocks of a run. A run that would push everything else out is not kept.
    fn keep(&self, first: u64, bytes: &Bytes, size: u64) {
        let block = self.options.block as usize;
        let mut cache = self.blocks();
        if bytes.len() / block > cache.cap().get() / 2 && first > 0 {
            return;
        }
        for (number, start) in (first..).zip((0..bytes.len()).step_by(block)) {
            let end = start + block;
            let is_last = number * self.options.block + self.options.block >= size;
            if end <= bytes.len() || is_last {
                // A copy, so that a block does not keep all of a long answer in memory.
                let part = Bytes::copy_from_slice(&bytes[start..end.min(bytes.len())]);
                cache.put(number, part);
            }
        }
    }

    fn check(&self, version: &FileVersion) -> Result<(), RangeError> {
        match self.version.get() {
            Some(known) if known != version => Err(RangeError::Changed {
                name: self.name().to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl RangeReader for CachedReader {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn read(&self, range: Range<u64>) -> Result<Part, RangeError> {
        let version = self.version().await?.clone();
        let range = range.start..range.end.min(version.size);
        let mut parts = self.read_ranges(&[range]).await?;
        Ok(Part {
            bytes: parts.pop().unwrap_or_default(),
            version,
        })
    }
}
