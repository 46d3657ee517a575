//! Making sure that what was written is on the disk, and putting it in place in one step.

use std::{
    fs::{self, File},
    io,
    panic::resume_unwind,
    path::{Path, PathBuf},
    thread,
    time::SystemTime,
};

use crate::{CacheError, error::Doing, lock};

/// Files that are flushed at a time: a disk takes many flushes together in little more than the time of one.
const FLUSHES: usize = 8;

/// Makes the folder `cube` whole: lets `discard` move away what unfinished writes left in it, and flushes the rest to the
/// disk. Its modification time is set to now, which is kept through the rename that follows.
pub(crate) fn settle(
    cube: &Path,
    discard: impl Fn(&Path) -> Result<bool, CacheError>,
) -> Result<(), CacheError> {
    let mut tree = Tree::default();
    tree.collect(cube, &discard)?;
    let batch = tree.files.len().div_ceil(FLUSHES).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = tree
            .files
            .chunks(batch)
            .map(|files| scope.spawn(|| files.iter().try_for_each(|file| flush(file))))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })?;
    touch(cube).doing("set the time of", cube)?;
    tree.folders
        .iter()
        .try_for_each(|folder| flush_folder(folder))
}

/// What there is to flush; folders after what is in them.
#[derive(Default)]
struct Tree {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Tree {
    /// Collects `folder` and says whether anything is in it.
    fn collect(
        &mut self,
        folder: &Path,
        discard: &impl Fn(&Path) -> Result<bool, CacheError>,
    ) -> Result<bool, CacheError> {
        let mut any = false;
        for entry in fs::read_dir(folder).doing("read the folder", folder)? {
            let entry = entry.doing("read the folder", folder)?;
            let path = entry.path();
            let kind = entry.file_type().doing("look at", &path)?;
            if kind.is_dir() {
                if self.collect(&path, discard)? {
                    any = true;
                } else {
                    // Its last object was deleted, or never finished. A reader would take it for a member.
                    self.folders.pop();
                    fs::remove_dir(&path).doing("remove the empty folder", &path)?;
                }
            } else if is_unfinished(&path) {
                // Not deleted: one that is still open would stay as `.nfs...` or `.fuse_hidden...` on such file systems.
                discard(&path)?;
            } else {
                any = true;
                self.files.push(path);
            }
        }
        self.folders.push(folder.to_owned());
        Ok(any)
    }
}

/// True for the name under which `object_store` writes what it then renames: the object's own, `#` and a number.
/// It hides them from its own listings, except those of objects that have a `#` in their name, but others see them.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str()?.rsplit_once('#'))
        .is_some_and(|(_, number)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

fn flush(file: &Path) -> Result<(), CacheError> {
    File::open(file)
        .and_then(|opened| opened.sync_all())
        .doing("flush to the disk", file)
}

/// Makes the entries of `folder` durable; where folders cannot be flushed (Windows) there is nothing to do.
pub(crate) fn flush_folder(folder: &Path) -> Result<(), CacheError> {
    if cfg!(unix) { flush(folder) } else { Ok(()) }
}

/// Sets the modification time of `folder` to now.
fn touch(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.set_modified(SystemTime::now())
    } else {
        Ok(())
    }
}

/// Puts the folder `from` in the place `to`, and what was there into `from` or `aside`.
///
/// On Linux, where the file system can exchange two names (ext4, xfs, btrfs, tmpfs, overlayfs among others), `to` is
/// there at every instant. Elsewhere the old folder is renamed to `aside` first: between the two renames there is nothing
/// at `to`. A crash in that window is healed by [`sweep`](crate::staging::sweep), which puts the old folder back. The file
/// `gate` is locked meanwhile, so that two who put something in the same place come one after the other.
pub(crate) fn put_in_place(
    from: &Path,
    to: &Path,
    aside: &Path,
    gate: &Path,
) -> Result<(), CacheError> {
    match exchange(from, to).doing("put in place", to)? {
        Exchange::Done => Ok(()),
        Exchange::Impossible => swap_by_renames(from, to, aside, gate),
    }
}

enum Exchange {
    Done,
    /// This system or file system knows no exchange.
    Impossible,
}

#[cfg(target_os = "linux")]
fn exchange(from: &Path, to: &Path) -> io::Result<Exchange> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };
    loop {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(Exchange::Done),
            Err(Errno::EXIST) => {}
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => return Ok(Exchange::Impossible),
            Err(error) => return Err(error.into()),
        }
        match renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(Exchange::Done),
            // Removed meanwhile: the place is free. If it is `from` that is gone, the next turn says so.
            Err(Errno::NOENT) => {}
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => return Ok(Exchange::Impossible),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(_from: &Path, _to: &Path) -> io::Result<Exchange> {
    Ok(Exchange::Impossible)
}

fn swap_by_renames(from: &Path, to: &Path, aside: &Path, gate: &Path) -> Result<(), CacheError> {
    let _gate = lock::exclude(gate)?;
    let was_there = match fs::rename(to, aside) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error).doing("move aside", to),
    };
    let renamed = fs::rename(from, to);
    if renamed.is_err() && was_there {
        // If that fails too, the next sweep puts it back.
        fs::rename(aside, to).ok();
    }
    renamed.doing("put in place", to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &Path, content: &str) {
        fs::create_dir(path).unwrap();
        fs::write(path.join("zarr.json"), content).unwrap();
    }

    fn content(path: &Path) -> Option<String> {
        fs::read_to_string(path.join("zarr.json")).ok()
    }

    /// Both ways of doing it, which the file system under the tests decides otherwise.
    #[test]
    fn a_folder_comes_in_place_of_another() {
        for swap in [put_in_place, swap_by_renames] {
            let root = tempfile::tempdir().unwrap();
            let [new, newer, place, aside, gate] =
                ["new", "newer", "place", "aside", "gate"].map(|name| root.path().join(name));
            folder(&new, "new");
            swap(&new, &place, &aside, &gate).unwrap();
            assert_eq!(content(&place).unwrap(), "new");
            assert!(!new.exists() && !aside.exists());

            folder(&newer, "newer");
            swap(&newer, &place, &aside, &gate).unwrap();
            assert_eq!(content(&place).unwrap(), "newer");
            let old = content(&newer).or(content(&aside));
            assert_eq!(old.unwrap(), "new");
        }
    }

    #[test]
    fn the_old_folder_stays_in_place_if_the_new_one_is_missing() {
        for swap in [put_in_place, swap_by_renames] {
            let root = tempfile::tempdir().unwrap();
            let [missing, place, aside, gate] =
                ["missing", "place", "aside", "gate"].map(|name| root.path().join(name));
            folder(&place, "old");
            let error = swap(&missing, &place, &aside, &gate).unwrap_err();
            assert!(
                matches!(
                    error,
                    CacheError::Io {
                        doing: "put in place",
                        ..
                    }
                ),
                "{error}"
            );
            assert_eq!(content(&place).unwrap(), "old");
        }
    }
}
