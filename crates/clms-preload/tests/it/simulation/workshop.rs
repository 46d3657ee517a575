//! The simulated unpacker and builder, and the listener that checks the grammar of events.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clms_cache::Staged;
use clms_preload::{
    BuildOrder, CubeBuilder, EntrySource, JobId, Meter, Problem, ProblemKind, Progress,
    ProgressEvent, UnpackedEntry, UnpackedPackage, Unpacker,
};
use object_store::{ObjectStoreExt as _, path::Path as ObjectPath};
use tokio_util::sync::CancellationToken;

use super::disk::{CHUNKS, View};

/// Copies the package, if it is one.
#[derive(Debug)]
pub(super) struct SimUnpacker(pub(super) View);

/// Makes one chunk after the other.
#[derive(Debug)]
pub(super) struct SimBuilder(pub(super) View);

/// Works for a while, or is stopped.
async fn work(view: &View, cancel: &CancellationToken) -> Result<(), Problem> {
    let millis = view.chance.range(10, 5000);
    tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Problem::new(ProblemKind::Interrupted, "stopped")),
        () = view.clock.millis(millis) => {}
    }
    view.life.check().await;
    Ok(())
}

#[async_trait]
impl Unpacker for SimUnpacker {
    async fn unpack(
        &self,
        archive: &Path,
        into: &Path,
        _: &Meter,
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
        view.append(&place, &content).await;
        Ok(UnpackedPackage {
            entries: vec![UnpackedEntry {
                name: "x.tif".to_owned(),
                len: content.len() as u64,
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
        let Self(view) = self;
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
            // The metadata is there before all chunks are.
            if chunk == 1 {
                let path = ObjectPath::from("zarr.json");
                store.put(&path, content.clone().into()).await.unwrap();
            }
            let path = ObjectPath::from(format!("c/{chunk}"));
            store.put(&path, content.clone().into()).await.unwrap();
            meter.chunks(chunk as u64 + 1, Some(CHUNKS as u64));
        }
        Ok(())
    }
}

/// Checks that the events of each job come in the order that is promised.
#[derive(Debug, Default)]
pub(super) struct Grammar {
    pub(super) state: Mutex<BTreeMap<JobId, &'static str>>,
    pub(super) wrongs: Arc<Mutex<Vec<String>>>,
    pub(super) is_loud: bool,
}

impl Progress for Grammar {
    fn event(&self, event: &ProgressEvent) {
        if self.is_loud {
            eprintln!("    {event:?}");
        }
        let Some(job) = event.job() else { return };
        let mut state = self.state.lock().unwrap();
        let before = state.get(job).copied().unwrap_or("nothing");
        let after = match (before, event) {
            ("nothing", ProgressEvent::JobStarted { .. }) => "started",
            ("started" | "stage", ProgressEvent::StageEntered { .. }) => "stage",
            ("started" | "stage", ProgressEvent::JobEnded { .. }) => "ended",
            (
                "stage",
                ProgressEvent::Amount { .. }
                | ProgressEvent::TaskSeen { .. }
                | ProgressEvent::TaskChosen { .. }
                | ProgressEvent::TaskAbandoned { .. }
                | ProgressEvent::Retrying { .. },
            ) => "stage",
            _ => {
                let wrong = format!("after {before} came {event:?}");
                self.wrongs.lock().unwrap().push(wrong);
                before
            }
        };
        state.insert(job.clone(), after);
    }
}
