//! Downloads: resumed when that is safe, begun anew when it is not, and never believed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clms_api::{
    CancellationToken, Client, DownloadError, Downloaded, LinkState, RetryPolicy, validator_path,
};
use tempfile::TempDir;

use crate::scripted::{Answer, Request, Server};

const ETAG: &str = "\"v1\"";

/// A zip as far as anybody looks here.
fn zip() -> Vec<u8> {
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend((0..200_000_u32).map(|n| (n * 7 % 251) as u8));
    zip
}

fn file(etag: &str) -> Answer {
    Answer::new(200, "application/zip", zip()).header("ETag", etag)
}

/// Serves the zip and its parts as a good server does.
fn good(request: &Request) -> Answer {
    let zip = zip();
    match (request.header("range"), request.header("if-range")) {
        (Some(range), Some(ETAG) | None) => {
            let (first, last) = range
                .strip_prefix("bytes=")
                .unwrap()
                .split_once('-')
                .unwrap();
            let first: usize = first.parse().unwrap();
            let last = last.parse().unwrap_or(usize::MAX).min(zip.len() - 1);
            part(first, last, zip.len(), ETAG)
        }
        _ => file(ETAG),
    }
}

fn part(first: usize, last: usize, total: usize, etag: &str) -> Answer {
    Answer::new(206, "application/zip", &zip()[first..=last])
        .header("Content-Range", format!("bytes {first}-{last}/{total}"))
        .header("ETag", etag)
}

struct Target {
    _folder: TempDir,
    part: PathBuf,
}

impl Target {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("job/download.zip.part");
        Self {
            _folder: folder,
            part,
        }
    }

    /// Leaves behind what a killed download would.
    async fn with_broken_download(bytes: usize) -> Self {
        let target = Self::new();
        let server = Server::start(move |_| file(ETAG).cut(bytes));
        let error = target.once(&server).await.unwrap_err();
        assert!(
            matches!(error, DownloadError::Interrupted { .. }),
            "{error}"
        );
        target
    }

    fn len(&self) -> u64 {
        std::fs::metadata(&self.part).unwrap().len()
    }

    fn validator(&self) -> String {
        std::fs::read_to_string(validator_path(&self.part)).unwrap()
    }

    /// Makes the kept bytes those of this server's link.
    fn adopt(&self, server: &Server) {
        let text = self.validator();
        let old = text
            .split('"')
            .find(|word| word.starts_with("http://"))
            .unwrap()
            .to_owned();
        std::fs::write(
            validator_path(&self.part),
            text.replace(&old, server.link("/1.zip").as_str()),
        )
        .unwrap();
    }

    async fn once(&self, server: &Server) -> Result<Downloaded, DownloadError> {
        client(server)
            .download(&server.link("/1.zip"), &self.part)
            .retry(RetryPolicy::none())
            .run()
            .await
    }

    async fn run(&self, server: &Server) -> Result<Downloaded, DownloadError> {
        client(server)
            .download(&server.link("/1.zip"), &self.part)
            .run()
            .await
    }

    fn assert_whole(&self) {
        assert!(
            std::fs::read(&self.part).unwrap() == zip(),
            "the file is not what was served"
        );
    }
}

fn client(server: &Server) -> Client {
    // With a key, to see that no token goes along.
    server.client()
}

#[tokio::test]
async fn a_download_and_what_it_asks_for() {
    let server = Server::start(good);
    let target = Target::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let progress = seen.clone();
    let done = client(&server)
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
async fn a_break_is_resumed_where_it_was() {
    let server = Server::start(|request| match request.before {
        0 => file(ETAG).cut(70_000),
        1 => good(request).cut(50_000),
        2 | 3 => Answer::new(503, "text/html", ""),
        _ => good(request),
    });
    let target = Target::new();
    target.run(&server).await.unwrap();
    target.assert_whole();
    let asked: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.header("range").map(str::to_owned))
        .collect();
    let from = |byte| Some(format!("bytes={byte}-"));
    assert_eq!(
        asked,
        [
            None,
            from(70_000),
            from(120_000),
            from(120_000),
            from(120_000)
        ]
    );
    assert!(
        server.requests()[1..]
            .iter()
            .all(|request| request.header("if-range") == Some(ETAG))
    );
}

#[tokio::test]
async fn another_process_goes_on_and_another_link_does_not() {
    let server = Server::start(good);
    let target = Target::with_broken_download(70_000).await;
    target.run(&server).await.unwrap();
    assert_eq!(
        server.requests()[0].header("range"),
        None,
        "the bytes are of another link"
    );
    target.assert_whole();

    let target = Target::with_broken_download(70_000).await;
    target.adopt(&server);
    let done = target.run(&server).await.unwrap();
    assert_eq!(done.resumed_from, 70_000);
    target.assert_whole();
}

