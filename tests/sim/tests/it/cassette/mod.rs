//! Cassettes: playing, recording, matching, scrubbing, and what other programs wrote.

mod formats;
mod playing;
mod recording;
mod scrubbing;

use clms_sim::cassette::Cassette;
use serde_json::{Value, json};

/// A cassette of exchanges with the same host.
fn cassette(exchanges: &[Value]) -> Cassette {
    let text = json!({"recorded_with": "test", "http_interactions": exchanges}).to_string();
    Cassette::from_json(&text).unwrap()
}

/// A GET and its answer.
fn get(target: &str, body: &str) -> Value {
    exchange("get", target, "", body)
}

fn exchange(method: &str, target: &str, request: &str, response: &str) -> Value {
    json!({
        "request": {
            "method": method, "uri": format!("http://recorded.example{target}"), "body": request,
            "headers": {"Authorization": ["Bearer REDACTED"], "User-Agent": ["recorder"]},
        },
        "response": {
            "status": {"code": 200, "message": "OK"}, "http_version": "1.1", "body": response,
            "headers": {"Content-Type": ["application/json"]},
        },
        "recorded_at": "Sun, 22 Nov 2026 15:20:30 +0000",
    })
}

async fn text(url: String) -> (u16, String) {
    let response = reqwest::get(url).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}
