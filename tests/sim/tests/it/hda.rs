//! The broker: what its clients rely on, and what they have to bear.

use std::time::Duration;

use clms_sim::When;
use clms_sim::hda::{HdaDataset, HdaHabits, HdaProduct, HdaQuota, HdaSim};
use reqwest::{Method, Response};
use serde_json::{Value, json};

const FSC: &str = "EO:CRYO:DAT:HRSI:FSC";

fn sim(habits: HdaHabits) -> HdaSim {
    let tile = |id: &str, west: f64, day: &str| {
        HdaProduct::new(FSC, id, id.repeat(100))
            .bbox([west, 46.0, west + 1.0, 47.0])
            .on(day)
            .filter("productType", "FSC")
    };
    HdaSim::builder()
        .dataset(HdaDataset::new(FSC))
        .product(tile("a", 8.0, "2018-01-05"))
        .product(tile("b", 9.5, "2018-01-05").of_unknown_size())
        .product(tile("c", 8.0, "2018-02-05"))
        .habits(habits)
        .start()
        .unwrap()
}

async fn call(sim: &HdaSim, token: &str, method: Method, path: &str, body: Value) -> Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.request(method, format!("{}{path}", sim.url()));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if !body.is_null() {
        request = request.json(&body);
    }
    request.send().await.unwrap()
}

