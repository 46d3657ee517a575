//! Replays the recordings of the portal's real server software.

mod compare;
mod script;

use std::collections::BTreeMap;
use std::time::Duration;

use clms_sim::{Catalogue, QueueTimes, Sim};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::client::{Client, Key};
use compare::{differences, normalised};
use script::{Credential, Stage};

const RECORDINGS: &str = include_str!("../../../fixtures/portal_recordings.json");
/// The portal as it was called when it was recorded.
const RECORDED_PORTAL: &str = "http://127.0.0.1:18080";
/// The stand-ins of its surroundings, which are the sim too.
const RECORDED_STAND_INS: &str = "http://127.0.0.1:18081";

/// What the sim does not claim to answer as the portal does, and why.
const UNCLAIMED: &[(&str, &str)] = &[
    (
        "CDSE: engine callback In_progress on the parent",
        "the engine's own call; the sim's tasks go by the clock",
    ),
    (
        "CDSE: engine callback Finished_ok on the parent",
        "the engine's own call; the sim's tasks go by the clock",
    ),
    (
        "datasets_by_uid: no parameter",
        "lists all pages of the recorded site, which are not in the catalogue",
    ),
];

/// The recorded portal's few data sets, as its search gave them.
fn recorded_catalogue(recordings: &[Value]) -> Catalogue {
    let portal = format!("{RECORDED_PORTAL}/api");
    let all = recordings.iter().find(|exchange| {
        exchange["name"] == "search: anonymous fullobjects, all in one page (no batching key)"
    });
    let datasets = all.unwrap()["response"]["body"]["items"]
        .as_array()
        .unwrap();
    let mut catalogue = Catalogue::empty();
    for dataset in datasets {
        let mut dataset = dataset.clone();
        // The portal shows this one of a page's first object only.
        let url = dataset["@id"].as_str().unwrap();
        let navigation = json!({"@id": format!("{url}/@contextnavigation")});
        dataset["@components"]["contextnavigation"] = navigation;
        catalogue = catalogue.with_object(dataset, &portal);
    }
    let private = json!({
        "@id": format!("{portal}/en/products/vegetation/private-ds"), "@type": "DataSet", "id": "private-ds",
        "UID": "626b992c8e0447aca60c12c3acb235ad", "title": "Private",
    });
    let product = json!({
        "@id": format!("{portal}/en/products/soil-moisture"), "@type": "Product", "id": "soil-moisture",
        "UID": "31c3936e80964a35ac41b196457311f6", "title": "Soil Moisture",
    });
    catalogue
        .with_private_object(private, &portal)
        .with_object(product, &portal)
}

