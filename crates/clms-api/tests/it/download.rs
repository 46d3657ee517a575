//! Downloads, and looking at links: nothing that a server says is believed.

use std::sync::{Arc, Mutex};

use clms_api::{DownloadError, LinkState};

use crate::scripted::{Answer, Request, Server};
use crate::zip_server::{ETAG, Target, file, serve_zip, zip};

#[tokio::test]
async fn a_download_and_what_it_asks_for() {
    let server = Server::start(serve_zip);
    let target = Target::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let progress = seen.clone();
    let done = server
        .client()
        .download(&server.link("/1.zip"), &target.part)
        .expected_size(zip().len() as u64)
        .on_progress(move |now| progress.lock().unwrap().push((now.bytes, now.total)))
        .run()
        .await
        .unwrap();
    assert_eq!((done.bytes, done.resumed_from), (zip().len() as u64, 0));
    target.assert_whole();
    let total = Some(done.bytes);
    let seen = seen.lock().unwrap().clone();
    assert_eq!(
        (seen[0], *seen.last().unwrap()),
        ((0, total), (done.bytes, total))
    );
    assert!(seen.is_sorted());

    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("accept-encoding"), Some("identity"));
    assert!(
        requests[0]
            .header("user-agent")
            .unwrap()
            .starts_with("clms/")
    );
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!(requests[0].header("range"), None);

    let again = target.run(&server).await.unwrap();
    assert_eq!(again.resumed_from, again.bytes);
    assert_eq!(
        server.requests().len(),
        1,
        "what is whole is not fetched again"
    );
}

#[tokio::test]
async fn a_zip_by_type_only_is_none() {
    let server = Server::start(|_| Answer::new(200, "application/zip", "oops"));
    let target = Target::new();
    assert_eq!(target.run(&server).await.unwrap_err().kind(), "not_a_zip");
    assert!(!target.part.exists());
}

#[tokio::test]
async fn a_wrong_length_is_found_before_anything_is_written() {
    let server = Server::start(serve_zip);
    let target = Target::new();
    let error = server
        .client()
        .download(&server.link("/1.zip"), &target.part)
        .expected_size(5)
        .run()
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            DownloadError::WrongLength {
                expected: 5,
                found: 200_004,
                ..
            }
        ),
        "{error}"
    );
    assert!(!target.part.exists());
}

#[tokio::test]
async fn asking_too_often() {
    let server = Server::start(|request| match request.before {
        0 => Answer::new(429, "text/html", "").header("Retry-After", "0"),
        _ => serve_zip(request),
    });
    let target = Target::new();
    target.run(&server).await.unwrap();
    target.assert_whole();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_named() {
    let server = Server::start(serve_zip);
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("x.part");
    std::os::unix::fs::symlink("/dev/full", &part).unwrap();
    let error = server
        .client()
        .download(&server.link("/1.zip"), &part)
        .run()
        .await
        .unwrap_err();
    assert!(
        matches!(&error, DownloadError::DiskFull { path, .. } if *path == part),
        "{error}"
    );
    assert!(!error.is_retryable() && error.hint().is_some());
}

#[tokio::test]
async fn downloads_may_run_on_any_thread() {
    let server = Server::start(serve_zip);
    let target = Target::new();
    // A callback that is not Sync.
    let mut pieces = std::cell::Cell::new(0);
    let download = server
        .client()
        .download(&server.link("/1.zip"), &target.part)
        .on_progress(move |_| *pieces.get_mut() += 1);
    tokio::spawn(download.run()).await.unwrap().unwrap();
    target.assert_whole();
}

#[tokio::test]
async fn probing() {
    let probe = async |answer: fn(&Request) -> Answer| {
        let server = Server::start(answer);
        let state = server.client().probe(&server.link("/1.zip")).await;
        assert_eq!(server.requests()[0].header("range"), Some("bytes=0-1023"));
        assert_eq!(server.requests()[0].header("authorization"), None);
        state
    };
    let total = Some(zip().len() as u64);
    assert_eq!(
        probe(serve_zip).await.unwrap(),
        LinkState::Alive {
            total,
            resumable: true
        }
    );
    assert_eq!(
        probe(|_| file(ETAG)).await.unwrap(),
        LinkState::Alive {
            total,
            resumable: false
        }
    );
    assert_eq!(
        probe(|_| Answer::new(404, "text/html", "")).await.unwrap(),
        LinkState::Dead { status: 404 }
    );
    let page = probe(|_| Answer::new(200, "text/html", "<html>Hi</html>"))
        .await
        .unwrap();
    let content_type = Some("text/html".to_owned());
    assert_eq!(
        page,
        LinkState::NotAZip {
            content_type,
            excerpt: "<html>Hi</html>".to_owned()
        }
    );
    assert!(
        probe(|_| Answer::new(500, "text/html", ""))
            .await
            .unwrap_err()
            .is_retryable()
    );
    assert_eq!(
        probe(|_| Answer::new(429, "x", ""))
            .await
            .unwrap_err()
            .kind(),
        "rate_limited"
    );
}
