//! The catalogue, as it was recorded.

use std::num::NonZeroU32;

use clms_api::{ApiError, DatasetQuery, Source};
use futures::{StreamExt, TryStreamExt};

use super::{Playback, TREES, datasets};

const PAGES: [&str; 3] = [
    "search/search: anonymous fullobjects b_size=3, page 1",
    "search/search: anonymous fullobjects b_size=3, page 2 (batching.next as given)",
    "search/search: anonymous fullobjects b_size=3, page 3 (batching.next as given)",
];

#[tokio::test]
async fn page_by_page() {
    let portal = Playback::of(&PAGES);
    let query = DatasetQuery::new().batch_size(NonZeroU32::new(3).unwrap());
    let found: Vec<_> = portal.client.datasets(query).try_collect().await.unwrap();
    let all = datasets();
    let uids = |datasets: &[clms_api::Dataset]| -> Vec<_> {
        datasets.iter().map(|d| d.uid.clone()).collect()
    };
    assert_eq!(uids(&found), uids(&all));
    assert!(found.len() > 6);
    portal.finish();
}

#[tokio::test]
async fn by_source() {
    let portal = Playback::of(&PAGES);
    let query = DatasetQuery::new()
        .batch_size(NonZeroU32::new(3).unwrap())
        .source(Source::Cdse);
    let found: Vec<_> = portal.client.datasets(query).try_collect().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].download_information[0].source, Some(Source::Cdse));
    portal.finish();
}

#[tokio::test]
async fn by_uid_by_path_and_not_at_all() {
    let portal = Playback::by_path(&["search/search: by UID", "search/search: unknown UID"]);
    let found = portal.client.dataset(&TREES.into()).await.unwrap().unwrap();
    assert_eq!(found.id, "tree-cover-density-2015");
    assert_eq!(portal.client.dataset(&"0".into()).await.unwrap(), None);
    portal.finish();

    let path = "en/products/high-resolution-layer-tree-cover-density/tree-cover-density-2015";
    for address in [path.to_owned(), format!("/api/{path}/")] {
        let portal = Playback::of(&["other/dataset: GET by path"]);
        let same = portal.client.dataset_at(&address).await.unwrap().unwrap();
        assert_eq!((&same.uid, &same.files), (&found.uid, &found.files));
        portal.finish();
    }
    let portal = Playback::of(&[
        "other/unknown path /api/nope",
        "other/dataset: GET private by path, anonymous",
    ]);
    assert_eq!(portal.client.dataset_at("nope").await.unwrap(), None);
    let error = portal
        .client
        .dataset_at("en/products/vegetation/private-ds")
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(401));
    let page = format!("{}/nope", portal.server.url());
    assert!(matches!(
        portal.client.dataset_at(&page).await,
        Err(ApiError::Status { status: 599, .. })
    ));
    let error = portal
        .client
        .dataset_at("https://elsewhere.example/nope")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "invalid_request");
}

#[tokio::test]
async fn in_short() {
    let portal = Playback::by_path(&["search/search: SearchableText"]);
    let found: Vec<_> = portal
        .client
        .search(DatasetQuery::new().text("soil"), &[])
        .try_collect()
        .await
        .unwrap();
    assert!(!found.is_empty() && found.iter().all(|summary| summary.uid.is_none()));
    assert!(
        found
            .iter()
            .all(|summary| summary.portal_type.as_deref() == Some("DataSet"))
    );
    assert!(
        found[0].extra.contains_key("review_state"),
        "what has no field is kept"
    );

    let portal = Playback::by_path(&["search/search: sort_on=sortable_title"]);
    let query = DatasetQuery::new().sort_by("sortable_title");
    let found: Vec<_> = portal
        .client
        .search(query, &["UID"])
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), datasets().len());
    assert!(found.iter().all(|summary| summary.uid.is_some()
        && !summary.url.as_ref().unwrap().path().starts_with("/api")));
    assert!(found.is_sorted_by_key(|summary| summary.title.to_lowercase()));
    portal.finish();
}

/// A search with `b_size=0` leads on for ever.
#[tokio::test]
async fn without_end() {
    let portal = Playback::by_path(&["search/search: b_size=0"]);
    let found: Vec<_> = portal
        .client
        .search(DatasetQuery::new(), &[])
        .collect()
        .await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].as_ref().unwrap_err().kind(), "endless_paging");
    portal.finish();
}

#[tokio::test]
async fn what_can_be_requested_of_some() {
    let portal = Playback::by_path(&["datasets-by-uid/datasets_by_uid: anonymous, comma list"]);
    let uids = [TREES.into(), "6f003249551e49f28ac2806f2ad01d47".into()];
    let found: Vec<_> = portal
        .client
        .datasets_by_uid(&uids)
        .try_collect()
        .await
        .unwrap();
    let full = datasets();
    assert_eq!(found.len(), 2);
    for short in found {
        let full = full.iter().find(|full| full.uid == short.uid).unwrap();
        assert_eq!((&short.files, &short.title), (&full.files, &full.title));
        assert_eq!(short.download_information, full.download_information);
    }
    let nothing: Vec<_> = portal.client.datasets_by_uid(&[]).collect().await;
    assert!(nothing.is_empty());
    portal.finish();
}
