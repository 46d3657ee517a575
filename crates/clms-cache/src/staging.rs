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
    let lock = LockFile::create(&path)?;
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
    let trash = layout.trashed(&Generation::random());
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
                if let Err(error) = delete(&path) {
                    tracing::warn!(%error, "cannot empty the trash");
                }
            }
        }
        Err(error) => tracing::warn!(%error, "cannot empty the trash"),
    }
}

/// Deletes what is in the trash at `path`; `false` if another process has done so already.
pub(crate) fn delete(path: &Path) -> Result<bool, CacheError> {
    let deleted = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        // A link to a cube elsewhere, which is not ours to delete.
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match deleted {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).doing("delete", path),
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
    if dead(layout)?.is_empty() {
        return Ok(());
    }
    let Attempt::Locked(_gate) = LockFile::attempt(&layout.staging_gate(), "")? else {
        // Somebody begins to stage, or sweeps up already.
        return Ok(());
    };
    for id in dead(layout)? {
        clear_dead(layout, &id)?;
    }
    Ok(())
}

/// The staging places whose processes are dead. One that is being made just now may be among them.
pub(crate) fn dead(layout: &Layout) -> Result<Vec<Generation>, CacheError> {
    let mut ids = Vec::new();
    for entry in entries(&layout.staging())? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if let Some(id) = Generation::parse(name.strip_suffix(".lock").unwrap_or(&name))
            && !ids.contains(&id)
            && !is_live(layout, &id)
        {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// True while the process that writes into the staging place `id` lives and has not committed.
pub(crate) fn is_live(layout: &Layout, id: &Generation) -> bool {
    lock::is_held(&layout.staged_lock(id))
}

/// Removes the staging place `id` if its process is dead; `false` if it lives, or if there is none.
pub(crate) fn clear(layout: &Layout, id: &Generation) -> Result<bool, CacheError> {
    let _gate = lock::exclude(&layout.staging_gate())?;
    if is_live(layout, id) {
        return Ok(false);
    }
    clear_dead(layout, id)
}

/// Removes the staging place of a dead process, while the gate is locked.
fn clear_dead(layout: &Layout, id: &Generation) -> Result<bool, CacheError> {
    put_back_replaced(layout, id)?;
    let was_there = discard(layout, &layout.staged(id))?;
    if was_there {
        tracing::info!(id = id.as_str(), "removed what a dead process had staged");
    }
    let lock = layout.staged_lock(id);
    match fs::remove_file(&lock) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(was_there),
        Err(error) => Err(error).doing("remove the lock", &lock),
    }
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
