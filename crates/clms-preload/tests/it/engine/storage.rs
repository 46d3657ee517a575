//! The storage of cubes and journals: out of reach, or so for long that the lease is lost.

use std::time::Duration;

use clms_preload::{Clock as _, PollPolicy, ProgressEvent, RunOptions, StageName};
use tokio_util::sync::CancellationToken;

use super::assert_completed;
use crate::world::{World, kind, request, run_on, server::package};

#[tokio::test]
async fn an_outage_of_the_storage_is_sat_out() {
    // From whichever second on.
    for from in [1, 2, 10, 50, 100, 125] {
        let world = World::new();
        let outage = async {
            world.wait(from).await;
            world.storage_is_out(2 * 3600);
        };
        let (outcome, ()) = futures::join!(world.run(), outage);
        assert_completed(&world, &outcome, 1);
        assert_eq!(world.server().downloads.len(), 1);
    }
}

#[tokio::test]
async fn a_storage_that_was_never_reached_is_told_at_once() {
    let world = World::new();
    let begin = world.clock.now();
    world.storage_is_out(3600);
    let outcome = world.run().await;
    assert_eq!(kind(&outcome), Some("io"));
    assert_eq!(world.posts_and_doubled(), (0, 0));
    assert!(world.clock.now().duration_since(begin).as_secs() < 60);
}

/// How often the job went for the lease.
fn leasings(world: &World) -> usize {
    let stage = |event: &ProgressEvent| {
        matches!(
            event,
            ProgressEvent::StageEntered {
                stage: StageName::Leasing,
                ..
            }
        )
    };
    world
        .heard
        .events()
        .iter()
        .filter(|event| stage(event))
        .count()
}

#[tokio::test]
async fn a_lost_lease_is_taken_again_if_it_is_free() {
    for lost_after in [0, 1, 40, 100, 120, 125, 130] {
        let world = World::new();
        world.lose_lease_after(lost_after);
        let outcome = world.run().await;
        assert_completed(&world, &outcome, 1);
        assert!(leasings(&world) <= 2);
        let sent = world.server().tasks[0].bytes_sent;
        assert_eq!(sent, package("a").len() as u64, "{lost_after}");
    }
}

/// Waits until a download has begun, and lets the next one not hang.
async fn only_the_first_hangs(world: &World) {
    while world.server().downloads.is_empty() {
        world.wait(1).await;
    }
    world.wait(30).await;
    world.server().hangs = false;
}

/// Found in a test of the program on a busy machine: the work that was broken off counted as a wish to stop.
#[tokio::test]
async fn a_lease_that_is_renewed_late_costs_time_and_nothing_else() {
    let world = World::new();
    world.server().hangs = true;
    world.server().stops_after = 10_000;
    world.lose_lease_for_a_moment(300, 6);
    let (outcome, ()) = futures::join!(world.run(), only_the_first_hangs(&world));
    assert_completed(&world, &outcome, 1);
}

#[tokio::test]
async fn a_download_is_halted_when_the_lease_is_lost_and_goes_on_where_it_was() {
    let world = World::new();
    world.lose_lease_after(300);
    world.server().hangs = true;
    let (outcome, ()) = futures::join!(world.run(), only_the_first_hangs(&world));
    assert_completed(&world, &outcome, 1);
    assert_eq!(leasings(&world), 2);
    assert_eq!(world.server().downloads, [0, 10]);
}

#[tokio::test]
async fn who_loses_the_lease_to_another_leaves_everything_to_him() {
    for wait_for_others in [false, true] {
        let world = World::new();
        world.server().times = Some((30, 600));
        // While the first one waits for more than a minute, the second one can have the lease from second 258 on.
        world.lose_lease_after(228);
        let poll = PollPolicy {
            initial: Duration::from_secs(1),
            ..PollPolicy::default()
        };
        let (one, other) = (world.engine(), world.engine_builder().poll(poll).build());
        let options = RunOptions {
            wait_for_others,
            ..RunOptions::default()
        };
        let late = async {
            world.clock.sleep(Duration::from_secs(3)).await;
            run_on(
                &other,
                RunOptions {
                    wait_for_others: true,
                    ..options
                },
            )
            .await
        };
        let cancel = CancellationToken::new();
        let (one, other) = futures::join!(one.run(vec![request("a")], options, &cancel), late);
        assert_completed(&world, &other, 1);
        assert_eq!(world.server().downloads.len(), 1);
        match wait_for_others {
            true => assert!(one[0].cube.is_some(), "{one:?}"),
            false => assert_eq!(kind(&one[0]), Some("busy")),
        }
    }
}
