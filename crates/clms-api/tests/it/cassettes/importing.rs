//! Recordings of the Python peer, made with VCR.py, replayed to this client.

use clms_api::DatasetQuery;
use clms_sim::cassette::{Cassette, CassetteServer, MatchOn};
use futures::TryStreamExt;

use super::folder;
use crate::scripted::quick;

#[tokio::test]
async fn a_cassette_of_vcrpy() {
    let cassette = Cassette::load(folder().join("vcrpy/portal.yaml")).unwrap();
    let server = CassetteServer::play(cassette)
        .match_on(MatchOn::default())
        .start()
        .unwrap();
    let client = clms_api::Client::builder()
        .base_url(format!("{}/api", server.url()))
        .retry(quick())
        .build()
        .unwrap();
    let found: Vec<_> = client
        .datasets(DatasetQuery::new())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found[0].title, "CORINE Land Cover 2018 – Größe: 100\u{a0}m");

    let folder = tempfile::tempdir().unwrap();
    let link = format!("{}/clmsdatadownload/results/1.zip", server.url())
        .parse()
        .unwrap();
    let done = client
        .download(&link, folder.path().join("x.part"))
        .run()
        .await
        .unwrap();
    assert_eq!(done.bytes, 260);
}
