//! Each exchange that was recorded, through the client.

use clms_api::{ApiError, Client, RawCall, ServiceKey};
use clms_sim::cassette::{Cassette, CassetteServer, Exchange};
use serde_json::Value;

use super::{RECORDED, exchanges, folder, load};
use crate::keys::{private_key, service_key_json};
use crate::scripted::quick;

/// What the client can't be made to send, and why.
const LEFT_OUT: [(&str, &str); 5] = [
    ("HEAD @datarequest_search", "an answer without a body"),
    ("post: not JSON", "it sends JSON only"),
    (
        "token: missing grant_type",
        "it always names the grant type",
    ),
    ("token: wrong grant_type", "it always names the right one"),
    ("token: missing assertion", "it always sends an assertion"),
];

fn is_left_out(exchange: &Exchange) -> bool {
    let name = exchange.name().unwrap();
    LEFT_OUT.iter().any(|(left_out, _why)| *left_out == name)
}

/// Its own words, wherever they stand.
fn words(body: &Value) -> String {
    let inner = if body["error"].is_object() {
        &body["error"]
    } else {
        body
    };
    let keys = ["msg", "message", "error_description", "error", "error_type"];
    let words = keys.iter().find_map(|key| inner[*key].as_str());
    words
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(200)
        .collect()
}

fn check_error(name: &str, error: &ApiError, server: &CassetteServer, status: u16, body: &Value) {
    let shown = error.to_string().replace(server.url(), RECORDED);
    assert_eq!(error.status(), Some(status), "{name}: {shown}");
    assert!(shown.contains(&words(body)), "{name}: {shown}");
    if body["status"] == "error" && body["msg"].is_string() {
        assert!(
            error.refusal().is_some(),
            "{name}: nobody knows what {shown} means"
        );
    }
}

#[tokio::test]
async fn every_exchange_is_a_success_or_a_typed_error_with_the_servers_words() {
    let (mut played, mut left_out, mut tokens) = (0, 0, 0);
    let mut files: Vec<_> = std::fs::read_dir(folder().join("portal"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        for exchange in Cassette::load(&file).unwrap().exchanges {
            let is_form = exchange
                .request
                .header("content-type")
                .is_some_and(|kind| kind.contains("form"));
            if is_left_out(&exchange) {
                left_out += 1;
            } else if is_form {
                sign_in(exchange).await;
                tokens += 1;
            } else {
                call(exchange).await;
                played += 1;
            }
        }
    }
    println!("{played} exchanges by calls, {tokens} by signing in, {left_out} left out");
    assert_eq!(played + tokens + left_out, 363);
    assert_eq!(left_out, LEFT_OUT.len());
}

/// Any call but for a token.
async fn call(exchange: Exchange) {
    let name = exchange.name().unwrap().to_owned();
    let token = load("token").only(&["token: success"]).exchanges;
    let is_public = exchange.request.header("authorization").is_none();
    // 401s and 5xx are asked for again.
    let cassette = Cassette {
        exchanges: [vec![exchange.clone()], token].concat(),
    };
    let server = CassetteServer::play(cassette).repeating().start().unwrap();
    let key = service_key_json(&format!("{}/token", server.url()), private_key(), "null");
    let key =
        ServiceKey::from_json(&key.replace("/token/@@oauth2-token", "/@@oauth2-token")).unwrap();
    let client = Client::builder()
        .base_url(server.url())
        .service_key(key)
        .retry(quick())
        .build()
        .unwrap();

    let body: Option<Value> = serde_json::from_slice(&exchange.request.body).ok();
    let mut call = match exchange.method.as_str() {
        "GET" => RawCall::get(exchange.uri.path()),
        method => RawCall::send(method, exchange.uri.path(), body).unwrap(),
    };
    for (parameter, value) in exchange.uri.query_pairs() {
        call = call.query(parameter, value);
    }
    if is_public {
        call = call.anonymous();
    }
    let recorded: Value = serde_json::from_slice(&exchange.response.body).unwrap_or_default();
    match client.call(call).await {
        Ok(answer) => {
            assert_eq!(answer.status, exchange.status, "{name}");
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            let body: Value =
                serde_json::from_str(&text.replace(server.url(), RECORDED)).unwrap_or_default();
            assert_eq!(body, recorded, "{name}");
        }
        Err(error) => {
            assert!(exchange.status >= 300, "{name}: {error}");
            if exchange.status == 301 {
                assert!(
                    error.to_string().contains("tree-cover-density-2015"),
                    "{error}"
                );
            } else {
                check_error(&name, &error, &server, exchange.status, &recorded);
            }
            let is_renewed = exchange.status == 401 && !is_public;
            assert_eq!(
                matches!(error, ApiError::Unauthorized { .. }),
                is_renewed,
                "{name}"
            );
        }
    }
}

/// Signing in, at the address that was called.
async fn sign_in(exchange: Exchange) {
    let name = exchange.name().unwrap().to_owned();
    let mut cassette = exchanges(&["tasks/bearer: good token on @datarequest_search"]);
    cassette.exchanges.pop();
    // What is asked for to prove the token: the tasks in progress.
    cassette.exchanges[0]
        .uri
        .set_query(Some("status=In_progress"));
    cassette.exchanges.insert(0, exchange.clone());
    let server = CassetteServer::play(cassette).repeating().start().unwrap();
    let root = exchange.uri.path().strip_suffix("/@@oauth2-token").unwrap();
    let key = service_key_json(&format!("{}{root}", server.url()), private_key(), "null");
    let key = ServiceKey::from_json(&key).unwrap();
    let api = format!("{}/api", server.url());
    let client = Client::builder()
        .base_url(api)
        .service_key(key)
        .retry(quick())
        .build()
        .unwrap();
    let recorded: Value = serde_json::from_slice(&exchange.response.body).unwrap();
    match client.sign_in().await {
        Ok(signed_in) => {
            assert_eq!(exchange.status, 200, "{name}");
            assert_eq!(signed_in.client_id, "client-1");
        }
        Err(error) => {
            check_error(&name, &error, &server, exchange.status, &recorded);
            let is_refused = matches!(error, ApiError::KeyRefused { .. });
            assert_eq!(is_refused, exchange.status < 500, "{name}: {error}");
            assert!(error.hint().is_some() || exchange.status >= 500, "{name}");
        }
    }
}
