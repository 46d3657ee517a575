//! Outages of the server and of the way to it.

use std::time::Duration;

use clms_preload::{Clock as _, JobStatus, Problem, ProblemKind};

use super::assert_completed;
use crate::world::{
    World, kind,
    server::{Answer, later},
};

#[tokio::test]
async fn a_lost_connection_costs_neither_the_task_nor_the_bytes() {
    let world = World::new();
    world.server().look_failures =
        vec![Problem::new(ProblemKind::Unreachable, "no route"); 3].into();
    world.server().breaks = vec![10, 10].into();
    let outcome = world.run().await;
    assert_completed(&world, &outcome, 1);
    assert_eq!(world.server().downloads, [0, 10, 20]);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let world = World::new();
    world.server().look_failures =
        vec![Problem::new(ProblemKind::Unreachable, "no route"); 99].into();
    let outcome = world.run().await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("unreachable"))
    );
    assert_eq!(world.server().looks.len(), 5);
}

#[tokio::test]
async fn a_build_that_fails_for_a_passing_reason_is_tried_again() {
    let away = || Problem::new(ProblemKind::BuildFailed, "storage away").with_retryable(true);
    let world = World::new();
    world
        .workshop
        .failures
        .lock()
        .unwrap()
        .extend([away(), away()]);
    let outcome = world.run().await;
    assert_eq!(outcome.status, JobStatus::Completed);
    assert_eq!(world.server().downloads.len(), 1);
    assert_eq!(world.staged(), 0);

    let world = World::new();
    world
        .workshop
        .failures
        .lock()
        .unwrap()
        .extend([away(), away(), away()]);
    let outcome = world.run().await;
    assert_eq!(kind(&outcome), Some("build_failed"), "but not for ever");

    let world = World::new();
    let full = Problem::new(ProblemKind::DiskFull, "full").with_retryable(true);
    world.workshop.failures.lock().unwrap().push_back(full);
    let outcome = world.run().await;
    assert_eq!(kind(&outcome), Some("disk_full"), "no disk empties itself");
}

const HOUR: i64 = 3600;

/// The server is out of order from that second on, for so long.
async fn outage(world: &World, from: u64, seconds: i64) {
    world.clock.sleep(Duration::from_secs(from)).await;
    let until = later(world.clock.now(), seconds);
    world.server().out_until = Some(until);
}

#[tokio::test]
async fn an_outage_is_sat_out_whatever_it_strikes() {
    // Whichever request is the first one that is struck; but a server that has never answered is another matter.
    for from in [2, 3, 20, 60, 119, 120, 121, 130] {
        let world = World::new();
        // So that a download lasts long enough to be struck.
        world.server().breaks = vec![10, 10].into();
        let (outcome, ()) = futures::join!(world.run(), outage(&world, from, 5 * HOUR));
        assert_eq!(outcome.status, JobStatus::Completed, "{from}: {outcome:?}");
        let posts = world.server().posts;
        assert_completed(&world, &outcome, posts);
        // An outage of hours is not met with thousands of requests.
        assert!(posts < 90, "{from}: {posts} orders");
        assert_eq!(world.server().tasks.len(), 1, "{from}");
    }
}

#[tokio::test]
async fn an_outage_that_does_not_end_ends_the_job_with_words_that_fit() {
    for (from, what) in [(0, "order"), (60, "look"), (120, "download")] {
        let world = World::new();
        world.server().breaks = vec![10; 999].into();
        if what == "order" {
            world.server().answers = vec![Answer::LostNotMade; 999].into();
        }
        let begin = world.clock.now();
        let (outcome, ()) = futures::join!(world.run(), async {
            if what == "look" {
                outage(&world, from, 99 * HOUR).await;
            }
            if what == "download" {
                world.server().breaks = vec![0; 999].into();
            }
        });
        let took = world.clock.now().duration_since(begin).as_hours();
        assert_eq!((outcome.status, took), (JobStatus::Failed, 6), "{what}");
        let error = outcome.error.unwrap();
        assert!(error.message.contains("for 6 h, in "), "{what}: {error}");
        let hint = error.hint.unwrap();
        assert!(hint.contains("out of order") && hint.contains("goes on from there"));

        // And so it does.
        world.server().out_until = None;
        world.server().answers.clear();
        world.server().breaks.clear();
        let posts = world.server().posts;
        let again = world.run().await;
        assert_completed(&world, &again, posts + u32::from(what == "order"));
    }
}

/// What the server says in an outage is heeded: nothing is asked before that.
#[tokio::test]
async fn retry_after_is_heeded_by_looks_and_orders() {
    let world = World::with_answers(&[Answer::RateLimited]);
    let limited = Problem::new(ProblemKind::RateLimited, "429");
    let limited = limited.with_retry_after(Duration::from_secs(1000));
    world.server().look_failures = vec![limited].into();
    let begin = world.clock.now();
    assert_completed(&world, &world.run().await, 2);
    let looks: Vec<_> = world.server().looks.iter().map(|look| look.1).collect();
    assert!(looks[1].duration_since(begin).as_secs() >= 1000);
    // The order is refused with 77 seconds, and looked for before the next one.
    assert!(looks[2].duration_since(looks[1]).as_secs() >= 77);
}
