//! Requests and tasks: what is built here is what was recorded, word for word.

use clms_api::{
    DataRequest, Days, FileRequest, Format, PartRequestBuilder, Refusal, TaskKind, TaskStatus,
};
use jiff::civil::date;

use super::{Playback, TREES, dataset};

const FORMATS: &str = "tables/format_conversion_table";
const OF_TREES: &str = "tables/projections: uid of a dataset with two projections";

fn file(n: u32) -> FileRequest {
    FileRequest {
        dataset_uid: TREES.into(),
        file_id: format!("b1b2c3d4-0000-4000-8000-00000000000{n}").into(),
    }
}

async fn part_of_trees(portal: &Playback, collection: usize) -> PartRequestBuilder {
    let trees = dataset(TREES);
    let collection = trees.download_information[collection].id.clone();
    portal
        .client
        .part_request(&trees, &collection)
        .await
        .unwrap()
}

#[tokio::test]
async fn files() {
    let portal = Playback::of(&[
        "post/post: success FileID",
        "post/post: success two FileIDs in one request give one task",
    ]);
    let accepted = portal.client.request_files(&[file(1)]).await.unwrap();
    assert_eq!(accepted.task_ids, ["16062126855".into()]);
    let accepted = portal
        .client
        .request_files(&[file(1), file(2)])
        .await
        .unwrap();
    assert_eq!(accepted.task_ids, ["22577171869".into()]);
    portal.finish();
}

#[tokio::test]
async fn parts() {
    let portal = Playback::of(&[
        FORMATS,
        OF_TREES,
        "post/post: success NUTS",
        "post/post: success OutputGCS of the dataset beyond the standard four",
        "post/post: success combined FileID and area: two tasks",
    ]);
    let begin = part_of_trees(&portal, 0).await;
    let in_wgs84 = |code: &str| {
        begin
            .clone()
            .crs("EPSG:4326")
            .nuts(code.parse().unwrap())
            .build()
            .unwrap()
    };
    let request = DataRequest::new().part(in_wgs84("ITC1"));
    assert_eq!(
        portal.client.request(&request).await.unwrap().task_ids,
        ["82732489163".into()]
    );
    let in_utm = begin
        .clone()
        .crs("EPSG:32628")
        .nuts("LU".parse().unwrap())
        .build()
        .unwrap();
    portal
        .client
        .request(&DataRequest::new().part(in_utm))
        .await
        .unwrap();
    let both = DataRequest::new().file(file(1)).part(in_wgs84("LU"));
    assert_eq!(
        portal.client.request(&both).await.unwrap().task_ids.len(),
        2
    );
    portal.finish();
}

#[tokio::test]
async fn a_layer() {
    let portal = Playback::of(&[FORMATS, OF_TREES, "post/post: success Layer"]);
    let part = part_of_trees(&portal, 1)
        .await
        .layer("TCD")
        .nuts("LU".parse().unwrap());
    portal
        .client
        .request(&DataRequest::new().part(part.build().unwrap()))
        .await
        .unwrap();
    portal.finish();
}

#[tokio::test]
async fn days() {
    let portal = Playback::of(&[
        FORMATS,
        "post/post: success NUTS with TemporalFilter",
        "post/post: success exactly the day limit",
    ]);
    let series = dataset("fa544ec4d1294b16b0bd0a679536fb0f");
    let formats = portal.client.format_table().await.unwrap();
    let collection = &series.download_information[0].id;
    let begin = PartRequestBuilder::new(&series, collection, formats, vec!["EPSG:4326".to_owned()])
        .unwrap();
    for last in [date(2021, 1, 20), date(2021, 1, 31)] {
        let days = Days::new(date(2021, 1, 1), last).unwrap();
        let part = begin
            .clone()
            .format(Format::Netcdf)
            .nuts("LU".parse().unwrap())
            .days(days)
            .build()
            .unwrap();
        portal
            .client
            .request(&DataRequest::new().part(part))
            .await
            .unwrap();
    }
    portal.finish();
}

