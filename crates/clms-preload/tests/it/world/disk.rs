//! The simulated disk, and what one process sees of it.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use clms_preload::{Clock, Disk};
use jiff::Timestamp;
use object_store::memory::InMemory;

use super::{cache::Shelf, chance::Chance, life::Life};

/// What survives processes.
#[derive(Debug, Default)]
pub(crate) struct Disks {
    pub(crate) files: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
    pub(crate) records: Arc<InMemory>,
    pub(crate) shelf: Mutex<Shelf>,
    /// A folder with so little room.
    pub(crate) small: Mutex<Option<(PathBuf, u64)>>,
    /// The cache's folder, if it has one.
    pub(crate) cache_folder: Mutex<Option<PathBuf>>,
}

impl Disks {
    pub(crate) fn first_below(&self, folder: &Path) -> Option<PathBuf> {
        let files = self.files.lock().unwrap();
        files.keys().find(|file| file.starts_with(folder)).cloned()
    }

    /// The leases of a process that has died run out then.
    pub(crate) fn run_out(&self, owner: u32, ends: Timestamp) {
        let mut shelf = self.shelf.lock().unwrap();
        for held in shelf.leases.values_mut().filter(|held| held.owner == owner) {
            held.ends = Some(ends);
        }
    }
}

/// One process's view of the disks.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) disks: Arc<Disks>,
    pub(crate) life: Arc<Life>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<Chance>,
}

impl View {
    /// Lets time pass; returns to the living only.
    pub(crate) async fn wait(&self, millis: u64) {
        self.clock.sleep(Duration::from_millis(millis)).await;
        self.life.check().await;
    }

    pub(crate) fn read(&self, path: &Path) -> Option<Vec<u8>> {
        self.disks.files.lock().unwrap().get(path).cloned()
    }

    pub(crate) async fn append(&self, path: &Path, bytes: &[u8]) {
        self.life
            .write(async {
                let mut files = self.disks.files.lock().unwrap();
                files.entry(path.to_owned()).or_default().extend(bytes);
            })
            .await;
    }

    pub(crate) async fn truncate(&self, path: &Path) {
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
}

#[async_trait]
impl Disk for View {
    fn available(&self, folder: &Path) -> io::Result<u64> {
        if let Some((small, room)) = &*self.disks.small.lock().unwrap()
            && folder.starts_with(small)
        {
            return Ok(*room);
        }
        Ok(if self.chance.fault("no room on the disk", 2) {
            3
        } else {
            1 << 40
        })
    }

    fn file_system(&self, _: &Path) -> io::Result<u64> {
        Ok(0)
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
