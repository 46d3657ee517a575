//! Writing a manifest: a part of each commit.

use std::{collections::BTreeMap, sync::Arc};

use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::{ObjectStore, ObjectStoreExt, buffered::BufWriter};
use tokio::io::AsyncWriteExt;

use super::{FORMAT, Manifest, ManifestObject, manifest_path, objects_path};
use crate::{CacheError, Staged, checksum::content_of, layout::ROOT_METADATA};

/// What is held of the list of objects before it is written.
const BUFFER: usize = 5 << 20;

/// Writes the manifest of what was staged, of which nothing may be written any more, and returns it.
///
/// Reads only what did not pass through the staging place's handle, and lists the rest once.
///
/// # Errors
/// [`CacheError::Lost`] if not all is there that was written; what the storage says.
pub(crate) async fn write(
    manifests: &Arc<dyn ObjectStore>,
    staged: &Staged,
    committed_at: Timestamp,
) -> Result<Manifest, CacheError> {
    let path = objects_path(staged.name(), staged.generation());
    let mut lines = BufWriter::with_capacity(Arc::clone(manifests), path, BUFFER);
    let listed = match list(staged, &mut lines).await {
        Ok(listed) => listed,
        Err(error) => {
            // What is left of it belongs to a generation that never came to be.
            lines.abort().await.ok();
            return Err(error);
        }
    };
    let manifest = Manifest {
        format: FORMAT,
        cube: staged.name().clone(),
        generation: staged.generation().clone(),
        committed_at,
        objects: listed.objects,
        bytes: listed.bytes,
        root: listed.root,
        origin: staged.origin(),
    };
    let path = manifest_path(staged.name(), staged.generation());
    let document =
        serde_json::to_vec_pretty(&manifest).map_err(|why| super::damaged(&path, &why))?;
    manifests.put(&path, document.into()).await?;
    Ok(manifest)
}

#[derive(Default)]
struct Listed {
    objects: u64,
    bytes: u64,
    root: BTreeMap<String, crate::Checksum>,
}

async fn list(staged: &Staged, lines: &mut BufWriter) -> Result<Listed, CacheError> {
    let (store, written) = (staged.store(), staged.written());
    let mut listed = Listed::default();
    let mut as_written = 0;
    let mut objects = store.list(None);
    while let Some(meta) = objects.try_next().await? {
        let content = match written.content(&meta.location) {
            Some(known) if known.bytes == meta.size => {
                as_written += 1;
                known
            }
            // Somebody else has been at work there: it counts as lost.
            Some(_) => continue,
            None => content_of(&*store, &meta.location).await?,
        };
        let object = ManifestObject {
            key: meta.location.to_string(),
            bytes: content.bytes,
            xxh3: content.checksum,
        };
        listed.objects += 1;
        listed.bytes += object.bytes;
        if ROOT_METADATA.contains(&object.key.as_str()) {
            listed.root.insert(object.key.clone(), object.xxh3);
        }
        let mut line =
            serde_json::to_vec(&object).map_err(|why| super::damaged(&meta.location, &why))?;
        line.push(b'\n');
        lines.write_all(&line).await.map_err(object_error)?;
    }
    drop(objects);
    let lost = written.len().saturating_sub(as_written);
    if lost > 0 {
        return Err(CacheError::Lost {
            name: staged.name().clone(),
            objects: lost,
        });
    }
    lines.shutdown().await.map_err(object_error)?;
    Ok(listed)
}

/// What a writer of bytes says is what the storage said, wrapped once more.
fn object_error(error: std::io::Error) -> CacheError {
    match error.downcast::<object_store::Error>() {
        Ok(error) => error.into(),
        Err(error) => object_store::Error::Generic {
            store: "clms-cache",
            source: Box::new(error),
        }
        .into(),
    }
}
