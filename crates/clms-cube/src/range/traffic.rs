//! Counting what is read.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::{Part, RangeError, RangeReader};

/// What has been read so far, as it came from the store or server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, or reads of a file.
    pub requests: u64,
    /// Bytes received.
    pub bytes: u64,
}

/// Counts on whatever thread.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    requests: AtomicU64,
    bytes: AtomicU64,
    /// What is counted elsewhere and belongs to it.
    parts: Vec<Arc<Meter>>,
}

impl Meter {
    /// The sum of others.
    pub(crate) fn of(parts: Vec<Arc<Self>>) -> Self {
        Self {
            parts,
            ..Self::default()
        }
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn bytes(&self, count: usize) {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn traffic(&self) -> Traffic {
        let own = Traffic {
            requests: self.requests.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        };
        self.parts
            .iter()
            .map(|part| part.traffic())
            .fold(own, |sum, part| Traffic {
                requests: sum.requests + part.requests,
                bytes: sum.bytes + part.bytes,
            })
    }
}

/// Counts the requests and bytes of a reader. Several readers may share one count.
#[derive(Debug)]
pub struct MeteredReader {
    inner: Arc<dyn RangeReader>,
    meter: Arc<Meter>,
}

impl MeteredReader {
    /// With a count of its own.
    #[must_use]
    pub fn new(inner: Arc<dyn RangeReader>) -> Self {
        Self::shared(inner, Arc::default())
    }

    pub(crate) fn shared(inner: Arc<dyn RangeReader>, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }

    /// The count.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.meter.traffic()
    }
}

#[async_trait]
impl RangeReader for MeteredReader {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn read(&self, range: Range<u64>) -> Result<Part, RangeError> {
        // A request that fails is one, too.
        self.meter.request();
        let part = self.inner.read(range).await?;
        self.meter.bytes(part.bytes.len());
        Ok(part)
    }
}
