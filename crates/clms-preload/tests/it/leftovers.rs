//! Temporary files that no job needs any more.

use std::{fs, path::Path, sync::Arc};

use clms_cache::{
    CacheStore, FilesystemCache,
    gc::{Fate, Garbage, Limits, Plan},
};
use clms_preload::{JobFiles, JobRecord, JobState, Journal, Stage, TaskId, machine::OwnedTask};
use futures::StreamExt;
use jiff::Timestamp;

use crate::world::request;

/// What a job has in its folder when it is killed in the middle of its work.
const FILES: [&str; 5] = [
    "download-1.zip",
    "download-2.zip.part",
    "download-9.zip.part",
    "unpacked/tile.tif",
    "build/vector/copy.gpkg",
];

/// A job whose task 2 goes on.
fn record(name: &str, stage: Stage) -> JobRecord {
    let request = request(name);
    let mut state = JobState::new(request.order.content.clone(), false);
    state.stage = stage;
    state.knowledge.owned.push(OwnedTask {
        id: TaskId::new("2"),
        since: Timestamp::UNIX_EPOCH,
        adopted: false,
        registered: None,
        finalized: None,
    });
    JobRecord::new(request, state, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH)
}

fn fill(folder: &Path) {
    for file in FILES {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "12345").unwrap();
    }
}

fn left(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_no_job_needs_goes_and_what_one_may_need_stays() {
    let root = tempfile::tempdir().unwrap();
    let cache: Arc<dyn CacheStore> = Arc::new(FilesystemCache::open(root.path()).unwrap());
    let scratch = root.path().join(".clms/v1/scratch");
    let waiting = || Stage::Waiting {
        task: TaskId::new("2"),
    };
    let journal = Journal::new(cache.records());
    let [killed, cancelled, living] = [
        record("killed", waiting()),
        record("cancelled", Stage::Cancelled),
        record("living", waiting()),
    ];
    let unknown = record("unknown", waiting());
    for record in [&killed, &cancelled, &living] {
        journal.write(record).await.unwrap();
    }
    let folder = |record: &JobRecord| scratch.join(record.job.as_str());
    for record in [&killed, &cancelled, &living, &unknown] {
        fill(&folder(record));
    }
    fill(&scratch.join("no job's"));
    let lease = cache.lease(&living.request.cube, "us").await.unwrap();

    let files = Arc::new(JobFiles::new(Arc::clone(&cache), &scratch));
    let plan = async || {
        let plan = Plan::make(&cache, Limits::none()).await.unwrap();
        plan.with_files(files.clone()).await.unwrap()
    };
    let planned = plan().await;
    let mut bytes: Vec<_> = planned
        .garbage()
        .iter()
        .map(|garbage| (garbage.name().cloned(), garbage.usage().bytes))
        .collect();
    bytes.sort();
    let mut expected = vec![
        (None, 25),
        (Some(killed.request.cube.clone()), 15),
        (Some(cancelled.request.cube.clone()), 20),
    ];
    expected.sort();
    assert_eq!(bytes, expected);

    // One of them goes on in the meantime.
    let resumed = cache.lease(&killed.request.cube, "someone").await.unwrap();
    let fates: Vec<_> = planned.execute("gc").collect().await;
    for (garbage, fate) in &fates {
        let is_resumed = garbage.name() == Some(&killed.request.cube);
        assert!(matches!(garbage, Garbage::Files(_)), "{garbage:?}");
        match fate {
            Fate::InUse { holder } if is_resumed => assert_eq!(holder, "someone"),
            fate => assert!(matches!(fate, Fate::Removed) && !is_resumed, "{fate:?}"),
        }
    }
    assert_eq!(left(&folder(&killed)).len(), 5);
    drop(resumed);
    let fates: Vec<_> = plan().await.execute("gc").collect().await;
    assert!(matches!(fates[..], [(_, Fate::Removed)]), "{fates:?}");

    assert_eq!(
        left(&folder(&killed)),
        ["download-1.zip", "download-2.zip.part"]
    );
    // Somebody wanted to keep the package.
    assert_eq!(left(&folder(&cancelled)), ["download-1.zip"]);
    assert!(!folder(&unknown).exists());
    assert_eq!(left(&folder(&living)).len(), 5);
    assert_eq!(left(&scratch.join("no job's")).len(), 5);
    assert_eq!(plan().await.garbage(), []);
    drop(lease);
}
