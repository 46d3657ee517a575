//! Everything on what the portal's real server software said: `tests/cassettes/portal`, all 363
//! exchanges that were recorded of it.

mod catalogue;
mod every_exchange;
mod importing;
mod once;
mod requests;
mod tables;

use std::path::{Path, PathBuf};

use clms_api::{Client, Dataset};
use clms_sim::cassette::{Cassette, CassetteServer, CassetteServerBuilder, MatchOn};

use crate::keys::service_key;
use crate::scripted::quick;

/// The portal as it was called when it was recorded.
const RECORDED: &str = "http://127.0.0.1:18080";

/// A dataset that was recorded: EEA, with files and collections, no time series.
const TREES: &str = "0d031543caf14634bec243c1bba7e3c2";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cassettes")
}

fn load(name: &str) -> Cassette {
    Cassette::load(folder().join(format!("portal/{name}.json"))).unwrap()
}

/// The exchanges with these names, each as `file/name`, and a token for all.
fn exchanges(names: &[&str]) -> Cassette {
    let mut all = Cassette::default();
    for name in names.iter().chain(&["token/token: success"]) {
        let (file, name) = name.split_once('/').unwrap();
        let found = load(file).only(&[name]);
        assert_eq!(found.exchanges.len(), 1, "{name}");
        all.exchanges.extend(found.exchanges);
    }
    all
}

/// A player and a client that calls it.
struct Playback {
    server: CassetteServer,
    client: Client,
}

impl Playback {
    fn of(names: &[&str]) -> Self {
        Self::start(CassetteServer::play(exchanges(names)))
    }

    /// Without regard to queries and bodies.
    fn by_path(names: &[&str]) -> Self {
        let path_only = MatchOn {
            query: false,
            body: false,
            ..MatchOn::default()
        };
        Self::start(CassetteServer::play(exchanges(names)).match_on(path_only))
    }

    fn start(player: CassetteServerBuilder) -> Self {
        let server = player.start().unwrap();
        let client = Client::builder()
            .base_url(format!("{}/api", server.url()))
            .service_key(service_key(server.url()))
            .retry(quick())
            .cdse_patience(std::time::Duration::ZERO)
            .build()
            .unwrap();
        Self { server, client }
    }

    /// All that was recorded has been asked for, the token aside, and nothing else.
    fn finish(self) {
        let unplayed: Vec<_> = self
            .server
            .unplayed()
            .into_iter()
            .filter(|exchange| !exchange.ends_with("/@@oauth2-token"))
            .collect();
        assert_eq!(unplayed, Vec::<String>::new());
        self.server.finish().unwrap();
    }
}

/// All recorded datasets.
fn datasets() -> Vec<Dataset> {
    let all =
        load("search").only(&["search: anonymous fullobjects, all in one page (no batching key)"]);
    let page: serde_json::Value = serde_json::from_slice(&all.exchanges[0].response.body).unwrap();
    let items = page["items"].as_array().unwrap().iter().cloned();
    items
        .map(|item| Dataset::from_portal(item).unwrap())
        .collect()
}

fn dataset(uid: &str) -> Dataset {
    datasets()
        .into_iter()
        .find(|dataset| dataset.uid.as_str() == uid)
        .unwrap()
}
