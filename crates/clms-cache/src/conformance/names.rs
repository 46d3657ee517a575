//! Any name that [`CubeName`] lets pass.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, TryStreamExt, future::try_join_all};

use super::{
    Broken, Checked, Extent, commit, ensure, ensure_absent, ensure_present, listed, objects,
};
use crate::{CacheStore, CubeName};

pub(super) async fn every_name_works(cache: Arc<dyn CacheStore>) -> Checked {
    let long = "x".repeat(230);
    let long_unicode = "\u{e4}".repeat(115);
    let names = [
        "clc2018",
        "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full",
        "id|set?bbox=9.5,46,10,47.25&nuts=AT&crs=EPSG:3035",
        "with spaces  and (brackets) [too] {and} more",
        "gr\u{f6}\u{df}e \u{6c34}\u{57df} \u{1f332}",
        "100%",
        "a%20b",
        "a%7Cb",
        "upload#1",
        "#1",
        "~tilde^caret`tick'quote\"double",
        "<*?:>",
        "trailing.dot.",
        "name.zarr",
        "-",
        "CON",
        &long,
        &long_unicode,
    ];
    for text in names {
        let name = CubeName::new(text)?;
        let failed = |Broken(seen)| Broken(format!("with the name {text:?}: {seen}"));
        works(&*cache, &name).await.map_err(failed)?;
    }
    let names = listed(&*cache).await?;
    ensure!(names.is_empty(), "{names:?} are left");
    Ok(())
}

async fn works(cache: &dyn CacheStore, name: &CubeName) -> Checked {
    let lease = cache.lease(name, "the suite").await?;
    ensure_absent(cache, name).await?;
    for generation in ["old", "new"] {
        let committed = commit(cache, name, &objects(generation)).await?;
        ensure!(
            committed.location == cache.cube_location(name),
            "committed at {} instead of {}",
            committed.location,
            cache.cube_location(name)
        );
        ensure_present(cache, name, &objects(generation)).await?;
    }
    ensure!(cache.remove(name).await?, "it could not be removed");
    ensure_absent(cache, name).await?;
    drop(lease);
    Ok(())
}

pub(super) async fn similar_names_differ(cache: Arc<dyn CacheStore>) -> Checked {
    let texts = [
        "a|b", "a%7Cb", "a%257Cb", "a b", "a%20b", "a", "a.zarr", "a|", "ab",
    ];
    let names: Vec<_> = texts
        .into_iter()
        .map(CubeName::new)
        .collect::<Result<_, _>>()?;
    let mut held = Vec::new();
    for name in &names {
        held.push(cache.lease(name, name.as_str()).await?);
        commit(&*cache, name, &objects(name.as_str())).await?;
    }
    for name in &names {
        ensure_present(&*cache, name, &objects(name.as_str())).await?;
    }
    let locations: BTreeSet<_> = names.iter().map(|name| cache.cube_location(name)).collect();
    ensure!(
        locations.len() == names.len(),
        "they share locations: {locations:?}"
    );
    drop(held);
    Ok(())
}

pub(super) async fn many_are_listed(cache: Arc<dyn CacheStore>, extent: Extent) -> Checked {
    const AT_A_TIME: usize = 16;
    let mut names: Vec<_> = (0..extent.cubes)
        .map(|number| CubeName::new(format!("product|file_{number:05}")))
        .collect::<Result<_, _>>()?;
    let content = [("zarr.json".to_owned(), b"{}".to_vec())].into();
    for some in names.chunks(AT_A_TIME) {
        try_join_all(some.iter().map(|name| commit(&*cache, name, &content))).await?;
    }
    let found = listed(&*cache).await?;
    ensure!(
        found == names,
        "{} of {} are listed",
        found.len(),
        names.len()
    );

    // A list that nobody reads to its end stops without harm.
    let few: Vec<_> = cache.list().take(3).try_collect().await?;
    ensure!(few.len() == 3, "the first three are {few:?}");
    for name in names.drain(..extent.cubes / 10) {
        ensure!(cache.remove(&name).await?, "{name} could not be removed");
    }
    let found = listed(&*cache).await?;
    ensure!(
        found == names,
        "{} are listed after some were removed and {} are left",
        found.len(),
        names.len()
    );
    Ok(())
}
