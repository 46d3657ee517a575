//! What dead writers left in the folder of a cache.

use std::{fs, path::Path};

use super::records;
use crate::{
    CacheError, CubeName, Generation, Leftover, LeftoverKind, Usage,
    layout::{Layout, entries},
    staging,
};

/// Everything that a dead process left; looks only.
pub(super) fn find(layout: &Layout) -> Result<Vec<Leftover>, CacheError> {
    let mut leftovers = Vec::new();
    for id in staging::dead(layout)? {
        let place = layout.staged(&id);
        let names = entries(&place)?.into_iter().filter_map(|entry| {
            let folder = entry.file_name();
            CubeName::from_folder(folder.to_str()?)
        });
        let name = names.into_iter().next();
        leftovers.push(Leftover::new(
            LeftoverKind::Staged,
            name,
            id,
            usage(&place)?,
        ));
    }
    for entry in entries(&layout.trash())? {
        let name = entry.file_name();
        if let Some(id) = name.to_str().and_then(Generation::parse) {
            let usage = usage(&entry.path())?;
            leftovers.push(Leftover::new(LeftoverKind::Trash, None, id, usage));
        }
    }
    let unfinished = records::unfinished(layout)?;
    if unfinished.objects > 0 {
        let kind = LeftoverKind::Temporary;
        leftovers.push(Leftover::new(kind, None, Generation::random(), unfinished));
    }
    Ok(leftovers)
}

/// Removes one of them; `false` if it is gone, or if the one who works on it lives after all.
pub(super) fn clear(layout: &Layout, leftover: &Leftover) -> Result<bool, CacheError> {
    match leftover.kind {
        LeftoverKind::Staged => {
            let was_dead = staging::clear(layout, &leftover.generation)?;
            staging::empty_trash(layout);
            Ok(was_dead)
        }
        LeftoverKind::Temporary => records::clear_unfinished(layout),
        LeftoverKind::Trash => staging::delete(&layout.trashed(&leftover.generation)),
        _ => Ok(false),
    }
}

fn usage(folder: &Path) -> Result<Usage, CacheError> {
    let mut usage = Usage::default();
    if fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir()) {
        super::measure(folder, &mut usage)?;
    }
    Ok(usage)
}
