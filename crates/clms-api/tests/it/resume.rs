//! Downloads that break off: resumed when that is safe, begun anew when it is not.

use clms_api::{CancellationToken, DownloadError};

use crate::scripted::{Answer, Request, Server};
use crate::zip_server::{ETAG, Target, file, part, serve_zip};

#[tokio::test]
async fn a_break_is_resumed_where_it_was() {
    let server = Server::start(|request| match request.before {
        0 => file(ETAG).cut(70_000),
        1 => serve_zip(request).cut(50_000),
        2 | 3 => Answer::new(503, "text/html", ""),
        _ => serve_zip(request),
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
    let server = Server::start(serve_zip);
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
async fn cancelled_and_taken_up_again() {
    let server = Server::start(serve_zip);
    let target = Target::new();
    let token = CancellationToken::new();
    let stop = token.clone();
    let error = server
        .client()
        .download(&server.link("/1.zip"), &target.part)
        .cancel_on(token)
        .on_progress(move |now| {
            if now.bytes > 4 {
                stop.cancel();
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