/// What the portal refuses with an error can't even be built.
#[tokio::test]
async fn what_was_refused_is_not_sent() {
    let portal = Playback::of(&[FORMATS, OF_TREES]);
    let begin = || async {
        part_of_trees(&portal, 0)
            .await
            .crs("EPSG:4326")
            .nuts("LU".parse().unwrap())
    };
    let built = begin().await;
    for wrong in [
        built.clone().crs("EPSG:9999"),
        built.clone().format("PNG".into()),
        built.clone().format(Format::Netcdf),
        built
            .clone()
            .days(Days::new(date(2021, 1, 1), date(2021, 1, 5)).unwrap()),
        built.clone().layer("nope"),
    ] {
        wrong.build().unwrap_err();
    }
    built.build().unwrap();
    for code in ["XX1", "lu", "IT-C1", "123"] {
        code.parse::<clms_api::NutsCode>().unwrap_err();
    }
}

#[tokio::test]
async fn a_task_from_its_beginning_to_its_end() {
    let portal = Playback::of(&[
        "status/status: status_get, Queued at once",
        "status/status: status_get, Queued with FMETaskId after the async job",
        "status/status: status_get, In_progress",
        "status/status: status_get, Finished_ok",
        "status/delete: finished task afterwards (Cancelled, DownloadURL kept)",
        "status/status: status_get unknown TaskID",
    ]);
    let look = || async {
        portal
            .client
            .task(&"32002704539".into())
            .await
            .unwrap()
            .unwrap()
    };
    let statuses = [
        TaskStatus::Queued,
        TaskStatus::Queued,
        TaskStatus::InProgress,
        TaskStatus::FinishedOk,
        TaskStatus::Cancelled,
    ];
    for (n, status) in statuses.into_iter().enumerate() {
        let task = look().await;
        assert_eq!(task.status, status);
        assert_eq!((task.is_ready(), task.is_final()), (n == 3, n >= 3));
        assert_eq!(task.engine_task_id.is_some(), n >= 1);
        assert_eq!(task.link().is_some(), n >= 3);
        let request = DataRequest::new().file(file(1));
        assert!(request.is_whole_of(TaskKind::Files, &task));
        assert!(
            task.extra.is_empty() && task.is_exactly(&file(1)),
            "{task:?}"
        );
    }
    assert_eq!(portal.client.task(&"123".into()).await.unwrap(), None);
    portal.finish();
}

#[tokio::test]
async fn a_status_that_goes_backwards() {
    let portal = Playback::of(&[
        "status/status: regression, Finished_ok before the worker ran (no FMETaskId)",
        "status/status: regression, after the worker ran: Status is Queued again, DownloadURL present",
    ]);
    let look = || async {
        portal
            .client
            .task(&"32322214567".into())
            .await
            .unwrap()
            .unwrap()
    };
    assert_eq!(look().await.status, TaskStatus::FinishedOk);
    let again = look().await;
    assert_eq!(again.status, TaskStatus::Queued);
    assert!(again.is_ready());
    portal.finish();
}

#[tokio::test]
async fn cancelling() {
    let portal = Playback::of(&[
        "delete/delete: good (queued task)",
        "delete/delete: unknown TaskID",
        "delete/delete: task of another user",
    ]);
    let cancel = |id: &'static str| async { portal.client.cancel_task(&id.into()).await };
    cancel("4337166893").await.unwrap();
    assert_eq!(
        cancel("123").await.unwrap_err().refusal(),
        Some(Refusal::UnknownTask)
    );
    assert_eq!(
        cancel("71243591086").await.unwrap_err().refusal(),
        Some(Refusal::NotYourTask)
    );
    portal.finish();
}

#[tokio::test]
async fn lists_of_tasks() {
    let portal = Playback::of(&[
        "tasks/status: search without status",
        "tasks/status: search status=Finished_nok",
        "tasks/status: search with no task at all",
    ]);
    assert!(portal.client.tasks(None).await.unwrap().len() >= 3);
    let failed = portal
        .client
        .tasks(Some(TaskStatus::FinishedNok))
        .await
        .unwrap();
    assert!(
        failed
            .values()
            .all(|task| task.message.is_some() && task.is_final())
    );
    assert!(portal.client.tasks(None).await.unwrap().is_empty());
    portal.finish();
}
