//! The simulated disks: the scratch folder, the journal, and the cache of cubes.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clms_cache::{
    CacheError, CacheStore, CubeInfo, CubeName, Generation, Lease, Local, Maintain, Staged, Usage,
};
use clms_preload::{Clock as _, Disk};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, memory::InMemory,
    path::Path as ObjectPath,
};

use super::world::{Chance, Life, SimClock};

/// What survives processes.
#[derive(Debug, Default)]
pub(super) struct Disks {
    pub(super) files: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
    pub(super) records: Arc<InMemory>,
    pub(super) shelf: Mutex<Shelf>,
}

impl Disks {
    pub(super) fn first_below(&self, folder: &Path) -> Option<PathBuf> {
        let files = self.files.lock().unwrap();
        files.keys().find(|file| file.starts_with(folder)).cloned()
    }

    /// The leases of a process that has died run out then.
    pub(super) fn run_out(&self, owner: u32, ends: Timestamp) {
        let mut shelf = self.shelf.lock().unwrap();
        for held in shelf.leases.values_mut().filter(|held| held.owner == owner) {
            held.ends = Some(ends);
        }
    }

    fn take_staged(&self, id: &Generation) -> Arc<InMemory> {
        self.shelf.lock().unwrap().staged.remove(id).unwrap().1
    }
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) cubes: BTreeMap<CubeName, Arc<InMemory>>,
    /// Staged cubes and the processes that they belong to.
    pub(super) staged: BTreeMap<Generation, (u32, Arc<InMemory>)>,
    leases: BTreeMap<CubeName, Held>,
    next: u32,
    /// Broken promises of the engine.
    pub(super) wrongs: Vec<String>,
}

#[derive(Debug)]
struct Held {
    owner: u32,
    holder: String,
    /// When the lease runs out, if its process is dead.
    ends: Option<Timestamp>,
}

/// The chunks that a whole cube has, beside its metadata.
pub(super) const CHUNKS: usize = 3;

/// One process's view of the disks.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) disks: Arc<Disks>,
    pub(super) life: Arc<Life>,
    pub(super) clock: SimClock,
    pub(super) chance: Arc<Chance>,
}

impl View {
    pub(super) fn read(&self, path: &Path) -> Option<Vec<u8>> {
        self.disks.files.lock().unwrap().get(path).cloned()
    }

    pub(super) async fn append(&self, path: &Path, bytes: &[u8]) {
        self.life
            .write(async {
                let mut files = self.disks.files.lock().unwrap();
                files.entry(path.to_owned()).or_default().extend(bytes);
            })
            .await;
    }

    pub(super) async fn truncate(&self, path: &Path) {
        self.life
            .write(async {
                self.disks
                    .files
                    .lock()
                    .unwrap()
                    .insert(path.to_owned(), Vec::new());
            })
            .await;
    }

    fn cube(&self, name: &CubeName) -> Result<Arc<InMemory>, CacheError> {
        let found = self.disks.shelf.lock().unwrap().cubes.get(name).cloned();
        found.ok_or_else(|| CacheError::NotFound {
            name: name.clone(),
            cache: "simulated".to_owned(),
        })
    }

    fn info(&self, name: &CubeName) -> CubeInfo {
        CubeInfo::new(
            name.clone(),
            self.cube_location(name),
            Timestamp::UNIX_EPOCH,
        )
    }

    fn mortal(&self, store: Arc<InMemory>) -> Arc<dyn ObjectStore> {
        Arc::new(Mortal {
            store,
            life: Arc::clone(&self.life),
        })
    }
}

#[async_trait]
impl Disk for View {
    fn available(&self, _: &Path) -> io::Result<u64> {
        Ok(if self.chance.fault("disk full", 2) {
            3
        } else {
            1 << 40
        })
    }

    fn create_folder(&self, _: &Path) -> io::Result<()> {
        self.life.write_now(|| ())
    }

    fn len(&self, file: &Path) -> Option<u64> {
        self.read(file).map(|content| content.len() as u64)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.life.write_now(|| {
            let mut files = self.disks.files.lock().unwrap();
            let content = files.remove(from).unwrap();
            files.insert(to.to_owned(), content);
        })
    }

    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        let files = self.disks.files.lock().unwrap();
        let mut entries: Vec<PathBuf> = files
            .keys()
            .filter_map(|file| {
                let inside = file.strip_prefix(folder).ok()?;
                Some(folder.join(inside.components().next()?))
            })
            .collect();
        entries.dedup();
        entries
    }

    async fn remove(&self, path: &Path) -> io::Result<()> {
        // One after the other: a kill may come in between.
        loop {
            let Some(file) = self.disks.first_below(path) else {
                return Ok(());
            };
            let gone = async { self.disks.files.lock().unwrap().remove(&file) };
            self.life.write(gone).await;
        }
    }
}

#[async_trait]
impl CacheStore for View {
    fn location(&self) -> &str {
        "simulated"
    }

    fn cube_location(&self, name: &CubeName) -> String {
        format!("simulated/{}", name.folder())
    }

