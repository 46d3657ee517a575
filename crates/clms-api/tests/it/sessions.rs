//! The conversations of `cargo xtask record`, with what was recorded of them, and their recorder.

#[path = "../sessions/mod.rs"]
mod recorded;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clms_api::Client;
use clms_sim::Sim;
use clms_sim::cassette::{Cassette, CassetteServer, Mode, Secrets};

use self::recorded::SESSIONS;
use crate::keys::service_key;
use crate::scripted::quick;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cassettes/sessions")
}

#[tokio::test]
async fn every_session_plays_as_it_was_recorded() {
    for session in &SESSIONS {
        let path = folder().join(format!("{}.json", session.name));
        let server = CassetteServer::open(&path, Mode::None)
            .unwrap()
            .start()
            .unwrap();
        let client = Client::builder()
            .base_url(format!("{}/api", server.url()))
            .service_key(service_key(server.url()))
            .retry(quick())
            .build()
            .unwrap();
        let told = (session.run)(client).await;
        assert!(told.is_ok(), "{}: {told:?}", session.name);
        assert_eq!(server.unplayed(), Vec::<String>::new(), "{}", session.name);
        server.finish().unwrap();
    }
}

fn record(sim: &Sim, folder: &Path, args: &[&str]) -> Output {
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/record_cassettes");
    let key = folder.join("key.json");
    sim.write_service_key(&key).unwrap();
    Command::new(program)
        .args(["--against", &sim.api_url(), "--folder"])
        .arg(folder.join("cassettes"))
        .args(args)
        .env("CLMS_CREDENTIALS", key)
        .output()
        .unwrap()
}

#[test]
fn the_recorder_records_without_secrets_and_plays_what_it_recorded() {
    let (sim, folder) = (
        Sim::builder().start().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let output = record(&sim, folder.path(), &["--mode", "once"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let asked = sim.requests().len();
    assert!(asked > 10);
    let secrets = Secrets::new()
        .service_key(&sim.service_key_json())
        .word(Sim::USER_ID);
    for session in &SESSIONS {
        let path = folder
            .path()
            .join(format!("cassettes/{}.json", session.name));
        let cassette = Cassette::load(&path).unwrap();
        assert_eq!(secrets.leaks(&cassette), Vec::<String>::new());
        assert!(
            !std::fs::read_to_string(path)
                .unwrap()
                .contains(Sim::USER_ID)
        );
    }
    for mode in ["once", "none"] {
        let output = record(
            &sim,
            folder.path(),
            &["--mode", mode, "tables", "catalogue"],
        );
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(sim.requests().len(), asked, "nothing was asked again");
    let output = record(&sim, folder.path(), &["--mode", "all", "tables"]);
    assert!(output.status.success());
    assert!(sim.requests().len() > asked);
}

#[test]
fn the_recorder_says_what_it_can_do() {
    let (sim, folder) = (
        Sim::builder().start().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let output = record(&sim, folder.path(), &["weather"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && told.contains("catalogue, direct-links"),
        "{told}"
    );
}
