//! Requesting once, with what the portal was recorded to do wrong.

use clms_api::{
    ApiError, DataRequest, Days, FileRequest, PartRequest, PartRequestBuilder, Refusal, TaskKind,
};
use jiff::civil::date;

use super::{Playback, TREES, dataset};

const NO_TASK: &str = "tasks/status: search with no task at all";
const FORMATS: &str = "tables/format_conversion_table";

async fn part(portal: &Playback, uid: &str, crs: &str, days: Option<Days>) -> PartRequest {
    let dataset = dataset(uid);
    let formats = portal.client.format_table().await.unwrap();
    let information = &dataset.download_information[0].id;
    let mut part =
        PartRequestBuilder::new(&dataset, information, formats, vec![crs.to_owned()]).unwrap();
    if let Some(days) = days {
        part = part
            .days(days)
            .bbox(clms_api::BBox::new(6.0, 49.0, 6.2, 49.2).unwrap());
    } else {
        part = part.nuts("LU".parse().unwrap());
    }
    part.build().unwrap()
}

#[tokio::test]
async fn an_engine_that_is_slow_makes_the_task_and_says_it_did_not() {
    let portal = Playback::of(&[
        FORMATS,
        NO_TASK,
        "post/engine slow (over 10 s): post",
        "tasks/engine slow: the task finishes although the post said it failed",
    ]);
    let request = DataRequest::new().part(part(&portal, TREES, "EPSG:3035", None).await);
    let requested = portal.client.request_once(&request).await.unwrap();
    let task = requested.task(TaskKind::Parts).unwrap();
    assert_eq!(task.id.as_str(), "40333495305");
    assert!(task.found);
    portal.finish();
}

#[tokio::test]
async fn a_duplicate_is_the_task_that_is_meant() {
    let portal = Playback::of(&[
        FORMATS,
        NO_TASK,
        "post/post: error DUPLICATED against a queued task",
        "tasks/post: search after ALL_FAILED: the task stays Queued",
    ]);
    let request = DataRequest::new().part(part(&portal, TREES, "EPSG:4326", None).await);
    let requested = portal.client.request_once(&request).await.unwrap();
    assert_eq!(
        requested.ids().map(|id| id.as_str()).collect::<Vec<_>>(),
        ["55933871450"]
    );
    portal.finish();
}

#[tokio::test]
async fn a_duplicate_of_nothing_stays_an_error() {
    let portal = Playback::of(&[
        FORMATS,
        NO_TASK,
        "post/post: error DUPLICATED against a queued task",
        "tasks/post: search at once after the CDSE post",
    ]);
    let request = DataRequest::new().part(part(&portal, TREES, "EPSG:4326", None).await);
    let error = portal.client.request_once(&request).await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Duplicated));
    portal.finish();
}

#[tokio::test]
async fn what_is_queued_is_not_requested() {
    let portal = Playback::of(&[
        FORMATS,
        "tasks/post: search after ALL_FAILED: the task stays Queued",
    ]);
    let request = DataRequest::new().part(part(&portal, TREES, "EPSG:4326", None).await);
    let requested = portal.client.request_once(&request).await.unwrap();
    assert!(requested.tasks[0].found);
    portal.finish();
}

#[tokio::test]
async fn two_tasks_are_told_apart() {
    let portal = Playback::of(&[
        FORMATS,
        NO_TASK,
        "post/partial failure: FileID accepted, area refused by the engine",
        "tasks/partial failure: search",
    ]);
    let file = FileRequest {
        dataset_uid: TREES.into(),
        file_id: "b1b2c3d4-0000-4000-8000-000000000001".into(),
    };
    let request = DataRequest::new()
        .file(file)
        .part(part(&portal, TREES, "EPSG:3035", None).await);
    let requested = portal.client.request_once(&request).await.unwrap();
    let files = requested.task(TaskKind::Files).unwrap();
    assert_eq!(
        (files.id.as_str(), files.stuck, files.found),
        ("35780498184", false, false)
    );
    let parts = requested.task(TaskKind::Parts).unwrap();
    assert_eq!(
        (parts.id.as_str(), parts.stuck, parts.found),
        ("73553697179", true, false)
    );
    portal.finish();
}

const CDSE: &str = "055eb4b2c5924468bb4b9079966235c8";

async fn of_cdse(portal: &Playback) -> DataRequest {
    let days = Days::new(date(2021, 1, 1), date(2021, 1, 5)).unwrap();
    DataRequest::new().part(part(portal, CDSE, "EPSG:4326", Some(days)).await)
}

/// Our box begins with the north, where the recorded one began with the south, so bodies don't
/// count here.
#[tokio::test]
async fn cdse_names_no_task_and_the_parent_is_found() {
    let portal = Playback::by_path(&[
        FORMATS,
        NO_TASK,
        "post/post: success CDSE: 201 with empty TaskIds",
        "tasks/post: search some seconds after the CDSE post",
    ]);
    let requested = portal
        .client
        .request_once(&of_cdse(&portal).await)
        .await
        .unwrap();
    assert_eq!(
        requested.task(TaskKind::CdseParts).unwrap().id.as_str(),
        "49507257615"
    );
    portal.finish();
}

#[tokio::test]
async fn cdse_without_data_says_nothing_at_all() {
    let portal = Playback::by_path(&[
        FORMATS,
        NO_TASK,
        "post/CDSE: post for dates without data",
        "tasks/CDSE: search 8 s later: no task was made and nothing says why",
    ]);
    let error = portal
        .client
        .request_once(&of_cdse(&portal).await)
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::NoTask { .. }), "{error}");
    assert!(error.hint().unwrap().contains("no data"));
    portal.finish();
}
