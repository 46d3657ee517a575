//! What the recorder did between the recorded exchanges, and with whose
//! credentials each was sent.

use std::collections::BTreeMap;
use std::time::Duration;

use clms_sim::{Cdse, EngineFault, Habits, QueueTimes, Sim, TaskOutcome};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::{other_users_key, queue};
use crate::client::{Client, Key};

/// Tasks are noted by the engine at 50 s, run from 100 s and end at 200 s.
pub(super) const QUEUE: QueueTimes = queue(100, 100);

/// Who sends a request.
pub(super) enum Credential {
    /// The owner of the sim's key, with a new token.
    Owner,
    /// The other user, with a new token.
    OtherUser,
    /// Whoever this header says.
    Text(String),
}

/// The credentials that play a part.
pub(super) struct Stage {
    pub(super) owner: Key,
    pub(super) other: Key,
    revoked: Key,
    revoked_token: String,
    far_away: Key,
    far_away_token: String,
    short_lived_token: String,
}

/// Posts before which the recorder did not clear the task list.
const POSTS_ON_TOP: [&str; 8] = [
    "post: CDSE repeated while the first is queued (TemporalFilter is compared after rewriting)",
    "post: error DUPLICATED against a queued task",
    "post: FileID repeated while queued: accepted",
    "post: error DUPLICATED on an unrelated request after two equal FileID tasks are queued",
    "post: error DUPLICATED even for another FileID then",
    "post: error DUPLICATED when the failed request is sent again",
    "CDSE: same request again while queued: not refused as DUPLICATED",
    "CDSE: unrelated EEA area request then",
];

impl Stage {
    pub(super) async fn new(client: &Client<'_>) -> Self {
        let revoked = new_key(client, json!({"title": "to revoke"})).await;
        let far_away = new_key(client, json!({"title": "ip", "ip_range": "10.0.0.0/8"})).await;
        Self {
            owner: Key::of(client.sim),
            other: other_users_key(client.sim),
            revoked_token: client.token(&revoked).await,
            revoked,
            far_away_token: client.token(&far_away).await,
            far_away,
            short_lived_token: String::new(),
        }
    }

