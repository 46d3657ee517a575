//! An object store that fails when it is told to, for tests.

use std::{
    fmt, io,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures::{FutureExt, StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart, path::Path,
};
use tokio::sync::watch;

/// An object store whose [`Faults`] decide which requests fail, and how.
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use clms_cache::FaultyStore;
/// use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
///
/// let (store, faults) = FaultyStore::new(Arc::new(InMemory::new()));
/// faults.lose_answer_of(1);
/// store.put(&Path::from("done"), "and reported as failed".into()).await.unwrap_err();
/// assert_eq!(store.get(&Path::from("done")).await.unwrap().meta.size, 22);
/// # });
/// ```
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    faults: Faults,
}

/// Decides which requests to a [`FaultyStore`] fail. A clone is about the same store.
///
/// Writes are counted from 1: puts, copies, deletions of one object each, and the beginning, each part, the completion and
/// the abortion of an upload in parts.
#[derive(Debug, Clone)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
    open_uploads: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
    gate: Arc<watch::Sender<bool>>,
}

/// A request, until it is answered to its end.
struct Request(Arc<AtomicUsize>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Debug, Default)]
struct Plan {
    reads: usize,
    writes: usize,
    failing: Range<usize>,
    unanswered: Option<usize>,
    crashes_before: Option<usize>,
    holds_before: Option<usize>,
    holds_before_read: Option<usize>,
    cut_after: Option<u64>,
    was_hit: bool,
}

/// What becomes of a request that is not refused.
enum Outcome {
    Answered,
    /// It is done, and reported as failed.
    Lost,
}

impl Faults {
    /// No faults, for stores to be [told by](FaultyStore::told_by).
    #[must_use]
    pub fn none() -> Self {
        Self {
            plan: Arc::default(),
            open_uploads: Arc::default(),
            under_way: Arc::default(),
            gate: Arc::new(watch::Sender::new(true)),
        }
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many writes there were.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.plan().writes
    }

    /// How many requests there were that write nothing.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.plan().reads
    }

    /// Counts writes from 1 again, and forgets all faults.
    pub fn reset(&self) {
        *self.plan() = Plan::default();
    }

    /// These writes fail, and nothing is done.
    pub fn fail(&self, writes: Range<usize>) {
        self.plan().failing = writes;
    }

    /// That write is done, and reported as failed.
    pub fn lose_answer_of(&self, write: usize) {
        self.plan().unanswered = Some(write);
    }

    /// From that write on nothing at all is done or answered any more, as if the process had died just before.
    pub fn crash_before(&self, write: usize) {
        self.plan().crashes_before = Some(write);
    }

    /// True if anything failed that was to.
    #[must_use]
    pub fn was_hit(&self) -> bool {
        self.plan().was_hit
    }

    /// What is read breaks off after so many bytes of each body.
    pub fn cut_reads_after(&self, bytes: u64) {
        self.plan().cut_after = Some(bytes);
    }

    /// From that write on requests wait, until they are [released](Self::release).
    pub fn hold_before(&self, write: usize) {
        self.plan().holds_before = Some(write);
    }

    /// From that read on requests wait, until they are [released](Self::release).
    pub fn hold_before_read(&self, read: usize) {
        self.plan().holds_before_read = Some(read);
    }

    /// Returns as soon as requests wait.
    pub async fn until_held(&self) {
        let mut gate = self.gate.subscribe();
        gate.wait_for(|is_open| !*is_open).await.ok();
    }

    /// Requests wait from now on.
    pub fn hold(&self) {
        self.gate.send_replace(false);
    }

    fn hold_if(&self, is_reached: impl FnOnce(&Plan) -> bool) {
        if is_reached(&self.plan()) {
            self.hold();
        }
    }

    /// Requests wait no more.
    pub fn release(&self) {
        let mut plan = self.plan();
        (plan.holds_before, plan.holds_before_read) = (None, None);
        drop(plan);
        self.gate.send_replace(true);
    }

    /// How many uploads in parts are neither completed nor aborted.
    #[must_use]
    pub fn open_uploads(&self) -> usize {
        self.open_uploads.load(Ordering::Acquire)
    }

    /// True while a request has passed and is not answered to its end; not while requests wait, since then nobody asks for
    /// those answers.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        *self.gate.borrow() && self.under_way.load(Ordering::Acquire) > 0
    }

    async fn pass_gate(&self) -> Request {
        // That nobody can open it any more is as good.
        self.gate
            .subscribe()
            .wait_for(|is_open| *is_open)
            .await
            .ok();
        self.under_way.fetch_add(1, Ordering::AcqRel);
        Request(Arc::clone(&self.under_way))
    }

    async fn read(&self) -> Result<Request> {
        self.hold_if(|plan| reaches(plan.holds_before_read, plan.reads));
        let request = self.pass_gate().await;
        let mut plan = self.plan();
        plan.reads += 1;
        match plan.crashes_before {
            Some(write) if plan.writes + 1 >= write => {
                plan.was_hit = true;
                Err(refused("the process is dead"))
            }
            _ => Ok(request),
        }
    }

    fn write(&self) -> Result<Outcome> {
        let mut plan = self.plan();
        let write = plan.writes + 1;
        if plan.crashes_before.is_some_and(|crash| write >= crash) {
            plan.was_hit = true;
            return Err(refused("the process is dead"));
        }
        plan.writes = write;
        if plan.failing.contains(&write) {
            plan.was_hit = true;
            return Err(refused("it fails"));
        }
        if plan.unanswered == Some(write) {
            plan.was_hit = true;
            return Ok(Outcome::Lost);
        }
        Ok(Outcome::Answered)
    }

    async fn written<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.hold_if(|plan| reaches(plan.holds_before, plan.writes));
        let _request = self.pass_gate().await;
        let outcome = self.write()?;
        let done = work.await?;
        match outcome {
            Outcome::Answered => Ok(done),
            Outcome::Lost => Err(refused("its answer is lost")),
        }
    }
}

