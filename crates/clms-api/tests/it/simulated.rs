//! The whole way, against the simulated service and its bad habits.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clms_api::{
    ApiError, Client, Dataset, DatasetQuery, DownloadError, FileRequest, LinkState, Refusal,
    ServiceKey, Task, TaskId, TaskStatus,
};
use clms_sim::{Cancel, EngineFault, Fault, FaultKind, Habits, QueueTimes, RetryAfter, Sim, When};
use futures::TryStreamExt;
use tempfile::TempDir;

use crate::scripted::quick;

const PRODUCT: &str = "forest-type-2015";
const FILE: &str = "FTY_2015_100m_eu_03035_d02_Full";

/// Longer than a task takes, and shorter than a link or a token lives.
const WHILE: Duration = Duration::from_secs(600);

struct World {
    sim: Sim,
    client: Client,
    folder: TempDir,
}

impl World {
    fn with(habits: Habits) -> Self {
        let queue = QueueTimes {
            queued: Duration::from_secs(60),
            running: Duration::from_secs(60),
        };
        let sim = Sim::builder().queue(queue).habits(habits).start().unwrap();
        let key = ServiceKey::from_json(&sim.service_key_json()).unwrap();
        let client = Client::builder()
            .base_url(sim.api_url())
            .service_key(key)
            .retry(quick())
            .build()
            .unwrap();
        Self {
            sim,
            client,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn file(&self) -> FileRequest {
        let datasets = self.client.datasets(DatasetQuery::new());
        let datasets: Vec<_> = datasets.try_collect().await.unwrap();
        let dataset = datasets
            .iter()
            .find(|dataset| dataset.id == PRODUCT)
            .unwrap();
        FileRequest {
            dataset_uid: dataset.uid.clone(),
            file_id: dataset.file(FILE).unwrap().id.clone(),
        }
    }

    async fn request(&self) -> TaskId {
        let accepted = self
            .client
            .request_files(&[self.file().await])
            .await
            .unwrap();
        assert_eq!(accepted.error_task_ids, []);
        accepted.task_ids[0].clone()
    }

    async fn task(&self, id: &TaskId) -> Task {
        self.client.task(id).await.unwrap().unwrap()
    }

    /// A task that is done.
    async fn finished(&self) -> Task {
        let id = self.request().await;
        self.sim.advance(WHILE);
        let task = self.task(&id).await;
        assert!(task.is_ready(), "{task:?}");
        task
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("download.zip.part")
    }

    async fn download(&self, task: &Task) -> Result<u64, DownloadError> {
        let download = self.client.download(task.link().unwrap(), self.part());
        download
            .expected_size(task.file_size.unwrap())
            .run()
            .await
            .map(|done| done.bytes)
    }

    fn calls(&self, path: &str) -> usize {
        self.sim
            .requests()
            .iter()
            .filter(|request| request.path.ends_with(path))
            .count()
    }
}

fn fault(endpoint: &str, when: When, kind: FaultKind) -> Habits {
    Habits {
        faults: vec![Fault {
            endpoint: endpoint.to_owned(),
            when,
            kind,
        }],
        ..Habits::default()
    }
}

#[tokio::test]
async fn a_file_from_the_catalogue_to_the_disk() {
    let world = World::with(Habits {
        naive_times: true,
        download_url_is_list: true,
        ..Habits::default()
    });
    let signed_in = world.client.sign_in().await.unwrap();
    assert_eq!(signed_in.user_id, Sim::USER_ID);

    let file = world.file().await;
    let id = world.request().await;
    let queued = world.client.tasks(Some(TaskStatus::Queued)).await.unwrap();
    assert!(queued[&id].is_exactly(&file) && !queued[&id].is_final());
    world.sim.advance(Duration::from_secs(90));
    assert_eq!(world.task(&id).await.status, TaskStatus::InProgress);
    world.sim.advance(WHILE);
    let task = world.task(&id).await;
    assert_eq!(task.status, TaskStatus::FinishedOk);
    assert!(task.finalized > task.registered);

    let total = task.file_size;
    let state = world.client.probe(task.link().unwrap()).await.unwrap();
    assert_eq!(
        state,
        LinkState::Alive {
            total,
            resumable: true
        }
    );
    assert_eq!(Some(world.download(&task).await.unwrap()), total);
    assert!(std::fs::read(world.part()).unwrap().starts_with(b"PK"));
    assert_eq!(world.calls("/@@oauth2-token"), 1);
}

#[tokio::test]
async fn the_whole_catalogue_decodes_in_few_requests() {
    let world = World::with(Habits::default());
    let datasets: Vec<_> = world
        .client
        .datasets(DatasetQuery::new())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(world.calls("/@search"), 1);
    assert!(datasets.len() >= 30, "{}", datasets.len());
    let listed: BTreeSet<_> = datasets
        .iter()
        .flat_map(|dataset| {
            dataset
                .files
                .iter()
                .map(|file| format!("{}|{}", dataset.id, file.name))
        })
        .collect();
    assert!(listed.contains(&format!("{PRODUCT}|{FILE}")));
    let held: BTreeSet<_> = clms_sim::Catalogue::fixture()
        .files()
        .into_iter()
        .map(|file| file.data_id)
        .collect();
    assert_eq!(listed, held);

    let batch = DatasetQuery::new().batch_size(NonZeroU32::new(7).unwrap());
    let in_batches: Vec<_> = world.client.datasets(batch).try_collect().await.unwrap();
    // Not all of a dataset: the portal says more of the first one of each page.
    let known = |dataset: &Dataset| (dataset.uid.clone(), dataset.files.clone());
    assert!(in_batches.iter().map(known).eq(datasets.iter().map(known)));
}

#[tokio::test]
async fn keys_of_somebody_else_are_refused() {
    let (world, other) = (
        World::with(Habits::default()),
        World::with(Habits::default()),
    );
    let key = world
        .sim
        .service_key_json()
        .replace(world.sim.base_url(), other.sim.base_url());
    let key = ServiceKey::from_json(&key).unwrap();
    let client = Client::builder()
        .base_url(other.sim.api_url())
        .service_key(key)
        .build()
        .unwrap();
    let error = client.sign_in().await.unwrap_err();
    assert!(
        matches!(error, ApiError::KeyRefused { status: 400, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn tokens_that_expire_too_soon() {
    for forgets_expired_tokens in [false, true] {
        let token_lifetime = Duration::from_secs(300);
        let world = World::with(Habits {
            token_lifetime,
            forgets_expired_tokens,
            ..Habits::default()
        });
        world.client.sign_in().await.unwrap();
        world.sim.advance(WHILE);
        world.client.tasks(None).await.unwrap();
        assert_eq!(world.calls("/@@oauth2-token"), 2);
    }
}

#[tokio::test]
async fn a_lost_answer_is_unclear_and_the_task_is_in_the_list() {
    let slow = Habits {
        engine: Some(EngineFault::Slow(Duration::from_millis(10))),
        ..Habits::default()
    };
    for habits in [
        fault("@datarequest_post", When::First(1), FaultKind::LostAnswer),
        slow,
    ] {
        let world = World::with(habits);
        let file = world.file().await;
        let error = world
            .client
            .request_files(std::slice::from_ref(&file))
            .await
            .unwrap_err();
        assert!(matches!(error, ApiError::Unclear { .. }), "{error}");
        assert_eq!(world.calls("/@datarequest_post"), 1);
        let tasks = world.client.tasks(None).await.unwrap();
        assert_eq!(
            tasks.values().filter(|task| task.is_exactly(&file)).count(),
            1
        );
    }
}

#[tokio::test]
async fn asking_too_often_is_waited_out() {
    for retry_after in [
        RetryAfter::Seconds(1),
        RetryAfter::DateIn(1),
        RetryAfter::Absent,
    ] {
        let world = World::with(fault(
            "*",
            When::First(1),
            FaultKind::TooManyRequests(retry_after),
        ));
        world.request().await;
    }
}

#[tokio::test]
async fn cancelling_is_a_promise_only() {
    let world = World::with(Habits::default());
    let id = world.request().await;
    world.client.cancel_task(&id).await.unwrap();
    assert_eq!(world.task(&id).await.status, TaskStatus::Cancelled);
    let error = world.client.cancel_task(&"123".into()).await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::UnknownTask));
    assert_eq!(world.client.task(&"123".into()).await.unwrap(), None);

    world
        .sim
        .update_habits(|habits| habits.cancel = Cancel::FirewallPage);
    let error = world
        .client
        .cancel_task(&world.request().await)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ApiError::HtmlInsteadOfJson { status: 403, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_status_that_goes_back_leaves_the_task_ready() {
    let world = World::with(Habits {
        status_goes_back: true,
        ..Habits::default()
    });
    let id = world.request().await;
    world.sim.advance(WHILE);
    let first = world.task(&id).await;
    let second = world.task(&id).await;
    assert_eq!(
        (first.status.clone(), second.status.clone()),
        (TaskStatus::FinishedOk, TaskStatus::Queued)
    );
    assert!(first.is_ready() && second.is_ready());
}

#[tokio::test]
async fn cut_bodies_are_resumed() {
    let world = World::with(Habits {
        cut_body: When::First(2),
        cut_body_after: 200,
        ..Habits::default()
    });
    let task = world.finished().await;
    assert_eq!(Some(world.download(&task).await.unwrap()), task.file_size);
    let zip = std::fs::read(world.part()).unwrap();
    assert_eq!(zip.len() as u64, task.file_size.unwrap());
    assert_eq!(world.calls(".zip"), 3);
}

#[tokio::test]
async fn links_that_lead_to_nothing() {
    type Expected = fn(&DownloadError) -> bool;
    let cases: [(Habits, Expected); 4] = [
        (
            Habits {
                dead_links: When::Always,
                dead_link_status: 403,
                ..Habits::default()
            },
            |error| matches!(error, DownloadError::LinkDead { status: 403, .. }),
        ),
        (
            Habits {
                html_instead_of_zip: When::Always,
                ..Habits::default()
            },
            |error| matches!(error, DownloadError::NotAZip { .. }),
        ),
        (
            Habits {
                truncated_zip: When::Always,
                ..Habits::default()
            },
            |error| matches!(error, DownloadError::WrongLength { .. }),
        ),
        (
            Habits {
                file_size_error: 5,
                ..Habits::default()
            },
            |error| matches!(error, DownloadError::WrongLength { .. }),
        ),
    ];
    for (habits, expected) in cases {
        let world = World::with(habits.clone());
        let task = world.finished().await;
        let error = world.download(&task).await.unwrap_err();
        assert!(expected(&error), "{habits:?}: {error}");
        assert!(error.is_retryable() && !world.part().exists());
    }
}

#[tokio::test]
async fn a_link_that_comes_alive_late() {
    let world = World::with(Habits {
        link_alive_after_requests: 2,
        ..Habits::default()
    });
    let task = world.finished().await;
    let link = task.link().unwrap();
    assert_eq!(
        world.client.probe(link).await.unwrap(),
        LinkState::Dead { status: 404 }
    );
    assert!(world.download(&task).await.unwrap_err().is_retryable());
    world.download(&task).await.unwrap();
}

#[tokio::test]
async fn the_download_host_refuses_agents_that_do_not_say_who_they_are() {
    let world = World::with(Habits::default());
    let task = world.finished().await;
    let nameless = Client::builder()
        .base_url(world.sim.api_url())
        .user_agent("reqwest/0.13")
        .build()
        .unwrap();
    let state = nameless.probe(task.link().unwrap()).await.unwrap();
    assert_eq!(state, LinkState::Dead { status: 403 });
}
