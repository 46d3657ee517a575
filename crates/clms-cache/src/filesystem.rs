//! A cache in a folder of a local or shared file system.

mod leftovers;
mod pinned;
mod records;

use std::{
    fs, io,
    panic::resume_unwind,
    path::{self, Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use jiff::Timestamp;
use object_store::{ObjectStore, local::LocalFileSystem};
use tokio::{sync::mpsc, task};

use self::{pinned::Pinned, records::Records};
use crate::{
    CacheError, CacheStore, CacheStoreExt, CubeInfo, CubeName, Generation, Lease, Leftover, Local,
    Maintain, Staged, Usage,
    durable::{flush_folder, put_in_place, settle},
    error::Doing,
    layout::{Layout, entries, is_absence, is_cube},
    lock::{self, Attempt, LockFile},
    manifest,
    staging::{self, StagingPlace},
};

/// A cache in a folder.
///
/// The folder need not exist: looking into a cache that is not there finds nothing and creates nothing, and the first
/// thing that is written creates it.
///
/// A commit flushes the cube to the disk and then renames it into place. Where there is a cube of that name already the
/// two are exchanged in one step on Linux; elsewhere, and on file systems that cannot exchange (NFS), there is an instant
/// in which a reader finds neither, and a crash in it is healed by whoever stages, commits or removes next.
///
/// A handle from [`open`](CacheStore::open) fails once its cube is replaced or removed. Other software that opened a cube by
/// its path and goes on reading after it was replaced reads the new one.
///
/// File systems that refuse `|` and some others (SMB, exFAT, NTFS) get percent-encoded names. Where upper and lower case are
/// the same, a cube whose name differs from another one's only in that is refused with [`CacheError::InTheWay`].
///
/// Works on any file system with locks of the operating system. All methods need to be called within a Tokio runtime.
#[derive(Debug, Clone)]
pub struct FilesystemCache {
    location: Arc<str>,
    layout: Arc<Layout>,
    records: Arc<dyn ObjectStore>,
    manifests: Arc<dyn ObjectStore>,
}

impl FilesystemCache {
    /// The cache whose root is the folder `path`; a relative one is taken from the present working directory.
    ///
    /// # Errors
    /// [`CacheError::NewerLayout`] if a newer version of this software has been at work there,
    /// [`CacheError::UnsupportedLocation`] if the path is empty or not Unicode, [`CacheError::Io`] if it is not a folder
    /// or cannot be looked at.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CacheError> {
        let path = path.as_ref();
        let unsupported = |why: String| CacheError::UnsupportedLocation {
            location: path.display().to_string(),
            why,
        };
        let location = path
            .to_str()
            .ok_or_else(|| unsupported("it is not Unicode".to_owned()))?;
        let root = without_parents(path).map_err(|error| unsupported(error.to_string()))?;
        match fs::metadata(&root) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(io::Error::from(io::ErrorKind::NotADirectory))
                    .doing("open the cache", &root);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).doing("open the cache", &root);
            }
            _ => {}
        }
        let layout = Arc::new(Layout::new(root));
        layout.check_version()?;
        let hidden = |folder: PathBuf| -> Result<Arc<dyn ObjectStore>, CacheError> {
            let records = Records::new(folder, Arc::clone(&layout));
            let records = records.map_err(|error| unsupported(error.to_string()))?;
            Ok(Arc::new(records))
        };
        Ok(Self {
            location: location.into(),
            records: hidden(layout.records())?,
            manifests: hidden(layout.manifests())?,
            layout,
        })
    }

    /// Runs `work` where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Layout) -> Result<T, CacheError> + Send + 'static,
    ) -> Result<T, CacheError> {
        let layout = Arc::clone(&self.layout);
        match task::spawn_blocking(move || work(&layout)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime shuts down.
                Err(_) => Err(io::Error::from(io::ErrorKind::Interrupted))
                    .doing("work on", self.layout.root()),
            },
        }
    }

    /// The folder of the finished cube `name`.
    async fn finished(&self, name: &CubeName) -> Result<PathBuf, CacheError> {
        let wanted = name.clone();
        let found = self.blocking(move |layout| layout.find(&wanted)).await?;
        found.ok_or_else(|| self.not_found(name))
    }
}

/// The absolute path, without the `..` that an object store refuses. A link before a `..` is followed, as the system does.
fn without_parents(path: &Path) -> io::Result<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in path::absolute(path)?.components() {
        if component == path::Component::ParentDir {
            // What is not there has no links.
            resolved = fs::canonicalize(&resolved).unwrap_or(resolved);
            resolved.pop();
        } else {
            resolved.push(component);
        }
    }
    Ok(resolved)
}

#[async_trait]
impl CacheStore for FilesystemCache {
    fn location(&self) -> &str {
        &self.location
    }

    fn cube_location(&self, name: &CubeName) -> String {
        let there = self.layout.find(name).ok().flatten();
        let path = there.unwrap_or_else(|| self.layout.root().join(name.folder()));
        path.display().to_string()
    }

