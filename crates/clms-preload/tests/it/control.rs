//! Jobs from outside: handles, other processes, cancellations.

use std::{path::PathBuf, time::Duration};

use clms_preload::{
    CancelScope, CancelVerdict, Clock as _, JobStatus, Problem, ProblemKind, ProgressEvent,
    RunOptions, StageName, TaskId,
};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::{
    engine::assert_completed,
    world::{
        World, kind, request, run_on,
        server::{CancelHabit, Fate},
    },
};

const DETACHED: RunOptions = RunOptions {
    timeout: None,
    detach: true,
    keep_downloads: false,
    wait_for_others: false,
};
const WAITING: RunOptions = RunOptions {
    wait_for_others: true,
    detach: false,
    ..DETACHED
};

#[tokio::test]
async fn a_handle_shows_the_way_and_the_end() {
    let world = World::new();
    let handles = world.engine().start(
        vec![request("a"), request("b"), request("a")],
        RunOptions::default(),
    );
    assert_eq!(handles.len(), 2, "asked for twice is done once");
    assert_eq!(handles[0].state().stage.name(), StageName::New);
    let events: Vec<ProgressEvent> = handles[0].events().collect().await;
    assert!(matches!(
        events.first(),
        Some(ProgressEvent::JobStarted { .. })
    ));
    assert!(matches!(
        events.last(),
        Some(ProgressEvent::JobEnded { .. })
    ));
    assert!(
        events
            .iter()
            .all(|event| event.job() == Some(handles[0].job()))
    );
    for handle in &handles {
        assert_eq!(handle.wait().await.status, JobStatus::Completed);
        assert_eq!(handle.state().stage.name(), StageName::Completed);
    }
    // Whoever comes too late is not kept waiting.
    assert_eq!(handles[0].events().count().await, 0);
}