#[tokio::test]
async fn what_can_not_be_resumed_is_begun_anew() {
    type Script = fn(&Request) -> Answer;
    let scripts: [(&str, Script, usize); 7] = [
        (
            "ignores ranges, or has another version",
            |_| file("\"v2\""),
            1,
        ),
        (
            "416",
            |r| {
                if r.before == 0 {
                    Answer::new(416, "text/html", "")
                } else {
                    file("\"v2\"")
                }
            },
            2,
        ),
        (
            "another part",
            |r| {
                if r.before == 0 {
                    part(0, 200_003, 200_004, ETAG)
                } else {
                    file(ETAG)
                }
            },
            2,
        ),
        (
            "no Content-Range",
            |r| {
                if r.before == 0 {
                    Answer::new(206, "x", "junk")
                } else {
                    file(ETAG)
                }
            },
            2,
        ),
        (
            "another length",
            |r| {
                if r.before == 0 {
                    part(70_000, 200_003, 200_005, ETAG)
                } else {
                    file(ETAG)
                }
            },
            2,
        ),
        (
            "another tag",
            |r| {
                if r.before == 0 {
                    part(70_000, 200_003, 200_004, "\"v2\"")
                } else {
                    file("\"v2\"")
                }
            },
            2,
        ),
        (
            "not to the end",
            |r| {
                if r.before == 0 {
                    part(70_000, 100_000, 200_004, ETAG)
                } else {
                    file(ETAG)
                }
            },
            2,
        ),
    ];
    for (what, script, requests) in scripts {
        let server = Server::start(script);
        let target = Target::with_broken_download(70_000).await;
        target.adopt(&server);
        let done = target
            .once(&server)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(done.resumed_from, 0, "{what}");
        target.assert_whole();
        assert_eq!(
            server.requests()[0].header("range"),
            Some("bytes=70000-"),
            "{what}"
        );
        assert_eq!(server.requests().len(), requests, "{what}");
        assert!(
            server
                .requests()
                .iter()
                .skip(1)
                .all(|request| request.header("range").is_none())
        );
    }
}

#[tokio::test]
async fn a_server_that_always_answers_416_is_an_error() {
    let server = Server::start(|_| Answer::new(416, "text/html", ""));
    let error = Target::new().once(&server).await.unwrap_err();
    assert_eq!(error.kind(), "wrong_range");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn without_a_strong_tag_every_attempt_is_from_zero() {
    for etag in ["W/\"v1\"", ""] {
        let etag = etag.to_owned();
        let server = Server::start(move |request| match request.before {
            0 => file(&etag).cut(70_000),
            _ => file(&etag),
        });
        let target = Target::new();
        target.run(&server).await.unwrap();
        target.assert_whole();
        assert!(
            server
                .requests()
                .iter()
                .all(|request| request.header("range").is_none())
        );
    }
}

#[tokio::test]
async fn a_file_that_never_gets_further_ends() {
    let server = Server::start(|_| file("").cut(70_000));
    let error = Target::new().run(&server).await.unwrap_err();
    assert!(
        matches!(
            error,
            DownloadError::Interrupted {
                bytes: 70_000,
                total: Some(200_004),
                ..
            }
        ),
        "{error}"
    );
    assert!(error.is_retryable());
    assert_eq!(
        server.requests().len(),
        4,
        "the first attempt got on, and three more did not"
    );
}

#[tokio::test]
async fn dead_links_and_web_pages_leave_what_there_is() {
    for status in [403, 404, 410, 200] {
        let server =
            Server::start(move |_| Answer::new(status, "text/html", "<html>Not yet</html>"));
        let target = Target::with_broken_download(70_000).await;
        target.adopt(&server);
        let error = target.run(&server).await.unwrap_err();
        match &error {
            DownloadError::LinkDead { status: found, .. } => assert_eq!(*found, status),
            DownloadError::NotAZip {
                content_type,
                excerpt,
                ..
            } => {
                assert_eq!(status, 200);
                assert_eq!(content_type.as_deref(), Some("text/html"));
                assert!(excerpt.contains("Not yet"));
            }
            other => panic!("{other}"),
        }
        assert_eq!(error.is_retryable(), status != 410);
        assert_eq!(target.len(), 70_000);
        assert_eq!(server.requests().len(), 1);
    }
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
    let server = Server::start(good);
    let target = Target::new();
    let error = client(&server)
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
        _ => good(request),
    });
    let target = Target::new();
    target.run(&server).await.unwrap();
    target.assert_whole();
}

#[tokio::test]
async fn cancelled_and_taken_up_again() {
    let server = Server::start(good);
    let target = Target::new();
    let token = CancellationToken::new();
    let stop = token.clone();
    let error = client(&server)
        .download(&server.link("/1.zip"), &target.part)
        .cancel_on(token)
        .on_progress(move |now| {
            if now.bytes > 4 {
                stop.cancel()
            }
        })
        .run()
        .await
        .unwrap_err();
    let DownloadError::Cancelled { bytes } = error else {
        panic!("{error}")
    };
    assert!(bytes > 4 && bytes == target.len());
    assert!(!error.is_retryable());
    let done = target.run(&server).await.unwrap();
    assert_eq!(done.resumed_from, bytes);
    target.assert_whole();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_named() {
    let server = Server::start(good);
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("x.part");
    std::os::unix::fs::symlink("/dev/full", &part).unwrap();
    let error = client(&server)
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
async fn probing() {
    let probe = async |answer: fn(&Request) -> Answer| {
        let server = Server::start(answer);
        let state = client(&server).probe(&server.link("/1.zip")).await;
        assert_eq!(server.requests()[0].header("range"), Some("bytes=0-1023"));
        assert_eq!(server.requests()[0].header("authorization"), None);
        state
    };
    let total = Some(zip().len() as u64);
    assert_eq!(
        probe(good).await.unwrap(),
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