async fn token(sim: &HdaSim) -> Value {
    let account = json!({"username": HdaSim::USERNAME, "password": HdaSim::PASSWORD});
    let answer = call(sim, "", Method::POST, "gettoken", account).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

async fn access(sim: &HdaSim) -> String {
    token(sim).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

const SEARCH: &str = "api/v1/dataaccess/search";
const ORDER: &str = "api/v1/dataaccess/download";

async fn search(sim: &HdaSim, token: &str, query: Value) -> Response {
    let mut body = json!({"dataset_id": FSC, "startIndex": 0, "itemsPerPage": 10});
    let query = query.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(query);
    call(sim, token, Method::POST, SEARCH, body).await
}

fn ids(page: &Value) -> Vec<&str> {
    let features = page["features"].as_array().unwrap();
    features.iter().map(|f| f["id"].as_str().unwrap()).collect()
}

async fn order(sim: &HdaSim, token: &str, id: &str) -> Response {
    let location = format!("https://archive.example/{FSC}/{id}");
    let body = json!({"dataset_id": FSC, "product_id": id, "location": location});
    call(sim, token, Method::POST, ORDER, body).await
}

#[tokio::test]
async fn results_come_in_pages_and_are_filtered() {
    let sim = sim(HdaHabits::default());
    let token = access(&sim).await;
    let page: Value = search(&sim, &token, json!({"itemsPerPage": 2}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(ids(&page), ["a", "b"]);
    assert_eq!(page["properties"]["totalResults"], 3);
    assert_eq!(page["features"][0]["properties"]["size"], 100);
    assert_eq!(page["features"][1]["properties"]["size"], "ND");
    for (query, found) in [
        (json!({"startIndex": 2}), vec!["c"]),
        (json!({"bbox": [9.4, 46.2, 9.9, 46.3]}), vec!["b"]),
        (
            json!({"startdate": "2018-01-01T00:00:00Z", "enddate": "2018-01-31T00:00:00Z"}),
            vec!["a", "b"],
        ),
        (json!({"productType": "FSC"}), vec!["a", "b", "c"]),
        (json!({"productType": "other"}), vec![]),
    ] {
        let page: Value = search(&sim, &token, query.clone())
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(ids(&page), found, "{query}");
    }
    for query in [json!({"colour": "blue"}), json!({"itemsPerPage": 201})] {
        assert_eq!(search(&sim, &token, query).await.status(), 400);
    }
    let unknown = search(&sim, &token, json!({"dataset_id": "EO:X"})).await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn tokens_expire_and_are_refreshed() {
    let sim = sim(HdaHabits {
        expired_token_status: 403,
        ..HdaHabits::default()
    });
    let tokens = token(&sim).await;
    let first = tokens["access_token"].as_str().unwrap();
    assert_eq!(search(&sim, first, json!({})).await.status(), 200);
    sim.advance(Duration::from_secs(3601));
    assert_eq!(search(&sim, first, json!({})).await.status(), 403);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let answer = call(&sim, "", Method::POST, "refreshtoken", refresh.clone()).await;
    let renewed: Value = answer.json().await.unwrap();
    let second = renewed["access_token"].as_str().unwrap();
    assert_eq!(search(&sim, second, json!({})).await.status(), 200);
    sim.advance(Duration::from_secs(12 * 3600));
    let answer = call(&sim, "", Method::POST, "refreshtoken", refresh).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(search(&sim, "", json!({})).await.status(), 401);
}

#[tokio::test]
async fn orders_take_their_time_and_may_fail() {
    let sim = sim(HdaHabits {
        preparation: Duration::from_secs(600),
        failing_orders: When::Every(2),
        ..HdaHabits::default()
    });
    let token = access(&sim).await;
    let mut orders = Vec::new();
    for id in ["a", "b"] {
        let made: Value = order(&sim, &token, id).await.json().await.unwrap();
        orders.push(made["download_id"].as_str().unwrap().to_owned());
    }
    let head = async |id: &str| {
        let path = format!("{ORDER}/{id}");
        call(&sim, &token, Method::HEAD, &path, Value::Null)
            .await
            .status()
    };
    assert_eq!(head(&orders[0]).await, 202);
    sim.advance(Duration::from_secs(601));
    assert_eq!(head(&orders[0]).await, 200);
    assert_eq!(head(&orders[1]).await, 500);
    let list = call(
        &sim,
        &token,
        Method::GET,
        "api/v1/dataaccess/downloads",
        Value::Null,
    )
    .await;
    let list: Value = list.json().await.unwrap();
    let statuses: Vec<&Value> = (0..2).map(|i| &list["features"][i]["status"]).collect();
    assert_eq!(statuses, ["Error", "Done"], "the newest first");
    let path = format!("{ORDER}/{}", orders[0]);
    let file = call(&sim, &token, Method::GET, &path, Value::Null).await;
    assert_eq!(file.text().await.unwrap(), "a".repeat(100));
    assert_eq!(order(&sim, &token, "z").await.status(), 400);
}

#[tokio::test]
async fn quotas_are_told_and_renewed() {
    let quota = HdaQuota {
        limit: 1,
        window: Duration::from_secs(3600),
    };
    let sim = sim(HdaHabits {
        order_quota: Some(quota),
        search_quota: Some(quota),
        ..HdaHabits::default()
    });
    let token = access(&sim).await;
    assert_eq!(order(&sim, &token, "a").await.status(), 200);
    assert_eq!(order(&sim, &token, "a").await.status(), 200, "not counted");
    let refused = order(&sim, &token, "b").await;
    assert_eq!(refused.status(), 429);
    let reset: i64 = refused.headers()["x-quota-reset"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((3599..=3602).contains(&(reset - sim.now().as_second())));
    assert_eq!(search(&sim, &token, json!({})).await.status(), 200);
    assert_eq!(search(&sim, &token, json!({})).await.status(), 429);
    sim.advance(Duration::from_secs(3600));
    let token = access(&sim).await;
    assert_eq!(order(&sim, &token, "b").await.status(), 200);
}

#[tokio::test]
async fn terms_have_to_be_accepted() {
    let sim = sim(HdaHabits {
        terms_pending: true,
        ..HdaHabits::default()
    });
    let token = access(&sim).await;
    let refused = search(&sim, &token, json!({})).await;
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("terms"));
    let path = format!("api/v1/datasets/{FSC}");
    let dataset = call(&sim, &token, Method::GET, &path, Value::Null).await;
    let dataset: Value = dataset.json().await.unwrap();
    let terms = dataset["terms"][0].as_str().unwrap();
    let path = format!("api/v1/termsaccepted/{terms}");
    call(&sim, &token, Method::PUT, &path, json!({"accepted": true})).await;
    assert_eq!(search(&sim, &token, json!({})).await.status(), 200);
}
