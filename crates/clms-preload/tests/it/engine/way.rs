//! The usual way of a job, from the order to the cube.

use clms_preload::{JobStatus, Problem, ProblemKind, RunOptions, StageName, TaskId};
use object_store::{ObjectStoreExt as _, path::Path as ObjectPath};
use tokio_util::sync::CancellationToken;

use super::assert_completed;
use crate::world::{
    World, kind, request,
    server::{Fate, package},
};

#[tokio::test]
async fn a_job_goes_all_the_way_and_is_cached_then() {
    let world = World::new();
    let outcome = world.run().await;
    assert_completed(&world, &outcome, 1);
    assert_eq!(outcome.task_id, Some(TaskId::new("9000")));
    assert_eq!(outcome.cube.as_deref(), Some("simulated/product|a.zarr"));
    assert_eq!(outcome.bytes, Some(4 * package("a").len() as u64));
    let cube = world.cache().open(&request("a").cube).await.unwrap();
    let content = cube
        .get(&ObjectPath::from("zarr.json"))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_eq!(content, package("a"));

    let record = world
        .engine()
        .journal()
        .read(&outcome.job)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (record.stage(), record.is_finished()),
        (StageName::Completed, true)
    );

    let looks = world.server().looks.len();
    let again = world.run().await;
    assert_eq!(
        (again.status, again.bytes),
        (JobStatus::Cached, outcome.bytes)
    );
    assert_eq!(
        world.server().looks.len(),
        looks,
        "what is cached costs no request"
    );
}

/// The job of file "a" that makes its cube anew.
async fn forced(world: &World) -> clms_preload::JobOutcome {
    let request = clms_preload::JobRequest {
        force: true,
        ..request("a")
    };
    let engine = world.engine();
    let (requests, stop) = (vec![request], CancellationToken::new());
    let mut outcomes = engine.run(requests, RunOptions::default(), &stop).await;
    outcomes.remove(0)
}

#[tokio::test]
async fn force_makes_the_cube_anew_from_the_task_that_is_still_good() {
    let world = World::new();
    world.run().await;
    assert_completed(&world, &forced(&world).await, 1);
    assert_eq!(world.server().downloads.len(), 2);
}

#[tokio::test]
async fn a_finished_download_is_not_fetched_again() {
    let world = World::new();
    let broken = Problem::new(ProblemKind::BuildFailed, "no CRS");
    world.workshop.failures.lock().unwrap().push_back(broken);
    let outcome = world.run().await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("build_failed"))
    );
    assert_eq!(world.staged(), 0, "what was staged is discarded");
    assert_eq!(world.files_in_scratch().len(), 1, "the package is kept");
    let looks = world.server().looks.len();

    assert_completed(&world, &world.run().await, 1);
    assert_eq!(world.downloads_and_looks(), (1, looks));
}

#[tokio::test]
async fn a_package_that_could_not_be_built_is_fetched_again_when_forced() {
    let world = World::new();
    let broken = Problem::new(ProblemKind::BuildFailed, "no CRS");
    world.workshop.failures.lock().unwrap().push_back(broken);
    let _ = world.run().await;
    assert_completed(&world, &forced(&world).await, 2);
    assert_eq!(world.server().downloads.len(), 2);
}

#[tokio::test]
async fn a_package_of_no_use_is_not_used_again() {
    let world = World::new();
    let useless = Problem::new(ProblemKind::NoRaster, "holds a README only");
    world.workshop.failures.lock().unwrap().push_back(useless);
    let outcome = world.run().await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("no_raster"))
    );
    assert_eq!(world.files_in_scratch().len(), 0);

    assert_completed(&world, &world.run().await, 2);
    assert_eq!(world.server().downloads.len(), 2);
}

#[tokio::test]
async fn kept_downloads_are_kept() {
    let world = World::new();
    let options = RunOptions {
        keep_downloads: true,
        ..RunOptions::default()
    };
    world.run_with(options).await;
    let files = world.files_in_scratch();
    assert_eq!(files.len(), 1);
    assert!(files[0].ends_with("download-9000.zip"), "{files:?}");
}

#[tokio::test]
async fn events_follow_their_grammar() {
    let world = World::with_fates(&[Fate::LateLink(60)]);
    world.run().await;
    let events: Vec<String> = world
        .heard
        .events()
        .iter()
        .map(|event| serde_json::to_value(event).unwrap())
        .map(|event| match event["event"].as_str().unwrap() {
            "stage_entered" => event["stage"].as_str().unwrap().to_owned(),
            name => format!("({name})"),
        })
        .collect();
    let mut told = events.clone();
    told.retain(|event| event != "(next_poll)");
    told.dedup();
    assert_eq!(told.first().map(String::as_str), Some("(job_started)"));
    assert_eq!(told.last().map(String::as_str), Some("(job_ended)"));
    let tail = told[told.len() - 8..].join(" ");
    let expected =
        "unpacking (amount) building (amount) committing cleaning_up completed (job_ended)";
    assert_eq!(tail, expected);
    for expected in [
        "(task_chosen)",
        "(task_seen)",
        "(retrying)",
        "pausing",
        "waiting",
    ] {
        assert!(
            told.iter().any(|event| event == expected),
            "{expected} in {told:?}"
        );
    }
    assert!(events.iter().any(|event| event == "(next_poll)"));
}
