//! Requesting once and waiting, against the simulated service and its bad habits.

use std::time::Duration;

use clms_api::{
    ApiError, BBox, Client, DataRequest, DatasetQuery, Days, FileRequest, Polling, Requested,
    ServiceKey, TaskKind, TaskStatus,
};
use clms_sim::{Cdse, EngineFault, Fault, FaultKind, Habits, QueueTimes, Sim, TaskOutcome, When};
use futures::TryStreamExt;
use jiff::civil::date;

use crate::scripted::quick;

struct World {
    sim: Sim,
    client: Client,
}

impl World {
    fn with(habits: Habits) -> Self {
        let queue = QueueTimes {
            queued: Duration::from_secs(60),
            running: Duration::from_secs(60),
        };
        let sim = Sim::builder().queue(queue).habits(habits).start().unwrap();
        let client = Client::builder()
            .base_url(sim.api_url())
            .service_key(ServiceKey::from_json(&sim.service_key_json()).unwrap())
            .retry(quick())
            .cdse_patience(Duration::from_millis(300))
            .build()
            .unwrap();
        Self { sim, client }
    }

    async fn file(&self, name: &str) -> FileRequest {
        let query = DatasetQuery::new().id("forest-type-2015");
        let found: Vec<_> = self.client.datasets(query).try_collect().await.unwrap();
        FileRequest {
            dataset_uid: found[0].uid.clone(),
            file_id: found[0].file(name).unwrap().id.clone(),
        }
    }

    async fn request(&self) -> DataRequest {
        DataRequest::new().file(self.file("FTY_2015_100m_eu_03035_d02_Full").await)
    }

    async fn of_cdse(&self) -> DataRequest {
        let query = DatasetQuery::new().source(clms_api::Source::Cdse);
        let found: Vec<_> = self.client.datasets(query).try_collect().await.unwrap();
        let series = found
            .iter()
            .find(|dataset| dataset.max_days.is_some())
            .unwrap();
        let collection = &series.download_information[0].id;
        let days = Days::new(date(2021, 1, 1), date(2021, 1, 5)).unwrap();
        let part = self.client.part_request(series, collection).await.unwrap();
        let part = part
            .days(days)
            .bbox(BBox::new(6.0, 49.0, 6.2, 49.2).unwrap());
        DataRequest::new().part(part.build().unwrap())
    }

    fn posts(&self) -> usize {
        let requests = self.sim.requests();
        requests
            .iter()
            .filter(|request| request.path.ends_with("@datarequest_post"))
            .count()
    }

    async fn once(&self, request: &DataRequest) -> Requested {
        self.client.request_once(request).await.unwrap()
    }
}

fn struck(kind: FaultKind, when: When) -> Habits {
    Habits {
        faults: vec![Fault {
            endpoint: "@datarequest_post".to_owned(),
            when,
            kind,
        }],
        ..Habits::default()
    }
}

#[tokio::test]
async fn asking_again_asks_nothing() {
    let world = World::with(Habits::default());
    let request = world.request().await;
    let first = world.once(&request).await;
    let second = world.once(&request).await;
    assert_eq!(first.tasks[0].id, second.tasks[0].id);
    assert_eq!((first.tasks[0].found, second.tasks[0].found), (false, true));
    assert_eq!((world.posts(), world.sim.tasks().len()), (1, 1));
}

#[tokio::test]
async fn a_lost_answer_and_a_slow_engine_make_one_task() {
    let slow = Habits {
        engine: Some(EngineFault::Slow(Duration::from_millis(10))),
        ..Habits::default()
    };
    for habits in [struck(FaultKind::LostAnswer, When::First(1)), slow] {
        let world = World::with(habits);
        let requested = world.once(&world.request().await).await;
        assert!(requested.tasks[0].found);
        assert_eq!((world.posts(), world.sim.tasks().len()), (1, 1));
    }
}

#[tokio::test]
async fn a_proxy_that_was_down_is_asked_again_after_a_look() {
    for fault in [FaultKind::Status(502), FaultKind::HtmlPage] {
        let world = World::with(struck(fault, When::First(1)));
        let requested = world.once(&world.request().await).await;
        assert!(!requested.tasks[0].found);
        assert_eq!((world.posts(), world.sim.tasks().len()), (2, 1));
        let calls: Vec<_> = world
            .sim
            .requests()
            .iter()
            .map(|request| request.path.clone())
            .collect();
        let posts: Vec<_> = calls
            .iter()
            .enumerate()
            .filter(|(_, path)| path.ends_with("_post"))
            .map(|(n, _)| n)
            .collect();
        let between = &calls[posts[0]..posts[1]];
        assert!(
            between
                .iter()
                .any(|path| path.ends_with("@datarequest_search")),
            "{between:?}"
        );
    }
    let world = World::with(struck(FaultKind::Status(502), When::Always));
    let error = world
        .client
        .request_once(&world.request().await)
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::Unclear { .. }), "{error}");
    assert_eq!((world.posts(), world.sim.tasks().len()), (3, 0));
}

