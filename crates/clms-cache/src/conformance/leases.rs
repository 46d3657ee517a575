//! One works, the others wait.

use std::sync::Arc;

use futures::future::join_all;

use super::{Checked, commit, ensure, objects};
use crate::{CacheError, CacheStore, CubeName};

pub(super) async fn excludes(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    let first = cache
        .lease(&name, "a first holder with a rather long text about itself")
        .await?;
    ensure!(*first.name() == name, "the lease is for {}", first.name());
    for holder in ["second", "third"] {
        match cache.lease(&name, holder).await {
            Err(error @ CacheError::Held { .. }) => {
                let text = error.to_string();
                ensure!(
                    text.contains("a first holder with a rather long text about itself"),
                    "the refusal does not show the holder: {text}"
                );
                ensure!(error.is_retryable(), "the refusal is final");
            }
            other => ensure!(false, "a second lease was answered by {other:?}"),
        }
    }
    commit(&*cache, &name, &objects("new")).await?;
    drop(first);

    let next = cache.lease(&name, "next").await?;
    let refused = match cache.lease(&name, "late").await {
        Err(error) => error.to_string(),
        Ok(_) => "nothing".to_owned(),
    };
    ensure!(
        refused.ends_with(" next"),
        "after another took it over the refusal is {refused:?}"
    );
    drop(next);
    Ok(())
}

pub(super) async fn are_independent(cache: Arc<dyn CacheStore>) -> Checked {
    let (one, other) = (CubeName::new("forest|2018")?, CubeName::new("forest|2021")?);
    let _one = cache.lease(&one, "one").await?;
    let other_lease = cache.lease(&other, "other").await?;
    drop(other_lease);
    let still = cache.lease(&one, "intruder").await;
    ensure!(
        matches!(still, Err(CacheError::Held { .. })),
        "the lease of one cube ended with that of another: {still:?}"
    );
    Ok(())
}

pub(super) async fn one_of_many(cache: Arc<dyn CacheStore>) -> Checked {
    let name = CubeName::new("forest|2018")?;
    for _ in 0..5 {
        let attempts = join_all((0..16).map(|_| cache.lease(&name, "one of many"))).await;
        let mut held = Vec::new();
        for attempt in attempts {
            match attempt {
                Err(CacheError::Held { .. }) => {}
                lease => held.push(lease?),
            }
        }
        ensure!(held.len() == 1, "{} of 16 got it", held.len());
    }
    Ok(())
}