    /// Does what happened before the exchange was recorded.
    pub(super) async fn set(
        &mut self,
        name: &str,
        exchange: &Value,
        client: &Client<'_>,
        ids: &mut BTreeMap<String, String>,
    ) {
        let sim = client.sim;
        let seconds = |seconds| sim.advance(Duration::from_secs(seconds));
        let habits = |change: fn(&mut Habits)| {
            sim.update_habits(|habits| {
                *habits = Habits::default();
                change(habits);
            });
        };
        let is_post = exchange["request"]["path"]
            .as_str()
            .unwrap()
            .ends_with("@datarequest_post");
        let cleared = ["post: ", "engine ", "partial failure", "CDSE: "]
            .iter()
            .any(|start| name.starts_with(start));
        if is_post && cleared && !POSTS_ON_TOP.contains(&name) {
            sim.forget_tasks();
            sim.set_queue(QUEUE);
        }
        match name {
            "service-keys: revoke" => {
                let recorded = exchange["request"]["path"]
                    .as_str()
                    .unwrap()
                    .rsplit('/')
                    .next()
                    .unwrap();
                ids.insert(
                    recorded.to_owned(),
                    self.revoked.0["key_id"].as_str().unwrap().to_owned(),
                );
            }
            "bearer: good token on @datarequest_search" => {
                let item = json!({
                    "DatasetID": "0d031543caf14634bec243c1bba7e3c2",
                    "FileID": "b1b2c3d4-0000-4000-8000-000000000001",
                });
                client
                    .call(
                        Method::POST,
                        "@datarequest_post",
                        Some(json!({"Datasets": [item]})),
                    )
                    .await;
                seconds(200);
            }
            "token: success, lifetime configured to 1 s" => {
                habits(|habits| habits.token_lifetime = Duration::from_secs(1));
            }
            "bearer: expired, still stored, bearer on @datarequest_search" => {
                self.short_lived_token = client.token(&self.owner).await;
                seconds(2);
            }
            "bearer: expired, purged by a later token request, on @datarequest_search" => {
                habits(|_| ());
                client.token(&self.owner).await;
            }
            "post: search some seconds after the CDSE post" => seconds(60),
            "post: error ALL_FAILED (engine answers 500)" => {
                habits(|habits| habits.engine = Some(EngineFault::Refuses));
            }
            "post: engine answers 200 with HTML" => {
                habits(|habits| habits.engine = Some(EngineFault::AnswersHtml));
            }
            "status: search with no task at all" => {
                habits(|_| ());
                sim.forget_tasks();
            }
            "status: status_get, Queued with FMETaskId after the async job"
            | "status: status_get, In_progress" => {
                seconds(60);
            }
            "status: status_get, Finished_ok" => seconds(100),
            "status: area task that fails, post" => {
                habits(|habits| habits.outcome = TaskOutcome::Nok("Translation failed".to_owned()));
            }
            "status: status_get, Finished_nok" => seconds(250),
            "status: a task that stays Queued, post" => {
                habits(|_| ());
                sim.set_queue(queue(1000, 100));
            }
            "status: search status=Queued" => seconds(600),
            "status: regression, post while the async worker is held up" => {
                sim.set_queue(queue(10, 10));
                habits(|habits| habits.status_goes_back = true);
            }
            "status: regression, Finished_ok before the worker ran (no FMETaskId)"
            | "delete: cancelled before the engine id is recorded, later status" => seconds(30),
            "engine slow (over 10 s): post" => {
                habits(|habits| habits.engine = Some(EngineFault::Slow(Duration::from_millis(1))));
            }
            "engine slow: the task finishes although the post said it failed" => seconds(250),
            "engine unreachable: post" => {
                habits(|habits| habits.engine = Some(EngineFault::Unreachable));
            }
            "engine unreachable for area jobs only: combined post" => {
                habits(|habits| habits.engine = Some(EngineFault::UnreachableForAreas));
            }
            "partial failure: FileID accepted, area refused by the engine" => {
                habits(|habits| habits.engine = Some(EngineFault::RefusesAreas));
            }
            "CDSE: post" => habits(|_| ()),
            "CDSE: search, parent and child" => seconds(60),
            "CDSE: same request again while queued: not refused as DUPLICATED" => {
                sim.set_queue(queue(300, 100));
            }
            "CDSE: search after Finished_ok: the child is still QUEUED" => seconds(160),
            "CDSE: with NUTS, search 6 s later" => seconds(60),
            "CDSE: delete the parent" => {
                seconds(60);
                let (_, tasks) = client.call(Method::GET, "@datarequest_search", None).await;
                let parent = tasks
                    .as_object()
                    .unwrap()
                    .iter()
                    .find(|(_, task)| task["cdse_task_role"] == "parent");
                let recorded = exchange["request"]["body"]["TaskID"].as_str().unwrap();
                ids.insert(recorded.to_owned(), parent.unwrap().0.clone());
            }
            "CDSE: post for dates without data" => habits(|habits| habits.cdse = Cdse::NoData),
            "CDSE: search 8 s later: no task was made and nothing says why" => seconds(120),
            "CDSE: post, batches cannot be started" => {
                habits(|habits| habits.cdse = Cdse::Rejected);
            }
            "CDSE: search afterwards: parent Rejected" => seconds(120),
            "CDSE: no TemporalFilter" => habits(|_| ()),
            _ => {}
        }
    }

