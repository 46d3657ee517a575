//! Jobs that are interrupted, timed out, killed, or left alone.

use std::time::Duration;

use clms_preload::{Clock as _, JobStatus, RunOptions, StageName, TaskId};
use tokio_util::sync::CancellationToken;

use super::assert_completed;
use crate::world::{World, kind, request, server::Fate};

#[tokio::test]
async fn an_interrupted_job_goes_on_with_its_task() {
    let world = World::new();
    let cancel = CancellationToken::new();
    let engine = world.engine();
    let interrupt = async {
        world.clock.sleep(Duration::from_secs(60)).await;
        cancel.cancel();
    };
    let (outcomes, ()) = futures::join!(
        engine.run(vec![request("a")], RunOptions::default(), &cancel),
        interrupt
    );
    assert_eq!(
        (outcomes[0].status, kind(&outcomes[0])),
        (JobStatus::Cancelled, Some("interrupted"))
    );
    assert_eq!(outcomes[0].task_id, Some(TaskId::new("9000")));
    let record = engine
        .journal()
        .read(&outcomes[0].job)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (record.stage(), record.is_finished()),
        (StageName::Interrupted, false)
    );

    let outcome = world.run().await;
    assert_completed(&world, &outcome, 1);
    assert_eq!(outcome.task_id, Some(TaskId::new("9000")));
}

#[tokio::test]
async fn an_interrupted_download_goes_on_at_its_byte() {
    let world = World::new();
    world.server().hangs = true;
    let options = RunOptions {
        timeout: Some(Duration::from_secs(600)),
        ..RunOptions::default()
    };
    let outcome = world.run_with(options).await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("timeout"))
    );
    let message = outcome.error.unwrap().message;
    assert!(
        message.contains("600 s") && message.contains("being downloaded"),
        "{message}"
    );

    world.server().hangs = false;
    assert_completed(&world, &world.run().await, 1);
    assert_eq!(world.server().downloads, [0, 10]);
}

#[tokio::test]
async fn a_timeout_names_what_was_seen_last() {
    let world = World::with_fates(&[Fate::HtmlLink]);
    let options = RunOptions {
        timeout: Some(Duration::from_secs(180)),
        ..RunOptions::default()
    };
    let outcome = world.run_with(options).await;
    let message = outcome.error.unwrap().message;
    assert!(
        message.contains("the link answers with an HTML page"),
        "{message}"
    );
}

#[tokio::test]
async fn a_killed_job_goes_on_wherever_it_was() {
    // Dropping the future is what a kill leaves behind; leases are given back by the system.
    for seconds in [0, 1, 20, 60, 110, 121, 122, 130] {
        let world = World::new();
        let killed = tokio::select! {
            biased;
            () = world.clock.sleep(Duration::from_secs(seconds)) => true,
            _ = world.run() => false,
        };
        // The cache sweeps up what was staged by processes that are dead.
        world.disks().shelf.lock().unwrap().staged.clear();
        let outcome = world.run().await;
        if killed {
            assert_completed(&world, &outcome, 1);
        } else {
            assert_eq!(outcome.status, JobStatus::Cached);
        }
        assert_eq!(
            world.posts_and_doubled(),
            (1, 0),
            "killed after {seconds} s"
        );
    }
}

#[tokio::test]
async fn a_detached_job_is_only_ordered() {
    let world = World::new();
    let options = RunOptions {
        detach: true,
        ..RunOptions::default()
    };
    let outcome = world.run_with(options).await;
    assert_eq!(
        (outcome.status, outcome.error),
        (JobStatus::Requested, None)
    );
    assert_eq!(outcome.task_id, Some(TaskId::new("9000")));
    let record = world
        .engine()
        .journal()
        .read(&outcome.job)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (record.stage(), record.task_id()),
        (StageName::Waiting, Some(&TaskId::new("9000")))
    );
    assert_completed(&world, &world.run().await, 1);
}
