//! A cache that is broken on purpose.

use std::{fmt, fs, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use clms_cache::{
    CacheError, CacheStore, CubeInfo, CubeName, FilesystemCache, Generation, Lease, Local,
    Maintain, Staged, Usage,
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult,
    local::LocalFileSystem, path::Path,
};
use tokio::sync::Mutex;

/// A cache with one fault.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: FilesystemCache,
    fault: Fault,
    one_at_a_time: Mutex<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    ListsNothing,
    ListsTwice,
    ListsStaged,
    LooksUpEverything,
    CountsTooFew,
    OpensAnother,
    OpensWhatComes,
    StagesInPlace,
    StagesInOneFolder,
    StartsFromTheOld,
    CommitsNothing,
    CommitsAnything,
    DiscardsByCommit,
    RemovesNothing,
    RemovesAll,
    LeasesToAll,
    LeasesOneAtATime,
    HidesTheHolder,
    ForgetsRecords,
    RecordsAmongCubes,
    ScratchAmongCubes,
    ConfusesNames,
    MixesGenerations,
    LeavesUploads,
    TearsCubes,
    TearsRecords,
}

impl Faulty {
    pub(crate) fn new(inner: FilesystemCache, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            one_at_a_time: Mutex::new(()),
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn named(&self, name: &CubeName) -> CubeName {
        if self.is(Fault::ConfusesNames) {
            CubeName::new(name.as_str().replace("%7C", "|")).unwrap()
        } else {
            name.clone()
        }
    }

    fn in_root(&self) -> Arc<dyn ObjectStore> {
        fs::create_dir_all(self.inner.location()).unwrap();
        Arc::new(LocalFileSystem::new_with_prefix(self.inner.location()).unwrap())
    }

    /// A handle on the folder where the cube belongs.
    fn in_place(&self, name: &CubeName) -> Arc<dyn ObjectStore> {
        let folder = self.inner.cube_location(name);
        fs::create_dir_all(&folder).unwrap();
        Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap())
    }
}

#[async_trait]
impl CacheStore for Faulty {
    fn location(&self) -> &str {
        self.inner.location()
    }

    fn cube_location(&self, name: &CubeName) -> String {
        self.inner.cube_location(&self.named(name))
    }