#[tokio::test]
async fn a_handle_gives_up_its_job_and_no_other() {
    let world = World::with_fates(&[Fate::Stuck, Fate::Good]);
    let engine = world.engine();
    let handles = engine.start(vec![request("a"), request("b")], RunOptions::default());
    world.clock.sleep(Duration::from_secs(60)).await;
    let report = handles[0].cancel(CancelScope::Everywhere).await.unwrap();
    assert_eq!(report.tasks[0].verdict, CancelVerdict::Confirmed);
    assert_eq!(handles[0].wait().await.status, JobStatus::Cancelled);
    assert_eq!(handles[1].wait().await.status, JobStatus::Completed);
    assert_eq!(world.server().cancels.len(), 1);
    assert_eq!(world.files_in_scratch(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_handle_interrupts_its_job_which_goes_on_later() {
    let world = World::new();
    let engine = world.engine();
    let handles = engine.start(vec![request("a")], RunOptions::default());
    world.clock.sleep(Duration::from_secs(60)).await;
    handles[0].interrupt();
    assert_eq!(kind(&handles[0].wait().await), Some("interrupted"));
    let outcome = run_on(&engine, RunOptions::default()).await;
    assert_eq!(outcome.status, JobStatus::Completed);
    assert_eq!(world.posts_and_doubled(), (1, 0));
}

#[tokio::test]
async fn a_job_that_another_process_works_on_is_given_up_through_the_journal() {
    for (after, hangs) in [(60, false), (200, true)] {
        let world = World::with_fates(&[Fate::Good]);
        world.server().hangs = hangs;
        let (worker, other) = (world.engine(), world.engine());
        let cancelling = async {
            world.clock.sleep(Duration::from_secs(after)).await;
            let job = request("a").job_id();
            other.cancel(&job, CancelScope::Everywhere).await.unwrap()
        };
        let (outcome, report) = futures::join!(run_on(&worker, RunOptions::default()), cancelling);
        assert_eq!(outcome.status, JobStatus::Cancelled);
        let expected = if hangs {
            CancelVerdict::AlreadyOver
        } else {
            CancelVerdict::Confirmed
        };
        assert_eq!(report.tasks[0].verdict, expected);
        assert_eq!(world.files_in_scratch(), Vec::<PathBuf>::new());
        let journal = other.journal();
        assert_eq!(journal.cancellations().await.unwrap(), []);
        let record = journal.read(&outcome.job).await.unwrap().unwrap();
        assert_eq!(record.stage(), StageName::Cancelled);
        assert_eq!(record.state.knowledge.cancellations, report.tasks);
    }
}

#[tokio::test]
async fn what_the_server_makes_of_a_cancellation_is_seen_and_told() {
    for (habit, verdict) in [
        (CancelHabit::Works, CancelVerdict::Confirmed),
        (CancelHabit::Refuses, CancelVerdict::Refused),
        (CancelHabit::Swallows, CancelVerdict::Swallowed),
    ] {
        let world = World::new();
        let engine = world.engine();
        let job = run_on(&engine, DETACHED).await.job;
        world.server().cancel_habit = habit;
        let report = engine.cancel(&job, CancelScope::Everywhere).await.unwrap();
        assert_eq!(report.tasks[0].verdict, verdict, "{habit:?}");
        assert_eq!(
            report.tasks[0].problem.is_some(),
            verdict == CancelVerdict::Refused
        );
        // It can be tried again, until it is over.
        world.server().cancel_habit = CancelHabit::Works;
        let again = engine.cancel(&job, CancelScope::Everywhere).await.unwrap();
        assert!(again.tasks[0].verdict.is_over());
    }
}

#[tokio::test]
async fn a_server_out_of_reach_leaves_it_unconfirmed() {
    let world = World::new();
    let engine = world.engine();
    let job = run_on(&engine, DETACHED).await.job;
    let away = Problem::new(ProblemKind::Unreachable, "no route");
    world.server().look_failures = vec![away; 99].into();
    let report = engine.cancel(&job, CancelScope::Everywhere).await.unwrap();
    assert_eq!(report.tasks[0].verdict, CancelVerdict::Unconfirmed);
    assert_eq!(
        report.tasks[0].problem.as_ref().unwrap().kind,
        ProblemKind::Unreachable
    );
}

#[tokio::test]
async fn who_waits_gets_what_the_other_made_or_carries_on() {
    let world = World::new();
    let (one, two) = futures::join!(world.run(), async {
        run_on(&world.engine(), WAITING).await
    },);
    assert_eq!(
        (one.status, two.status),
        (JobStatus::Completed, JobStatus::Cached)
    );
    assert_eq!(world.posts_and_doubled(), (1, 0));

    // The other is stopped: it is carried on, with the same task.
    let world = World::new();
    let limited = RunOptions {
        timeout: Some(Duration::from_secs(50)),
        ..RunOptions::default()
    };
    let (one, two) = futures::join!(
        async {
            // A timeout is the other's failure.
            run_on(&world.engine(), limited).await
        },
        async { run_on(&world.engine(), WAITING).await },
    );
    assert_eq!(kind(&one), Some("timeout"));
    assert_eq!(
        kind(&two),
        Some("timeout"),
        "what was waited for has failed"
    );

    let world = World::new();
    let cancel = CancellationToken::new();
    let engine = world.engine();
    let (one, two, ()) = futures::join!(
        engine.run(vec![request("a")], RunOptions::default(), &cancel),
        async { run_on(&world.engine(), WAITING).await },
        async {
            world.clock.sleep(Duration::from_secs(50)).await;
            cancel.cancel();
        },
    );
    assert_eq!(kind(&one[0]), Some("interrupted"));
    assert_eq!(two.status, JobStatus::Completed);
    assert_eq!(world.posts_and_doubled(), (1, 0));
}

#[tokio::test]
async fn who_leaves_knows_that_the_link_is_alive() {
    let world = World::with_fates(&[Fate::HtmlLink]);
    world.make_task();
    world.clock.sleep(Duration::from_secs(3600)).await;
    let outcome = run_on(&world.engine(), DETACHED).await;
    assert_eq!(outcome.status, JobStatus::Requested);
    assert_eq!(
        world.posts_and_doubled(),
        (1, 0),
        "the old task was not believed"
    );
    assert_eq!(world.server().downloads.len(), 0);

    let world = World::new();
    world.make_task();
    world.clock.sleep(Duration::from_secs(3600)).await;
    let outcome = run_on(&world.engine(), DETACHED).await;
    assert_eq!(outcome.status, JobStatus::Requested);
    assert_eq!(world.posts_and_doubled(), (0, 0));
}

#[tokio::test]
async fn cancelling_tells_the_server_and_the_journal() {
    let world = World::new();
    let options = RunOptions {
        detach: true,
        ..RunOptions::default()
    };
    let job = world.run_with(options).await.job;
    let engine = world.engine();
    let report = engine.cancel(&job, CancelScope::Everywhere).await.unwrap();
    assert_eq!(report.tasks[0].verdict, CancelVerdict::Confirmed);
    assert_eq!(world.server().cancels, [TaskId::new("9000")]);
    let record = engine.journal().read(&job).await.unwrap().unwrap();
    assert_eq!(
        (record.stage(), record.is_finished()),
        (StageName::Cancelled, true)
    );

    let unknown = "no-such-job-00000000".parse().unwrap();
    let problem = engine
        .cancel(&unknown, CancelScope::LocalOnly)
        .await
        .unwrap_err();
    assert_eq!(problem.kind.as_str(), "no_such_job");

    // Asked for again, it begins anew: the cancelled task is of no use.
    let outcome = world.run().await;
    assert_completed(&world, &outcome, 2);
    assert_eq!(outcome.task_id, Some(TaskId::new("9001")));
}
