//! What is known of the cubes that have or had one name: the object that all writers of that name agree by.
//!
//! It only changes by conditional puts, each of which is one step of the protocol in [`commit`](super::commit).

use futures::{TryStreamExt, future::try_join_all};
use jiff::Timestamp;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, UpdateVersion, path::Path};
use serde::{Deserialize, Serialize};

use super::swap::{self, Versioned};
use crate::{
    CacheError, CubeName, Generation,
    layout::{
        ROOT_METADATA,
        keys::{Keys, is_at_root, join},
    },
};

/// The version of this document.
const VERSION: u32 = 1;

/// What is known of the cubes that have or had one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    version: u32,
    /// Different with each change, so that each is recognised.
    change: Generation,
    pub(super) cube: String,
    /// The cube that is whole, and visible as long as its root metadata is there.
    pub(super) finished: Option<Finished>,
    /// The one who alone may write at the cube's final place.
    pub(super) writer: Option<Generation>,
}

/// A cube that is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Finished {
    /// `None` for one that was put there by somebody else, without us.
    pub(super) generation: Option<Generation>,
    /// The key of that root metadata which is put last and removed first.
    pub(super) root: String,
    pub(super) committed_at: Timestamp,
}

impl Standing {
    pub(super) fn new(
        name: &CubeName,
        finished: Option<Finished>,
        writer: Option<Generation>,
    ) -> Self {
        Self {
            version: VERSION,
            change: Generation::random(),
            cube: name.as_str().to_owned(),
            finished,
            writer,
        }
    }
}

/// A finished cube, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// What all its keys begin with.
    pub(super) prefix: Path,
    pub(super) finished: Finished,
}

/// The standing of the cube `name`, if there is one.
pub(super) async fn read(
    store: &dyn ObjectStore,
    keys: &Keys,
    name: &CubeName,
) -> Result<Option<Versioned<Standing>>, CacheError> {
    swap::read(store, &keys.standing(name)).await
}

/// Changes the standing of the cube `name` from what is `known`; `None` if it is not that any more.
pub(super) async fn change(
    store: &dyn ObjectStore,
    keys: &Keys,
    name: &CubeName,
    known: Option<&UpdateVersion>,
    standing: Standing,
) -> Result<Option<Versioned<Standing>>, CacheError> {
    let swapped = swap::swap(store, &keys.standing(name), &standing, known).await?;
    Ok(swapped.map(|version| Versioned {
        value: standing,
        version,
    }))
}

/// The cube `name` as one sees it who knows its `standing`, if it is visible.
///
/// One request if the standing is known; without it one, or two for names that some file systems refuse.
pub(super) async fn visible(
    store: &dyn ObjectStore,
    keys: &Keys,
    name: &CubeName,
    standing: Option<&Standing>,
) -> Result<Option<Found>, CacheError> {
    let prefix = keys.cube(name);
    match standing {
        Some(Standing {
            finished: Some(finished),
            ..
        }) => {
            let root = join(&prefix, &Path::from(finished.root.as_str()));
            if head(store, &root).await?.is_some() {
                return Ok(Some(Found {
                    prefix,
                    finished: finished.clone(),
                }));
            }
        }
        Some(_) => {}
        None => {
            if let Some(finished) = of_somebody_else(store, &prefix).await? {
                return Ok(Some(Found { prefix, finished }));
            }
        }
    }
    let portable = keys.portable_cube(name);
    if portable == prefix {
        return Ok(None);
    }
    let finished = of_somebody_else(store, &portable).await?;
    Ok(finished.map(|finished| Found {
        prefix: portable,
        finished,
    }))
}

/// A cube that somebody else has put there, such as by copying it.
pub(super) async fn of_somebody_else(
    store: &dyn ObjectStore,
    prefix: &Path,
) -> Result<Option<Finished>, CacheError> {
    let metas = match store.list_with_delimiter(Some(prefix)).await {
        Ok(listed) => listed.objects,
        // Plain web servers cannot list.
        Err(_) => {
            let roots = ROOT_METADATA.map(|root| join(prefix, &Path::from(root)));
            let metas = try_join_all(roots.iter().map(|root| head(store, root))).await?;
            metas.into_iter().flatten().collect()
        }
    };
    let name = |meta: &ObjectMeta| meta.location.filename().unwrap_or_default().to_owned();
    let root = metas
        .iter()
        .filter(|meta| ROOT_METADATA.contains(&&*name(meta)))
        .min_by_key(|meta| rank(&name(meta)));
    Ok(root.map(|meta| Finished {
        generation: None,
        root: name(meta),
        committed_at: Timestamp::from_second(meta.last_modified.timestamp())
            .unwrap_or(Timestamp::UNIX_EPOCH),
    }))
}

async fn head(store: &dyn ObjectStore, key: &Path) -> Result<Option<ObjectMeta>, CacheError> {
    match store.head(key).await {
        Ok(meta) => Ok(Some(meta)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// All keys that begin with `prefix`: those at the cube's root, the deciding one first, and the others.
pub(super) async fn keys_below(
    store: &dyn ObjectStore,
    prefix: &Path,
) -> Result<(Vec<Path>, Vec<Path>), CacheError> {
    let all: Vec<ObjectMeta> = store.list(Some(prefix)).try_collect().await?;
    let at_root = |key: &Path| {
        key.prefix_match(prefix)
            .is_some_and(|rest| is_at_root(&rest.collect()))
    };
    let (mut root, rest): (Vec<_>, Vec<_>) =
        all.into_iter().map(|meta| meta.location).partition(at_root);
    root.sort_by_key(|key| rank(key.filename().unwrap_or_default()));
    Ok((root, rest))
}

/// The order in which root metadata is removed; it is put in the opposite one.
pub(super) fn rank(key: &str) -> usize {
    ROOT_METADATA
        .iter()
        .position(|root| *root == key)
        .unwrap_or(ROOT_METADATA.len())
}
