//! From a plan to a cube: blocking workers read and encode, one asynchronous writer stores.
//!
//! Memory stays bounded by the number of workers, not by the product: a worker holds one band of pixels, one chunk high,
//! and the compressed chunks of the shards that it makes.

mod halve;
mod memory;
mod mosaic;
mod pieces;
mod pyramid;
mod settle;
mod shard;
mod unit;
mod worker;

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::dataset::TIME;
use crate::metadata::{self, document_key, node_path};
use crate::plan::{CubePlan, GroupPlan, Note};
use crate::{BuildOptions, CubeError, PackageFiles, ZarrFormat};
pub(crate) use shard::{ChunkCompressor, ShardEncoder, encode_chunk};
use unit::Unit;
use worker::{Job, Shard};

/// Objects written at the same time.
const WRITES: usize = 4;

/// Hears how a build goes on. Called from the task that runs [`build`]; must not block.
pub trait BuildProgress: Send + Sync {
    /// Something was finished.
    fn advanced(&self, state: BuildState);
}

/// Hears nothing.
impl BuildProgress for () {
    fn advanced(&self, _: BuildState) {}
}

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BuildState {
    /// Chunks read and, unless empty, written.
    pub chunks_done: u64,
    /// All chunks of all variables.
    pub chunks_total: u64,
    /// Bytes written to the store.
    pub bytes_written: u64,
}

/// What a build did.
#[derive(Debug, Clone, Serialize)]
pub struct BuildReport {
    /// Which files went into the cube.
    pub files: PackageFiles,
    /// What a person should know.
    pub notes: Vec<Note>,
    /// Chunks of all variables.
    pub chunks: u64,
    /// Those that hold data; the others are fill as a whole and not stored.
    pub chunks_written: u64,
    /// Objects written.
    pub objects: u64,
    /// Bytes written.
    pub bytes_written: u64,
}

/// Builds the cube of a plan into an empty store that is rooted at the cube. The root `zarr.json` (`.zmetadata` in Zarr v2) is written last, so
/// that a cube which was not finished can't be opened.
///
/// Runs its own threads and needs a Tokio runtime. When the future is dropped, the threads stop at the next chunk.
///
/// # Errors
/// What is wrong with a raster or the store, or [`CubeError::Cancelled`]. The store then holds parts of a cube.
pub async fn build(
    mut plan: CubePlan,
    sink: Arc<dyn ObjectStore>,
    progress: &dyn BuildProgress,
    cancel: &CancellationToken,
) -> Result<BuildReport, CubeError> {
    // Stops the workers on every way out, also when this future is dropped.
    let stop = cancel.child_token();
    let _stop_on_exit = stop.clone().drop_guard();
    if !settle::is_settled(&plan) {
        let stop = stop.clone();
        let settled = tokio::task::spawn_blocking(move || settle::settle(plan, &stop));
        plan = settled
            .await
            .map_err(|error| CubeError::internal("looking for a fill value", error))??;
    }
    let job = Arc::new(Job::new(plan));
    job.leave_out_gaps()?;
    let mut writer = Writer::new(sink, progress, &job);
    let workers = worker_count(&job.plan.options);
    // Where the disk is slow, workers wait rather than heap up shards.
    let (sender, mut shards) = mpsc::channel(1);
    let mut threads = tokio::task::JoinSet::new();
    for _ in 0..workers.min(job.units.len()) {
        let (job, sender, stop) = (Arc::clone(&job), sender.clone(), stop.clone());
        threads.spawn_blocking(move || worker::run(&job, &sender, &stop));
    }
    let ahead = (Arc::clone(&job), stop.clone());
    threads.spawn_blocking(move || worker::inflate_ahead(&ahead.0, &ahead.1));
    drop(sender);
    let written = writer.write_shards(&mut shards, cancel).await;
    if written.is_err() {
        stop.cancel();
    }
    drop(shards);
    // No thread may touch the sources once this returns.
    while let Some(ended) = threads.join_next().await {
        if let (Err(error), Ok(())) = (ended, &written) {
            return Err(CubeError::internal("a worker thread", error));
        }
    }
    if !matches!(written, Err(CubeError::Cancelled)) {
        // Also where something else went wrong: damaged bytes can look like anything.
        let job = Arc::clone(&job);
        tokio::task::spawn_blocking(move || job.check_archives())
            .await
            .map_err(|error| CubeError::internal("a worker thread", error))??;
    }
    written?;
    let mut job = Arc::into_inner(job)
        .ok_or_else(|| CubeError::internal("ending a build", "a thread is still at work"))?;
    job.note_differences();
    writer.write_metadata(&job.plan, cancel).await?;
    let Writer {
        state,
        objects,
        chunks_written,
        ..
    } = writer;
    Ok(BuildReport {
        files: job.plan.files.clone(),
        notes: job.plan.notes.clone(),
        chunks: state.chunks_total,
        chunks_written,
        objects,
        bytes_written: state.bytes_written,
    })
}

fn worker_count(options: &BuildOptions) -> usize {
    /// More threads than this wait for memory and disk, not for a core.
    const MOST: usize = 8;
    let usual = || {
        std::thread::available_parallelism()
            .map_or(2, NonZeroUsize::get)
            .min(MOST)
    };
    options.workers.map_or_else(usual, NonZeroUsize::get)
}

/// Stores objects and counts them.
struct Writer<'a> {
    sink: Arc<dyn ObjectStore>,
    progress: &'a dyn BuildProgress,
    state: BuildState,
    objects: u64,
    chunks_written: u64,
}