/// True if the request after so many is `first` or a later one.
fn reaches(first: Option<usize>, requests: usize) -> bool {
    first.is_some_and(|first| requests + 1 >= first)
}

fn refused(why: &'static str) -> Error {
    Error::Generic {
        store: "FaultyStore",
        source: Box::new(io::Error::new(io::ErrorKind::TimedOut, why)),
    }
}

impl FaultyStore {
    /// The store `inner` with faults, of which there are none to begin with.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> (Self, Faults) {
        let faults = Faults::none();
        (Self::told_by(inner, faults.clone()), faults)
    }

    /// The store `inner` with those `faults`, which may be other stores' too.
    #[must_use]
    pub fn told_by(inner: Arc<dyn ObjectStore>, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let put = self.inner.put_opts(key, payload, options);
        self.faults.written(put).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begin = self.inner.put_multipart_opts(key, options);
        let inner = self.faults.written(begin).await?;
        self.faults.open_uploads.fetch_add(1, Ordering::AcqRel);
        Ok(Box::new(FaultyUpload {
            inner,
            faults: self.faults.clone(),
            is_open: true,
        }))
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        let request = self.faults.read().await?;
        let got = self.inner.get_opts(key, options).await?;
        let cut_after = self.faults.plan().cut_after;
        Ok(body_of(request, got, cut_after.unwrap_or(u64::MAX)))
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (inner, faults) = (Arc::clone(&self.inner), self.faults.clone());
        keys.then(move |key| {
            let (inner, faults) = (Arc::clone(&inner), faults.clone());
            async move {
                let key = futures::stream::iter([key]).boxed();
                let deleted = inner.delete_stream(key).try_collect::<Vec<_>>();
                let deleted = faults.written(deleted).await?;
                deleted
                    .into_iter()
                    .next()
                    .ok_or_else(|| refused("nothing is deleted"))
            }
        })
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (faults, listed) = (self.faults.clone(), self.inner.list(prefix));
        let listed = async move {
            let request = faults.read().await?;
            Ok::<_, Error>(listed.inspect(move |_| _ = &request))
        };
        listed.into_stream().try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let _request = self.faults.read().await?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let copy = self.inner.copy_opts(from, to, options);
        self.faults.written(copy).await
    }
}

/// The answer to `request`, whose body breaks off after `limit` bytes.
fn body_of(request: Request, got: GetResult, limit: u64) -> GetResult {
    let GetResultPayload::Stream(body) = got.payload else {
        return got;
    };
    let mut left = limit;
    let body = body
        .map(move |bytes| {
            let _ = &request;
            let bytes = bytes?;
            match left.checked_sub(bytes.len() as u64) {
                Some(rest) => {
                    left = rest;
                    Ok(bytes)
                }
                None => Err(refused("the body is cut")),
            }
        })
        .boxed();
    GetResult {
        payload: GetResultPayload::Stream(body),
        ..got
    }
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    faults: Faults,
    is_open: bool,
}

impl FaultyUpload {
    fn close(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.faults.open_uploads.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let part = self.inner.put_part(data);
        let faults = self.faults.clone();
        async move { faults.written(part).await }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let faults = self.faults.clone();
        let complete = async {
            let put = self.inner.complete().await?;
            self.close();
            Ok(put)
        };
        faults.written(complete).await
    }

    async fn abort(&mut self) -> Result<()> {
        let faults = self.faults.clone();
        let abort = async {
            self.inner.abort().await?;
            self.close();
            Ok(())
        };
        faults.written(abort).await
    }
}