    fn list(&self) -> BoxStream<'static, Result<CubeInfo, CacheError>> {
        futures::stream::empty().boxed()
    }

    async fn look_up(&self, name: &CubeName) -> Result<Option<CubeInfo>, CacheError> {
        self.life.check().await;
        Ok(self.cube(name).ok().map(|_| self.info(name)))
    }

    async fn usage(&self, name: &CubeName) -> Result<Usage, CacheError> {
        let objects: Vec<_> = self.cube(name)?.list(None).try_collect().await?;
        Ok(Usage {
            bytes: objects.iter().map(|object| object.size).sum(),
            objects: objects.len() as u64,
        })
    }

    async fn open(&self, name: &CubeName) -> Result<Arc<dyn ObjectStore>, CacheError> {
        Ok(self.cube(name)?)
    }

    async fn stage(&self, name: &CubeName) -> Result<Staged, CacheError> {
        let store = Arc::new(InMemory::new());
        let id = self
            .life
            .write(async {
                let mut shelf = self.disks.shelf.lock().unwrap();
                shelf.next += 1;
                let id = Generation::parse(&format!("{:032}", shelf.next)).unwrap();
                shelf
                    .staged
                    .insert(id.clone(), (self.life.id, Arc::clone(&store)));
                id
            })
            .await;
        Ok(Staged::new(name.clone(), id, self.mortal(store)))
    }

    async fn commit(&self, staged: Staged) -> Result<CubeInfo, CacheError> {
        let passing = || CacheError::Io {
            doing: "commit",
            path: PathBuf::from("simulated"),
            source: io::ErrorKind::TimedOut.into(),
        };
        if self.chance.fault("commit fails", 3) {
            self.discard(staged).await?;
            return Err(passing());
        }
        self.life
            .write(async {
                let store = self.disks.take_staged(staged.generation());
                let wrong = whats_wrong_with(staged.name(), &store).await;
                let mut shelf = self.disks.shelf.lock().unwrap();
                shelf.wrongs.extend(wrong);
                shelf.cubes.insert(staged.name().clone(), store);
            })
            .await;
        if self.chance.fault("commit succeeds, answer lost", 3) {
            return Err(passing());
        }
        Ok(self.info(staged.name()))
    }

    async fn discard(&self, staged: Staged) -> Result<(), CacheError> {
        self.life
            .write(async {
                self.disks
                    .shelf
                    .lock()
                    .unwrap()
                    .staged
                    .remove(staged.generation());
            })
            .await;
        Ok(())
    }

    async fn remove(&self, _: &CubeName) -> Result<bool, CacheError> {
        Ok(false)
    }

    async fn lease(&self, name: &CubeName, holder: &str) -> Result<Lease, CacheError> {
        let now = self.clock.now();
        let mut shelf = self.disks.shelf.lock().unwrap();
        if let Some(held) = shelf.leases.get(name)
            && held.ends.is_none_or(|ends| ends > now)
        {
            return Err(CacheError::Held {
                name: name.clone(),
                holder: held.holder.clone(),
            });
        }
        let held = Held {
            owner: self.life.id,
            holder: holder.to_owned(),
            ends: None,
        };
        shelf.leases.insert(name.clone(), held);
        drop(shelf);
        Ok(Lease::new(
            name.clone(),
            Release(name.clone(), self.clone()),
        ))
    }

    fn records(&self) -> Arc<dyn ObjectStore> {
        self.mortal(Arc::clone(&self.disks.records))
    }

    fn as_local(&self) -> Option<&dyn Local> {
        None
    }

    fn as_maintain(&self) -> Option<&dyn Maintain> {
        None
    }
}

struct Release(CubeName, View);

impl Drop for Release {
    fn drop(&mut self) {
        let Self(name, view) = self;
        if !view.life.is_dead() {
            view.disks.shelf.lock().unwrap().leases.remove(name);
        }
    }
}

/// Why what is about to be visible is not the whole cube of that name, if so.
async fn whats_wrong_with(name: &CubeName, store: &InMemory) -> Option<String> {
    let mut expected = vec!["zarr.json".to_owned()];
    expected.extend((0..CHUNKS).map(|chunk| format!("c/{chunk}")));
    for object in expected {
        let path = ObjectPath::from(object.as_str());
        let Ok(found) = store.get(&path).await else {
            return Some(format!("{name} is visible without {object}"));
        };
        let content = found.bytes().await.unwrap();
        let content = String::from_utf8_lossy(&content).into_owned();
        let file = name.as_str().rsplit('|').next().unwrap();
        if !content.starts_with(&format!("PK {file} ")) {
            return Some(format!("{name} is made of {content:?}"));
        }
    }
    None
}

/// A store in memory whose user may die at every write.
#[derive(Debug)]
struct Mortal {
    store: Arc<InMemory>,
    life: Arc<Life>,
}

impl fmt::Display for Mortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated")
    }
}

#[async_trait]
impl ObjectStore for Mortal {
    async fn put_opts(
        &self,
        location: &ObjectPath,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        let put = self.store.put_opts(location, payload, options);
        self.life.write(put).await
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(
        &self,
        location: &ObjectPath,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        self.life.check().await;
        self.store.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<ObjectPath>>,
    ) -> BoxStream<'static, object_store::Result<ObjectPath>> {
        let (store, life) = (Arc::clone(&self.store), Arc::clone(&self.life));
        locations
            .then(move |location| {
                let (store, life) = (Arc::clone(&store), Arc::clone(&life));
                async move {
                    let location = location?;
                    life.write(store.delete(&location)).await?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(
        &self,
        prefix: Option<&ObjectPath>,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(
        &self,
        prefix: Option<&ObjectPath>,
    ) -> object_store::Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}
