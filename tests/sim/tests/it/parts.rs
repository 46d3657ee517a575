//! Parts of data sets: who cuts them, and when the queue is full.

use std::time::Duration;

use clms_sim::{Habits, Sim, When};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::orders::{get, status};

/// A request for a part of CLC 2018.
fn post_of(nuts: &str) -> Value {
    json!({"Datasets": [{
        "DatasetID": "0407d497d3c44bcd93ce8fd5bf78596a",
        "DatasetDownloadInformationID": "7bcdf9d1-6ba0-4d4e-afa8-01451c7316cb",
        "OutputFormat": "Geotiff", "OutputGCS": "EPSG:3035", "NUTS": nuts,
    }]})
}

#[tokio::test]
async fn a_part_is_cut_from_what_its_task_shows() {
    let cut = |items: &[Value]| {
        let code = items[0]["NUTSID"].as_str()?;
        (code != "MT").then(|| code.as_bytes().to_vec())
    };
    let sim = Sim::builder().parts(cut).start().unwrap();
    let client = Client::new(&sim);
    for (nuts, bytes) in [("LU", Some(b"LU".as_slice())), ("MT", None)] {
        let (code, body) = client
            .call(Method::POST, "@datarequest_post", Some(post_of(nuts)))
            .await;
        assert_eq!(code, 201, "{body}");
        sim.advance(Duration::from_secs(1));
        let task = status(&client, body["TaskIds"][0]["TaskID"].as_str().unwrap()).await;
        let zip = get(&client, &task).await.bytes().await.unwrap();
        assert_eq!(task["FileSize"], zip.len());
        match bytes {
            Some(bytes) => assert_eq!(zip, bytes),
            None => assert!(zip.starts_with(b"PK"), "the built-in one"),
        }
    }
}

#[tokio::test]
async fn a_full_queue_refuses_parts_and_lets_files_pass() {
    let habits = Habits {
        full_queue: When::First(1),
        ..Habits::default()
    };
    let sim = crate::orders::sim_with(habits);
    let client = Client::new(&sim);
    crate::orders::post(&client, crate::orders::FOREST_TYPE).await;
    let call = || client.call(Method::POST, "@datarequest_post", Some(post_of("LU")));
    let (code, body) = call().await;
    assert_eq!(code, 400);
    assert!(body["msg"].as_str().unwrap().contains("5 items at a time"));
    assert_eq!(call().await.0, 201);
    assert_eq!(sim.tasks().len(), 2);
}
