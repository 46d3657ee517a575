//! Several jobs, and what they share.

use std::{num::NonZeroUsize, time::Duration};

use clms_preload::{Clock as _, EngineLimits, JobRequest, JobStatus, ProgressEvent, RunOptions};
use object_store::path::Path as ObjectPath;
use tokio_util::sync::CancellationToken;

use super::assert_completed;
use crate::world::{
    World, kind, request,
    server::{Answer, Fate, later},
};

#[tokio::test]
async fn fifty_jobs_cost_as_many_looks_as_one() {
    let mut looks = Vec::new();
    for jobs in [1, 50] {
        let world = World::new();
        let requests = (0..jobs).map(|n| request(&format!("file{n}"))).collect();
        let options = RunOptions {
            timeout: Some(Duration::from_secs(3600)),
            ..RunOptions::default()
        };
        world.server().fates = vec![Fate::Stuck; jobs].into();
        let outcomes = world
            .engine()
            .run(requests, options, &CancellationToken::new())
            .await;
        assert!(
            outcomes
                .iter()
                .all(|outcome| kind(outcome) == Some("timeout"))
        );
        assert_eq!(world.server().posts as usize, jobs);
        looks.push(world.server().looks.len());
    }
    println!(
        "requests in an hour of waiting, for 1 and 50 jobs: {looks:?} looks, and an order for each job"
    );
    // The orders of fifty go out one by one, which is seen as changes and keeps the interval short a little longer.
    assert!(looks[0] <= 40 && looks[1] <= looks[0] + 3, "{looks:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_are_told_of_in_the_order_in_which_they_were_asked_for() {
    let world = World::new();
    let requests: Vec<_> = (0..100).map(|n| request(&format!("file{n}"))).collect();
    let asked: Vec<_> = requests.iter().map(JobRequest::job_id).collect();
    let cancel = CancellationToken::new();
    cancel.cancel();
    world
        .engine()
        .run(requests, RunOptions::default(), &cancel)
        .await;
    let started: Vec<_> = world
        .heard
        .events()
        .into_iter()
        .filter_map(|event| match event {
            ProgressEvent::JobStarted { job, .. } => Some(job),
            _ => None,
        })
        .collect();
    assert_eq!(started, asked);
}

#[tokio::test]
async fn two_cubes_of_one_file_share_a_task() {
    let world = World::new();
    let outcomes = world
        .engine()
        .run(
            vec![request("a"), request("a|b"), request("a")],
            RunOptions::default(),
            &CancellationToken::new(),
        )
        .await;
    let statuses: Vec<_> = outcomes
        .iter()
        .map(|outcome| (outcome.data_id.as_str(), outcome.status))
        .collect();
    assert_eq!(
        statuses,
        [
            ("product|a", JobStatus::Completed),
            ("product|a|b", JobStatus::Completed),
            ("product|a", JobStatus::Completed)
        ]
    );
    assert_eq!(world.posts_and_doubled(), (1, 0));
}

#[tokio::test]
async fn of_two_engines_on_one_cube_one_works_and_the_other_says_who() {
    let world = World::new();
    let first = world
        .engine_builder()
        .holder("clms preload, process 1")
        .build();
    let second = world.engine();
    let cancel = CancellationToken::new();
    let (one, two) = futures::join!(
        first.run(vec![request("a")], RunOptions::default(), &cancel),
        second.run(vec![request("a")], RunOptions::default(), &cancel),
    );
    assert_completed(&world, &one[0], 1);
    assert_eq!(
        (two[0].status, kind(&two[0])),
        (JobStatus::Failed, Some("busy"))
    );
    assert!(
        two[0]
            .error
            .as_ref()
            .unwrap()
            .message
            .contains("clms preload, process 1")
    );
}

const MIB: u64 = 1 << 20;

/// Builds that take so many MiB each, in a limit: how many there were side by side at most, and what these took.
async fn builds(taking: &[u64], limit: Option<u64>) -> (usize, u64) {
    let world = World::new();
    let names: Vec<String> = (0..taking.len()).map(|n| format!("file{n}")).collect();
    for (name, memory) in names.iter().zip(taking) {
        let mut known = world.workshop.memory.lock().unwrap();
        known.insert(name.clone(), memory * MIB);
    }
    let limits = EngineLimits {
        downloads: NonZeroUsize::new(8).unwrap(),
        builds: NonZeroUsize::new(4).unwrap(),
        memory: limit.map(|limit| limit * MIB),
    };
    let engine = world.engine_builder().limits(limits).build();
    let requests = names.iter().map(|name| request(name)).collect();
    let outcomes = engine
        .run(requests, RunOptions::default(), &CancellationToken::new())
        .await;
    for outcome in outcomes {
        assert_eq!(outcome.status, JobStatus::Completed, "{outcome:?}");
    }
    let (builds, bytes) = *world.workshop.most.lock().unwrap();
    (builds, bytes / MIB)
}

#[tokio::test]
async fn builds_take_no_more_memory_than_they_may() {
    assert_eq!(builds(&[100; 6], None).await, (4, 400));
    assert_eq!(builds(&[100; 6], Some(250)).await, (2, 200));
    assert_eq!(builds(&[100; 6], Some(100)).await, (1, 0));
    // One that needs more than there is runs alone, and is not kept waiting for ever by smaller ones.
    let (builds, together) = builds(&[10, 10, 900, 10, 10, 10], Some(100)).await;
    assert!(builds >= 2 && together <= 100, "{builds}, {together}");
}

#[tokio::test]
async fn two_processes_that_want_a_file_for_two_cubes_order_it_once() {
    // However long each of them takes to get there.
    for delay in [
        0, 100, 200, 300, 400, 500, 700, 900, 1000, 1500, 2500, 40_000,
    ] {
        let world = World::new();
        let (one, other) = (world.engine(), world.engine());
        let cancel = CancellationToken::new();
        let late = async {
            world.clock.sleep(Duration::from_millis(delay)).await;
            other
                .run(vec![request("a|other")], RunOptions::default(), &cancel)
                .await
        };
        let (one, other) = futures::join!(
            one.run(vec![request("a")], RunOptions::default(), &cancel),
            late
        );
        for outcome in one.iter().chain(&other) {
            assert_eq!(outcome.status, JobStatus::Completed, "{delay}: {outcome:?}");
        }
        assert_eq!(one[0].task_id, other[0].task_id, "{delay}");
        assert_completed(&world, &one[0], 1);
        let journal = world.cache().records();
        let orders = ObjectPath::from("orders");
        let notes = journal.list_with_delimiter(Some(&orders));
        assert!(notes.await.unwrap().objects.is_empty());
    }
}

/// Found by the simulation: what is missing in one list may be there all the same.
#[tokio::test]
async fn a_list_without_the_task_is_no_reason_to_order_for_another_cube() {
    let world = World::new();
    world.server().times = Some((30, 600));
    let (one, other) = (world.engine(), world.engine());
    let cancel = CancellationToken::new();
    let late = async {
        // Long after the order, and not when the first one looks.
        world.wait(61).await;
        world.server().hides_until = Some(later(world.clock.now(), 5));
        let request = vec![request("a|other")];
        other.run(request, RunOptions::default(), &cancel).await
    };
    let (one, other) = futures::join!(
        one.run(vec![request("a")], RunOptions::default(), &cancel),
        late
    );
    assert_completed(&world, &one[0], 1);
    assert_completed(&world, &other[0], 1);
}

/// The first order comes to nothing, and the other process need not wait for it.
#[tokio::test]
async fn a_refused_order_is_in_nobodys_way() {
    let world = World::with_answers(&[Answer::Unauthorized]);
    let (one, other) = (world.engine(), world.engine());
    let cancel = CancellationToken::new();
    let begin = world.clock.now();
    let failed = one
        .run(vec![request("a")], RunOptions::default(), &cancel)
        .await;
    assert_eq!(kind(&failed[0]), Some("unauthorized"));
    let outcomes = other
        .run(vec![request("a|other")], RunOptions::default(), &cancel)
        .await;
    assert_completed(&world, &outcomes[0], 2);
    let took = world.clock.now().duration_since(begin).as_secs();
    assert!(took < 120 + 60, "{took} s");
}
