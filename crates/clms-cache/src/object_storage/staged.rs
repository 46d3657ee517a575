//! The handle through which a cube is written.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result, UploadPart, memory::InMemory, path::Path, prefix::PrefixStore,
};

use super::sign::{Heartbeat, Signs};
use crate::layout::keys::is_at_root;

/// How many objects are deleted at a time.
const DELETIONS: usize = 16;

/// A handle rooted at a cube that is being written.
///
/// What lies directly at the cube's root, which makes a cube of it, stays in memory until the commit. The rest is written
/// where it belongs, as long as this process shows that it is alive. What arrived is remembered, about 150 bytes for each
/// object, for the commit to compare.
#[derive(Debug)]
pub(super) struct StagedStore {
    inner: PrefixStore<Arc<dyn ObjectStore>>,
    at_root: InMemory,
    heartbeat: Heartbeat,
    signs: Arc<Signs>,
    written: Mutex<HashMap<Path, Written>>,
    uploads: Mutex<Vec<Weak<Upload>>>,
    is_closed: AtomicBool,
}

/// An object as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) size: u64,
    /// `None` if the storage did not tell.
    pub(super) e_tag: Option<String>,
}

/// Nothing is written into a cube after its commit has begun.
#[derive(Debug, thiserror::Error)]
#[error("the cube was committed or discarded already")]
struct Closed;

impl StagedStore {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        prefix: Path,
        heartbeat: Heartbeat,
        signs: Arc<Signs>,
    ) -> Self {
        Self {
            inner: PrefixStore::new(store, prefix),
            at_root: InMemory::new(),
            heartbeat,
            signs,
            written: Mutex::default(),
            uploads: Mutex::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    pub(super) fn heartbeat(&self) -> &Heartbeat {
        &self.heartbeat
    }

    /// Ends all writing: from now on writes fail, and uploads that are not complete are aborted.
    pub(super) async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let uploads = std::mem::take(&mut *lock(&self.uploads));
        for upload in uploads.iter().filter_map(Weak::upgrade) {
            upload.abort().await;
        }
        self.signs.settle().await;
    }

    /// Ends all writing without waiting for anything: as if this process had died, but for others not having to find out.
    pub(super) fn abandon(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.heartbeat.end_in_background();
    }

    /// Forgets the objects that were withheld.
    pub(super) async fn forget_withheld(&self) -> Result<()> {
        for (key, _) in self.withheld().await? {
            self.at_root.delete(&key).await?;
        }
        Ok(())
    }

    /// The objects that were withheld, and what they contain.
    pub(super) async fn withheld(&self) -> Result<Vec<(Path, Bytes)>> {
        let listed: Vec<ObjectMeta> = self.at_root.list(None).try_collect().await?;
        let mut withheld = Vec::new();
        for ObjectMeta { location, .. } in listed {
            let bytes = self.at_root.get(&location).await?.bytes().await?;
            withheld.push((location, bytes));
        }
        Ok(withheld)
    }

    /// The objects that were written, by their keys within the cube.
    pub(super) fn written(&self) -> HashMap<Path, Written> {
        lock(&self.written).clone()
    }

    /// Does `work` while this process surely is the writer.
    async fn guard<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(failed(Closed));
        }
        match self.heartbeat.guard(work).await {
            Ok(done) => done,
            Err(lost) => Err(failed(lost)),
        }
    }

    fn remember(&self, key: &Path, size: u64, put: &PutResult) {
        let e_tag = put.e_tag.clone();
        lock(&self.written).insert(key.clone(), Written { size, e_tag });
    }

    async fn delete_one(&self, key: Path) -> Result<Path> {
        if is_at_root(&key) {
            self.at_root.delete(&key).await?;
        } else {
            self.guard(self.inner.delete(&key)).await?;
            lock(&self.written).remove(&key);
        }
        Ok(key)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(why: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic {
        store: "clms-cache",
        source: Box::new(why),
    }
}

impl fmt::Display for StagedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StagedStore({})", self.inner)
    }
}

/// What users of a staging place hold: the [`StagedStore`] as an object store.
#[derive(Debug, Clone)]
pub(super) struct StagedHandle(pub(super) Arc<StagedStore>);

