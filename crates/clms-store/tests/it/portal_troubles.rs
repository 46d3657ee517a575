//! What a preload makes of a portal that does not keep its promises, with settings that the program has no options for.

use std::{path::Path, sync::Arc, time::Duration};

use clms_factory::{Package, Scale};
use clms_sim::{Cancel, EngineFault, Fault, FaultKind, Habits, QueueTimes, RetryAfter, Sim, When};
use clms_store::{
    ClmsStore, DataId, JobOutcome, JobStatus, PreloadOptions, ServiceKey, progress::NoProgress,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";

struct Scene {
    sim: Sim,
    folder: TempDir,
}

impl Scene {
    fn new(habits: Habits) -> Self {
        let folder = TempDir::new().unwrap();
        let packages = folder.path().join("packages");
        std::fs::create_dir(&packages).unwrap();
        let package = Package::forest_type_2015(Scale::Pixels(300, 200));
        package.spec().write(&packages).unwrap();
        let sim = Sim::builder().packages(&packages).habits(habits);
        let sim = sim.start().unwrap();
        Self { sim, folder }
    }

    fn cache(&self) -> &Path {
        self.folder.path()
    }

    async fn preload(&self, options: PreloadOptions) -> JobOutcome {
        let store = ClmsStore::builder()
            .api_url(self.sim.api_url())
            .service_key(ServiceKey::from_json(&self.sim.service_key_json()).unwrap())
            .cache(self.cache().join("cache").to_str().unwrap())
            .catalogue_file(self.cache().join("catalogue.json"))
            .poll_interval(Duration::from_millis(50))
            .build()
            .unwrap();
        let ids = [FOREST.parse::<DataId>().unwrap()];
        let progress = Arc::new(NoProgress);
        let cancel = CancellationToken::new();
        let outcomes = store.preload(&ids, &options, progress, &cancel).await;
        outcomes.unwrap().remove(0)
    }

    /// How often an endpoint was called.
    fn calls(&self, endpoint: &str) -> usize {
        let requests = self.sim.requests();
        let is_it = |path: &str| path.ends_with(endpoint);
        requests
            .iter()
            .filter(|request| is_it(&request.path))
            .count()
    }
}

#[track_caller]
fn assert_completed(outcome: &JobOutcome) {
    assert_eq!(outcome.status, JobStatus::Completed, "{outcome:?}");
}

/// The first task that the job engine gets, it does not take.
fn refusing_engine(engine: EngineFault) -> Habits {
    Habits {
        engine: Some(engine),
        engine_when: When::First(1),
        ..Habits::default()
    }
}

#[tokio::test]
async fn a_task_that_the_job_engine_never_got_is_cancelled_and_ordered_anew() {
    let faults = [
        EngineFault::Refuses,
        EngineFault::AnswersHtml,
        EngineFault::Unreachable,
    ];
    for fault in faults {
        let scene = Scene::new(refusing_engine(fault));
        let outcome = scene
            .preload(PreloadOptions {
                max_queued: Some(Duration::from_millis(500)),
                ..PreloadOptions::default()
            })
            .await;
        assert_completed(&outcome);
        let tasks = scene.sim.tasks();
        let statuses: Vec<_> = tasks.iter().map(|task| task.status.as_str()).collect();
        assert_eq!(statuses, ["Cancelled", "Finished_ok"], "{fault:?}");
    }
}

#[tokio::test]
async fn nothing_is_ordered_beside_a_task_that_cannot_be_cancelled() {
    for (habit, why) in [
        (Cancel::Swallowed, "does not cancel it"),
        (Cancel::FirewallPage, "does not cancel it ("),
    ] {
        let mut habits = refusing_engine(EngineFault::Refuses);
        habits.cancel = habit;
        let scene = Scene::new(habits);
        let outcome = scene
            .preload(PreloadOptions {
                max_queued: Some(Duration::from_millis(100)),
                timeout: Some(Duration::from_secs(2)),
                ..PreloadOptions::default()
            })
            .await;
        assert_eq!(outcome.status, JobStatus::Failed);
        let message = outcome.error.unwrap().message;
        let task = &scene.sim.tasks()[0].task_id;
        assert!(message.contains(&format!("task {task} ")), "{message}");
        // The time may be up between the judgement and the answer to the cancellation.
        assert!(
            message.contains(why) || message.contains("never begun"),
            "{message}"
        );
        assert!(scene.calls("@datarequest_delete") > 0);
        assert_eq!(scene.sim.tasks().len(), 1);
    }
}

#[tokio::test]
async fn a_finished_task_whose_link_stays_dead_is_given_up() {
    let scene = Scene::new(Habits {
        zombies: vec![FOREST.to_owned()],
        ..Habits::default()
    });
    let outcome = scene
        .preload(PreloadOptions {
            // The portal promises three days; this one is two days old.
            max_link_age: Some(Duration::from_secs(72 * 3600)),
            ..PreloadOptions::default()
        })
        .await;
    assert_completed(&outcome);
    let tasks = scene.sim.tasks();
    assert_eq!(tasks.len(), 2);
    assert_ne!(outcome.task_id.unwrap().as_str(), tasks[0].task_id);
    let requests = scene.sim.requests();
    let dead = requests.iter().filter(|request| request.status == 404);
    assert_eq!(dead.count(), 3, "an old link gets three attempts");
}

#[tokio::test]
async fn orders_without_an_answer_are_looked_for_and_then_repeated() {
    // More of them than there may be tasks.
    let gateway = Fault {
        endpoint: "@datarequest_post".to_owned(),
        when: When::First(4),
        kind: FaultKind::Status(502),
    };
    let scene = Scene::new(Habits {
        faults: vec![gateway],
        ..Habits::default()
    });
    assert_completed(&scene.preload(PreloadOptions::default()).await);
    assert_eq!(scene.calls("@datarequest_post"), 5);
    assert_eq!(scene.sim.tasks().len(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_in_a_long_wait_whatever_the_token_endpoint_says_first() {
    for forgets_expired_tokens in [false, true] {
        let refused = Fault {
            endpoint: "@@oauth2-token".to_owned(),
            when: When::Every(2),
            kind: FaultKind::TooManyRequests(RetryAfter::Seconds(0)),
        };
        let scene = Scene::new(Habits {
            token_lifetime: Duration::from_secs(1),
            forgets_expired_tokens,
            faults: vec![refused],
            ..Habits::default()
        });
        scene.sim.set_queue(QueueTimes {
            queued: Duration::from_secs(2),
            running: Duration::from_secs(1),
        });
        assert_completed(&scene.preload(PreloadOptions::default()).await);
        assert!(scene.calls("@@oauth2-token") >= 3, "renewed, and not once");
        assert_eq!(scene.sim.tasks().len(), 1);
    }
}
