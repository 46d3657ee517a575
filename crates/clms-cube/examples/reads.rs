//! Counts what reading a cube takes: `reads CUBE.zarr` prints the requests of opening it, and the most bytes that one window of 512 x 512
//! pixels takes. The windows are spread over the cube, and each lies in four chunks.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use clms_cube::Dataset;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

const SIDE: u64 = 512;
/// Chunks of the cubes that are measured.
const CHUNK: u64 = 1024;
/// Rows and columns of windows.
const WINDOWS: u64 = 5;

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("a cube is needed")?;
    let store = Arc::new(Counting {
        store: LocalFileSystem::new_with_prefix(folder)?,
        requests: AtomicU64::new(0),
    });
    let open = || Dataset::open_zarr(Arc::clone(&store) as Arc<dyn ObjectStore>);
    let cube = open().await?;
    println!("opening {}", store.requests.load(Ordering::Relaxed));
    let group = cube.group("")?;
    let (Some(grid), Some(variable)) = (&group.grid, group.variables.first()) else {
        return Err("the cube has no variable".into());
    };
    let mut most = 0;
    for number in 0..WINDOWS * WINDOWS {
        let (row, col) = (number / WINDOWS, number % WINDOWS);
        let (rows, cols) = (across_edge(grid.height, row), across_edge(grid.width, col));
        // Opened anew, because what another window has read is not read again.
        let cube = open().await?;
        let before = cube.traffic().bytes;
        cube.read_window("", &variable.name, rows, cols).await?;
        most = most.max(cube.traffic().bytes - before);
    }
    println!("window {most}");
    Ok(())
}

/// Half of it on either side of a chunk's edge, that many fifths of the way.
fn across_edge(size: u64, number: u64) -> std::ops::Range<u64> {
    let edge = size * (number + 1) / (WINDOWS + 1) / CHUNK * CHUNK;
    let start = edge.saturating_sub(SIDE / 2);
    start..(start + SIDE).min(size)
}

#[derive(Debug)]
struct Counting {
    store: LocalFileSystem,
    requests: AtomicU64,
}

impl Counting {
    fn one_more(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "counted {}", self.store)
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put_opts(&self, to: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        self.store.put_opts(to, bytes, how).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(to, how).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.one_more();
        self.store.get_opts(from, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.one_more();
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.one_more();
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}