    fn list(&self) -> BoxStream<'static, Result<CubeInfo, CacheError>> {
        let layout = Arc::clone(&self.layout);
        // Nothing is read before the stream is polled.
        stream::once(async move {
            let (sender, receiver) = mpsc::channel(64);
            task::spawn_blocking(move || list(&layout, &sender));
            stream::unfold(receiver, async |mut receiver| {
                Some((receiver.recv().await?, receiver))
            })
        })
        .flatten()
        .boxed()
    }

    async fn look_up(&self, name: &CubeName) -> Result<Option<CubeInfo>, CacheError> {
        let name = name.clone();
        self.blocking(move |layout| match layout.find(&name)? {
            Some(cube) => info(name, &cube),
            None => Ok(None),
        })
        .await
    }

    async fn usage(&self, name: &CubeName) -> Result<Usage, CacheError> {
        let cube = self.finished(name).await?;
        self.blocking(move |_| {
            let mut usage = Usage::default();
            measure(&cube, &mut usage)?;
            Ok(usage)
        })
        .await
    }

    async fn open(&self, name: &CubeName) -> Result<Arc<dyn ObjectStore>, CacheError> {
        let cube = self.finished(name).await?;
        let wanted = name.clone();
        match self
            .blocking(move |_| Ok(Pinned::open(&wanted, cube)))
            .await?
        {
            Ok(store) => Ok(Arc::new(store)),
            // Removed since.
            Err(object_store::Error::NotFound { .. }) => Err(self.not_found(name)),
            Err(error) => Err(error.into()),
        }
    }

    async fn stage(&self, name: &CubeName) -> Result<Staged, CacheError> {
        let wanted = name.clone();
        let StagingPlace { id, cube, lock } = self
            .blocking(move |layout| {
                staging::sweep(layout);
                staging::create(layout, &wanted)
            })
            .await?;
        // Nothing is flushed before the commit, which flushes everything.
        let store = Arc::new(LocalFileSystem::new_with_prefix(cube)?);
        Ok(Staged::new(name.clone(), id, store).with_guard(lock))
    }

    async fn commit(&self, staged: Staged) -> Result<CubeInfo, CacheError> {
        let staged = Arc::new(staged);
        let settled = Arc::clone(&staged);
        let committed_at = self
            .blocking(move |layout| settled_at(layout, &settled))
            .await?;
        let superseded = manifest::superseded(self, staged.name()).await?;
        manifest::write(&self.manifests, &staged, committed_at).await?;
        let ready = Arc::clone(&staged);
        let cube = self.blocking(move |layout| put(layout, &ready)).await?;
        manifest::forget_superseded(self, staged.name(), &superseded).await;
        Ok(CubeInfo::new(
            staged.name().clone(),
            cube.display().to_string(),
            committed_at,
        ))
    }

    async fn discard(&self, staged: Staged) -> Result<(), CacheError> {
        self.blocking(move |layout| staging::remove(layout, staged.generation()))
            .await
    }

    async fn remove(&self, name: &CubeName) -> Result<bool, CacheError> {
        let superseded = manifest::superseded(self, name).await?;
        let wanted = name.clone();
        let removed = self.blocking(move |layout| {
            let name = wanted;
            // Else a dead replacement of the cube could bring it back later.
            staging::sweep(layout);
            let mut removed = false;
            while let Some(cube) = layout.find(&name)? {
                layout.create()?;
                removed |= staging::discard(layout, &cube)?;
            }
            if removed {
                flush_folder(layout.root())?;
                staging::empty_trash(layout);
            }
            Ok(removed)
        });
        let removed = removed.await?;
        if removed {
            manifest::forget_superseded(self, name, &superseded).await;
        }
        Ok(removed)
    }

    async fn lease(&self, name: &CubeName, holder: &str) -> Result<Lease, CacheError> {
        let (wanted, holder) = (name.clone(), holder.to_owned());
        self.blocking(move |layout| {
            layout.create()?;
            match LockFile::attempt_among_named(&layout.lease_lock(&wanted), &holder)? {
                Attempt::Locked(lock) => Ok(Lease::new(wanted, lock)),
                Attempt::Held(holder) => Err(CacheError::Held {
                    name: wanted,
                    holder: in_words(holder),
                }),
            }
        })
        .await
    }

    fn records(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.records)
    }

    fn as_local(&self) -> Option<&dyn Local> {
        Some(self)
    }

    fn as_maintain(&self) -> Option<&dyn Maintain> {
        Some(self)
    }
}

#[async_trait]
impl Maintain for FilesystemCache {
    fn leftovers(&self) -> BoxStream<'_, Result<Leftover, CacheError>> {
        let found = self.blocking(leftovers::find);
        stream::once(found)
            .map_ok(|leftovers| stream::iter(leftovers).map(Ok))
            .try_flatten()
            .boxed()
    }

    async fn clear(&self, leftover: &Leftover) -> Result<bool, CacheError> {
        let leftover = leftover.clone();
        self.blocking(move |layout| leftovers::clear(layout, &leftover))
            .await
    }

    async fn is_live(&self, _: &CubeName, generation: &Generation) -> Result<bool, CacheError> {
        let generation = generation.clone();
        self.blocking(move |layout| Ok(staging::is_live(layout, &generation)))
            .await
    }

    async fn holder(&self, name: &CubeName) -> Result<Option<String>, CacheError> {
        let name = name.clone();
        self.blocking(move |layout| Ok(lock::holder(&layout.lease_lock(&name)).map(in_words)))
            .await
    }

    fn manifests(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.manifests)
    }
}

