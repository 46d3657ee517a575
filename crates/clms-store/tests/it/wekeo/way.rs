//! The usual way: search, order, poll, download, cube.

use std::sync::{Arc, Mutex};

use clms_preload::{JobStatus, Progress, ProgressEvent, RunOptions, StageName};
use clms_sim::hda::HdaHabits;
use tokio_util::sync::CancellationToken;

use super::scene::{DATA_ID, Scene};

/// Remembers what it is told.
#[derive(Debug, Default)]
struct Ear(Mutex<Vec<ProgressEvent>>);

impl Progress for Ear {
    fn event(&self, event: &ProgressEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

#[tokio::test]
async fn what_a_query_finds_becomes_one_cube() {
    let scene = Scene::new(HdaHabits::default()).await;
    let outcome = scene.preload().await;
    assert_eq!(outcome.status, JobStatus::Completed, "{outcome:?}");
    assert_eq!(
        scene.ordered(),
        ["FSC_20180105_T32TNS", "FSC_20180105_T32TPS.tif"],
        "neither another place nor another day"
    );
    scene.assert_whole().await;
    assert_eq!(scene.calls("POST", "search"), 1);
    assert_eq!(scene.calls("POST", "gettoken"), 1);
    for request in scene.broker.requests() {
        let agent = request.user_agent.unwrap_or_default();
        assert!(agent.starts_with("clms/"), "{agent}");
    }
    let details = scene
        .store()
        .cached_details(&DATA_ID.parse().unwrap())
        .await;
    let origin = format!("{:?}", details.unwrap());
    assert!(origin.contains("WEKEO"), "{origin}");

    let requests = scene.broker.requests().len();
    assert_eq!(scene.preload().await.status, JobStatus::Cached);
    assert_eq!(scene.broker.requests().len(), requests, "costs nothing");
}

#[tokio::test]
async fn progress_never_falls_and_counts_all_products() {
    let scene = Scene::new(HdaHabits::default()).await;
    let ear = Arc::new(Ear::default());
    let engine = scene.engine(ear.clone());
    let request = scene.request("2018-01-05", "2018-01-05");
    let cancel = CancellationToken::new();
    engine
        .run(vec![request], RunOptions::default(), &cancel)
        .await;
    let events = ear.0.lock().unwrap().clone();
    let downloaded: Vec<u64> = events
        .iter()
        .filter_map(|event| match event {
            ProgressEvent::Amount { stage, done, .. } if *stage == StageName::Downloading => {
                Some(*done)
            }
            _ => None,
        })
        .collect();
    assert!(downloaded.is_sorted(), "{downloaded:?}");
    assert!(downloaded.len() > 2);
}