    fn list(&self) -> BoxStream<'static, Result<CubeInfo, CacheError>> {
        match self.fault {
            Fault::ListsNothing => stream::empty().boxed(),
            Fault::ListsTwice => self.inner.list().chain(self.inner.list()).boxed(),
            Fault::ListsStaged => {
                let staging = self.inner.scratch_folder().with_file_name("staging");
                let places: Vec<_> = fs::read_dir(staging)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .collect();
                let staged = places
                    .into_iter()
                    .filter(|place| place.path().is_dir())
                    .map(|_| {
                        Ok(CubeInfo::new(
                            CubeName::new("forest|2018").unwrap(),
                            String::new(),
                            Timestamp::UNIX_EPOCH,
                        ))
                    });
                self.inner
                    .list()
                    .chain(stream::iter(staged.collect::<Vec<_>>()))
                    .boxed()
            }
            _ => self.inner.list(),
        }
    }

    async fn look_up(&self, name: &CubeName) -> Result<Option<CubeInfo>, CacheError> {
        if self.is(Fault::LooksUpEverything) {
            return Ok(Some(CubeInfo::new(
                name.clone(),
                String::new(),
                Timestamp::UNIX_EPOCH,
            )));
        }
        self.inner.look_up(&self.named(name)).await
    }

    async fn usage(&self, name: &CubeName) -> Result<Usage, CacheError> {
        let mut usage = self.inner.usage(&self.named(name)).await?;
        if self.is(Fault::CountsTooFew) {
            usage.objects -= 1;
        }
        Ok(usage)
    }

    async fn open(&self, name: &CubeName) -> Result<Arc<dyn ObjectStore>, CacheError> {
        let store = self.inner.open(&self.named(name)).await?;
        if self.is(Fault::OpensAnother) {
            return Ok(self.inner.records());
        }
        if self.is(Fault::OpensWhatComes) {
            return Ok(self.in_place(name));
        }
        Ok(store)
    }

    async fn stage(&self, name: &CubeName) -> Result<Staged, CacheError> {
        let staged = self.inner.stage(&self.named(name)).await?;
        match self.fault {
            Fault::StagesInPlace => Ok(Staged::new(name.clone(), in_place(), self.in_place(name))),
            Fault::StagesInOneFolder => {
                let name = CubeName::new("one").unwrap();
                Ok(Staged::new(
                    staged.name().clone(),
                    in_place(),
                    self.in_place(&name),
                ))
            }
            Fault::StartsFromTheOld => {
                if let Ok(old) = self.inner.open(name).await {
                    let objects: Vec<_> = old.list(None).collect().await;
                    for meta in objects.into_iter().flatten() {
                        let bytes = old.get(&meta.location).await?.bytes().await?;
                        staged.store().put(&meta.location, bytes.into()).await?;
                    }
                }
                Ok(staged)
            }
            _ => Ok(staged),
        }
    }

    async fn commit(&self, staged: Staged) -> Result<CubeInfo, CacheError> {
        if *staged.generation() == in_place() {
            let found = self.inner.look_up(staged.name()).await?;
            return found.ok_or(CacheError::NotWhole {
                name: staged.name().clone(),
            });
        }
        if self.is(Fault::CommitsAnything) {
            let path = Path::from("zarr.json");
            if staged.store().head(&path).await.is_err() {
                staged.store().put(&path, "{}".into()).await?;
            }
        }
        if self.is(Fault::CommitsNothing) {
            let info = CubeInfo::new(staged.name().clone(), String::new(), Timestamp::UNIX_EPOCH);
            self.inner.discard(staged).await?;
            return Ok(info);
        }
        let _guard = self.one_at_a_time.lock().await;
        if self.is(Fault::MixesGenerations)
            && let Ok(old) = self.inner.open(staged.name()).await
        {
            let path = Path::from("band/c/0/0");
            let bytes = old.get(&path).await?.bytes().await?;
            staged.store().put(&path, bytes.into()).await?;
        }
        let committed = self.inner.commit(staged).await?;
        if self.is(Fault::LeavesUploads) {
            fs::write(format!("{}/band/c/0/0#1", committed.location), "torn").unwrap();
        }
        if self.is(Fault::TearsCubes) {
            let file = fs::File::options()
                .write(true)
                .open(format!("{}/zarr.json", committed.location));
            file.unwrap().set_len(1).unwrap();
        }
        Ok(committed)
    }

    async fn discard(&self, staged: Staged) -> Result<(), CacheError> {
        if self.is(Fault::DiscardsByCommit) {
            return self.inner.commit(staged).await.map(|_| ());
        }
        if *staged.generation() == in_place() {
            return Ok(());
        }
        self.inner.discard(staged).await
    }

    async fn remove(&self, name: &CubeName) -> Result<bool, CacheError> {
        match self.fault {
            Fault::RemovesNothing => Ok(self.inner.look_up(name).await?.is_some()),
            Fault::RemovesAll => {
                let cubes: Vec<_> = self.inner.list().collect().await;
                for cube in cubes {
                    self.inner.remove(&cube?.name).await?;
                }
                Ok(true)
            }
            _ => self.inner.remove(&self.named(name)).await,
        }
    }

    async fn lease(&self, name: &CubeName, holder: &str) -> Result<Lease, CacheError> {
        match self.fault {
            Fault::LeasesToAll => Ok(Lease::new(name.clone(), ())),
            Fault::LeasesOneAtATime => {
                self.inner
                    .lease(&CubeName::new("the only one").unwrap(), holder)
                    .await
            }
            Fault::HidesTheHolder => self.inner.lease(name, "").await,
            _ => self.inner.lease(&self.named(name), holder).await,
        }
    }

    fn records(&self) -> Arc<dyn ObjectStore> {
        match self.fault {
            Fault::ForgetsRecords => Arc::new(object_store::memory::InMemory::new()),
            Fault::RecordsAmongCubes => self.in_root(),
            Fault::TearsRecords => Arc::new(TwoSteps(self.inner.records())),
            _ => self.inner.records(),
        }
    }

    fn as_local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn as_maintain(&self) -> Option<&dyn Maintain> {
        self.inner.as_maintain()
    }
}

impl Local for Faulty {
    fn scratch_folder(&self) -> PathBuf {
        match self.fault {
            Fault::ScratchAmongCubes => self.inner.location().into(),
            _ => self.inner.scratch_folder(),
        }
    }
}

/// Marks a staging place of this cache's own.
fn in_place() -> Generation {
    Generation::parse(&"0".repeat(32)).unwrap()
}

/// Puts the first byte of an object, then all of it.
#[derive(Debug)]
struct TwoSteps(Arc<dyn ObjectStore>);

impl fmt::Display for TwoSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TwoSteps({})", self.0)
    }
}

#[async_trait]
impl ObjectStore for TwoSteps {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> StoreResult<PutResult> {
        self.0.put(location, vec![0].into()).await?;
        self.0.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.0.copy_opts(from, to, options).await
    }
}
