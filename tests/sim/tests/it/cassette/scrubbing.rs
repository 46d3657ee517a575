//! Secrets stay off cassettes, or the cassette is not written.

use clms_sim::Sim;
use clms_sim::cassette::{Cassette, CassetteError, CassetteServer, Mode, Secrets};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{cassette, exchange, get};
use crate::client::Client;

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl";

fn written(cassette: &Cassette, secrets: &Secrets) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tape.json");
    cassette.save(&path, secrets).unwrap();
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_kind_of_secret_goes() {
    let mut token = exchange(
        "post",
        "/token",
        &format!("grant_type=g&assertion={TOKEN}"),
        r#"{"access_token": "s3cret-token", "token_type": "Bearer"}"#,
    );
    token["request"]["headers"] = json!({
        "Content-Type": ["application/x-www-form-urlencoded"], "Authorization": ["Bearer s3cret-token"], "Cookie": ["s3cret"],
    });
    let task = get(
        "/task",
        r#"{"UserID": "jane-doe", "mail": "jane@eea.europa.eu", "Status": "Queued", "who": "by jane-doe"}"#,
    );
    let key = get(
        "/key",
        r#"{"service_key": {"private_key": "-----BEGIN PRIVATE KEY-----\nMII", "client_id": "c1d2"}}"#,
    );
    let text = written(
        &cassette(&[token, task, key]),
        &Secrets::new().word("jane-doe").word("s3cret-token"),
    );
    for secret in [TOKEN, "s3cret", "jane", "PRIVATE KEY", "c1d2", "Cookie"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    for kept in [
        "grant_type=g",
        "Queued",
        "Bearer REDACTED",
        "somebody@example.org",
        "token_type",
    ] {
        assert!(text.contains(kept), "{kept} is not in {text}");
    }
}

#[test]
fn a_cassette_with_a_secret_is_not_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tape.json");
    let mut in_binary = get("/x", "");
    in_binary["response"]["body"] = json!({"encoding": "base64", "string": "/2phbmUtZG9l/w=="});
    for (what, hidden) in [
        ("a known secret in the response's body", in_binary),
        (
            "a private key in the response's body",
            get("/x", "see -----BEGIN RSA PRIVATE KEY-----"),
        ),
    ] {
        let error = cassette(&[get("/fine", "1"), hidden])
            .save(&path, &Secrets::new().word("jane-doe"))
            .unwrap_err();
        match error {
            CassetteError::Secrets { places } => {
                assert!(
                    places[0].contains(what) && places[0].contains("exchange 2"),
                    "{places:?}"
                );
                assert!(!places[0].contains("jane"), "the message must not tell it");
            }
            other => panic!("{other}"),
        }
        assert!(!path.exists());
    }
}

#[test]
fn what_was_scrubbed_stays_as_it_is() {
    let mut token = exchange("post", "/token", "", r#"{"access_token":"x-y-z-token"}"#);
    token["request"]["headers"]["Authorization"] = Value::from(vec!["Basic abc"]);
    let secrets = Secrets::new();
    let once = secrets.scrub(&cassette(&[token]));
    assert_eq!(secrets.scrub(&once), once);
    assert!(secrets.leaks(&once).is_empty());
    let text = once.to_json();
    assert!(
        text.contains("Basic REDACTED") && !text.contains("x-y-z"),
        "{text}"
    );
}

#[tokio::test]
async fn tokens_that_pass_by_are_learnt() {
    let sim = Sim::builder().start().unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tape.json");
    let server = CassetteServer::open(&path, Mode::Once)
        .unwrap()
        .upstream(sim.base_url().parse().unwrap())
        .secrets(Secrets::new().word(Sim::USER_ID))
        .start()
        .unwrap();
    // The token comes in one exchange, and is echoed in the address of another.
    let key = serde_json::from_str(&sim.service_key_json()).unwrap();
    let client = Client::new(&sim);
    let assertion = client.token(&crate::client::Key(key)).await;
    let url = format!(
        "{}/api/@datarequest_search?status=Queued&x={assertion}",
        server.url()
    );
    let response = reqwest::Client::new()
        .get(url)
        .header("Accept", "application/json")
        .bearer_auth(&assertion)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    server.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("Bearer REDACTED"), "{text}");
}