/// The holder of a lease who may not have said who he is.
fn in_words(holder: String) -> String {
    if holder.is_empty() {
        "another process".to_owned()
    } else {
        holder
    }
}

impl Local for FilesystemCache {
    fn scratch_folder(&self) -> PathBuf {
        self.layout.scratch()
    }
}

/// Makes what was staged whole and durable, and returns the time that it will bear.
fn settled_at(layout: &Layout, staged: &Staged) -> Result<Timestamp, CacheError> {
    let (name, id) = (staged.name(), staged.generation());
    let new = staging::cube_in(layout, id, name)?;
    if !is_cube(&new)? {
        staging::remove(layout, id)?;
        return Err(CacheError::NotWhole { name: name.clone() });
    }
    settle(&new, |path| staging::discard(layout, path))?;
    modified_at(&new).doing("look at", &new)
}

/// Puts what was staged, and is settled, in its place, which it returns. Where no two folders can be exchanged at once, others may be about to
/// replace it: what lies there now says nothing about this commit.
fn put(layout: &Layout, staged: &Staged) -> Result<PathBuf, CacheError> {
    let (name, id) = (staged.name(), staged.generation());
    let new = staging::cube_in(layout, id, name)?;
    let place = match layout.find(name)? {
        Some(old) => old,
        None => match free_place(layout, &new) {
            // Another one has put his there this instant, and a third may be replacing it.
            Err(error @ CacheError::InTheWay { .. }) => {
                let _gate = lock::exclude(&layout.swap_gate())?;
                layout.find(name)?.ok_or(error)?
            }
            place => place?,
        },
    };
    put_in_place(&new, &place, &layout.replaced(id), &layout.swap_gate())?;
    flush_folder(layout.root())?;
    // From here on the cube is there, whatever becomes of the remains.
    if let Err(error) = staging::remove(layout, id) {
        tracing::warn!(%error, "cannot clean up after a commit");
    }
    Ok(place)
}

/// Where the staged cube `new` goes, at whose place there is no cube; nor may anything else be there that is a person's.
fn free_place(layout: &Layout, new: &Path) -> Result<PathBuf, CacheError> {
    let place = layout.root().join(new.file_name().unwrap_or_default());
    let free = match fs::symlink_metadata(&place) {
        Ok(metadata) => metadata.is_dir() && entries(&place)?.is_empty(),
        Err(error) if is_absence(&error) => true,
        Err(error) => return Err(error).doing("look at", &place),
    };
    if free {
        Ok(place)
    } else {
        Err(CacheError::InTheWay { path: place })
    }
}

/// Sends all finished cubes, until nobody wants any more.
fn list(layout: &Layout, sender: &mpsc::Sender<Result<CubeInfo, CacheError>>) {
    let root = layout.root();
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            sender
                .blocking_send(Err(error).doing("read the folder", root))
                .ok();
            return;
        }
    };
    for entry in entries {
        let listed = entry.doing("read the folder", root);
        let found = listed.and_then(|entry| listed_cube(layout, &entry));
        if let Some(item) = found.transpose()
            && sender.blocking_send(item).is_err()
        {
            return;
        }
    }
}

/// The cube of that entry of the root, if it is one.
fn listed_cube(layout: &Layout, entry: &fs::DirEntry) -> Result<Option<CubeInfo>, CacheError> {
    let Some(name) = entry.file_name().to_str().and_then(CubeName::from_folder) else {
        return Ok(None);
    };
    match layout.find(&name)? {
        // The other spelling of the same name goes first.
        Some(cube) if cube != entry.path() => Ok(None),
        Some(cube) => info(name, &cube),
        None => Ok(None),
    }
}

/// What is known of the cube `name`, unless it was removed meanwhile.
fn info(name: CubeName, cube: &Path) -> Result<Option<CubeInfo>, CacheError> {
    let committed_at = match modified_at(cube) {
        Ok(time) => time,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(error).doing("look at", cube),
    };
    Ok(Some(CubeInfo::new(
        name,
        cube.display().to_string(),
        committed_at,
    )))
}

fn modified_at(cube: &Path) -> io::Result<Timestamp> {
    let modified = fs::metadata(cube)?.modified()?;
    // A time that no calendar has is not worth a failure.
    Ok(Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Adds up what is in `folder`, except what is removed meanwhile.
fn measure(folder: &Path, usage: &mut Usage) -> Result<(), CacheError> {
    for entry in entries(folder)? {
        let path = entry.path();
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if is_absence(&error) => continue,
            Err(error) => return Err(error).doing("look at", &path),
        };
        if metadata.is_dir() {
            measure(&path, usage)?;
        } else {
            usage.bytes += metadata.len();
            usage.objects += 1;
        }
    }
    Ok(())
}
