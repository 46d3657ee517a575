//! Tiles from a scene to a writer: read ahead by the runtime, written on a thread of their own.

use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::scene::{Scene, Tile};
use super::staging::Staging;
use super::{ExportProgress, ExportReport, ExportState, Format};
use crate::CubeError;

/// Tiles that are read at the same time. Another one waits, and one is being written: each has a few megabytes, and the threads that made it keep its room.
const TILES_AHEAD: usize = 1;

/// Hears how an export goes on, and stops it.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) progress: &'a dyn ExportProgress,
    pub(super) cancel: &'a CancellationToken,
}

impl Watch<'_> {
    /// Waits for what leaves nothing behind when it is given up.
    pub(super) async fn reading<T>(
        &self,
        work: impl Future<Output = Result<T, CubeError>>,
    ) -> Result<T, CubeError> {
        let outcome = self.cancel.run_until_cancelled(work).await;
        outcome.unwrap_or(Err(CubeError::Cancelled))
    }
}

/// What lays tiles down in a file. Used on one thread, which may block.
pub(super) trait TileWriter {
    /// Takes a tile; they come in the order of [`Scene::tiles`].
    fn take(&mut self, tile: Tile) -> Result<(), CubeError>;

    /// Ends the file. `go_on` hears how far this is, from 0 to 1, and stops it with `false`.
    fn finish(self, go_on: &dyn Fn(f64) -> bool) -> Result<(), CubeError>;
}

/// Which tiles a writer takes, and how much of the work they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Rows and columns of a tile.
    pub(super) tile: [u64; 2],
    /// Work that is left when all tiles are written, for each pixel.
    pub(super) finishing: u64,
}

/// Writes all of a scene. The writer is made, used and ended on one thread, which is over when this returns; it stops at the next tile when the future is dropped.
pub(super) async fn write<W: TileWriter>(
    scene: &Arc<Scene>,
    pace: Pace,
    watch: Watch<'_>,
    make: impl FnOnce() -> Result<W, CubeError> + Send + 'static,
) -> Result<(), CubeError> {
    let stop = watch.cancel.child_token();
    let _stop_on_exit = stop.clone().drop_guard();
    let (sender, tiles) = mpsc::channel(1);
    let (finished, mut finishing) = watch::channel(0.0);
    let thread = {
        let stop = stop.clone();
        tokio::task::spawn_blocking(move || run(make, tiles, &finished, &stop))
    };
    let pixels = scene.pixels();
    let total = pixels * (1 + pace.finishing);
    let state = |done: u64| watch.progress.advanced(ExportState { done, total });
    state(0);
    let mut done = 0;
    let mut reads = futures::stream::iter(scene.tiles(pace.tile))
        .map(|place| scene.tile(place))
        .buffered(TILES_AHEAD);
    let mut read = Ok(());
    loop {
        let tile = tokio::select! {
            biased;
            // The thread ends with that error.
            () = stop.cancelled() => break,
            tile = reads.next() => match tile {
                None => break,
                Some(Ok(tile)) => tile,
                Some(Err(error)) => {
                    stop.cancel();
                    read = Err(error);
                    break;
                }
            },
        };
        let of_tile = tile.place.pixels();
        if sender.send(tile).await.is_err() {
            // The thread says why.
            break;
        }
        done += of_tile;
        state(done);
    }
    drop(sender);
    while finishing.changed().await.is_ok() {
        let part: f64 = *finishing.borrow_and_update();
        state(done + (part * (pixels * pace.finishing) as f64) as u64);
    }
    let written = thread
        .await
        .map_err(|error| CubeError::internal("a writing thread", error))?;
    read.and(written)
}

fn run<W: TileWriter>(
    make: impl FnOnce() -> Result<W, CubeError>,
    mut tiles: mpsc::Receiver<Tile>,
    finished: &watch::Sender<f64>,
    stop: &CancellationToken,
) -> Result<(), CubeError> {
    let mut writer = make()?;
    while let Some(tile) = tiles.blocking_recv() {
        if stop.is_cancelled() {
            return Err(CubeError::Cancelled);
        }
        writer.take(tile)?;
    }
    if stop.is_cancelled() {
        return Err(CubeError::Cancelled);
    }
    let ended = writer.finish(&|part| {
        // Nobody may listen any more.
        let _ = finished.send(part);
        !stop.is_cancelled()
    });
    if stop.is_cancelled() {
        return Err(CubeError::Cancelled);
    }
    ended
}

/// Moves what was written to its place and tells of it.
pub(super) fn publish(
    scene: &Scene,
    format: Format,
    staging: &Staging,
) -> Result<ExportReport, CubeError> {
    let bytes = staging.publish()?;
    let grid = &scene.grid;
    let (mut dims, mut shape) = (Vec::new(), Vec::new());
    if let Some(time) = &scene.time {
        dims.push("time".to_owned());
        shape.push(time.numbers.len() as u64);
    }
    dims.extend(["y".to_owned(), "x".to_owned()]);
    shape.extend([grid.height, grid.width]);
    Ok(ExportReport {
        path: staging.target().to_owned(),
        format,
        bytes,
        variables: scene.variables(),
        dims,
        shape,
        crs: Some(scene.crs_name()),
        bbox: Some(grid.bbox()),
        pixel_size: Some(grid.pixel_size()),
        time: scene.first_and_last_time(),
        resampling: scene.resampling,
    })
}
