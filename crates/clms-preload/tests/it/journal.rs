//! What the journal keeps, and what it makes of documents that it did not write.

use std::sync::Arc;

use clms_cache::{StorageOptions, open_cache};
use clms_preload::{
    ContentKey, JobRecord, JobState, Journal, JournalError, Order, Problem, ProblemKind, Stage,
    StageName, TaskId, list_jobs,
    machine::{DeadTask, DownloadedPackage, OwnedTask, Trouble},
};
use jiff::Timestamp;
use object_store::{ObjectStore, ObjectStoreExt as _, memory::InMemory, path::Path};

use crate::world::request;

/// A record with something in every field.
fn record(name: &str, second: i64) -> JobRecord {
    let at = Timestamp::from_second(second).unwrap();
    let problem = Problem::new(ProblemKind::LinkHtml, "an HTML page")
        .with_hint("wait")
        .with_retry_after(std::time::Duration::from_secs(3));
    let mut request = request(name);
    request.build = serde_json::json!({"tile_size": 512});
    request.expected_size = Some(125_000_000);
    let mut state = JobState::new(request.order.content.clone(), true);
    state.stage = Stage::Waiting {
        task: TaskId::new("1"),
    };
    let knowledge = &mut state.knowledge;
    knowledge.owned.push(OwnedTask {
        id: TaskId::new("1"),
        since: at,
        adopted: true,
        registered: Some(at),
        finalized: Some(at),
    });
    knowledge.dead.push(DeadTask {
        id: TaskId::new("0"),
        at,
        problem: problem.clone(),
    });
    knowledge.requests = 2;
    knowledge.unclear_since = Some(at);
    knowledge.no_order_before = Some(at);
    knowledge.downloaded = Some(DownloadedPackage {
        task: TaskId::new("1"),
        bytes: 7,
    });
    knowledge.troubles.push(Trouble {
        task: TaskId::new("1"),
        since: at,
        attempts: 3,
    });
    knowledge.last_status = Some("Weird".to_owned().into());
    knowledge.last_problem = Some(problem);
    JobRecord::new(request, state, at, at)
}

fn store() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

#[tokio::test]
async fn records_come_back_as_they_went() {
    let journal = Journal::new(store());
    let record = record("a", 5);
    assert_eq!(journal.read(&record.job).await.unwrap(), None);
    journal.write(&record).await.unwrap();
    assert_eq!(
        journal.read(&record.job).await.unwrap().as_ref(),
        Some(&record)
    );
    assert_eq!(record.task_id(), Some(&TaskId::new("1")));
    journal.remove(&record.job).await.unwrap();
    journal.remove(&record.job).await.unwrap();
    assert_eq!(journal.read(&record.job).await.unwrap(), None);
}

/// Version 1 of the format has always had room for orders of anything.
#[tokio::test]
async fn an_order_of_a_part_comes_back() {
    let journal = Journal::new(store());
    let mut record = record("a", 5);
    let parameters = serde_json::json!({"format": "Geotiff", "area": {"nuts": "LU"}});
    let order = Order::part("uid", "[\"uid\",\"LU\"]", "100 m?nuts=LU", parameters);
    let file = Order::file("uid", "[\"uid\",\"LU\"]", "100 m?nuts=LU");
    assert_ne!(order.content, file.content);
    record.state.content = order.content.clone();
    record.request.order = order;
    record.job = record.request.job_id();
    journal.write(&record).await.unwrap();
    assert_eq!((record.version, &record.request.order.file_id), (1, &None));
    assert_eq!(journal.read(&record.job).await.unwrap(), Some(record));
}

