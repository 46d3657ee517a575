//! The handle through which a finished cube is read: only ever the generation that was opened.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload,
    OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, RenameOptions, Result, coalesce_ranges, path::Path, prefix::PrefixStore,
};

use crate::{CubeName, WasReplaced};

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

fn read_only(operation: &str) -> Error {
    Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: "a finished cube".to_owned(),
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for PinnedStore {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("put"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("put_multipart"))
    }

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

    async fn get_ranges(&self, key: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        // Not the inner store's own, which would not say which object it has read.
        let get = |range: Range<u64>| async move {
            let options = GetOptions::new().with_range(Some(range));
            self.get_opts(key, options).await?.bytes().await
        };
        coalesce_ranges(ranges, get, OBJECT_STORE_COALESCE_DEFAULT).await
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        stream::iter([Err(read_only("delete"))]).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::iter(self.below(prefix).into_iter().map(Ok)).boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let mut listed = self.below(prefix);
        listed.retain(|meta| meta.location > *offset);
        stream::iter(listed.into_iter().map(Ok)).boxed()
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

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }

    async fn rename_opts(&self, _: &Path, _: &Path, _: RenameOptions) -> Result<()> {
        Err(read_only("rename"))
    }
}

/// True if the object that was read is the one that was listed. Storages differ in whether they quote e-tags in listings.
fn is_same(read: &ObjectMeta, listed: &ObjectMeta) -> bool {
    match (&read.e_tag, &listed.e_tag) {
        (Some(read), Some(listed)) => read.trim_matches('"') == listed.trim_matches('"'),
        _ => (read.size, read.last_modified) == (listed.size, listed.last_modified),
    }
}
