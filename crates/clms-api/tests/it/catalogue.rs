//! The catalogue: paging, and items that can't be read.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use clms_api::{ApiError, DatasetQuery};
use futures::{StreamExt, TryStreamExt};

use crate::scripted::{Answer, Request, Server};

fn page(items: &str, next: Option<&str>) -> Answer {
    let batching = next
        .map(|next| format!(r#", "batching": {{"next": "{next}"}}"#))
        .unwrap_or_default();
    Answer::json(
        200,
        format!(r#"{{"@id": "x", "items": [{items}]{batching}}}"#),
    )
}

fn item(uid: &str) -> String {
    format!(r#"{{"UID": "{uid}", "id": "{uid}", "title": "T {uid}"}}"#)
}

fn start(request: &Request) -> u32 {
    let start = request.target.split("b_start=").nth(1).unwrap_or("0");
    start.split('&').next().unwrap().parse().unwrap()
}

async fn list(server: &Server) -> Vec<Result<String, ApiError>> {
    let query = DatasetQuery::new().batch_size(NonZeroU32::new(2).unwrap());
    let datasets = server.builder().build().unwrap().datasets(query);
    datasets.map_ok(|dataset| dataset.id).collect().await
}

#[tokio::test]
async fn links_to_other_pages_stay_on_our_address() {
    // The portal's links lack /api and are of another scheme and host.
    let server = Server::start(|request| match start(request) {
        0 => page(
            &[item("a"), item("b")].join(","),
            Some("http://elsewhere.invalid/@search?b_start=2&b_size=2&fullobjects=1"),
        ),
        2 => page(
            &[item("b"), item("c")].join(","),
            Some("http://elsewhere.invalid/@search?b_start=4&b_size=2"),
        ),
        _ => page(&item("d"), None),
    });
    let ids: Vec<_> = list(&server)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        ids,
        ["a", "b", "c", "d"],
        "one that moved between pages comes once"
    );
    let targets: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert_eq!(
        targets,
        [
            "/api/@search?portal_type=DataSet&fullobjects=1&b_size=2",
            "/api/@search?b_start=2&b_size=2&fullobjects=1",
            "/api/@search?b_start=4&b_size=2",
        ]
    );
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[tokio::test]
async fn endless_pages_end() {
    for items in [String::new(), item("a")] {
        let server = Server::start(move |request| {
            page(
                &items,
                Some(&format!("http://h/@search?b_start={}", start(request) + 1)),
            )
        });
        let last = list(&server).await.pop().unwrap().unwrap_err();
        assert_eq!(last.kind(), "endless_paging", "{last}");
        assert!(server.requests().len() <= 2);
    }
}

#[tokio::test]
async fn a_bad_dataset_does_not_lose_the_others() {
    let bad = r#"{"UID": "b", "id": "b", "downloadable_files": {"items": [{"file": "no id"}]}}"#;
    let server = Server::start(move |_| {
        page(
            &[&item("a"), bad, &item("c")]
                .map(|s| s.to_owned())
                .join(","),
            None,
        )
    });
    let listed = list(&server).await;
    assert_eq!(listed[0].as_ref().unwrap(), "a");
    assert_eq!(listed[2].as_ref().unwrap(), "c");
    match listed[1].as_ref().unwrap_err() {
        ApiError::Decode { error, .. } => {
            assert_eq!(error.what, "dataset 'b'");
            assert_eq!(error.path, "downloadable_files.items[0].@id");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn by_uid() {
    let server = Server::start(|request| match request.target.contains("UID=abc&") {
        true => page(&item("abc"), None),
        false => page("", None),
    });
    let client = server.builder().build().unwrap();
    assert_eq!(
        client.dataset(&"abc".into()).await.unwrap().unwrap().title,
        "T abc"
    );
    assert_eq!(client.dataset(&"def".into()).await.unwrap(), None);
}

#[tokio::test]
async fn reading_is_tried_again() {
    let server = Server::start(|request| match request.before {
        0 => Answer::new(503, "text/html", "<html>maintenance</html>"),
        1 => Answer::lost(),
        _ => page(&item("a"), None),
    });
    assert_eq!(list(&server).await.len(), 1);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn the_server_says_when_to_come_back() {
    let server = Server::start(|request| match request.before {
        0 => Answer::json(429, "").header("Retry-After", "1"),
        1 => Answer::json(503, "").header("Retry-After", "0"),
        _ => page(&item("a"), None),
    });
    let begun = Instant::now();
    assert_eq!(list(&server).await.len(), 1);
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let server = Server::start(|_| {
        Answer::json(429, "").header("Retry-After", "Fri, 22 Nov 2126 12:00:00 GMT")
    });
    let error = list(&server).await.pop().unwrap().unwrap_err();
    assert!(error.retry_after().unwrap() > Duration::from_secs(365 * 86400));
    assert!(error.is_retryable());
    assert_eq!(server.requests().len(), 1, "nobody waits that long");
}

#[tokio::test]
async fn a_web_page_says_so() {
    let server =
        Server::start(|_| Answer::new(200, "text/html", "<!DOCTYPE html><title>Log in</title>"));
    let error = list(&server).await.pop().unwrap().unwrap_err();
    assert_eq!(error.kind(), "html_instead_of_json");
    assert!(error.to_string().contains("Log in"), "{error}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn nobody_there() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = clms_api::Client::builder()
        .base_url(format!("http://{closed}/api"))
        .retry(crate::scripted::quick())
        .build()
        .unwrap();
    let error = client.dataset(&"a".into()).await.unwrap_err();
    assert_eq!(error.kind(), "unreachable");
    assert!(error.is_retryable());
    assert!(error.to_string().contains("after 3 attempts"), "{error}");
}
