//! What the layers above keep next to the cubes.

use std::{fs, sync::Arc};

use object_store::{ObjectStoreExt, path::Path};

use super::{Checked, Objects, ensure, listed, read, write};
use crate::{CacheStore, CacheStoreExt, CubeName};

pub(super) async fn kept_and_invisible(cache: Arc<dyn CacheStore>) -> Checked {
    let found = read(&*cache.records()).await?;
    ensure!(
        found.is_empty(),
        "there are records from the beginning: {found:?}"
    );
    let missing = cache.records().get(&Path::from("jobs/none.json")).await;
    ensure!(
        matches!(missing, Err(object_store::Error::NotFound { .. })),
        "a record that was never put is {missing:?}"
    );
    let records: Objects = [
        (
            "jobs/0001.json".to_owned(),
            b"{\"state\": \"waiting\"}".to_vec(),
        ),
        ("manifests/forest.zarr/zarr.json".to_owned(), b"{}".to_vec()),
        ("odd.zarr/zarr.json".to_owned(), b"{}".to_vec()),
        ("empty".to_owned(), Vec::new()),
    ]
    .into();
    write(&*cache.records(), &records).await?;
    let found = read(&*cache.records()).await?;
    ensure!(found == records, "{found:?} instead of {records:?}");
    let jobs = cache
        .records()
        .list_with_delimiter(Some(&Path::from("jobs")))
        .await?;
    let keys: Vec<_> = jobs
        .objects
        .iter()
        .map(|meta| meta.location.as_ref())
        .collect();
    ensure!(keys == ["jobs/0001.json"], "the jobs are {keys:?}");

    let names = listed(&*cache).await?;
    ensure!(names.is_empty(), "{names:?} are listed as cubes");
    ensure!(
        cache.look_up(&CubeName::new("odd")?).await?.is_none(),
        "a record is looked up as a cube"
    );
    cache.records().delete(&Path::from("empty")).await?;
    let left = read(&*cache.records()).await?.len();
    ensure!(
        left == records.len() - 1,
        "{left} records are left after one was deleted"
    );
    Ok(())
}

pub(super) async fn puts_are_atomic(cache: Arc<dyn CacheStore>) -> Checked {
    const SIZE: usize = 300_000;
    let records = cache.records();
    let path = Path::from("jobs/0001.json");
    records.put(&path, vec![0; SIZE].into()).await?;
    let writing = async {
        for mark in 1..50 {
            records.put(&path, vec![mark; SIZE].into()).await?;
        }
        Ok(())
    };
    let reading = async {
        for _ in 0..100 {
            let bytes = records.get(&path).await?.bytes().await?;
            ensure!(
                bytes.len() == SIZE && bytes.iter().all(|byte| *byte == bytes[0]),
                "a record of {} bytes is torn",
                bytes.len()
            );
        }
        Ok(())
    };
    let (written, read): (Checked, Checked) = futures::join!(writing, reading);
    written?;
    read
}

pub(super) async fn scratch_is_invisible(cache: Arc<dyn CacheStore>) -> Checked {
    let Some(scratch) = cache.scratch() else {
        return Ok(());
    };
    let fake = scratch.join("fake.zarr");
    fs::create_dir_all(&fake)?;
    fs::write(fake.join("zarr.json"), "{}")?;
    let names = listed(&*cache).await?;
    ensure!(names.is_empty(), "{names:?} are listed as cubes");
    ensure!(
        cache.look_up(&CubeName::new("fake")?).await?.is_none(),
        "what is in scratch is looked up as a cube"
    );
    Ok(())
}
