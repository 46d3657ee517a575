//! What a cube was made of when it was committed, and where it came from.
//!
//! Each generation of a cube has two objects in the hidden folder, on every storage alike:
//!
//! ```text
//! manifests/<name>.zarr/<generation>.jsonl   a line for each object: its key, size and checksum
//! manifests/<name>.zarr/<generation>.json    the Manifest: totals, time, origin
//! ```
//!
//! They are written by the commit before the cube becomes visible, the second one last: a visible cube has a manifest. The
//! cube itself says nothing of its manifest, since nothing in it is ours alone. Where the cache does not know the generation
//! of the visible cube, it follows from its root metadata which of several manifests is its own; there are several only while
//! a writer is between its manifest and its cube, or after one died there.

mod recording;
mod writing;

use std::{collections::BTreeMap, io, sync::Arc};

use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use object_store::{
    ObjectStore, ObjectStoreExt,
    path::{Path, PathPart},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::io::AsyncBufReadExt;
use tokio_util::io::StreamReader;

pub(crate) use recording::{Recording, Written};
pub(crate) use writing::write;

use crate::{
    CacheError, CacheStore, Checksum, CubeInfo, CubeName, Generation, Maintain, Usage,
    checksum::{Content, content_of},
    layout::ROOT_METADATA,
};

/// Version of the form of manifests.
const FORMAT: u32 = 1;

/// Where a cube came from, in the words of the layer that made it. The cache keeps it and does not understand it.
pub type Origin = Map<String, Value>;

/// What a cube was made of when it was committed, and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    format: u32,
    /// The cube's name.
    #[serde(with = "as_text")]
    pub cube: CubeName,
    /// Which one of all the cubes that ever had this name.
    #[serde(with = "as_text")]
    pub generation: Generation,
    /// When it was committed, by the clock of the machine that did it.
    pub committed_at: Timestamp,
    /// How many objects it was made of.
    pub objects: u64,
    /// Sum of their sizes.
    pub bytes: u64,
    /// The root metadata by which the cube is recognised.
    root: BTreeMap<String, Checksum>,
    /// Where it came from, as far as anybody said so.
    #[serde(default)]
    pub origin: Origin,
}

/// One object of a cube, as its manifest has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ManifestObject {
    /// Its key below the cube's root.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// Its checksum.
    pub xxh3: Checksum,
}

impl ManifestObject {
    pub(crate) fn content(&self) -> Content {
        Content {
            bytes: self.bytes,
            checksum: self.xxh3,
        }
    }
}

impl Manifest {
    /// The manifest of the finished cube `name`; `None` for a cube that was made without one, by other software or an
    /// older version of this one, and for caches that keep none.
    ///
    /// # Errors
    /// [`CacheError::NotFound`] if there is no such cube, [`CacheError::Manifest`] if its manifest can't be read.
    pub async fn of(cache: &dyn CacheStore, name: &CubeName) -> Result<Option<Self>, CacheError> {
        let cube = crate::CacheStoreExt::find(cache, name).await?;
        match manifests(cache) {
            Some(manifests) => {
                let store = cache.open(name).await?;
                find(&manifests, &cube, &*store).await
            }
            None => Ok(None),
        }
    }

    /// The room that the cube took.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            bytes: self.bytes,
            objects: self.objects,
        }
    }

    /// The objects that the cube was made of, in no particular order. They are read while the stream is polled.
    pub(crate) fn objects_in(
        &self,
        manifests: &Arc<dyn ObjectStore>,
    ) -> BoxStream<'static, Result<ManifestObject, CacheError>> {
        let path = objects_path(&self.cube, &self.generation);
        let manifests = Arc::clone(manifests);
        stream::once(async move {
            let found = manifests.get(&path).await?;
            let bytes = found.into_stream().map_err(io::Error::other);
            let lines = StreamReader::new(bytes).lines();
            Ok::<_, CacheError>(stream::try_unfold(
                (lines, path),
                |(mut lines, path)| async {
                    let line = lines.next_line().await;
                    let Some(line) = line.map_err(|why| damaged(&path, &why))? else {
                        return Ok(None);
                    };
                    let object = serde_json::from_str(&line).map_err(|why| damaged(&path, &why))?;
                    Ok(Some((object, (lines, path))))
                },
            ))
        })
        .try_flatten()
        .boxed()
    }
}

/// The handle with the manifests, if the cache keeps any.
pub(crate) fn manifests(cache: &dyn CacheStore) -> Option<Arc<dyn ObjectStore>> {
    cache.as_maintain().map(Maintain::manifests)
}

/// The manifest of the visible `cube`, which was opened as `store`.
pub(crate) async fn find(
    manifests: &Arc<dyn ObjectStore>,
    cube: &CubeInfo,
    store: &dyn ObjectStore,
) -> Result<Option<Manifest>, CacheError> {
    if let Some(generation) = &cube.generation {
        return read(manifests, &cube.name, generation).await;
    }
    let mut candidates = Vec::new();
    for generation in generations(manifests, &cube.name).await? {
        if let Some(manifest) = read(manifests, &cube.name, &generation).await? {
            candidates.push(manifest);
        }
    }
    if candidates.len() < 2 {
        // Damaged root metadata must not hide what would prove the damage.
        return Ok(candidates.pop());
    }
    let root = root_of(store).await?;
    Ok(candidates.into_iter().min_by_key(|manifest| {
        let apart = cube.committed_at.duration_since(manifest.committed_at);
        (manifest.root != root, apart.unsigned_abs())
    }))
}

