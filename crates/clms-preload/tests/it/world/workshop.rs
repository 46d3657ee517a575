//! The simulated unpacker and builder.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clms_cache::{CacheError, Staged};
use clms_preload::{
    BuildOrder, CubeBuilder, EntrySource, Meter, Problem, ProblemKind, UnpackedEntry,
    UnpackedPackage, Unpacker,
};
use object_store::{ObjectStoreExt as _, path::Path as ObjectPath};
use tokio_util::sync::CancellationToken;

use super::{cache::CHUNKS, disk::View, portal::stopped};

/// What is known of builds, and what a test wants of them.
#[derive(Debug, Default)]
pub(crate) struct Workshop {
    /// How the next builds fail; then they don't.
    pub(crate) failures: Mutex<VecDeque<Problem>>,
    /// What builds take, in bytes, by the order's file.
    pub(crate) memory: Mutex<BTreeMap<String, u64>>,
    /// What the builds that are going on take.
    running: Mutex<Vec<u64>>,
    /// The most builds and the most memory that there were at a time, but for builds that were alone.
    pub(crate) most: Mutex<(usize, u64)>,
}

/// A build that is going on.
struct Running<'w>(&'w Workshop, u64);

impl Workshop {
    fn begin(&self, memory: u64) -> Running<'_> {
        let mut running = self.running.lock().unwrap();
        running.push(memory);
        let mut most = self.most.lock().unwrap();
        most.0 = most.0.max(running.len());
        if running.len() > 1 {
            most.1 = most.1.max(running.iter().sum());
        }
        Running(self, memory)
    }

    fn memory_of(&self, build: &BuildOrder<'_>) -> Option<u64> {
        let file = &build.request.order.file_name;
        self.memory.lock().unwrap().get(file).copied()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.0.running.lock().unwrap();
        let place = running.iter().position(|memory| *memory == self.1);
        running.swap_remove(place.unwrap());
    }
}

/// Copies the package, if it is one.
#[derive(Debug)]
pub(crate) struct SimUnpacker(pub(crate) View);

/// Makes one chunk after the other.
#[derive(Debug)]
pub(crate) struct SimBuilder {
    pub(crate) view: View,
    pub(crate) workshop: Arc<Workshop>,
}

/// Works for a while, or is stopped.
async fn work(view: &View, cancel: &CancellationToken) -> Result<(), Problem> {
    let millis = view.chance.range(10, 5000);
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(stopped()),
        () = view.wait(millis) => Ok(()),
    }
}

fn disk_full() -> Problem {
    Problem::new(ProblemKind::DiskFull, "no space left")
}

#[async_trait]
impl Unpacker for SimUnpacker {
    async fn unpack(
        &self,
        archive: &Path,
        into: &Path,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<UnpackedPackage, Problem> {
        let Self(view) = self;
        work(view, cancel).await?;
        let content = view.read(archive).unwrap();
        if !content.starts_with(b"PK") {
            return Err(Problem::new(ProblemKind::NotAZip, "not a zip archive"));
        }
        if view.chance.fault("unpacking fails", 1) {
            return Err(Problem::new(ProblemKind::Io, "a bad block"));
        }
        let place = into.join("x.tif");
        view.truncate(&place).await;
        if view.chance.fault("disk full while unpacking", 2) {
            view.append(&place, &content[..5]).await;
            return Err(disk_full());
        }
        view.append(&place, &content).await;
        let len = content.len() as u64;
        meter.bytes(len, Some(len));
        Ok(UnpackedPackage {
            entries: vec![UnpackedEntry {
                name: "x.tif".to_owned(),
                len,
                source: EntrySource::File(place),
            }],
            skipped: Vec::new(),
        })
    }
}

#[async_trait]
impl CubeBuilder for SimBuilder {
    async fn build(
        &self,
        build: BuildOrder<'_>,
        staged: &Staged,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<(), Problem> {
        let Self { view, workshop } = self;
        if let Some(planned) = workshop.failures.lock().unwrap().pop_front() {
            return Err(planned);
        }
        let _running = workshop.begin(workshop.memory_of(&build).unwrap_or_default());
        let EntrySource::File(raster) = &build.package.entries[0].source else {
            panic!("only files here")
        };
        let content = view.read(raster).unwrap();
        let store = staged.store();
        for chunk in 0..CHUNKS {
            work(view, cancel).await?;
            if view.chance.fault("building fails for now", 2) {
                let problem = Problem::new(ProblemKind::BuildFailed, "the storage is away");
                return Err(problem.with_retryable(true));
            }
            if view.chance.fault("building fails", 1) {
                return Err(Problem::new(ProblemKind::BuildFailed, "no CRS"));
            }
            if view.chance.fault("disk full while building", 1) {
                view.append(&build.scratch.join("half"), &content).await;
                return Err(disk_full());
            }
            // The metadata is there before all chunks are.
            if chunk == 1 {
                let path = ObjectPath::from("zarr.json");
                let put = store.put(&path, content.clone().into()).await;
                put.map_err(CacheError::from)?;
            }
            let path = ObjectPath::from(format!("c/{chunk}"));
            let put = store.put(&path, content.clone().into()).await;
            put.map_err(CacheError::from)?;
            meter.chunks(chunk as u64 + 1, Some(CHUNKS as u64));
        }
        Ok(())
    }

    async fn memory(&self, build: BuildOrder<'_>) -> Result<Option<u64>, Problem> {
        Ok(self.workshop.memory_of(&build))
    }
}