#[tokio::test]
async fn the_sim_answers_as_the_portal_was_recorded() {
    let recordings: Vec<Value> = serde_json::from_str(RECORDINGS).unwrap();
    let sim = Sim::builder()
        .catalogue(recorded_catalogue(&recordings))
        .queue(script::QUEUE)
        .start()
        .unwrap();
    let mut replay = Replay::new(&sim).await;
    let (mut claimed, mut unclaimed, mut failures) = (0, 0, Vec::new());
    for exchange in &recordings {
        let name = exchange["name"].as_str().unwrap();
        replay.stage(name, exchange).await;
        if UNCLAIMED.iter().any(|(unclaimed, _)| *unclaimed == name) {
            unclaimed += 1;
            continue;
        }
        claimed += 1;
        let found = replay.replay(name, exchange).await;
        if !found.is_empty() {
            failures.push(format!("{name}\n    {}", found.join("\n    ")));
        }
    }
    println!(
        "{claimed} of {} exchanges claimed, {unclaimed} not",
        recordings.len()
    );
    assert_eq!(
        unclaimed,
        UNCLAIMED.len(),
        "the table names exchanges that are not there"
    );
    assert!(
        failures.is_empty(),
        "{} of {claimed} differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// A replay under way.
struct Replay<'a> {
    client: Client<'a>,
    stage: Stage,
    /// Recorded ids (of tasks and keys) and the sim's.
    ids: BTreeMap<String, String>,
}

impl<'a> Replay<'a> {
    async fn new(sim: &'a Sim) -> Self {
        let client = Client::new(sim);
        let stage = Stage::new(&client).await;
        Self {
            client,
            stage,
            ids: BTreeMap::new(),
        }
    }

    /// Brings the sim into the state in which the exchange was recorded.
    async fn stage(&mut self, name: &str, exchange: &Value) {
        self.stage
            .set(name, exchange, &self.client, &mut self.ids)
            .await;
    }

    /// Sends the recorded request and tells how the answer differs.
    async fn replay(&mut self, name: &str, exchange: &Value) -> Vec<String> {
        let (recorded, expected) = (&exchange["request"], &exchange["response"]);
        let method = Method::from_bytes(recorded["method"].as_str().unwrap().as_bytes()).unwrap();
        let query = self.with_own_ids(recorded["query"].as_str().unwrap());
        let path = self.with_own_ids(recorded["path"].as_str().unwrap());
        let url = if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        };
        let mut request = self.client.request(method, &url);
        for (header, value) in recorded["headers"].as_object().unwrap() {
            if !matches!(header.as_str(), "Authorization" | "Content-Length") {
                request = request.header(header, value.as_str().unwrap());
            }
        }
        if recorded["headers"].get("Authorization").is_some() {
            let value = match self.stage.credential(name, recorded) {
                Credential::Owner => {
                    format!("Bearer {}", self.client.token(&self.stage.owner).await)
                }
                Credential::OtherUser => {
                    format!("Bearer {}", self.client.token(&self.stage.other).await)
                }
                Credential::Text(text) => text,
            };
            request = request.header(AUTHORIZATION, value);
        }
        request = match &recorded["body"] {
            Value::Null => request,
            Value::String(text) => request.body(text.clone()),
            body if recorded["headers"]["Content-Type"] == "application/x-www-form-urlencoded" => {
                let mut form: BTreeMap<String, String> =
                    serde_json::from_value(body.clone()).unwrap();
                if let Some(assertion) = form.get_mut("assertion") {
                    *assertion = self.stage.assertion(name, &self.client);
                }
                request.form(&form)
            }
            body => request.body(self.with_own_ids(&body.to_string())),
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        // Both sides as if everything had been one portal under the recorded URL.
        let canonical = |text: &str| {
            let text = text.replace(self.client.sim.base_url(), RECORDED_PORTAL);
            text.replace(RECORDED_STAND_INS, RECORDED_PORTAL)
        };
        let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
        let expected_body = parsed(&canonical(&expected["body"].to_string())).unwrap();
        let text = canonical(&response.text().await.unwrap());
        let body = parsed(&text).unwrap_or(Value::String(text));

        let mut found = Vec::new();
        if expected["status"] != status {
            found.push(format!("status {status} instead of {}", expected["status"]));
        }
        for header in ["Content-Type", "Location", "Cache-Control", "Pragma"] {
            let wanted = expected["headers"][header].as_str().map(canonical);
            let given = headers
                .get(header)
                .map(|value| canonical(value.to_str().unwrap()));
            // Of answers without a body the type does not matter, and keys have new ids.
            let irrelevant = header == "Content-Type" && expected["body"].is_string()
                || header == "Location" && name.starts_with("service-keys");
            if !irrelevant && wanted != given {
                found.push(format!("header {header}: {given:?} instead of {wanted:?}"));
            }
        }
        let (expected_body, expected_ids) = normalised(name, expected_body);
        let (body, own_ids) = normalised(name, body);
        self.ids.extend(expected_ids.into_iter().zip(own_ids));
        differences("", &expected_body, &body, &mut found);
        found
    }

    /// The sim's ids in place of the recorded ones.
    fn with_own_ids(&self, text: &str) -> String {
        self.ids
            .iter()
            .fold(text.to_owned(), |text, (recorded, own)| {
                text.replace(recorded, own)
            })
    }
}

/// The key of the sim's other user.
fn other_users_key(sim: &Sim) -> Key {
    Key(serde_json::from_str(&sim.new_service_key(Sim::OTHER_USER_ID).unwrap()).unwrap())
}

/// Queue times in seconds.
const fn queue(queued: u64, running: u64) -> QueueTimes {
    QueueTimes {
        queued: Duration::from_secs(queued),
        running: Duration::from_secs(running),
    }
}
