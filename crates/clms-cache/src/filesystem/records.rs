//! Folders of small files next to the cubes: records and manifests, each of whose writes is atomic.

use std::{fmt, fs, fs::File, io, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use object_store::{
    CopyOptions, Error, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result, UploadPart, local::LocalFileSystem, path::Path,
    prefix::PrefixStore,
};
use tokio::task;

use crate::{
    CacheError, Usage,
    durable::is_unfinished,
    error::Doing,
    forwarding::forward,
    layout::{Layout, entries},
    lock::{self, Attempt, LockFile},
};

/// A folder of records. Who writes one holds the gate with others, so that one who holds it alone knows that all unfinished
/// files are those of the dead.
#[derive(Debug)]
pub(super) struct Records {
    inner: PrefixStore<LocalFileSystem>,
    layout: Arc<Layout>,
}

impl Records {
    /// Those in `folder`, which need not exist.
    pub(super) fn new(
        folder: PathBuf,
        layout: Arc<Layout>,
    ) -> std::result::Result<Self, object_store::path::Error> {
        // Rooted at the whole file system, since a LocalFileSystem cannot be rooted at a folder that is not there yet.
        let prefix = Path::from_absolute_path(folder)?;
        let files = LocalFileSystem::new().with_fsync(true);
        let inner = PrefixStore::new(files, prefix);
        Ok(Self { inner, layout })
    }

    async fn gate(&self) -> Result<File> {
        let layout = Arc::clone(&self.layout);
        let gate = task::spawn_blocking(move || {
            layout.create()?;
            lock::share(&layout.records_gate())
        });
        gate.await?.map_err(failed)
    }
}

/// As the object store says it; what the system said is behind it.
fn failed(error: CacheError) -> Error {
    Error::Generic {
        store: "LocalFileSystem",
        source: match error {
            CacheError::Io {
                doing,
                path,
                source,
            } => {
                let why = format!("cannot {doing} {}: {source}", path.display());
                Box::new(io::Error::new(source.kind(), why))
            }
            error => Box::new(error),
        },
    }
}

/// The room that unfinished files take; nothing while anybody writes one.
pub(super) fn unfinished(layout: &Layout) -> std::result::Result<Usage, CacheError> {
    each_unfinished(layout, &mut |_| Ok(()))
}

/// Removes them.
pub(super) fn clear_unfinished(layout: &Layout) -> std::result::Result<bool, CacheError> {
    let remove = |path: &std::path::Path| fs::remove_file(path).doing("remove", path);
    Ok(each_unfinished(layout, &mut { remove })?.objects > 0)
}

fn each_unfinished(
    layout: &Layout,
    work: &mut dyn FnMut(&std::path::Path) -> std::result::Result<(), CacheError>,
) -> std::result::Result<Usage, CacheError> {
    let mut usage = Usage::default();
    let gate = layout.records_gate();
    if !gate.try_exists().doing("look at", &gate)? {
        return Ok(usage);
    }
    let Attempt::Locked(_gate) = LockFile::attempt(&gate, "")? else {
        return Ok(usage);
    };
    let mut folders = vec![layout.records(), layout.manifests()];
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder)? {
            let path = entry.path();
            let metadata = entry.metadata().doing("look at", &path)?;
            if metadata.is_dir() {
                folders.push(path);
            } else if is_unfinished(&path) {
                work(&path)?;
                usage.bytes += metadata.len();
                usage.objects += 1;
            }
        }
    }
    Ok(usage)
}

impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Records {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let _gate = self.gate().await?;
        self.inner.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let gate = self.gate().await?;
        let inner = self.inner.put_multipart_opts(key, options).await?;
        Ok(Box::new(GatedUpload { inner, _gate: gate }))
    }

    forward!(
        get_opts,
        get_ranges,
        delete_stream,
        list,
        list_with_offset,
        list_with_delimiter,
    );

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let _gate = self.gate().await?;
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let _gate = self.gate().await?;
        self.inner.rename_opts(from, to, options).await
    }
}

/// An upload in parts, with the gate held until it is over.
#[derive(Debug)]
struct GatedUpload {
    inner: Box<dyn MultipartUpload>,
    _gate: File,
}

#[async_trait]
impl MultipartUpload for GatedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
