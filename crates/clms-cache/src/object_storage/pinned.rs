//! The handle through which a finished cube is read: only ever the generation that was opened.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    Error, GetOptions, GetResult, ListResult, ObjectMeta, ObjectStore, Result, path::Path,
    prefix::PrefixStore,
};

use crate::{CubeName, WasReplaced, forwarding::refuse_writes};

/// A handle rooted at a finished cube, with what was listed there when it was opened.
///
/// What was not listed is not there, which costs no request. What is read has to have the e-tag that was listed: it is
/// compared with that of the answer, so that storages that ignore `If-Match` are no exception. About 250 bytes of memory
/// for each object.
#[derive(Clone)]
pub(super) struct PinnedStore {
    name: CubeName,
    inner: PrefixStore<Arc<dyn ObjectStore>>,
    listed: Arc<BTreeMap<Path, ObjectMeta>>,
}

impl PinnedStore {
    /// `listed` has keys and locations within the cube.
    pub(super) fn new(
        name: CubeName,
        inner: PrefixStore<Arc<dyn ObjectStore>>,
        listed: BTreeMap<Path, ObjectMeta>,
    ) -> Self {
        Self {
            name,
            inner,
            listed: Arc::new(listed),
        }
    }

    fn was_replaced(&self, key: &Path) -> Error {
        let name = self.name.clone();
        WasReplaced { name }.when_reading(key)
    }

    fn below(&self, prefix: Option<&Path>) -> Vec<ObjectMeta> {
        let root = Path::default();
        let prefix = prefix.unwrap_or(&root);
        self.listed
            .values()
            .filter(|meta| meta.location != *prefix && meta.location.prefix_matches(prefix))
            .cloned()
            .collect()
    }
}

impl fmt::Debug for PinnedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedStore")
            .field("name", &self.name)
            .field("inner", &self.inner)
            .field("objects", &self.listed.len())
            .finish()
    }
}

impl fmt::Display for PinnedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinnedStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for PinnedStore {
    refuse_writes!();

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        let Some(listed) = self.listed.get(key) else {
            return Err(Error::NotFound {
                path: key.to_string(),
                source: "it was not listed when the cube was opened".into(),
            });
        };
        match self.inner.get_opts(key, options).await {
            Ok(got) if is_same(&got.meta, listed) => Ok(got),
            Ok(_) | Err(Error::NotFound { .. }) => Err(self.was_replaced(key)),
            Err(error) => Err(error),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::iter(self.below(prefix).into_iter().map(Ok)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let root = Path::default();
        let prefix = prefix.unwrap_or(&root);
        let mut objects = Vec::new();
        let mut folders = Vec::new();
        for meta in self.below(Some(prefix)) {
            let parts: Vec<_> = meta
                .location
                .prefix_match(prefix)
                .into_iter()
                .flatten()
                .collect();
            match &parts[..] {
                [_] => objects.push(meta),
                [folder, ..] => {
                    let folder: Path = prefix.parts().chain([folder.clone()]).collect();
                    // Sorted as they are, those of one folder follow each other.
                    if folders.last() != Some(&folder) {
                        folders.push(folder);
                    }
                }
                [] => {}
            }
        }
        Ok(ListResult {
            common_prefixes: folders,
            objects,
            extensions: Default::default(),
        })
    }
}

/// True if the object that was read is the one that was listed. Storages differ in whether they quote e-tags in listings.
fn is_same(read: &ObjectMeta, listed: &ObjectMeta) -> bool {
    match (&read.e_tag, &listed.e_tag) {
        (Some(read), Some(listed)) => read.trim_matches('"') == listed.trim_matches('"'),
        _ => (read.size, read.last_modified) == (listed.size, listed.last_modified),
    }
}