#[tokio::test]
async fn every_stage_comes_back() {
    let journal = Journal::new(store());
    for stage in crate::machine_table::stages() {
        let mut record = record("a", 5);
        record.state.stage = stage;
        journal.write(&record).await.unwrap();
        assert_eq!(journal.read(&record.job).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn the_list_is_sorted_and_tells_what_it_could_not_read() {
    let records = store();
    assert!(
        list_jobs(Arc::clone(&records))
            .await
            .unwrap()
            .jobs
            .is_empty()
    );
    let journal = Journal::new(Arc::clone(&records));
    for (name, second) in [("old", 1), ("new", 3), ("middle", 2)] {
        journal.write(&record(name, second)).await.unwrap();
    }
    let newer = r#"{"version": 2, "job": "x", "anything": []}"#;
    records
        .put(&Path::from("jobs/newer.json"), newer.into())
        .await
        .unwrap();
    records
        .put(
            &Path::from("jobs/torn.json"),
            r#"{"version": 1, "job""#.into(),
        )
        .await
        .unwrap();

    let list = list_jobs(records).await.unwrap();
    let names: Vec<_> = list
        .jobs
        .iter()
        .map(|job| job.request.order.file_name.as_str())
        .collect();
    assert_eq!(names, ["new", "middle", "old"]);
    assert_eq!(list.unreadable.len(), 2);
    assert!(
        list.unreadable
            .iter()
            .any(|error| matches!(error, JournalError::TooNew { version: 2, .. }))
    );
    assert!(
        list.unreadable
            .iter()
            .any(|error| matches!(error, JournalError::Malformed { .. }))
    );
}

#[tokio::test]
async fn the_document_is_versioned_holds_no_link_and_ignores_what_it_does_not_know() {
    let records = store();
    let journal = Journal::new(Arc::clone(&records));
    let record = record("a", 5);
    journal.write(&record).await.unwrap();
    let path = Path::from(format!("jobs/{}.json", record.job));
    let json = records.get(&path).await.unwrap().bytes().await.unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["state"]["stage"]["name"], "waiting");
    assert!(!json.to_string().contains("http"));

    json["state"]["knowledge"]["from_the_future"] = 1.into();
    json["state"]["knowledge"]
        .as_object_mut()
        .unwrap()
        .remove("requests");
    records.put(&path, json.to_string().into()).await.unwrap();
    let read = journal.read(&record.job).await.unwrap().unwrap();
    assert_eq!(
        (read.stage(), read.state.knowledge.requests),
        (StageName::Waiting, 0)
    );
    assert_eq!(read.state.content, ContentKey::file("uid", "a"));
}

/// A document as the first version wrote it. It must be readable for ever: never change it, add others.
const FIRST_VERSION: &str = r#"{
  "version": 1,
  "job": "product-a-0f1d3d4a",
  "request": {
    "data_id": "product|a",
    "cube": "product|a",
    "order": {"content": "file:uid/a", "dataset_uid": "uid", "file_id": "a", "file_name": "a", "parameters": null},
    "expected_size": 125000000,
    "force": false,
    "build": {"tile_size": 512}
  },
  "state": {
    "content": "file:uid/a",
    "force": false,
    "stage": {"name": "waiting", "task": "1"},
    "knowledge": {
      "owned": [{"id": "1", "since": "2026-11-22T12:00:00Z", "adopted": true, "finalized": null}],
      "dead": [{"id": "0", "at": "2026-11-22T11:00:00Z", "problem": {"kind": "link_html", "message": "HTML", "retryable": true}}],
      "requests": 2,
      "unclear_since": "2026-11-22T12:00:00Z",
      "no_order_before": null,
      "downloaded": {"task": "1", "bytes": 7},
      "trouble": {"task": "1", "since": "2026-11-22T12:00:00Z", "attempts": 3},
      "missing_looks": 0, "failed_looks": 0, "outage_since": null, "refusals": 0, "broken_transfers": 0, "bytes_on_disk": 5,
      "last_status": "In_progress",
      "last_problem": null
    }
  },
  "created_at": "2026-11-22T10:00:00Z",
  "updated_at": "2026-11-22T12:00:00Z"
}"#;

#[tokio::test]
async fn the_first_version_is_still_read() {
    let records = store();
    records
        .put(
            &Path::from("jobs/product-a-0f1d3d4a.json"),
            FIRST_VERSION.into(),
        )
        .await
        .unwrap();
    let job = "product-a-0f1d3d4a".parse().unwrap();
    let record = Journal::new(records).read(&job).await.unwrap().unwrap();
    assert_eq!(record.stage(), StageName::Waiting);
    let knowledge = record.state.renewed().knowledge;
    assert_eq!(knowledge.current_task(), Some(&TaskId::new("1")));
    assert!(knowledge.death(&TaskId::new("0")).is_some());
    assert!(knowledge.unclear_since.is_some());
    assert_eq!(knowledge.downloaded.unwrap().bytes, 7);
}

#[tokio::test]
async fn word_is_left_and_taken_back() {
    let journal = Journal::new(store());
    let record = record("a", 5);
    assert_eq!(journal.cancellations().await.unwrap(), []);
    for _ in 0..2 {
        journal
            .ask_to_cancel(&record.job, "process 7", Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
    }
    assert_eq!(
        journal.cancellations().await.unwrap(),
        std::slice::from_ref(&record.job)
    );
    assert!(
        journal.list().await.unwrap().jobs.is_empty(),
        "it is no record"
    );
    for _ in 0..2 {
        journal.withdraw_cancellation(&record.job).await.unwrap();
    }
    assert_eq!(journal.cancellations().await.unwrap(), []);
}

#[tokio::test]
async fn a_journal_that_is_out_of_reach_says_what_to_do() {
    // Nobody listens there: the port was free a moment ago.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let options = StorageOptions::new()
        .with("endpoint", &format!("http://127.0.0.1:{port}"))
        .with("max_retries", "0")
        .with("anonymous", "true")
        .with("region", "eu-west-1");
    let cache = open_cache("s3://cubes/a", &options).unwrap();
    let error = list_jobs(cache.records()).await.unwrap_err();
    assert!(error.is_retryable());
    let problem = Problem::from(error);
    assert_eq!(
        (problem.kind, problem.retryable),
        (ProblemKind::Journal, true)
    );
    assert_eq!(problem.hint.unwrap(), "check the endpoint and the network");
}
