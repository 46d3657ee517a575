//! Jobs at several servers in one run.

use std::sync::{Arc, Mutex};

use clms_preload::{
    CancelScope, JobOutcome, JobRequest, JobStatus, Problem, ProblemKind, RunOptions, ServerName,
};
use tokio_util::sync::CancellationToken;

use crate::world::{World, request, run_on, server::Server};

fn broker() -> ServerName {
    ServerName::new("broker")
}

fn at_broker(file: &str) -> JobRequest {
    let mut request = request(file);
    request.order.server = broker();
    request
}

fn new_broker() -> Arc<Mutex<Server>> {
    Arc::new(Mutex::new(Server {
        times: Some((30, 120)),
        ..Server::default()
    }))
}

async fn run(engine: &clms_preload::Engine, requests: Vec<JobRequest>) -> Vec<JobOutcome> {
    let cancel = CancellationToken::new();
    engine.run(requests, RunOptions::default(), &cancel).await
}

#[tokio::test]
async fn each_job_orders_at_its_own_server_and_no_outage_holds_up_the_other() {
    let world = World::new();
    let other = new_broker();
    let limited = Problem::new(ProblemKind::RateLimited, "429");
    let limited = limited.with_retry_after(std::time::Duration::from_secs(3600));
    other.lock().unwrap().look_failures.push_back(limited);
    let engine = world
        .engine_builder()
        .server(broker(), world.way_to(&other))
        .build();
    let outcomes = run(&engine, vec![request("a"), at_broker("b"), request("c")]).await;
    for outcome in &outcomes {
        assert_eq!(outcome.status, JobStatus::Completed, "{outcome:?}");
    }
    assert_eq!(world.posts_and_doubled(), (2, 0));
    let other = other.lock().unwrap();
    assert_eq!((other.posts, other.doubled.len()), (1, 0));
    let last_look = |looks: &[(u32, jiff::Timestamp)]| looks.last().unwrap().1;
    let waited = last_look(&other.looks).duration_since(last_look(&world.server().looks));
    assert!(waited.as_secs() > 3000, "{waited}");
}

#[tokio::test]
async fn a_job_whose_server_is_not_there_fails_alone_and_can_be_given_up() {
    let world = World::new();
    let engine = world.engine();
    let outcomes = run(&engine, vec![request("a"), at_broker("b")]).await;
    assert_eq!(outcomes[0].status, JobStatus::Completed);
    let error = outcomes[1].error.as_ref().unwrap();
    assert!(
        error.message.contains("broker, which is not set up here"),
        "{error}"
    );
    let report = engine
        .cancel(&outcomes[1].job, CancelScope::Everywhere)
        .await
        .unwrap();
    assert!(report.tasks.is_empty() && !report.was_finished);

    // Set up, it goes on; and what is cached needs no server at all.
    let other = new_broker();
    let engine = world
        .engine_builder()
        .server(broker(), world.way_to(&other))
        .build();
    let outcomes = run(&engine, vec![at_broker("b")]).await;
    assert_eq!(outcomes[0].status, JobStatus::Completed, "{outcomes:?}");
    let cached = run(&world.engine(), vec![at_broker("b")]).await;
    assert_eq!(cached[0].status, JobStatus::Cached);
    assert_eq!(
        run_on(&world.engine(), RunOptions::default()).await.status,
        JobStatus::Cached
    );
}
