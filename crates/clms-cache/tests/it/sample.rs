//! The cube that these tests write.

use std::{collections::BTreeSet, fs, path::Path};

use clms_cache::{CacheStore, CubeName, FilesystemCache};
use object_store::{ObjectStore, ObjectStoreExt, path::Path as Key};

/// The keys of the cube that these tests write; they all have the same content.
pub(crate) const KEYS: [&str; 4] = ["band/c/0/0", "band/c/0/1", "band/zarr.json", "zarr.json"];

pub(crate) fn name() -> CubeName {
    CubeName::new("clc2018|raster").unwrap()
}

pub(crate) async fn write(store: &dyn ObjectStore, content: &str) {
    for key in KEYS {
        store
            .put(&Key::from(key), content.to_owned().into())
            .await
            .unwrap();
    }
}

pub(crate) async fn commit(cache: &FilesystemCache, name: &CubeName, content: &str) {
    let staged = cache.stage(name).await.unwrap();
    write(&*staged.store(), content).await;
    cache.commit(staged).await.unwrap();
}

/// The entries of the folder, sorted.
pub(crate) fn entries(folder: impl AsRef<Path>) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let names: BTreeSet<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.into_iter().collect()
}
