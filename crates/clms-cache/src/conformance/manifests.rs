//! What is written down of a cube.

use std::{num::NonZeroUsize, sync::Arc};

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, path::Path};

use super::{Checked, commit, ensure, objects, write};
use crate::{
    CacheStore, CubeName, Manifest, Origin,
    gc::{Limits, Plan},
    manifest,
    verify::Verification,
};

pub(super) async fn agree_with_their_cubes(cache: Arc<dyn CacheStore>) -> Checked {
    let Some(maintain) = cache.as_maintain() else {
        return Ok(());
    };
    let name = CubeName::new("forest|2018")?;
    commit(&*cache, &name, &objects("old")).await?;
    let staged = cache.stage(&name).await?;
    let store = staged.store();
    write(&*store, &objects("new")).await?;
    // In parts, copied, and written once more: what nobody can know from one write alone.
    let mut upload = store.put_multipart(&Path::from("band/c/3/3")).await?;
    upload.put_part(vec![3; 5 << 20].into()).await?;
    upload.put_part("end".into()).await?;
    upload.complete().await?;
    store
        .copy(&Path::from("band/c/3/3"), &Path::from("band/c/3/4"))
        .await?;
    store.put(&Path::from("band/c/0/0"), "later".into()).await?;
    let origin: Origin = [("data_id".to_owned(), "forest|2018".into())]
        .into_iter()
        .collect();
    staged.set_origin(origin.clone());
    let generation = staged.generation().clone();
    cache.commit(staged).await?;

    let Some(found) = Manifest::of(&*cache, &name).await? else {
        ensure!(false, "the cube has no manifest");
        return Ok(());
    };
    ensure!(
        found.generation == generation && found.origin == origin,
        "the manifest is {found:?}"
    );
    let usage = cache.usage(&name).await?;
    ensure!(
        found.usage() == usage,
        "the manifest counts {:?}, the cache {usage:?}",
        found.usage()
    );
    let readers = NonZeroUsize::MIN.saturating_add(3);
    let verification = Verification::of(&*cache, &name).await?;
    let checked: Vec<_> = verification.run(readers).try_collect().await?;
    let wrong: Vec<_> = checked
        .iter()
        .filter(|checked| !checked.verdict.is_good())
        .collect();
    ensure!(wrong.is_empty(), "not as the manifest says: {wrong:?}");
    ensure!(
        checked.len() as u64 == usage.objects,
        "{} objects were verified",
        checked.len()
    );

    let known = manifest::generations(&maintain.manifests(), &name).await?;
    ensure!(
        known == [generation],
        "there are manifests of the generations {known:?}"
    );
    let plan = Plan::make(&cache, Limits::none()).await?;
    ensure!(plan.garbage().is_empty(), "{plan:?} is garbage");
    cache.remove(&name).await?;
    let left = manifest::generations(&maintain.manifests(), &name).await?;
    ensure!(
        left.is_empty(),
        "manifests are left of a cube that was removed: {left:?}"
    );
    Ok(())
}
