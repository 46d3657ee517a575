//! Finding out whether a cube is still what it was when it was committed.

use std::{collections::HashSet, num::NonZeroUsize, sync::Arc};

use futures::{
    StreamExt, TryStreamExt, future,
    stream::{self, BoxStream},
};
use object_store::{ObjectStore, path::Path};

use crate::{
    CacheError, CacheStore, CacheStoreExt, Checksum, CubeInfo, CubeName, Manifest, Usage,
    WasReplaced,
    checksum::{Content, content_of},
    manifest::{self, ManifestObject},
};

/// A cube that is about to be read from its first byte to its last, and compared with its [`Manifest`].
///
/// Nothing is changed. Besides the objects that are being read, in small pieces, it holds some 25 bytes for each object of the
/// cube, whatever the objects' sizes.
#[derive(Debug)]
pub struct Verification {
    cube: CubeInfo,
    store: Arc<dyn ObjectStore>,
    source: Source,
    expected: Usage,
    /// A single object that can't be read is a finding. Where a network is in between it may say nothing of the object.
    reads_tell: bool,
}

/// What the cube's objects are compared with.
#[derive(Debug)]
enum Source {
    Manifest(Box<Manifest>, Arc<dyn ObjectStore>),
    /// Nothing is known of them.
    None,
}

impl Verification {
    /// Opens the finished cube `name` and finds its manifest.
    ///
    /// # Errors
    /// [`CacheError::NotFound`] if there is no such cube, [`CacheError::Manifest`] if its manifest can't be read.
    pub async fn of(cache: &dyn CacheStore, name: &CubeName) -> Result<Self, CacheError> {
        let cube = cache.find(name).await?;
        let store = cache.open(name).await?;
        let found = match manifest::manifests(cache) {
            Some(manifests) => manifest::find(&manifests, &cube, &*store)
                .await?
                .map(|manifest| Source::Manifest(Box::new(manifest), manifests)),
            None => None,
        };
        let source = found.unwrap_or(Source::None);
        let expected = match &source {
            Source::Manifest(manifest, _) => manifest.usage(),
            Source::None => cache.usage(name).await?,
        };
        Ok(Self {
            cube,
            store,
            source,
            expected,
            reads_tell: cache.as_local().is_some(),
        })
    }

    /// The cube.
    #[must_use]
    pub fn cube(&self) -> &CubeInfo {
        &self.cube
    }

    /// What the cube was when it was committed; `None` if nobody wrote that down, so that all that can be found out is
    /// whether its objects can be read.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match &self.source {
            Source::Manifest(manifest, _) => Some(manifest),
            Source::None => None,
        }
    }

    /// How much there is to read.
    #[must_use]
    pub fn expected(&self) -> Usage {
        self.expected
    }

    /// Reads the cube, `concurrency` objects at a time, and tells of each object what was found, in the order in which they
    /// are ready. Dropping the stream stops it.
    ///
    /// # Errors
    /// The stream ends with [`CacheError::Replaced`] if the cube is replaced or removed meanwhile, and with what the storage
    /// says if it fails otherwise than for one object.
    pub fn run(self, concurrency: NonZeroUsize) -> BoxStream<'static, Result<Checked, CacheError>> {
        let concurrency = concurrency.get();
        let tells = self.reads_tell;
        let store = Arc::clone(&self.store);
        let read = move |key: String, expected: Option<Content>| {
            let store = Arc::clone(&store);
            async move {
                let verdict = verdict(&*store, &key, expected, tells).await?;
                Ok(Checked { key, verdict })
            }
        };
        match self.source {
            Source::None => self
                .store
                .list(None)
                .map_err(CacheError::from)
                .map_ok(move |meta| read(meta.location.to_string(), None))
                .try_buffer_unordered(concurrency)
                .boxed(),
            Source::Manifest(manifest, manifests) => {
                let known = Arc::new(std::sync::Mutex::new(HashSet::new()));
                let listed = Arc::clone(&known);
                let expected = manifest
                    .objects_in(&manifests)
                    .map_ok(move |object: ManifestObject| {
                        if let Ok(mut known) = known.lock() {
                            known.insert(Checksum::of(object.key.as_bytes()));
                        }
                        read(object.key.clone(), Some(object.content()))
                    })
                    .try_buffer_unordered(concurrency);
                // Begins when the other one has ended.
                let superfluous = stream::once(async move {
                    self.store
                        .list(None)
                        .map_err(CacheError::from)
                        .try_filter_map(move |meta: object_store::ObjectMeta| {
                            let key = meta.location.to_string();
                            let is_known = listed
                                .lock()
                                .is_ok_and(|listed| listed.contains(&Checksum::of(key.as_bytes())));
                            let verdict = Verdict::Superfluous { bytes: meta.size };
                            future::ok((!is_known).then_some(Checked { key, verdict }))
                        })
                })
                .flatten();
                expected.chain(superfluous).boxed()
            }
        }
    }
}

/// What was found of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Its key below the cube's root.
    pub key: String,
    /// What was found.
    pub verdict: Verdict,
}

/// See [`Checked::verdict`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is what it was when it was committed.
    Sound {
        /// Its size.
        bytes: u64,
    },
    /// It can be read, and nobody wrote down what it should be.
    Readable {
        /// Its size.
        bytes: u64,
    },
    /// Its content is another one.
    Bad {
        /// What it was.
        expected: Content,
        /// What it is.
        found: Content,
    },
    /// It is not there.
    Missing {
        /// What it was.
        expected: Content,
    },
    /// It is there and can't be read.
    Unreadable {
        /// What the storage says.
        why: String,
    },
    /// It was not part of the cube.
    Superfluous {
        /// Its size.
        bytes: u64,
    },
}

impl Verdict {
    /// True if nothing is wrong with the object as far as can be told.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Sound { .. } | Self::Readable { .. })
    }

    /// How much of what there [is to read](Verification::expected) this object was.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Sound { bytes } | Self::Readable { bytes } => *bytes,
            Self::Bad { expected, .. } | Self::Missing { expected } => expected.bytes,
            Self::Unreadable { .. } | Self::Superfluous { .. } => 0,
        }
    }
}

/// Reads one object.
async fn verdict(
    store: &dyn ObjectStore,
    key: &str,
    expected: Option<Content>,
    reads_tell: bool,
) -> Result<Verdict, CacheError> {
    let found = match Path::parse(key) {
        Ok(path) => content_of(store, &path).await,
        Err(why) => Err(why.into()),
    };
    Ok(match (found, expected) {
        (Ok(found), None) => Verdict::Readable { bytes: found.bytes },
        (Ok(found), Some(expected)) if found == expected => Verdict::Sound { bytes: found.bytes },
        (Ok(found), Some(expected)) => Verdict::Bad { expected, found },
        (Err(object_store::Error::NotFound { .. }), Some(expected)) => {
            Verdict::Missing { expected }
        }
        (Err(why), _) => match WasReplaced::in_error(&why) {
            Some(replaced) => return Err(CacheError::Replaced(replaced.clone())),
            None if reads_tell => Verdict::Unreadable {
                why: why.to_string(),
            },
            None => return Err(why.into()),
        },
    })
}
