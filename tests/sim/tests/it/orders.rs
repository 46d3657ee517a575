//! Posting tasks, looking at them, and fetching their links.

use std::time::Duration;

use clms_sim::{Habits, QueueTimes, Sim};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;

/// A file of the fixture catalogue.
pub(crate) const FOREST_TYPE: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";

/// A sim whose tasks are queued for 100 s and run for another 100 s.
pub(crate) fn sim_with(habits: Habits) -> Sim {
    let queue = QueueTimes {
        queued: Duration::from_secs(100),
        running: Duration::from_secs(100),
    };
    Sim::builder().queue(queue).habits(habits).start().unwrap()
}

pub(crate) fn post_of(data_id: &str) -> Value {
    let files = clms_sim::Catalogue::fixture().files();
    let file = files.iter().find(|file| file.data_id == data_id).unwrap();
    json!({"Datasets": [{"DatasetID": file.dataset_uid, "FileID": file.file_id}]})
}

/// Posts a request for the file, and gives the task's id.
pub(crate) async fn post(client: &Client<'_>, data_id: &str) -> String {
    let (status, body) = client
        .call(Method::POST, "@datarequest_post", Some(post_of(data_id)))
        .await;
    assert_eq!(status, 201, "{body}");
    body["TaskIds"][0]["TaskID"].as_str().unwrap().to_owned()
}

pub(crate) async fn status(client: &Client<'_>, task: &str) -> Value {
    let (status, body) = client
        .call(
            Method::GET,
            &format!("@datarequest_status_get?TaskID={task}"),
            None,
        )
        .await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Posts, waits by the clock, and gives the finished task.
pub(crate) async fn finished(client: &Client<'_>, data_id: &str) -> Value {
    let task = post(client, data_id).await;
    client.sim.advance(Duration::from_secs(200));
    status(client, &task).await
}

pub(crate) async fn get(client: &Client<'_>, task: &Value) -> reqwest::Response {
    let url = task["DownloadURL"].as_str().unwrap();
    client.request(Method::GET, url).send().await.unwrap()
}
