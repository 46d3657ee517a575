//! From threads that block (GDAL, HDF5, codecs) to asynchronous readers.
//!
//! A blocked thread never drives the runtime: the read is a task of the runtime, and the thread waits on a channel for its outcome.
//! So nothing here panics or locks up on whatever thread a library calls back, as long as another thread drives the runtime, which is
//! so for all work started by [`blocking`].

use std::cell::RefCell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use zarrs::storage::Bytes;

use super::{CachedReader, RangeError, RangeReader};
use crate::CubeError;

thread_local! {
    /// Cancelled when nobody waits for the work of this thread any more.
    static WANTED: RefCell<CancellationToken> = RefCell::new(CancellationToken::new());
}

/// Runs blocking work on one of Tokio's threads for it. When the caller goes away, reads under way end with an error.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CubeError> + Send + 'static,
) -> Result<T, CubeError> {
    let token = CancellationToken::new();
    let _cancel_when_dropped = token.clone().drop_guard();
    let work = move || {
        WANTED.with(|wanted| wanted.replace(token));
        work()
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| CubeError::internal("a reading thread", error))?
}

/// Whether nobody waits any more for the blocking work that this is a part of.
pub(crate) fn is_cancelled() -> bool {
    WANTED.with(|wanted| wanted.borrow().is_cancelled())
}

/// Runs blocking work for each number below `count` on a few threads, which stop with the one that started them; the results in order.
pub(crate) fn on_threads<T: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> Result<T, CubeError> + Sync,
) -> Result<Vec<T>, CubeError> {
    if count <= 1 || threads <= 1 {
        return (0..count).map(work).collect();
    }
    let wanted = WANTED.with(|wanted| wanted.borrow().clone());
    let next = AtomicUsize::new(0);
    let run = || {
        WANTED.with(|own| own.replace(wanted.clone()));
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(done);
            }
            match work(number) {
                Ok(result) => done.push((number, result)),
                Err(error) => {
                    // Nobody needs what is left.
                    next.store(count, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    };
    let parts: Result<Vec<Vec<(usize, T)>>, CubeError> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads.min(count)).map(|_| scope.spawn(run)).collect();
        let panicked = |_| CubeError::internal("a reading thread", "it panicked");
        started
            .into_iter()
            .map(|thread| thread.join().map_err(panicked)?)
            .collect()
    });
    let mut results: Vec<(usize, T)> = parts?.into_iter().flatten().collect();
    results.sort_unstable_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// A way for blocking threads to wait for a runtime.
#[derive(Debug, Clone)]
pub(crate) struct Bridge(Handle);

impl Bridge {
    /// To the runtime that this is called in.
    pub(crate) fn here() -> Self {
        Self(Handle::current())
    }

    /// Waits for a future; `None` when the work was cancelled or the runtime is gone.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let wanted = WANTED.with(|wanted| wanted.borrow().clone());
        let (send, outcome) = mpsc::sync_channel(1);
        self.0.spawn(async move {
            if let Some(value) = wanted.run_until_cancelled_owned(future).await {
                // The receiver waits below.
                let _ = send.send(value);
            }
        });
        outcome.recv().ok()
    }
}

/// A file as blocking libraries read it. Keeps the last failure, which their own errors don't carry.
#[derive(Debug)]
pub(crate) struct FileBytes {
    reader: Arc<CachedReader>,
    bridge: Bridge,
    size: u64,
    failure: Mutex<Option<RangeError>>,
}

impl FileBytes {
    /// Reads the head of the file.
    pub(crate) async fn open(reader: Arc<CachedReader>) -> Result<Self, RangeError> {
        let size = reader.version().await?.size;
        Ok(Self {
            reader,
            bridge: Bridge::here(),
            size,
            failure: Mutex::new(None),
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.reader.name()
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Reads a range within the file; `None` after a failure, which [`FileBytes::take_failure`] gives.
    pub(crate) fn read(&self, range: Range<u64>) -> Option<Bytes> {
        if let Some(bytes) = self.reader.read_cached(&range) {
            return Some(bytes);
        }
        self.read_all(vec![range])?.pop()
    }

    /// The same for several ranges at once.
    pub(crate) fn read_all(&self, ranges: Vec<Range<u64>>) -> Option<Vec<Bytes>> {
        let reader = Arc::clone(&self.reader);
        let read = self
            .bridge
            .wait(async move { reader.read_ranges(&ranges).await });
        let outcome = read.unwrap_or_else(|| {
            Err(RangeError::Cancelled {
                name: self.name().to_owned(),
            })
        });
        let keep = |error| {
            *self.failure() = Some(error);
        };
        outcome.map_err(keep).ok()
    }

    /// The failure behind an error that a library has just given.
    pub(crate) fn take_failure(&self) -> Option<RangeError> {
        self.failure().take()
    }

    /// The failure of a read that a library did not mind, or has hidden: what it made of it can't be trusted.
    pub(crate) fn check(&self) -> Result<(), RangeError> {
        self.take_failure().map_or(Ok(()), Err)
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<RangeError>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
