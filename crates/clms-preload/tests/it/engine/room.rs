//! Disks without room.

use std::path::PathBuf;

use clms_preload::{Clock as _, JobStatus, Problem, ProblemKind, RunOptions};
use tokio_util::sync::CancellationToken;

use super::assert_completed;
use crate::world::{
    SCRATCH, World, kind, request,
    server::{Answer, package},
};

/// One byte less than a package has.
fn room_for_less() -> u64 {
    package("a").len() as u64 - 1
}

/// What takes a download to make again, and nothing else.
#[track_caller]
fn assert_only_the_package_is_left(world: &World) {
    let folder = PathBuf::from(SCRATCH).join(request("a").job_id().as_str());
    let package = folder.join("download-9000.zip");
    assert_eq!(world.files_in_scratch(), [package]);
}

#[tokio::test]
async fn a_package_that_does_not_fit_is_not_begun() {
    let world = World::new();
    *world.disks().small.lock().unwrap() = Some((SCRATCH.into(), room_for_less()));
    let outcome = world.run().await;
    assert_eq!(kind(&outcome), Some("disk_full"));
    let hint = outcome.error.unwrap().hint.unwrap();
    assert!(hint.contains("--scratch"), "{hint}");
    assert_eq!(world.server().downloads.len(), 0);
}

#[tokio::test]
async fn a_cube_that_does_not_fit_is_not_begun_and_the_package_is_kept() {
    let world = World::new();
    // It has to be there.
    let local = tempfile::tempdir().unwrap();
    *world.disks().cache_folder.lock().unwrap() = Some(local.path().to_owned());
    let room = Some((local.path().to_owned(), room_for_less()));
    *world.disks().small.lock().unwrap() = room;
    let outcome = world.run().await;
    assert_eq!(kind(&outcome), Some("disk_full"));
    let hint = outcome.error.unwrap().hint.unwrap();
    assert!(hint.contains("--cache"), "{hint}");
    assert_eq!(world.staged(), 0);
    assert_only_the_package_is_left(&world);
    *world.disks().small.lock().unwrap() = None;
    let outcome = world.run().await;
    assert_eq!(outcome.status, JobStatus::Completed);
    assert_eq!(world.server().downloads.len(), 1);
}

#[tokio::test]
async fn a_disk_that_fills_up_while_a_cube_is_built_keeps_the_package_only() {
    let world = World::new();
    let full = Problem::new(ProblemKind::DiskFull, "no space left");
    world.workshop.failures.lock().unwrap().push_back(full);
    let outcome = world.run().await;
    assert_eq!(kind(&outcome), Some("disk_full"));
    assert_only_the_package_is_left(&world);
    assert_completed(&world, &world.run().await, 1);
    assert_eq!(world.server().downloads.len(), 1);
}

/// A part of a package is of no use once its task is given up.
#[tokio::test]
async fn what_came_of_a_task_that_is_given_up_goes_with_it() {
    let world = World::new();
    world.server().breaks = vec![10; 3].into();
    let cancelled = async {
        while world.server().downloads.is_empty() {
            world.wait(1).await;
        }
        let id = world.server().tasks[0].id.clone();
        let now = world.clock.now();
        world.server().task(&id).cancelled = Some(now);
        world.server().answers.push_back(Answer::Unauthorized);
    };
    let (outcome, ()) = futures::join!(world.run(), cancelled);
    assert_eq!(kind(&outcome), Some("unauthorized"));
    assert_eq!(world.files_in_scratch(), Vec::<PathBuf>::new());
}

/// Two packages that fit on the disk one after the other only.
#[tokio::test]
async fn what_fits_but_for_what_others_were_promised_waits_for_them() {
    for (room, side_by_side) in [(room_for_less() * 3, 2), (room_for_less() + 1, 1)] {
        let world = World::new();
        world.server().times = Some((30, 60));
        *world.disks().small.lock().unwrap() = Some((SCRATCH.into(), room));
        let outcomes = world
            .engine()
            .run(
                vec![request("a"), request("b")],
                RunOptions::default(),
                &CancellationToken::new(),
            )
            .await;
        for outcome in outcomes {
            assert_eq!(outcome.status, JobStatus::Completed, "{outcome:?}");
        }
        assert_eq!(world.server().most_downloads, side_by_side);
    }
}
