//! Staging places: cubes that are being written, and what dead writers left of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    CacheError, CubeName, Generation,
    durable::flush_folder,
    error::Doing,
    layout::{Layout, entries, is_absence, is_cube},
    lock::{self, Attempt, LockFile},
};

/// A staging place of this process.
#[derive(Debug)]
pub(crate) struct StagingPlace {
    pub(crate) id: Generation,
    /// The cube to be, with the spelling of its name that the file system takes.
    pub(crate) cube: PathBuf,
    /// Says to others that the place is in use.
    pub(crate) lock: LockFile,
}

/// A new, empty staging place for the cube `name`.
pub(crate) fn create(layout: &Layout, name: &CubeName) -> Result<StagingPlace, CacheError> {
    layout.create()?;
    let id = Generation::random();
    // Nobody sweeps up while the place is there but not yet locked.
    let _gate = lock::share(&layout.staging_gate())?;
    let path = layout.staged_lock(&id);
    let Attempt::Locked(lock) = LockFile::attempt(&path, "")? else {
        return Err(io::Error::from(io::ErrorKind::WouldBlock)).doing("lock", &path);
    };
    let place = layout.staged(&id);
    fs::create_dir(&place).doing("create the folder", &place)?;
    let mut cube = place.join(name.folder());
    let mut created = fs::create_dir(&cube);
    if created.as_ref().is_err_and(is_absence) {
        // A file system that refuses such names.
        cube = place.join(name.portable_folder());
        created = fs::create_dir(&cube);
    }
    created.doing("create the folder", &cube)?;
    Ok(StagingPlace { id, cube, lock })
}

/// The folder of the cube to be in the staging place `id`.
pub(crate) fn cube_in(
    layout: &Layout,
    id: &Generation,
    name: &CubeName,
) -> Result<PathBuf, CacheError> {
    let place = layout.staged(id);
    let plain = place.join(name.folder());
    let portable = place.join(name.portable_folder());
    if !plain.is_dir() && portable.is_dir() {
        return Ok(portable);
    }
    fs::metadata(&plain).doing("find what was staged in", &plain)?;
    Ok(plain)
}

/// Removes the staging place `id` of this process, whose lock has to be alive meanwhile.
pub(crate) fn remove(layout: &Layout, id: &Generation) -> Result<(), CacheError> {
    discard(layout, &layout.staged(id))?;
    let lock = layout.staged_lock(id);
    fs::remove_file(&lock).doing("remove the lock", &lock)?;
    empty_trash(layout);
    Ok(())
}

/// Moves `path` to the trash in one step, from where [`empty_trash`] deletes it. False if there was nothing.
pub(crate) fn discard(layout: &Layout, path: &Path) -> Result<bool, CacheError> {
    let trash = layout.trash().join(Generation::random().as_str());
    match fs::rename(path, &trash) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).doing("move to the trash", path),
    }
}

/// Deletes what is in the trash. What cannot be deleted now is left for the next time; nobody sees it.
pub(crate) fn empty_trash(layout: &Layout) {
    match entries(&layout.trash()) {
        Ok(entries) => {
            for path in entries.iter().map(fs::DirEntry::path) {
                match fs::remove_dir_all(&path) {
                    Ok(()) => {}
                    // Another process empties it as well.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        tracing::warn!(?path, %error, "cannot delete what is in the trash");
                    }
                }
            }
        }
        Err(error) => tracing::warn!(%error, "cannot empty the trash"),
    }
}

/// Removes the staging places whose processes are dead, and empties the trash.
///
/// What fails is logged and left for the next time: leftovers are in nobody's way.
pub(crate) fn sweep(layout: &Layout) {
    if let Err(error) = sweep_staging(layout) {
        tracing::warn!(%error, "cannot remove what dead processes left in the cache");
    }
    empty_trash(layout);
}

fn sweep_staging(layout: &Layout) -> Result<(), CacheError> {
    let left = entries(&layout.staging())?;
    if left.is_empty() {
        return Ok(());
    }
    let Attempt::Locked(_gate) = LockFile::attempt(&layout.staging_gate(), "")? else {
        // Somebody begins to stage, or sweeps up already.
        return Ok(());
    };
    for entry in left {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some(id) = Generation::parse(name.strip_suffix(".lock").unwrap_or(&name)) else {
            continue;
        };
        let lock = layout.staged_lock(&id);
        if lock::is_held(&lock) {
            continue;
        }
        put_back_replaced(layout, &id)?;
        if discard(layout, &layout.staged(&id))? {
            tracing::info!(id = id.as_str(), "removed what a dead process had staged");
        }
        match fs::remove_file(&lock) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).doing("remove the lock", &lock);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Heals a crash between the two renames that replace a cube where there is no exchange.
fn put_back_replaced(layout: &Layout, id: &Generation) -> Result<(), CacheError> {
    let replaced = layout.replaced(id);
    if !is_cube(&replaced)? {
        return Ok(());
    }
    for entry in entries(&layout.staged(id))? {
        let folder = entry.file_name();
        let Some(name) = folder.to_str().and_then(CubeName::from_folder) else {
            continue;
        };
        if layout.find(&name)?.is_none() {
            let cube = layout.root().join(folder);
            fs::rename(&replaced, &cube).doing("put back", &cube)?;
            flush_folder(layout.root())?;
            tracing::info!(%name, "put back a cube that a dead process was replacing");
        }
    }
    Ok(())
}
