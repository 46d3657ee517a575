//! Recording: the four modes, with the simulated portal as the server to record from.

use std::path::PathBuf;

use clms_sim::Sim;
use clms_sim::cassette::{Cassette, CassetteServer, Mode, Secrets};
use tempfile::TempDir;

use super::{cassette, get, text};

struct Studio {
    sim: Sim,
    folder: TempDir,
}

impl Studio {
    fn new() -> Self {
        Self {
            sim: Sim::builder().start().unwrap(),
            folder: TempDir::new().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("sub/tape.json")
    }

    fn server(&self, mode: Mode) -> CassetteServer {
        let server = CassetteServer::open(self.path(), mode).unwrap();
        let secrets = Secrets::new().service_key(&self.sim.service_key_json());
        let upstream = self.sim.base_url().parse().unwrap();
        server.upstream(upstream).secrets(secrets).start().unwrap()
    }

    /// How many requests the real server has had.
    fn live(&self) -> usize {
        self.sim.requests().len()
    }
}

async fn search(server: &CassetteServer, batch: u32) -> (u16, String) {
    let url = format!("{}/++api++/@search?b_size={batch}", server.url());
    let (status, body) = text(url).await;
    (status, body.replace(server.url(), "HERE"))
}

#[tokio::test]
async fn once_records_the_first_time_and_plays_ever_after() {
    let studio = Studio::new();
    let server = studio.server(Mode::Once);
    let first = search(&server, 1).await;
    assert_eq!((first.0, server.recorded(), studio.live()), (200, 1, 1));
    server.finish().unwrap();

    let server = studio.server(Mode::Once);
    assert_eq!(search(&server, 1).await, first);
    assert_eq!(search(&server, 2).await.0, 599, "the cassette is full");
    assert_eq!(studio.live(), 1);
    server.finish().unwrap_err();
}

#[tokio::test]
async fn none_never_asks_the_real_server() {
    let studio = Studio::new();
    let error = CassetteServer::open(studio.path(), Mode::None).unwrap_err();
    assert!(error.to_string().contains("tape.json"), "{error}");
    cassette(&[get("/++api++/@search?b_size=1", "{}")])
        .save(studio.path(), &Secrets::new())
        .unwrap();
    let server = studio.server(Mode::None);
    assert_eq!(search(&server, 1).await, (200, "{}".to_owned()));
    assert_eq!(search(&server, 2).await.0, 599);
    assert_eq!(studio.live(), 0);
}

#[tokio::test]
async fn new_episodes_adds_what_is_missing() {
    let studio = Studio::new();
    cassette(&[get("/++api++/@search?b_size=1", "old")])
        .save(studio.path(), &Secrets::new())
        .unwrap();
    let server = studio.server(Mode::NewEpisodes);
    assert_eq!(search(&server, 1).await.1, "old");
    assert!(search(&server, 2).await.1.contains("items_total"));
    server.finish().unwrap();
    assert_eq!(studio.live(), 1);
    assert_eq!(Cassette::load(studio.path()).unwrap().exchanges.len(), 2);
}

#[tokio::test]
async fn all_records_everything_anew() {
    let studio = Studio::new();
    cassette(&[get("/++api++/@search?b_size=1", "old"), get("/gone", "x")])
        .save(studio.path(), &Secrets::new())
        .unwrap();
    let server = studio.server(Mode::All);
    let live = search(&server, 1).await;
    assert!(live.1.contains("items_total"));
    server.finish().unwrap();
    let kept = Cassette::load(studio.path()).unwrap();
    assert_eq!(kept.exchanges.len(), 1);
    assert_eq!(kept.exchanges[0].uri.path(), "/++api++/@search");

    // What was recorded plays as it was.
    let server = studio.server(Mode::None);
    assert_eq!(search(&server, 1).await, live);
}

#[tokio::test]
async fn zips_are_recorded_byte_by_byte() {
    let studio = Studio::new();
    let server = studio.server(Mode::Once);
    // The land cover's tiles are the sim's own files, which are no text.
    studio
        .sim
        .update_habits(|habits| habits.landcover_closed = false);
    let path = "/landcover/v3.0.1/2019/E000N60/E000N60_x.tif";
    let fetch = |server: &CassetteServer| {
        let url = format!("{}{path}", server.url());
        async { reqwest::get(url).await.unwrap().bytes().await.unwrap() }
    };
    let live = fetch(&server).await;
    assert!(std::str::from_utf8(&live).is_err() || !live.is_empty());
    server.finish().unwrap();
    let server = studio.server(Mode::None);
    assert_eq!(fetch(&server).await, live);
}

#[test]
fn modes_have_the_names_of_vcrpy() {
    for (name, mode) in [
        ("none", Mode::None),
        ("once", Mode::Once),
        ("new_episodes", Mode::NewEpisodes),
        ("new-episodes", Mode::NewEpisodes),
        ("all", Mode::All),
    ] {
        assert_eq!(name.parse::<Mode>().unwrap(), mode);
        assert_eq!(mode.as_str(), name.replace('_', "-"));
    }
    assert!("some".parse::<Mode>().unwrap_err().contains("new-episodes"));
}
