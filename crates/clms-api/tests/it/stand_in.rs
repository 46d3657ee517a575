//! The trait is enough to test a program without HTTP.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use clms_api::{
    Accepted, ApiError, CancellationToken, DataRequest, Dataset, DatasetQuery, DatasetUid,
    DirectLinks, DirectLinksRequest, DownloadError, Downloaded, LinkState, OnProgress, Portal,
    Requested, SignedIn, Task, TaskId, TaskStatus, Url,
};
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::json;

/// A portal with one dataset and nothing else.
#[derive(Debug)]
struct OneDataset;

fn the_dataset() -> Dataset {
    Dataset::from_portal(json!({"UID": "u", "id": "clc2018", "title": "CLC"})).unwrap()
}

#[async_trait]
impl Portal for OneDataset {
    async fn sign_in(&self) -> Result<SignedIn, ApiError> {
        Ok(SignedIn::new("somebody", "client", jiff::Timestamp::MAX))
    }

    fn datasets(&self, _: DatasetQuery) -> BoxStream<'static, Result<Dataset, ApiError>> {
        stream::iter([Ok(the_dataset())]).boxed()
    }

    async fn dataset(&self, uid: &DatasetUid) -> Result<Option<Dataset>, ApiError> {
        Ok(Some(the_dataset()).filter(|dataset| dataset.uid == *uid))
    }

    async fn request(&self, _: &DataRequest) -> Result<Accepted, ApiError> {
        Ok(Accepted::default())
    }

    async fn request_once(&self, _: &DataRequest) -> Result<Requested, ApiError> {
        Ok(Requested::default())
    }

    async fn tasks(&self, _: Option<TaskStatus>) -> Result<BTreeMap<TaskId, Task>, ApiError> {
        Ok(BTreeMap::new())
    }

    async fn task(&self, _: &TaskId) -> Result<Option<Task>, ApiError> {
        Ok(None)
    }

    async fn cancel_task(&self, _: &TaskId) -> Result<(), ApiError> {
        Ok(())
    }

    async fn direct_links(&self, _: &DirectLinksRequest) -> Result<DirectLinks, ApiError> {
        Ok(DirectLinks::Nothing("there is none".to_owned()))
    }

    async fn probe(&self, _: &Url) -> Result<LinkState, DownloadError> {
        Ok(LinkState::Dead { status: 404 })
    }

    async fn download(
        &self,
        _: &Url,
        part: &Path,
        _: Option<u64>,
        _: OnProgress,
        _: CancellationToken,
    ) -> Result<Downloaded, DownloadError> {
        Ok(Downloaded::new(part, 0, 0))
    }
}

async fn titles(portal: &dyn Portal) -> Vec<String> {
    let found = portal.datasets(DatasetQuery::new());
    found
        .filter_map(async |dataset| Some(dataset.ok()?.title))
        .collect()
        .await
}

#[tokio::test]
async fn a_program_does_not_care_which_portal_it_has() {
    assert_eq!(titles(&OneDataset).await, ["CLC"]);
    assert_eq!(OneDataset.sign_in().await.unwrap().user_id, "somebody");
    let sim = clms_sim::Sim::builder().start().unwrap();
    let client = clms_api::Client::builder()
        .base_url(sim.api_url())
        .build()
        .unwrap();
    assert!(titles(&client).await.len() > 30);
}
