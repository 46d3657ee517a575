//! The room on disk that downloads and builds have been promised.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use futures::FutureExt as _;
use tokio::sync::Notify;

use super::JobRun;
use crate::{Problem, ProblemKind};

/// The room that jobs at work have been promised, by file system.
#[derive(Debug, Default)]
pub(in crate::engine) struct Rooms {
    promised: Mutex<HashMap<u64, u64>>,
    freed: Notify,
}

/// So many bytes of a file system are promised until this is dropped.
#[derive(Debug)]
pub(super) struct Promise<'r> {
    rooms: &'r Rooms,
    file_system: u64,
    bytes: u64,
}

impl Rooms {
    /// Promises `needed` bytes if they are there beside what others have been promised; else how much that is.
    fn promise(&self, file_system: u64, needed: u64, available: u64) -> Result<Promise<'_>, u64> {
        let mut all = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        let promised = all.entry(file_system).or_default();
        if needed > available.saturating_sub(*promised) {
            return Err(*promised);
        }
        *promised += needed;
        Ok(Promise {
            rooms: self,
            file_system,
            bytes: needed,
        })
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let mut all = self
            .rooms
            .promised
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(promised) = all.get_mut(&self.file_system) {
            *promised = promised.saturating_sub(self.bytes);
        }
        drop(all);
        self.rooms.freed.notify_waiters();
    }
}

impl JobRun {
    /// Room in the folder for what is about to be written there. Refuses what would not fit; what would fit but for what jobs at work have been
    /// promised waits for these. (What they have written by then counts twice, so some wait who need not.)
    ///
    /// `option` is what names the folder on the command line. `None` if the disk can't be asked.
    pub(super) async fn room_for(
        &self,
        what: &str,
        needed: u64,
        folder: &Path,
        option: &str,
    ) -> Result<Option<Promise<'_>>, Problem> {
        let (disk, rooms) = (&self.parts.disk, &self.parts.rooms);
        loop {
            let freed = rooms.freed.notified();
            let mut freed = std::pin::pin!(freed);
            // Before the disk is asked, so that no end of another job is missed.
            freed.as_mut().enable();
            let (Ok(available), Ok(file_system)) =
                (disk.available(folder), disk.file_system(folder))
            else {
                return Ok(None);
            };
            match rooms.promise(file_system, needed, available) {
                Ok(promise) => return Ok(Some(promise)),
                Err(0) => return Err(no_room(what, needed, available, folder, option)),
                Err(promised) => {
                    tracing::debug!(what, needed, available, promised, "waits for room");
                    self.turn(freed.map(Ok::<(), ()>)).await?;
                }
            }
        }
    }
}

fn no_room(what: &str, needed: u64, available: u64, folder: &Path, option: &str) -> Problem {
    let folder = folder.display();
    let message =
        format!("no room for {what} in {folder}: {needed} bytes needed, {available} available");
    let hint = format!("free some space there, or choose another folder with {option}");
    Problem::new(ProblemKind::DiskFull, message).with_hint(hint)
}
