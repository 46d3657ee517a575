//! Handles that stay with the generation of a cube that they were opened on.

use std::{
    fmt,
    fs::{self, File},
    io,
    ops::Range,
    path::{self, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    GetOptions, GetResult, ListResult, ObjectMeta, ObjectStore, Result, local::LocalFileSystem,
    path::Path,
};
use tokio::task;

use crate::{CubeName, WasReplaced, forwarding::refuse_writes};

/// A handle for reading the folder of a finished cube. Once another folder is in its place, or none, reads fail with
/// [`WasReplaced`]: a mixture of two generations would look like data.
///
/// After each read it looks whether the folder at the cube's path is still the one that was opened. A folder that was moved
/// away never comes back, so if it is there after a read it was there before. That look costs one `stat`; on a network file
/// system it is as fresh as the system's cache.
#[derive(Debug)]
pub(crate) struct Pinned {
    inner: LocalFileSystem,
    place: Arc<Place>,
}

#[derive(Debug)]
struct Place {
    name: CubeName,
    folder: PathBuf,
    identity: Identity,
    /// While it is open, no other folder gets its number.
    _open: Option<File>,
}

impl Pinned {
    /// The cube in `folder`, as it is now.
    pub(crate) fn open(name: &CubeName, folder: PathBuf) -> Result<Self> {
        // Before the rest, which is then of this folder or of none.
        let open = cfg!(unix).then(|| File::open(&folder)).transpose();
        let open = open.map_err(|error| unreadable(&folder, error))?;
        let identity = match &open {
            Some(open) => open.metadata().map(|metadata| Identity::of(&metadata)),
            None => fs::metadata(&folder).map(|metadata| Identity::of(&metadata)),
        };
        let identity = identity.map_err(|error| unreadable(&folder, error))?;
        let inner = LocalFileSystem::new_with_prefix(&folder)?;
        Ok(Self {
            inner,
            place: Arc::new(Place {
                name: name.clone(),
                folder,
                identity,
                _open: open,
            }),
        })
    }

    /// Passes on what was read of `key`, if the cube is still the same.
    async fn same<T>(&self, key: Option<&Path>, read: Result<T>) -> Result<T> {
        self.place.clone().check(key.cloned()).await?;
        read
    }
}

impl Place {
    /// Fails if another cube is there now, or none.
    async fn check(self: Arc<Self>, key: Option<Path>) -> Result<()> {
        task::spawn_blocking(move || match fs::metadata(&self.folder) {
            Ok(found) if Identity::of(&found) == self.identity => Ok(()),
            Err(error) if !crate::layout::is_absence(&error) => {
                Err(unreadable(&self.folder, error))
            }
            _ => Err(WasReplaced {
                name: self.name.clone(),
            }
            .when_reading(&key.unwrap_or_default())),
        })
        .await?
    }
}

/// Tells a folder from the one that replaces it.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    inode: (u64, u64),
    #[cfg(not(unix))]
    times: (Option<std::time::SystemTime>, Option<std::time::SystemTime>),
}

impl Identity {
    #[cfg(unix)]
    fn of(folder: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            inode: (folder.dev(), folder.ino()),
        }
    }

    #[cfg(not(unix))]
    fn of(folder: &fs::Metadata) -> Self {
        Self {
            times: (folder.created().ok(), folder.modified().ok()),
        }
    }
}

fn unreadable(folder: &path::Path, error: io::Error) -> object_store::Error {
    let path = folder.display().to_string();
    let source = Box::new(error);
    match source.kind() {
        io::ErrorKind::NotFound => object_store::Error::NotFound { path, source },
        io::ErrorKind::PermissionDenied => object_store::Error::PermissionDenied { path, source },
        _ => object_store::Error::Generic {
            store: "LocalFileSystem",
            source,
        },
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pinned({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Pinned {
    refuse_writes!();

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        // What it returns is an open file, which stays what it is.
        let found = self.inner.get_opts(location, options).await;
        self.same(Some(location), found).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let found = self.inner.get_ranges(location, ranges).await;
        self.same(Some(location), found).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        checked_at_its_end(self.inner.list(prefix), &self.place)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let found = self.inner.list_with_delimiter(prefix).await;
        self.same(prefix, found).await
    }
}

/// The same items, and an error behind the last one if they are not all of one generation.
fn checked_at_its_end(
    items: BoxStream<'static, Result<ObjectMeta>>,
    place: &Arc<Place>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let (place, last) = (Arc::clone(place), Arc::clone(place));
    // What fails may do so because half of it is gone.
    let items = items.then(move |item| {
        let place = Arc::clone(&place);
        async move {
            if item.is_err() {
                place.check(None).await?;
            }
            item
        }
    });
    let end = stream::once(last.check(None)).filter_map(async |checked| checked.err().map(Err));
    items.chain(end).boxed()
}
