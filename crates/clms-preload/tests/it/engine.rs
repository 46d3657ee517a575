//! The engine, on a clock that jumps, with a server that misbehaves as told.

use std::{path::PathBuf, time::Duration};

use clms_cache::CacheStore as _;
use clms_preload::{
    CancelScope, CancelVerdict, Clock as _, JobOutcome, JobStatus, Problem, ProblemKind,
    ProgressEvent, RunOptions, StageName, TaskId,
};
use object_store::{ObjectStoreExt as _, path::Path as ObjectPath};
use tokio_util::sync::CancellationToken;

use crate::fakes::{Answer, Fate, PACKAGE, World, request};

async fn run_with(world: &World, options: RunOptions) -> JobOutcome {
    let outcomes = world
        .engine()
        .run(vec![request("a")], options, &CancellationToken::new())
        .await;
    assert_eq!(outcomes.len(), 1);
    outcomes.into_iter().next().unwrap()
}

async fn run(world: &World) -> JobOutcome {
    run_with(world, RunOptions::default()).await
}

fn kind(outcome: &JobOutcome) -> Option<&str> {
    outcome.error.as_ref().map(|problem| problem.kind.as_str())
}

#[track_caller]
fn assert_completed(world: &World, outcome: &JobOutcome, posts: u32) {
    assert_eq!(outcome.status, JobStatus::Completed, "{outcome:?}");
    assert_eq!(world.posts_and_doubled(), (posts, 0));
    assert_eq!(world.files_in_scratch(), Vec::<PathBuf>::new());
    assert_eq!(world.cache.staged(), 0);
}

#[tokio::test]
async fn a_job_goes_all_the_way_and_is_cached_then() {
    let world = World::new();
    let outcome = run(&world).await;
    assert_completed(&world, &outcome, 1);
    assert_eq!(outcome.task_id, Some(TaskId::new("9000")));
    assert_eq!(outcome.cube.as_deref(), Some("memory/product|a.zarr"));
    assert_eq!(outcome.bytes, Some(PACKAGE.len() as u64));
    let cube = world.cache.open(&request("a").cube).await.unwrap();
    let content = cube
        .get(&ObjectPath::from("zarr.json"))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_eq!(content, PACKAGE);

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
    let again = run(&world).await;
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

#[tokio::test]
async fn force_makes_the_cube_anew_from_the_task_that_is_still_good() {
    let world = World::new();
    run(&world).await;
    let forced = clms_preload::JobRequest {
        force: true,
        ..request("a")
    };
    let outcomes = world
        .engine()
        .run(
            vec![forced],
            RunOptions::default(),
            &CancellationToken::new(),
        )
        .await;
    assert_completed(&world, &outcomes[0], 1);
    assert_eq!(world.server().downloads.len(), 2);
}

#[tokio::test]
async fn what_a_task_can_do_wrong_leads_to_a_new_one() {
    for fate in [
        Fate::DeadLink,
        Fate::HtmlLink,
        Fate::NoLink,
        Fate::ShortFile,
        Fate::NoZip,
        Fate::Nok,
        Fate::Rejected,
        Fate::CancelledByOther,
        Fate::Vanishes,
    ] {
        let world = World::with_fates(&[fate]);
        let outcome = run(&world).await;
        assert_eq!(outcome.task_id, Some(TaskId::new("9001")), "{fate:?}");
        assert_completed(&world, &outcome, 2);
        let abandoned = world
            .listener
            .events()
            .iter()
            .filter(|event| matches!(event, ProgressEvent::TaskAbandoned { .. }))
            .count();
        assert_eq!(abandoned, 1, "{fate:?}");
    }
}

#[tokio::test]
async fn what_is_only_slow_or_strange_needs_no_new_one() {
    for fate in [Fate::LateLink(170), Fate::Backwards, Fate::UnknownWord] {
        let world = World::with_fates(&[fate]);
        let outcome = run(&world).await;
        assert_completed(&world, &outcome, 1);
    }
}

#[tokio::test]
async fn a_file_is_ordered_three_times_at_most_and_the_servers_words_are_told() {
    let world = World::with_fates(&[Fate::Nok, Fate::DeadLink, Fate::Rejected]);
    let outcome = run(&world).await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("rejected"))
    );
    let message = outcome.error.unwrap().message;
    assert!(
        message.contains("3 times") && message.contains("FME says no"),
        "{message}"
    );
    assert_eq!(world.posts_and_doubled(), (3, 0));
}

#[tokio::test]
async fn an_order_without_an_answer_is_never_doubled() {
    for (answers, posts) in [
        (vec![Answer::LostButMade], 1),
        (vec![Answer::Nameless], 1),
        (vec![Answer::LostNotMade], 2),
        (vec![Answer::LostNotMade, Answer::LostButMade], 2),
        (vec![Answer::Duplicated, Answer::Duplicated], 3),
    ] {
        let world = World::with_answers(&answers);
        let outcome = run(&world).await;
        assert_completed(&world, &outcome, posts);
    }
}

