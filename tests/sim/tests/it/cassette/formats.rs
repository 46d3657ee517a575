//! What is in files: VCR's format, VCR.py's, and the recordings of the portal.

use std::path::{Path, PathBuf};

use clms_sim::cassette::{Cassette, CassetteServer, Secrets, portal_cassettes};
use serde_json::Value;

use super::{cassette, exchange, get};

fn cassettes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cassettes")
}

#[test]
fn ours_round_trips_and_vcr_cassette_reads_it() {
    let recorded = cassette(&[
        get("/a?x=1", "{\"ö\": 1}"),
        exchange("delete", "/b", "{}", ""),
    ]);
    let text = recorded.to_json();
    assert_eq!(Cassette::from_json(&text).unwrap(), recorded);
    let types: vcr_cassette::Cassette = serde_json::from_str(&text).unwrap();
    assert_eq!(types.http_interactions.len(), 2);
    assert_eq!(
        types.http_interactions[1].request.method,
        vcr_cassette::Method::Delete
    );
    assert!(Cassette::from_json("{}").is_err());
}

/// Both were written by VCR.py itself: see `make_cassettes.py` beside them.
#[tokio::test]
async fn cassettes_of_vcrpy() {
    let yaml = Cassette::load(cassettes().join("vcrpy/portal.yaml")).unwrap();
    let json = Cassette::load(cassettes().join("vcrpy/portal.json")).unwrap();
    let told = |cassette: &Cassette| -> Vec<_> {
        let exchanges = cassette.exchanges.iter().take(4);
        let told = exchanges.map(|e| {
            (
                e.method.clone(),
                e.uri.clone(),
                e.request.body.clone(),
                e.status,
                e.response.body.clone(),
            )
        });
        told.collect()
    };
    assert_eq!(
        told(&yaml),
        told(&json),
        "the same conversation in both forms"
    );
    assert_eq!((yaml.exchanges.len(), json.exchanges.len()), (5, 4));
    assert_eq!(yaml.exchanges[3].status, 404);
    let zip: Vec<u8> = b"PK\x05\x06".iter().copied().chain(0..=255).collect();
    assert_eq!(yaml.exchanges[4].response.body, zip);
    assert_eq!(
        yaml.exchanges[4].response.header("etag"),
        Some("\"made-up\"")
    );

    // They play, and can be kept in our format.
    let again = Cassette::from_json(&yaml.to_json()).unwrap();
    let server = CassetteServer::play(again).start().unwrap();
    let ask = |target: &str| reqwest::get(format!("{}{target}", server.url()));
    let found: Value = ask("/api/@search?fullobjects=1&b_size=100&portal_type=DataSet")
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        found["items"][0]["title"],
        "CORINE Land Cover 2018 – Größe: 100\u{a0}m"
    );
    assert_eq!(
        ask("/clmsdatadownload/results/1.zip")
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap(),
        zip
    );
    let posted = reqwest::Client::new()
        .post(format!("{}/api/@datarequest_post", server.url()))
        .body(r#"{"Datasets":[{"FileID":"f","DatasetID":"d"}]}"#);
    assert_eq!(posted.send().await.unwrap().status(), 201);
}

#[test]
fn what_vcrpy_did_not_write_is_refused() {
    for (text, problem) in [
        ("interactions: []", "no version"),
        ("version: 2\ninteractions: []", "version is 2"),
        (
            "version: 1\ninteractions:\n- request: {uri: x, method: GET}\n  response: {status: {code: 200}}",
            "interactions[0]: request.uri",
        ),
        (
            "version: 1\ninteractions:\n- request: {uri: 'http://h', method: GET}\n  response: {}",
            "response.status.code is missing",
        ),
        ("[", "VCR.py"),
    ] {
        let error = Cassette::from_vcrpy(text).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

/// `tests/cassettes/portal` is made from the recordings: `CLMS_WRITE_CASSETTES=1` makes it anew.
#[test]
fn every_exchange_of_the_portal_is_on_a_cassette() {
    let recordings = include_str!("../../../fixtures/portal_recordings.json");
    let made = portal_cassettes(recordings).unwrap();
    let recorded: Vec<Value> = serde_json::from_str(recordings).unwrap();
    let exchanges: usize = made.values().map(|cassette| cassette.exchanges.len()).sum();
    assert_eq!((exchanges, recorded.len()), (363, 363));

    let folder = cassettes().join("portal");
    let secrets = Secrets::new().word("apiuser");
    if std::env::var_os("CLMS_WRITE_CASSETTES").is_some() {
        for (name, cassette) in &made {
            cassette
                .save(folder.join(format!("{name}.json")), &secrets)
                .unwrap();
        }
    }
    let mut files = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let kept = std::fs::read_to_string(&path).unwrap();
        // Not assert_eq: nobody would read that much.
        assert!(
            kept == secrets.scrub(&made[name]).to_json(),
            "{name} is not what the recordings say"
        );
        let kept = Cassette::from_json(&kept).unwrap();
        assert_eq!(secrets.leaks(&kept), Vec::<String>::new());
        files += 1;
    }
    assert_eq!(files, made.len());
}
