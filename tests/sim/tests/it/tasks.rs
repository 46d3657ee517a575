//! Tasks, from post to end, and faults on their way.

use std::time::Duration;

use clms_sim::{
    Cancel, EngineFault, Fault, FaultKind, Habits, QueueTimes, RetryAfter, Sim, TaskOutcome, When,
};
use reqwest::Method;
use reqwest::header::{ACCEPT, RETRY_AFTER};
use serde_json::{Value, json};

use crate::client::{Client, Key};
use crate::orders::{FOREST_TYPE, finished, get, post, post_of, sim_with, status};

#[tokio::test]
async fn a_task_goes_its_way_and_ends_with_a_zip_in_a_zip() {
    let sim = sim_with(Habits::default());
    let client = Client::new(&sim);
    let task = post(&client, FOREST_TYPE).await;
    let queued = status(&client, &task).await;
    assert_eq!(queued["Status"], "Queued");
    assert!(queued.get("FMETaskId").is_none());
    sim.advance(Duration::from_secs(60));
    assert!(status(&client, &task).await["FMETaskId"].is_i64());
    sim.advance(Duration::from_secs(60));
    assert_eq!(status(&client, &task).await["Status"], "In_progress");
    sim.advance(Duration::from_secs(100));
    let done = status(&client, &task).await;
    assert_eq!(done["Status"], "Finished_ok");

    let zip = get(&client, &done).await.bytes().await.unwrap();
    assert_eq!(done["FileSize"], zip.len());
    let mut outer = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let mut inner = Vec::new();
    let name = "Results/FTY_2015_100m_eu_03035_d02_Full.zip";
    std::io::copy(&mut outer.by_name(name).unwrap(), &mut inner).unwrap();
    let inner = zip::ZipArchive::new(std::io::Cursor::new(inner)).unwrap();
    assert_eq!(inner.len(), 1);
}

#[tokio::test]
async fn zombies_and_strangers_are_listed_and_another_users_task_is_not() {
    let sim = sim_with(Habits {
        zombies: vec![FOREST_TYPE.to_owned()],
        strangers: vec!["clc2018|u2018_clc2018_v2020_20u1_raster100m".to_owned()],
        other_users_task: true,
        ..Habits::default()
    });
    let client = Client::new(&sim);
    let (_, tasks) = client
        .call(Method::GET, "@datarequest_search?status=Finished_ok", None)
        .await;
    let tasks: Vec<&Value> = tasks.as_object().unwrap().values().collect();
    assert_eq!(tasks.len(), 2);
    let mut answers = Vec::new();
    for task in tasks {
        answers.push((
            task["Datasets"][0]["DatasetTitle"].clone(),
            get(&client, task).await.status().as_u16(),
        ));
    }
    answers.sort_by_key(|(_, status)| *status);
    assert_eq!(
        answers[0],
        (
            json!("CORINE Land Cover 2018 (vector/raster 100 m), Europe, 6-yearly"),
            200
        )
    );
    assert_eq!(answers[1].1, 404);
    let others = sim
        .tasks()
        .into_iter()
        .find(|task| task.user_id == Sim::OTHER_USER_ID)
        .unwrap();
    assert_eq!(status(&client, &others.task_id).await["Status"], "Queued");
    let delete = json!({"TaskID": others.task_id});
    assert_eq!(
        client
            .call(Method::DELETE, "@datarequest_delete", Some(delete))
            .await
            .0,
        404
    );
    sim.update_habits(|habits| *habits = Habits::default());
    assert!(sim.tasks().is_empty());
}

#[tokio::test]
async fn cancels_are_swallowed() {
    let sim = sim_with(Habits::default());
    let client = Client::new(&sim);
    let task = post(&client, FOREST_TYPE).await;
    for (cancel, expected, left) in [
        (Cancel::FirewallPage, 403, "Queued"),
        (Cancel::Swallowed, 204, "Queued"),
        (Cancel::Works, 204, "Cancelled"),
    ] {
        sim.update_habits(|habits| habits.cancel = cancel);
        let body = json!({"TaskID": task});
        let (found, _) = client
            .call(Method::DELETE, "@datarequest_delete", Some(body))
            .await;
        assert_eq!(
            (found, &status(&client, &task).await["Status"]),
            (expected, &json!(left))
        );
    }
    sim.advance(Duration::from_secs(300));
    let cancelled = status(&client, &task).await;
    assert_eq!(cancelled["Status"], "Cancelled");
    assert!(cancelled.get("DownloadURL").is_none());
}