impl<'a> Writer<'a> {
    fn new(sink: Arc<dyn ObjectStore>, progress: &'a dyn BuildProgress, job: &Job) -> Self {
        let state = BuildState {
            chunks_done: job.chunks_without_tiles,
            chunks_total: job.chunks,
            bytes_written: 0,
        };
        Self {
            sink,
            progress,
            state,
            objects: 0,
            chunks_written: 0,
        }
    }

    async fn write_shards(
        &mut self,
        shards: &mut mpsc::Receiver<Result<Shard, CubeError>>,
        cancel: &CancellationToken,
    ) -> Result<(), CubeError> {
        let mut writes = FuturesUnordered::new();
        let mut open = true;
        self.progress.advanced(self.state);
        while open || !writes.is_empty() {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(CubeError::Cancelled),
                Some(written) = writes.next(), if !writes.is_empty() => {
                    let size: u64 = written?;
                    self.objects += 1;
                    self.state.bytes_written += size;
                    self.progress.advanced(self.state);
                }
                shard = shards.recv(), if open && writes.len() < WRITES => match shard.transpose()? {
                    None => open = false,
                    Some(shard) => {
                        self.state.chunks_done += shard.chunks;
                        self.chunks_written += shard.chunks_written;
                        if shard.objects.is_empty() {
                            self.progress.advanced(self.state);
                        }
                        for (key, bytes) in shard.objects {
                            writes.push(put(Arc::clone(&self.sink), key, bytes));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Coordinates and documents, the root document last.
    async fn write_metadata(
        &mut self,
        plan: &CubePlan,
        cancel: &CancellationToken,
    ) -> Result<(), CubeError> {
        for group in &plan.groups {
            let levels = group.levels.iter().map(|level| group.level_group(level));
            for group in std::iter::once(group.clone()).chain(levels) {
                for (key, bytes) in coordinates(&group, plan.options.zarr_format)? {
                    self.write(key, bytes).await?;
                }
            }
        }
        let documents = metadata::documents(plan);
        let documents = match plan.options.zarr_format {
            ZarrFormat::V3 => documents
                .into_iter()
                .map(|document| (document_key(&document.path), document.content))
                .collect(),
            ZarrFormat::V2 => metadata::documents_v2(&documents),
        };
        for (key, content) in documents {
            if cancel.is_cancelled() {
                return Err(CubeError::Cancelled);
            }
            let bytes = serde_json::to_vec_pretty(&content)
                .map_err(|error| CubeError::internal("writing metadata as JSON", error))?;
            self.write(key, bytes).await?;
        }
        Ok(())
    }

    async fn write(&mut self, key: String, bytes: Vec<u8>) -> Result<(), CubeError> {
        self.state.bytes_written += put(Arc::clone(&self.sink), key, bytes.into()).await?;
        self.objects += 1;
        self.progress.advanced(self.state);
        Ok(())
    }
}

async fn put(sink: Arc<dyn ObjectStore>, key: String, bytes: PutPayload) -> Result<u64, CubeError> {
    // `parse`, because `from` would encode some characters of a name.
    let path = Path::parse(&key).map_err(|error| CubeError::internal("naming an object", error))?;
    let size = bytes.content_length() as u64;
    sink.put(&path, bytes)
        .await
        .map_err(|error| CubeError::store("write", &key, error))?;
    Ok(size)
}

/// The single chunks of `time`, `x` and `y`, and in Zarr v2 of the grid mapping.
fn coordinates(group: &GroupPlan, format: ZarrFormat) -> Result<Vec<(String, Vec<u8>)>, CubeError> {
    let first = match format {
        ZarrFormat::V3 => "c/0",
        ZarrFormat::V2 => "0",
    };
    let key = |name: &str| node_path(&node_path(&group.path, name), first);
    let [y, x] = group.dims();
    let mut chunks = vec![
        (key(&y), encode_chunk(&group.grid.y())?),
        (key(&x), encode_chunk(&group.grid.x())?),
    ];
    if !group.times.is_empty() {
        let numbers = metadata::TimeAxis::of(&group.times).numbers;
        chunks.push((key(TIME), encode_chunk(&numbers)?));
    }
    if format == ZarrFormat::V2 {
        chunks.push((key("spatial_ref"), vec![0; size_of::<i32>()]));
    }
    Ok(chunks)
}

/// Units of work, and the chunks that no tile touches.
impl Job {
    fn new(plan: CubePlan) -> Self {
        let (mut units, mut units_without_tiles) = (Vec::new(), Vec::new());
        let (mut chunks, mut chunks_in_units) = (0, 0);
        for (group_index, group) in plan.groups.iter().enumerate() {
            for (variable_index, variable) in group.variables.iter().enumerate() {
                let stores_all = worker::stores_all(plan.options.zarr_format, variable);
                for step in 0..group.steps(variable) {
                    let all = Unit::all_of(group, group_index, variable_index, step);
                    chunks += all.iter().map(|unit| unit.chunks(group)).sum::<u64>();
                    let tiles = variable.tiles_at(step);
                    let (with_tiles, without): (Vec<_>, Vec<_>) = all
                        .into_iter()
                        .partition(|unit| stores_all || unit.touches(tiles));
                    chunks_in_units += with_tiles
                        .iter()
                        .map(|unit| unit.chunks(group))
                        .sum::<u64>();
                    units.extend(with_tiles);
                    units_without_tiles.extend(without);
                }
            }
        }
        Self::of(
            plan,
            units,
            units_without_tiles,
            chunks,
            chunks - chunks_in_units,
        )
    }
}
