//! The simulated cache of cubes, with leases and the journal's store.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::PathBuf,
    sync::Arc,
};

use async_trait::async_trait;
use clms_cache::{
    CacheError, CacheStore, CubeInfo, CubeName, Generation, Hold, Lease, Local, Maintain, Staged,
    Usage,
};
use clms_preload::JobRecord;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutPayload, memory::InMemory, path::Path as ObjectPath,
};

use super::{
    disk::{Disks, View},
    mortal::Mortal,
    server::later,
};

#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) cubes: BTreeMap<CubeName, Arc<InMemory>>,
    /// Staged cubes and the processes that they belong to.
    pub(crate) staged: BTreeMap<Generation, (u32, Arc<InMemory>)>,
    pub(crate) leases: BTreeMap<CubeName, Held>,
    next: u32,
    /// After so many seconds the next leases are lost.
    pub(crate) losses: VecDeque<i64>,
    /// For so many seconds those are lost; then they are renewed after all.
    pub(crate) blinks: VecDeque<i64>,
    /// The leases that were lost although their processes live.
    pub(crate) lost: Vec<CubeName>,
    /// Until when nobody reaches the storage, but to remove something from it.
    pub(crate) out_until: Option<Timestamp>,
    /// Broken promises of the engine.
    pub(crate) wrongs: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) owner: u32,
    holder: String,
    /// No two leases have the same.
    id: u32,
    /// When the lease runs out, because its process is dead or does not renew it.
    pub(crate) ends: Option<Timestamp>,
}

/// A process knows so many seconds before others that its lease is lost.
const MARGIN: i64 = 30;

/// The chunks that a whole cube has, beside its metadata.
pub(crate) const CHUNKS: usize = 3;

impl View {
    /// Lets through whoever reaches the storage.
    pub(super) fn reach(&self) -> io::Result<()> {
        let now = self.clock.now();
        let out_until = self.disks.shelf.lock().unwrap().out_until;
        if out_until.is_some_and(|end| now < end) {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the storage is out of reach",
            ));
        }
        Ok(())
    }

    fn reach_to(&self, doing: &'static str) -> Result<(), CacheError> {
        self.reach().map_err(|source| CacheError::Io {
            doing,
            path: PathBuf::from("simulated"),
            source,
        })
    }

    /// A job's journal is written by those who have its lease only.
    pub(super) fn check_right_to_write(&self, location: &ObjectPath, payload: &PutPayload) {
        if !location.as_ref().starts_with("jobs/") {
            return;
        }
        let bytes: Vec<u8> = payload.iter().flatten().copied().collect();
        let record: JobRecord = serde_json::from_slice(&bytes).unwrap();
        let now = self.clock.now();
        let mut shelf = self.disks.shelf.lock().unwrap();
        let held = shelf.leases.get(&record.request.cube);
        let is_ours =
            |held: &&Held| held.owner == self.life.id && held.ends.is_none_or(|ends| now < ends);
        if held.filter(is_ours).is_none() && !self.life.is_dead() {
            let wrong = format!(
                "process {} writes {location} without its lease",
                self.life.id
            );
            shelf.wrongs.push(wrong);
        }
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
            view: self.clone(),
        })
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
        self.reach_to("look up")?;
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
        self.reach_to("stage")?;
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
        if self.reach().is_err() || self.chance.fault("commit fails", 3) {
            self.discard(staged).await?;
            return Err(passing());
        }
        self.life
            .write(async {
                let store = take_staged(&self.disks, staged.generation());
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
        self.reach_to("lease")?;
        let now = self.clock.now();
        let is_lost = self.chance.is_storm() && self.chance.percent(10);
        let by_chance = is_lost.then(|| self.chance.range(0, 900) as i64);
        let mut shelf = self.disks.shelf.lock().unwrap();
        if let Some(held) = shelf.leases.get(name)
            && held.ends.is_none_or(|ends| ends > now)
        {
            return Err(CacheError::Held {
                name: name.clone(),
                holder: held.holder.clone(),
            });
        }
        shelf.next += 1;
        let id = shelf.next;
        let lost_at = shelf
            .losses
            .pop_front()
            .or(by_chance)
            .map(|seconds| later(now, seconds));
        let blink = shelf.blinks.pop_front().or_else(|| {
            let blinks = self.chance.is_storm() && self.chance.percent(30);
            blinks.then(|| self.chance.range(1, 20) as i64)
        });
        let renewed_at = lost_at.zip(blink).map(|(lost, blink)| later(lost, blink));
        let held = Held {
            owner: self.life.id,
            holder: holder.to_owned(),
            id,
            ends: match renewed_at {
                Some(_) => None,
                None => lost_at.map(|lost| later(lost, MARGIN)),
            },
        };
        shelf.leases.insert(name.clone(), held);
        drop(shelf);
        let hold = SimHold {
            name: name.clone(),
            id,
            lost_at,
            renewed_at,
            view: self.clone(),
        };
        Ok(Lease::held_by(name.clone(), hold))
    }

    fn records(&self) -> Arc<dyn ObjectStore> {
        self.mortal(Arc::clone(&self.disks.records))
    }

    fn as_local(&self) -> Option<&dyn Local> {
        let is_local = self.disks.cache_folder.lock().unwrap().is_some();
        is_local.then_some(self)
    }

    fn as_maintain(&self) -> Option<&dyn Maintain> {
        None
    }
}

impl Local for View {
    fn scratch_folder(&self) -> PathBuf {
        self.disks.cache_folder.lock().unwrap().clone().unwrap()
    }
}

fn take_staged(disks: &Disks, id: &Generation) -> Arc<InMemory> {
    disks.shelf.lock().unwrap().staged.remove(id).unwrap().1
}

struct SimHold {
    name: CubeName,
    id: u32,
    lost_at: Option<Timestamp>,
    renewed_at: Option<Timestamp>,
    view: View,
}

#[async_trait]
impl Hold for SimHold {
    fn is_lost(&self) -> bool {
        let now = self.view.clock.now();
        let is_renewed = self.renewed_at.is_some_and(|renewed| renewed <= now);
        let is_lost = self.lost_at.is_some_and(|lost| lost <= now) && !is_renewed;
        if is_lost {
            let mut shelf = self.view.disks.shelf.lock().unwrap();
            if !shelf.lost.contains(&self.name) {
                shelf.lost.push(self.name.clone());
            }
        }
        is_lost
    }

    async fn give_back(self: Box<Self>) -> Result<(), CacheError> {
        drop(self);
        Ok(())
    }
}

impl Drop for SimHold {
    fn drop(&mut self) {
        let mut shelf = self.view.disks.shelf.lock().unwrap();
        let is_ours = |held: &Held| held.id == self.id;
        if !self.view.life.is_dead() && shelf.leases.get(&self.name).is_some_and(is_ours) {
            shelf.leases.remove(&self.name);
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
        let file = file_of(name.as_str());
        if !content.starts_with(&format!("PK {file} ")) {
            return Some(format!("{name} is made of {content:?}"));
        }
    }
    None
}

/// The file that a cube is of: several cubes may be of one.
pub(crate) fn file_of(data_id: &str) -> &str {
    let (_, name) = data_id.split_once('|').unwrap();
    name.split('|').next().unwrap()
}