#[tokio::test]
async fn some_tasks_end_badly() {
    let sim = sim_with(Habits {
        outcome: TaskOutcome::Nok("Translation failed".to_owned()),
        outcome_when: When::First(1),
        ..Habits::default()
    });
    let client = Client::new(&sim);
    let failed = finished(&client, FOREST_TYPE).await;
    assert_eq!(
        (&failed["Status"], &failed["Message"]),
        (&json!("Finished_nok"), &json!("Translation failed"))
    );
    assert_eq!(
        finished(&client, FOREST_TYPE).await["Status"],
        "Finished_ok"
    );
    sim.update_habits(|habits| {
        habits.outcome = TaskOutcome::Stuck;
        habits.outcome_when = When::Always;
    });
    assert_eq!(finished(&client, FOREST_TYPE).await["Status"], "Queued");
}

#[tokio::test]
async fn a_refused_task_stays_and_a_slow_one_finishes() {
    let sim = sim_with(Habits {
        engine: Some(EngineFault::Slow(Duration::from_millis(1))),
        engine_when: When::First(1),
        ..Habits::default()
    });
    let client = Client::new(&sim);
    let post = || {
        client.call(
            Method::POST,
            "@datarequest_post",
            Some(post_of(FOREST_TYPE)),
        )
    };
    let (status, body) = post().await;
    assert_eq!(
        (status, &body["msg"]),
        (500, &json!("Error, all requests failed"))
    );
    sim.advance(Duration::from_secs(200));
    assert_eq!(sim.tasks()[0].status, "Finished_ok");
    assert_eq!(post().await.0, 201, "only the first one is struck");
}

#[tokio::test]
async fn faults_strike_the_calls_they_name() {
    let fault = |endpoint: &str, when, kind| Fault {
        endpoint: endpoint.to_owned(),
        when,
        kind,
    };
    let sim = sim_with(Habits {
        faults: vec![
            fault("@search", When::First(2), FaultKind::Status(502)),
            fault(
                "@projections",
                When::Every(2),
                FaultKind::TooManyRequests(RetryAfter::Seconds(7)),
            ),
            fault(
                "@nuts_name",
                When::Always,
                FaultKind::TooManyRequests(RetryAfter::DateIn(60)),
            ),
            fault("@datarequest_post", When::First(1), FaultKind::LostAnswer),
        ],
        ..Habits::default()
    });
    let client = Client::new(&sim);
    for expected in [502, 502, 200] {
        assert_eq!(
            client.call(Method::GET, "@search?b_size=1", None).await.0,
            expected
        );
    }
    for expected in [200, 429, 200, 429] {
        assert_eq!(
            client.call(Method::GET, "@projections", None).await.0,
            expected
        );
    }
    let limited = client
        .request(Method::GET, "/api/@nuts_name")
        .header(ACCEPT, "application/json")
        .send()
        .await
        .unwrap();
    let date = limited.headers()[RETRY_AFTER].to_str().unwrap();
    assert!(
        date.ends_with(" GMT") && jiff::fmt::rfc2822::parse(date).is_ok(),
        "{date}"
    );

    let token = client.token(&Key::of(&sim)).await;
    let request = client
        .request(Method::POST, "/api/@datarequest_post")
        .header(ACCEPT, "application/json");
    let lost = request
        .bearer_auth(token)
        .json(&post_of(FOREST_TYPE))
        .send()
        .await;
    assert!(lost.is_err(), "the connection is closed without an answer");
    assert_eq!(sim.tasks().len(), 1, "and yet the task was made");
    let posts: Vec<u16> = sim
        .requests()
        .iter()
        .filter(|request| request.path.ends_with("_post"))
        .map(|request| request.status)
        .collect();
    assert_eq!(posts, [0]);
}

#[tokio::test]
async fn times_may_be_as_long_as_can_be() {
    let sim = sim_with(Habits {
        token_lifetime: Duration::MAX,
        link_alive_after: Duration::MAX,
        ..Habits::default()
    });
    let client = Client::new(&sim);
    let done = finished(&client, FOREST_TYPE).await;
    assert_eq!(
        get(&client, &done).await.status(),
        404,
        "not alive for ever"
    );
    sim.set_queue(QueueTimes {
        queued: Duration::MAX,
        running: Duration::MAX,
    });
    assert_eq!(finished(&client, FOREST_TYPE).await["Status"], "Queued");
}
