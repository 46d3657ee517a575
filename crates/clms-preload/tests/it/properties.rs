//! Whatever happens, in whatever order.

use std::time::Duration;

use clms_preload::{
    JobState, JobStatus, Policy, Problem, ProblemKind, RunOptions,
    machine::{Event, step},
};
use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, prelude::*, sample::select};
use tokio_util::sync::CancellationToken;

use crate::{
    machine_table::{content, events, outward},
    world::{
        World, request,
        server::{Answer, Fate},
    },
};

proptest! {
    #[test]
    fn the_machine_keeps_its_rules(sequence in vec((select(events()), 0_i64..1000), 0..200), force: bool) {
        let policy = Policy::default();
        let mut state = JobState::new(content(), force);
        let mut at = Timestamp::UNIX_EPOCH;
        for ((name, event), pause) in sequence {
            at = at.checked_add(SignedDuration::from_secs(pause)).unwrap();
            let before = state.clone();
            let is_news = matches!(event, Event::Leased { .. });
            let (after, commands) = step(&policy, state, at, event);
            prop_assert!(outward(&commands) <= 1, "{name}");
            if before.stage.is_terminal() {
                prop_assert_eq!(&after, &before, "{}", name);
                prop_assert!(commands.is_empty());
            }
            prop_assert!(after.knowledge.requests <= policy.max_requests);
            // A task that was seen dead stays known, or is alive again; it is never just forgotten.
            for dead in before.knowledge.dead.iter().filter(|_| !is_news) {
                prop_assert!(after.knowledge.owns(&dead.id) || after.knowledge.death(&dead.id).is_some());
            }
            let json = serde_json::to_string(&after).unwrap();
            prop_assert_eq!(serde_json::from_str::<JobState>(&json).unwrap(), after.clone());
            state = after;
        }
    }
}

/// What can befall a job from outside.
#[derive(Debug, Clone)]
struct Weather {
    fates: Vec<Fate>,
    answers: Vec<Answer>,
    failed_looks: usize,
    breaks: Vec<usize>,
    /// Seconds after which the process is killed, again and again.
    kills: Vec<u64>,
}

fn weather() -> impl Strategy<Value = Weather> {
    let fates = select(vec![
        Fate::Good,
        Fate::LateLink(100),
        Fate::DeadLink,
        Fate::HtmlLink,
        Fate::NoLink,
        Fate::ShortFile,
        Fate::NoZip,
        Fate::Nok,
        Fate::Rejected,
        Fate::CancelledByOther,
        Fate::Vanishes,
        Fate::Backwards,
        Fate::UnknownWord,
    ]);
    let answers = select(vec![
        Answer::Accept,
        Answer::LostButMade,
        Answer::LostNotMade,
        Answer::Nameless,
        Answer::Duplicated,
        Answer::RateLimited,
    ]);
    (
        vec(fates, 0..5),
        vec(answers, 0..5),
        0_usize..4,
        vec(0_usize..20, 0..4),
        vec(0_u64..400, 0..4),
    )
        .prop_map(|(fates, answers, failed_looks, breaks, kills)| Weather {
            fates,
            answers,
            failed_looks,
            breaks,
            kills,
        })
}

async fn weathered(weather: Weather) -> Result<(), TestCaseError> {
    let world = World::new();
    {
        let mut server = world.server();
        server.fates.extend(weather.fates);
        server.answers.extend(weather.answers);
        server.breaks.extend(weather.breaks);
        let unreachable = Problem::new(ProblemKind::Unreachable, "no route");
        server.look_failures = vec![unreachable; weather.failed_looks].into();
    }
    let cancel = CancellationToken::new();
    for seconds in weather.kills {
        tokio::select! {
            biased;
            () = clms_preload::Clock::sleep(&world.clock, Duration::from_secs(seconds)) => {}
            _ = run(&world, &cancel) => {}
        }
    }
    let outcome = run(&world, &cancel).await;
    prop_assert_eq!(
        &world.server().doubled,
        &Vec::<String>::new(),
        "never two live requests for one file"
    );
    let is_there = matches!(outcome.status, JobStatus::Completed | JobStatus::Cached);
    prop_assert_eq!(is_there, outcome.cube.is_some());
    prop_assert_eq!(is_there, outcome.error.is_none());
    if is_there {
        prop_assert_eq!(world.files_in_scratch().len(), 0);
    } else {
        prop_assert_eq!(outcome.status, JobStatus::Failed);
    }
    let record = world
        .engine()
        .journal()
        .read(&outcome.job)
        .await
        .unwrap()
        .unwrap();
    prop_assert_eq!(record.is_finished(), is_there);
    Ok(())
}

async fn run(world: &World, cancel: &CancellationToken) -> clms_preload::JobOutcome {
    let outcomes = world
        .engine()
        .run(vec![request("a")], RunOptions::default(), cancel)
        .await;
    outcomes.into_iter().next().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_job_weathers_everything(weather in weather()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(weathered(weather))?;
    }
}