impl fmt::Display for StagedHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for StagedHandle {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let this = &self.0;
        if is_at_root(key) {
            return this
                .guard(this.at_root.put_opts(key, payload, options))
                .await;
        }
        let size = payload.content_length() as u64;
        let put = this
            .guard(this.inner.put_opts(key, payload, options))
            .await?;
        this.remember(key, size, &put);
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let this = &self.0;
        if is_at_root(key) {
            return this.at_root.put_multipart_opts(key, options).await;
        }
        let inner = this
            .guard(this.inner.put_multipart_opts(key, options))
            .await?;
        let upload = Arc::new(Upload {
            key: key.clone(),
            inner: Mutex::new(Some(inner)),
            signs: Arc::clone(&this.signs),
        });
        let mut uploads = lock(&this.uploads);
        uploads.retain(|upload| upload.strong_count() > 0);
        uploads.push(Arc::downgrade(&upload));
        drop(uploads);
        Ok(Box::new(StagedUpload {
            upload,
            staged: Arc::clone(this),
            size: 0,
        }))
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        if is_at_root(key) {
            self.0.at_root.get_opts(key, options).await
        } else {
            self.0.inner.get_opts(key, options).await
        }
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = Arc::clone(&self.0);
        keys.map(move |key| {
            let this = Arc::clone(&this);
            async move { this.delete_one(key?).await }
        })
        .buffered(DELETIONS)
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let inner = self.0.inner.list(prefix);
        self.0.at_root.list(prefix).chain(inner).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listed = self.0.inner.list_with_delimiter(prefix).await?;
        let at_root = self.0.at_root.list_with_delimiter(prefix).await?;
        listed.objects.extend(at_root.objects);
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let this = &self.0;
        if !is_at_root(from) && !is_at_root(to) {
            this.guard(this.inner.copy_opts(from, to, options)).await?;
            let meta = this.inner.head(to).await?;
            let (size, e_tag) = (meta.size, meta.e_tag);
            lock(&this.written).insert(to.clone(), Written { size, e_tag });
            return Ok(());
        }
        let mode = match options.mode {
            CopyMode::Overwrite => PutMode::Overwrite,
            CopyMode::Create => PutMode::Create,
        };
        let bytes = self.get(from).await?.bytes().await?;
        self.put_opts(to, bytes.into(), mode.into()).await?;
        Ok(())
    }
}

/// An upload in parts that is aborted unless it is completed, whatever happens.
#[derive(Debug)]
struct Upload {
    key: Path,
    inner: Mutex<Option<Box<dyn MultipartUpload>>>,
    signs: Arc<Signs>,
}

impl Upload {
    fn take(&self) -> Option<Box<dyn MultipartUpload>> {
        lock(&self.inner).take()
    }

    async fn abort(&self) {
        if let Some(upload) = self.take() {
            abort(upload, &self.key).await;
        }
    }

    fn abort_in_background(&self, upload: Box<dyn MultipartUpload>) {
        let key = self.key.clone();
        self.signs
            .in_background(async move { abort(upload, &key).await }.boxed());
    }
}

async fn abort(mut upload: Box<dyn MultipartUpload>, key: &Path) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%error, %key, "an unfinished upload was not aborted");
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(upload) = self.take() {
            self.abort_in_background(upload);
        }
    }
}

/// Completes an upload, or sees to it that it is aborted if that fails or is given up in the middle.
struct Completion<'u> {
    upload: Option<Box<dyn MultipartUpload>>,
    of: &'u Upload,
}

impl Drop for Completion<'_> {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            self.of.abort_in_background(upload);
        }
    }
}

#[derive(Debug)]
struct StagedUpload {
    upload: Arc<Upload>,
    staged: Arc<StagedStore>,
    size: u64,
}

#[async_trait]
impl MultipartUpload for StagedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.size += data.content_length() as u64;
        let part = lock(&self.upload.inner)
            .as_mut()
            .map(|upload| upload.put_part(data));
        let staged = Arc::clone(&self.staged);
        async move {
            match part {
                Some(part) => staged.guard(part).await,
                None => Err(failed(Closed)),
            }
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut completion = Completion {
            upload: self.upload.take(),
            of: &self.upload,
        };
        let Some(upload) = &mut completion.upload else {
            return Err(failed(Closed));
        };
        let put = self.staged.guard(upload.complete()).await?;
        completion.upload = None;
        self.staged.remember(&self.upload.key, self.size, &put);
        Ok(put)
    }

    async fn abort(&mut self) -> Result<()> {
        match self.upload.take() {
            Some(mut upload) => upload.abort().await,
            None => Ok(()),
        }
    }
}