#[tokio::test]
async fn a_duplicate_is_adopted_if_the_list_shows_it() {
    let world = World::new();
    let id = world
        .server()
        .make(request("a").order.content, world.clock.now());
    let outcome = run(&world).await;
    assert_completed(&world, &outcome, 0);
    assert_eq!(outcome.task_id, Some(id));
    let adopted =
        |event: &ProgressEvent| matches!(event, ProgressEvent::TaskChosen { adopted: true, .. });
    assert!(world.listener.events().iter().any(adopted));
}

#[tokio::test]
async fn a_finished_task_with_a_dead_link_is_not_adopted_for_long() {
    let world = World::with_fates(&[Fate::DeadLink]);
    let begin = world.clock.now();
    world.server().make(request("a").order.content, begin);
    world.clock.sleep(Duration::from_secs(3600)).await;
    let outcome = run(&world).await;
    assert_completed(&world, &outcome, 1);
    assert_eq!(
        world.server().downloads.len(),
        3 + 1,
        "an old link gets three attempts"
    );
}

#[tokio::test]
async fn the_server_may_ask_for_patience_but_not_for_other_credentials() {
    let world = World::with_answers(&[Answer::RateLimited]);
    let begin = world.clock.now();
    assert_completed(&world, &run(&world).await, 2);
    assert!(world.clock.now().duration_since(begin).as_secs() > 77);

    let world = World::with_answers(&[Answer::Unauthorized]);
    let outcome = run(&world).await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("unauthorized"))
    );
}

#[tokio::test]
async fn a_lost_connection_costs_neither_the_task_nor_the_bytes() {
    let world = World::new();
    world.server().look_failures =
        vec![Problem::new(ProblemKind::Unreachable, "no route"); 3].into();
    world.server().breaks = vec![10, 10].into();
    let outcome = run(&world).await;
    assert_completed(&world, &outcome, 1);
    assert_eq!(world.server().downloads, [0, 10, 20]);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let world = World::new();
    world.server().look_failures =
        vec![Problem::new(ProblemKind::Unreachable, "no route"); 99].into();
    let outcome = run(&world).await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("unreachable"))
    );
    assert_eq!(world.server().looks.len(), 5);
}

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
        world.server().fates = vec![Fate::Never; jobs].into();
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
    println!("looks in an hour of waiting, for 1 and 50 jobs: {looks:?}");
    // The orders of fifty go out one by one, which is seen as changes and keeps the interval short a little longer.
    assert!(looks[0] <= 40 && looks[1] <= looks[0] + 3, "{looks:?}");
}

#[tokio::test]
async fn two_cubes_of_one_file_share_a_task() {
    let world = World::new();
    let mut other = request("a");
    other.data_id = "product|b".to_owned();
    other.cube = clms_cache::CubeName::new("product|b").unwrap();
    let outcomes = world
        .engine()
        .run(
            vec![request("a"), other, request("a")],
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
            ("product|b", JobStatus::Completed),
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

    let outcome = run(&world).await;
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
    let outcome = run_with(&world, options).await;
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
    assert_completed(&world, &run(&world).await, 1);
    assert_eq!(world.server().downloads, [0, 10]);
}

#[tokio::test]
async fn a_finished_download_is_not_fetched_again() {
    let world = World::new();
    let broken = Problem::new(ProblemKind::BuildFailed, "no CRS");
    world.builder.failures.lock().unwrap().push_back(broken);
    let outcome = run(&world).await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("build_failed"))
    );
    assert_eq!(world.cache.staged(), 0, "what was staged is discarded");
    assert_eq!(world.files_in_scratch().len(), 1, "the package is kept");
    let looks = world.server().looks.len();

    assert_completed(&world, &run(&world).await, 1);
    assert_eq!(world.downloads_and_looks(), (1, looks));
}

#[tokio::test]
async fn a_timeout_names_what_was_seen_last() {
    let world = World::with_fates(&[Fate::HtmlLink]);
    let options = RunOptions {
        timeout: Some(Duration::from_secs(180)),
        ..RunOptions::default()
    };
    let outcome = run_with(&world, options).await;
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
            _ = run(&world) => false,
        };
        let outcome = run(&world).await;
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
    let outcome = run_with(&world, options).await;
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
    assert_completed(&world, &run(&world).await, 1);
}

#[tokio::test]
async fn cancelling_tells_the_server_and_the_journal() {
    let world = World::new();
    let options = RunOptions {
        detach: true,
        ..RunOptions::default()
    };
    let job = run_with(&world, options).await.job;
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
    let outcome = run(&world).await;
    assert_completed(&world, &outcome, 2);
    assert_eq!(outcome.task_id, Some(TaskId::new("9001")));
}

#[tokio::test]
async fn kept_downloads_are_kept() {
    let world = World::new();
    let options = RunOptions {
        keep_downloads: true,
        ..RunOptions::default()
    };
    run_with(&world, options).await;
    let files = world.files_in_scratch();
    assert_eq!(files.len(), 1);
    assert!(files[0].ends_with("download-9000.zip"), "{files:?}");
}

#[tokio::test]
async fn events_follow_their_grammar() {
    let world = World::with_fates(&[Fate::LateLink(60)]);
    run(&world).await;
    let events: Vec<String> = world
        .listener
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
    assert_eq!(tail, "downloading (amount) unpacking building (amount) committing cleaning_up completed (job_ended)".split(' ').skip(1).collect::<Vec<_>>().join(" "));
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