#[tokio::test]
async fn a_task_that_the_engine_refused_is_the_task() {
    let world = World::with(Habits {
        engine: Some(EngineFault::Refuses),
        ..Habits::default()
    });
    let requested = world.once(&world.request().await).await;
    assert!(requested.tasks[0].found);
    assert_eq!((world.posts(), world.sim.tasks().len()), (1, 1));
}

#[tokio::test]
async fn only_what_is_missing_is_requested() {
    let world = World::with(Habits::default());
    let request = world.request().await;
    world.once(&request).await;
    let other = world.file("FTY_2015_020m_eu_03035_d04_E00N20").await;
    // Another set of files is another task, even if one of them is queued.
    let both = request.file(other);
    let requested = world.once(&both).await;
    assert!(!requested.tasks[0].found);
    assert_eq!(world.posts(), 2);
}

#[tokio::test]
async fn twins_that_block_everything_are_named() {
    let world = World::with(Habits::default());
    let request = world.request().await;
    for _ in 0..2 {
        world.client.request(&request).await.unwrap();
    }
    let other = DataRequest::new().file(world.file("FTY_2015_020m_eu_03035_d04_E00N20").await);
    match world.client.request_once(&other).await.unwrap_err() {
        ApiError::Blocked { tasks } => assert_eq!(tasks.len(), 2),
        error => panic!("{error}"),
    }
    // The blocked request itself is found among them.
    assert!(world.once(&request).await.tasks[0].found);
}

#[tokio::test]
async fn cdse_shows_its_task_later() {
    let world = World::with(Habits::default());
    world.sim.set_queue(QueueTimes {
        queued: Duration::from_millis(50),
        running: Duration::from_millis(50),
    });
    let request = world.of_cdse().await;
    let requested = world.once(&request).await;
    let task = requested.task(TaskKind::CdseParts).unwrap();
    let polling = Polling {
        interval: Duration::from_millis(20),
        patience: Duration::from_secs(20),
    };
    let task = world.client.wait_for_task(&task.id, polling).await.unwrap();
    assert!(task.link().is_some());

    world.sim.update_habits(|habits| habits.cdse = Cdse::NoData);
    let error = world.client.request_once(&request).await.unwrap_err();
    assert!(matches!(error, ApiError::NoTask { .. }), "{error}");
}

fn now_and_then() -> Polling {
    Polling {
        interval: Duration::from_millis(5),
        patience: Duration::from_secs(20),
    }
}

async fn waited(habits: Habits) -> Result<clms_api::Task, ApiError> {
    let world = World::with(habits);
    world.sim.set_queue(QueueTimes {
        queued: Duration::from_millis(20),
        running: Duration::from_millis(20),
    });
    let requested = world.once(&world.request().await).await;
    world
        .client
        .wait_for_task(&requested.tasks[0].id, now_and_then())
        .await
}

#[tokio::test]
async fn waiting() {
    assert!(waited(Habits::default()).await.unwrap().is_ready());
    let bad_minute = Habits {
        faults: vec![Fault {
            endpoint: "@datarequest_status_get".to_owned(),
            when: When::First(7),
            kind: FaultKind::Status(502),
        }],
        ..Habits::default()
    };
    assert!(
        waited(bad_minute).await.unwrap().is_ready(),
        "a bad minute loses nothing"
    );
    let failing = |outcome| Habits {
        outcome,
        ..Habits::default()
    };
    let error = waited(failing(TaskOutcome::Nok("Translation failed".to_owned())))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Finished_nok: Translation failed"),
        "{error}"
    );
    let error = waited(failing(TaskOutcome::Rejected("No.".to_owned())))
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::TaskFailed { .. }), "{error}");
}

#[tokio::test]
async fn waiting_ends() {
    let world = World::with(Habits::default());
    let id = world.once(&world.request().await).await.tasks[0].id.clone();
    let polling = Polling {
        patience: Duration::from_millis(30),
        ..now_and_then()
    };
    match world.client.wait_for_task(&id, polling).await.unwrap_err() {
        ApiError::NotDone { status, .. } => {
            assert_eq!(status.as_deref(), Some(TaskStatus::Queued.as_str()));
        }
        error => panic!("{error}"),
    }
    let error = world
        .client
        .wait_for_task(&"1".into(), polling)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("unknown to the portal"),
        "{error}"
    );
}

#[tokio::test]
async fn a_link_that_is_waited_for() {
    let world = World::with(Habits {
        link_alive_after_requests: 1,
        ..Habits::default()
    });
    world.sim.set_queue(QueueTimes {
        queued: Duration::ZERO,
        running: Duration::ZERO,
    });
    let id = world.once(&world.request().await).await.tasks[0].id.clone();
    let task = world
        .client
        .wait_for_task(&id, now_and_then())
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let download = world
        .client
        .download(task.link().unwrap(), folder.path().join("x.part"));
    // The second attempt comes when the patience is over.
    let done = download
        .wait_for_link(Duration::from_millis(40))
        .run()
        .await
        .unwrap();
    assert_eq!(Some(done.bytes), task.file_size);
}
