//! A handle that remembers what passes through it on its way into a staging place.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result, UploadPart, path::Path,
};

use crate::{
    Checksum,
    checksum::{Content, Passing},
};

/// What was written of a staged cube.
///
/// It keeps about 100 bytes for each object, whatever the object's size. What it cannot know (copies, writes whose end nobody
/// saw, two writes of one object at the same time) it leaves open: [`content`](Self::content) is then `None`, and whoever
/// needs it reads the object.
#[derive(Debug, Default)]
pub(crate) struct Written {
    objects: Mutex<HashMap<Key, Trace>>,
}

/// Stands for a path, in 16 bytes.
type Key = Checksum;

#[derive(Debug, Default)]
struct Trace {
    /// Writes that go on.
    writers: u32,
    /// More than one write went on at a time: which of them came last, nobody knows.
    contested: bool,
    content: Option<Content>,
}

impl Written {
    /// What was written to `path`, if that is known for sure.
    pub(crate) fn content(&self, path: &Path) -> Option<Content> {
        self.objects().get(&key(path))?.content
    }

    /// How many objects are known to be there.
    pub(crate) fn len(&self) -> u64 {
        let objects = self.objects();
        let known = objects.values().filter(|trace| trace.content.is_some());
        known.count() as u64
    }

    fn objects(&self) -> MutexGuard<'_, HashMap<Key, Trace>> {
        // Nothing that is done under the lock can be left half done.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>, path: &Path) -> Write {
        let key = key(path);
        let mut objects = self.objects();
        let trace = objects.entry(key).or_default();
        trace.content = None;
        trace.contested |= trace.writers > 0;
        trace.writers += 1;
        Write {
            written: Arc::clone(self),
            key,
            content: None,
        }
    }

    fn forget(&self, path: &Path) {
        if let Some(trace) = self.objects().get_mut(&key(path)) {
            trace.content = None;
        }
    }
}

fn key(path: &Path) -> Key {
    Checksum::of(path.as_ref().as_bytes())
}

/// A write that goes on; its end, whatever it is, is its drop.
#[derive(Debug)]
struct Write {
    written: Arc<Written>,
    key: Key,
    content: Option<Content>,
}

impl Write {
    fn succeeded(mut self, content: Content) {
        self.content = Some(content);
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        let mut objects = self.written.objects();
        if let Some(trace) = objects.get_mut(&self.key) {
            trace.writers -= 1;
            trace.content = self.content.filter(|_| !trace.contested);
            trace.contested &= trace.writers > 0;
        }
    }
}

/// A handle whose writes are [`Written`] down.
#[derive(Debug)]
pub(crate) struct Recording {
    inner: Arc<dyn ObjectStore>,
    written: Arc<Written>,
}

impl Recording {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, written: Arc<Written>) -> Self {
        Self { inner, written }
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Recording {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let write = self.written.begin(location);
        let mut passing = Passing::new();
        payload.iter().for_each(|bytes| passing.pass(bytes));
        let put = self.inner.put_opts(location, payload, opts).await?;
        write.succeeded(passing.content());
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let write = self.written.begin(location);
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(RecordedUpload {
            inner,
            passing: Passing::new(),
            write: Some(write),
        }))
    }

    crate::forwarding::forward!(
        get_opts,
        get_ranges,
        list,
        list_with_offset,
        list_with_delimiter,
    );

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let written = Arc::clone(&self.written);
        let locations = locations.inspect_ok(move |location| written.forget(location));
        self.inner.delete_stream(locations.boxed())
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let _write = self.written.begin(to);
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let _write = self.written.begin(to);
        self.written.forget(from);
        self.inner.rename_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct RecordedUpload {
    inner: Box<dyn MultipartUpload>,
    passing: Passing,
    /// Until it is over.
    write: Option<Write>,
}

#[async_trait]
impl MultipartUpload for RecordedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        // The parts are put together in the order of these calls, whichever arrives first.
        data.iter().for_each(|bytes| self.passing.pass(bytes));
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let put = self.inner.complete().await?;
        if let Some(write) = self.write.take() {
            write.succeeded(self.passing.content());
        }
        Ok(put)
    }

    async fn abort(&mut self) -> Result<()> {
        self.write = None;
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use object_store::{ObjectStoreExt, memory::InMemory};

    use super::*;
    use crate::checksum::content_of;

    fn recording() -> (Recording, Arc<Written>) {
        let written = Arc::new(Written::default());
        let store = Recording::new(Arc::new(InMemory::new()), Arc::clone(&written));
        (store, written)
    }

    #[tokio::test]
    async fn what_passes_is_known_as_it_would_be_read() {
        let (store, written) = recording();
        let [whole, parts] = ["whole", "parts"].map(Path::from);
        for content in ["first", "second"] {
            store.put(&whole, content.into()).await.unwrap();
            assert_eq!(
                written.content(&whole),
                Some(content_of(&store, &whole).await.unwrap())
            );
        }
        let mut upload = store.put_multipart(&parts).await.unwrap();
        for part in ["a", "bc"] {
            upload.put_part(part.into()).await.unwrap();
            assert_eq!(written.content(&parts), None, "not before the end");
        }
        upload.complete().await.unwrap();
        assert_eq!(
            written.content(&parts),
            Some(content_of(&store, &parts).await.unwrap())
        );
        assert_eq!(written.len(), 2);
        store.delete(&whole).await.unwrap();
        assert_eq!((written.content(&whole), written.len()), (None, 1));
    }

    #[tokio::test]
    async fn what_nobody_saw_to_its_end_is_left_open() {
        let (store, written) = recording();
        let [path, copy] = ["path", "copy"].map(Path::from);
        store.put(&path, "old".into()).await.unwrap();
        let mut upload = store.put_multipart(&path).await.unwrap();
        upload.put_part("new".into()).await.unwrap();
        drop(upload);
        assert_eq!(written.content(&path), None, "it may have arrived or not");

        store.put(&path, "newer".into()).await.unwrap();
        store.copy(&path, &copy).await.unwrap();
        assert!(written.content(&path).is_some());
        assert_eq!(written.content(&copy), None);
        store.rename(&path, &copy).await.unwrap();
        assert_eq!(written.len(), 0);
    }

    #[tokio::test]
    async fn of_two_writes_at_a_time_nobody_knows_which_came_last() {
        let (store, written) = recording();
        let path = Path::from("path");
        let mut first = store.put_multipart(&path).await.unwrap();
        first.put_part("first".into()).await.unwrap();
        store.put(&path, "second".into()).await.unwrap();
        assert_eq!(written.content(&path), None);
        first.complete().await.unwrap();
        assert_eq!(written.content(&path), None);
        store.put(&path, "third".into()).await.unwrap();
        assert!(written.content(&path).is_some(), "it had no rival");
    }
}
