//! Writing a manifest: a part of each commit.

use std::{collections::BTreeMap, sync::Arc};

use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, path::Path};

use super::{FORMAT, Manifest, ManifestObject, manifest_path, objects_path};
use crate::{CacheError, Staged, checksum::content_of, layout::ROOT_METADATA};

/// A part of the list of objects, and what is held of it: the smallest that storages take.
const PART: usize = 5 << 20;

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
    let mut lines = Lines::new(Arc::clone(manifests), path);
    let listed = async {
        let listed = list(staged, &mut lines).await?;
        lines.finish().await?;
        Ok(listed)
    };
    let listed = match listed.await {
        Ok(listed) => listed,
        Err(error) => {
            lines.abort().await;
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

async fn list(staged: &Staged, lines: &mut Lines) -> Result<Listed, CacheError> {
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
        lines.add(&line).await?;
    }
    drop(objects);
    let lost = written.len().saturating_sub(as_written);
    if lost > 0 {
        return Err(CacheError::Lost {
            name: staged.name().clone(),
            objects: lost,
        });
    }
    Ok(listed)
}

/// An object that grows line by line, in parts once it is large.
struct Lines {
    store: Arc<dyn ObjectStore>,
    path: Path,
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Lines {
    fn new(store: Arc<dyn ObjectStore>, path: Path) -> Self {
        Self {
            store,
            path,
            buffer: Vec::new(),
            upload: None,
        }
    }

    async fn add(&mut self, line: &[u8]) -> Result<(), CacheError> {
        self.buffer.extend_from_slice(line);
        if self.buffer.len() < PART {
            return Ok(());
        }
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(self.store.put_multipart(&self.path).await?),
        };
        // All of one length, as some storages want it.
        let rest = self.buffer.split_off(PART);
        let part = std::mem::replace(&mut self.buffer, rest);
        Ok(upload.put_part(part.into()).await?)
    }

    async fn finish(&mut self) -> Result<(), CacheError> {
        let last = std::mem::take(&mut self.buffer);
        let Some(upload) = &mut self.upload else {
            self.store.put(&self.path, last.into()).await?;
            return Ok(());
        };
        if !last.is_empty() {
            upload.put_part(last.into()).await?;
        }
        upload.complete().await?;
        Ok(())
    }

    /// What is left of it belongs to a generation that never comes to be.
    async fn abort(mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(path = %self.path, %error, "cannot abort an upload");
        }
    }
}