    /// Who sent the exchange's request.
    pub(super) fn credential(&self, name: &str, request: &Value) -> Credential {
        let bearer = |token: &str| Credential::Text(format!("Bearer {token}"));
        match name {
            "bearer: token of a revoked key on @datarequest_search" => bearer(&self.revoked_token),
            "bearer: key with ip_range not matching, @datarequest_search" => {
                bearer(&self.far_away_token)
            }
            "bearer: garbage scheme on @datarequest_search" => {
                Credential::Text("Token x".to_owned())
            }
            "bearer: wrong basic auth on @datarequest_search" => {
                Credential::Text("Basic d3Jvbmc6d3Jvbmc=".to_owned())
            }
            "status: a task of another user, post" | "delete: TaskID as a JSON number" => {
                Credential::OtherUser
            }
            name if name.contains("unknown bearer") || name.contains("stale bearer") => {
                bearer("0123456789abcdef")
            }
            name if name.contains(": expired") => bearer(&self.short_lived_token),
            _ if request["headers"]["Authorization"]
                .as_str()
                .unwrap()
                .starts_with("Basic") =>
            {
                use base64::Engine as _;
                let pair = format!("{}:{}", Sim::USER_ID, Sim::PASSWORD);
                Credential::Text(format!(
                    "Basic {}",
                    base64::engine::general_purpose::STANDARD.encode(pair)
                ))
            }
            _ => Credential::Owner,
        }
    }

    /// The assertion of a token request, good or bad as its name says.
    pub(super) fn assertion(&self, name: &str, client: &Client<'_>) -> String {
        let key = match name {
            "token: service key revoked" => &self.revoked,
            "token: key with ip_range 10.0.0.0/8 from 127.0.0.1" => &self.far_away,
            _ => &self.owner,
        };
        let mut claims = key.claims(client.sim);
        let now = client.sim.now().as_second();
        let api = format!("{}/@@oauth2-token", client.sim.api_url());
        let mut set = |claim: &str, value: Value| claims[claim] = value;
        match name {
            "token: success, exp two hours ahead" => set("exp", json!(now + 7200)),
            "token: success, exp 23 hours ahead" => set("exp", json!(now + 23 * 3600)),
            "token: exp more than one day ahead" => set("exp", json!(now + 25 * 3600)),
            "token: expired assertion" => set("exp", json!(now - 30)),
            "token: wrong aud" => set("aud", json!("https://elsewhere.example/@@oauth2-token")),
            "token: aud rewritten to /api/@@oauth2-token, posted there"
            | "token: aud rewritten to /api/@@oauth2-token, posted to token_uri" => {
                set("aud", json!(api));
            }
            "token: unknown client_id" => set("iss", json!("nobody")),
            "token: iat two hours ago, exp ahead" => set("iat", json!(now - 7200)),
            "token: iat 30 s ahead (clock skew)" => set("iat", json!(now + 30)),
            "token: iat 5 minutes ahead" => set("iat", json!(now + 300)),
            // A minute, because the sim's clock moves on between signing and checking;
            // a unit test of the sim tries one second.
            "token: iat 1 s ahead" | "token: iat 2 s ahead" | "token: iat 5 s ahead" => {
                set("iat", json!(now + 60));
            }
            "token: iat 60 s in the past" => set("iat", json!(now - 60)),
            "token: nbf present" => set("nbf", json!(now - 60)),
            "token: scope present" => set("scope", json!("all")),
            "token: sub of another user" => set("sub", json!(Sim::OTHER_USER_ID)),
            "token: bad signature (another RSA key)" => return self.other.sign(&claims),
            "token: garbage assertion" => return "garbage".to_owned(),
            "token: HS256 assertion" => {
                let secret = EncodingKey::from_secret(b"secret");
                return encode(&Header::new(Algorithm::HS256), &claims, &secret).unwrap();
            }
            name => {
                if let Some(claim) = name.strip_prefix("token: missing ") {
                    claims.as_object_mut().unwrap().remove(claim);
                }
            }
        }
        key.sign(&claims)
    }
}

/// Makes a service key over HTTP.
async fn new_key(client: &Client<'_>, body: Value) -> Key {
    let request = client.request(Method::POST, "/++api++/@service-keys");
    let response = request
        .basic_auth(Sim::USER_ID, Some(Sim::PASSWORD))
        .json(&body)
        .send()
        .await
        .unwrap();
    let created: Value = response.json().await.unwrap();
    Key(created["service_key"].clone())
}