/// The root metadata of a cube, as it is now.
async fn root_of(store: &dyn ObjectStore) -> Result<BTreeMap<String, Checksum>, CacheError> {
    let mut root = BTreeMap::new();
    for key in ROOT_METADATA {
        match content_of(store, &Path::from(key)).await {
            Ok(content) => {
                root.insert(key.to_owned(), content.checksum);
            }
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(root)
}

/// Reads one manifest; `None` if there is none.
async fn read(
    manifests: &Arc<dyn ObjectStore>,
    name: &CubeName,
    generation: &Generation,
) -> Result<Option<Manifest>, CacheError> {
    let path = manifest_path(name, generation);
    let bytes = match manifests.get(&path).await {
        Ok(found) => found.bytes().await?,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|why| damaged(&path, &why))?;
    if manifest.format != FORMAT || manifest.cube != *name || manifest.generation != *generation {
        return Err(damaged(
            &path,
            &"it is of another version, cube or generation",
        ));
    }
    Ok(Some(manifest))
}

/// The generations of which there is anything in the folder of `name`, each once.
pub(crate) async fn generations(
    manifests: &Arc<dyn ObjectStore>,
    name: &CubeName,
) -> Result<Vec<Generation>, CacheError> {
    let listed = manifests.list(Some(&folder(name)));
    let mut generations: Vec<_> = listed
        .try_filter_map(async |meta| Ok(generation_of(&meta.location)))
        .try_collect()
        .await?;
    generations.sort();
    generations.dedup();
    Ok(generations)
}

/// The names of all cubes that have manifests, in no particular order.
pub(crate) async fn names(manifests: &Arc<dyn ObjectStore>) -> Result<Vec<CubeName>, CacheError> {
    let listed = manifests.list_with_delimiter(None).await?;
    Ok(listed
        .common_prefixes
        .iter()
        .filter_map(|folder| CubeName::from_folder(folder.filename()?))
        .collect())
}

/// Removes the manifest of one generation.
pub(crate) async fn forget(
    manifests: &Arc<dyn ObjectStore>,
    name: &CubeName,
    generation: &Generation,
) -> Result<(), CacheError> {
    // The other way round than it was written: what is left of half a removal is no manifest.
    for path in [
        manifest_path(name, generation),
        objects_path(name, generation),
    ] {
        match manifests.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The generations of `name` that are nobody's any more once the cube is replaced or removed. To be found before that: what
/// another one is about to commit is not among them.
pub(crate) async fn superseded(
    maintain: &dyn Maintain,
    name: &CubeName,
) -> Result<Vec<Generation>, CacheError> {
    let mut superseded = Vec::new();
    for generation in generations(&maintain.manifests(), name).await? {
        if !maintain.is_live(name, &generation).await? {
            superseded.push(generation);
        }
    }
    Ok(superseded)
}

/// Removes the manifests of what was superseded. One that stays is in nobody's way until the next [collection](crate::gc).
pub(crate) async fn forget_superseded(
    maintain: &dyn Maintain,
    name: &CubeName,
    superseded: &[Generation],
) {
    for generation in superseded {
        if let Err(error) = forget(&maintain.manifests(), name, generation).await {
            tracing::warn!(%name, %error, "cannot remove a manifest");
        }
    }
}

/// The room that the manifest of one generation takes.
pub(crate) async fn usage(
    manifests: &Arc<dyn ObjectStore>,
    name: &CubeName,
    generation: &Generation,
) -> Result<Usage, CacheError> {
    let mut usage = Usage::default();
    for path in [
        manifest_path(name, generation),
        objects_path(name, generation),
    ] {
        match manifests.head(&path).await {
            Ok(meta) => {
                usage.bytes += meta.size;
                usage.objects += 1;
            }
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(usage)
}

fn folder(name: &CubeName) -> Path {
    let folder = name.portable_folder();
    // As it is: `Path::from` would encode its percent signs once more.
    let part = PathPart::parse(&folder).unwrap_or_else(|_| PathPart::from(folder.as_str()));
    Path::from_iter([part])
}

fn manifest_path(name: &CubeName, generation: &Generation) -> Path {
    folder(name).join(format!("{generation}.json"))
}

fn objects_path(name: &CubeName, generation: &Generation) -> Path {
    folder(name).join(format!("{generation}.jsonl"))
}

fn generation_of(path: &Path) -> Option<Generation> {
    let (generation, ending) = path.filename()?.split_once('.')?;
    matches!(ending, "json" | "jsonl")
        .then(|| Generation::parse(generation))
        .flatten()
}

fn damaged(path: &Path, why: &dyn std::fmt::Display) -> CacheError {
    CacheError::Manifest {
        path: path.to_string(),
        why: why.to_string(),
    }
}

/// Names and generations as texts that are checked when they are read.
mod as_text {
    use std::{fmt, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: fmt::Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
