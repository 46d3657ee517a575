//! Requests and tasks: nothing is ever done twice.

use clms_api::{ApiError, FileRequest, Refusal, TaskId, TaskStatus};

use crate::scripted::{Answer, Request, Server, token_answer};

fn portal(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |request| match request.path() {
        "/@@oauth2-token" => token_answer(request),
        _ => answer(request),
    })
}

fn calls(server: &Server) -> Vec<Request> {
    server
        .requests()
        .into_iter()
        .filter(|request| request.path() != "/@@oauth2-token")
        .collect()
}

fn file() -> FileRequest {
    FileRequest {
        dataset_uid: "d".into(),
        file_id: "f".into(),
    }
}

async fn request(server: &Server) -> Result<clms_api::Accepted, ApiError> {
    server.client().request_files(&[file()]).await
}

#[tokio::test]
async fn a_request_and_its_acceptance() {
    let server = portal(|_| {
        Answer::json(
            201,
            r#"{"TaskIds": [{"TaskID": "94519134409"}], "ErrorTaskIds": []}"#,
        )
    });
    assert_eq!(
        request(&server).await.unwrap().task_ids,
        ["94519134409".into()]
    );
    let calls = calls(&server);
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0].method.as_str(), calls[0].target.as_str()),
        ("POST", "/api/@datarequest_post")
    );
    assert_eq!(
        calls[0].body,
        r#"{"Datasets":[{"DatasetID":"d","FileID":"f"}]}"#
    );
}

#[tokio::test]
async fn what_leaves_the_request_open_is_unclear_and_sent_once() {
    type Script = fn(&Request) -> Answer;
    let scripts: [Script; 6] = [
        |_| Answer::lost(),
        |_| {
            Answer::json(
                500,
                r#"{"status": "error", "msg": "Error, all requests failed"}"#,
            )
        },
        |_| Answer::new(502, "text/html", "<html>Bad gateway</html>"),
        |_| Answer::new(200, "text/html", "<html>firewall</html>"),
        |_| Answer::json(201, r#"{"TaskIds": [], "ErrorTaskIds": []}"#),
        |_| Answer::json(201, r#"{"TaskIds": [{"TaskID": "1"}], "Err"#).header("X", "y"),
    ];
    for (n, script) in scripts.into_iter().enumerate() {
        let server = portal(script);
        let error = request(&server).await.unwrap_err();
        assert!(matches!(error, ApiError::Unclear { .. }), "{n}: {error}");
        assert!(!error.is_retryable());
        assert_eq!(calls(&server).len(), 1, "{n}");
    }
}

#[tokio::test]
async fn a_request_that_was_turned_away_is_sent_again() {
    let server = portal(|request| match request.before {
        0 => Answer::json(429, "").header("Retry-After", "0"),
        _ => Answer::json(201, r#"{"TaskIds": [{"TaskID": "1"}]}"#),
    });
    assert_eq!(request(&server).await.unwrap().task_ids, ["1".into()]);
    assert_eq!(calls(&server).len(), 2);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (words, refusal) in [
        (
            "You have requested to download the same thing at least twice. Please check",
            Some(Refusal::Duplicated),
        ),
        ("Error, the FileID is not valid", Some(Refusal::UnknownFile)),
        (
            "Error, the DatasetID is not valid",
            Some(Refusal::UnknownDataset),
        ),
        ("NUTS country error", Some(Refusal::Nuts)),
        ("Something new", None),
    ] {
        let body = format!(r#"{{"status": "error", "msg": "{words}"}}"#);
        let server = portal(move |_| Answer::json(400, body.clone()));
        let error = request(&server).await.unwrap_err();
        assert_eq!(error.refusal(), refusal);
        assert_eq!(error.status(), Some(400));
        assert!(error.to_string().contains(words) && !error.is_retryable());
        assert_eq!(calls(&server).len(), 1);
    }
}

#[tokio::test]
async fn the_list_of_tasks() {
    let server = portal(|_| {
        Answer::json(
            200,
            r#"{"2": {"Status": "Queued", "Datasets": [{"DatasetID": "d", "FileID": "f"}]},
            "1": {"Status": "QUEUED", "Datasets": {"DatasetID": "c"}}}"#,
        )
    });
    let tasks = server
        .client()
        .tasks(Some(TaskStatus::Queued))
        .await
        .unwrap();
    assert_eq!(
        calls(&server)[0].target,
        "/api/@datarequest_search?status=Queued"
    );
    let ids: Vec<_> = tasks.keys().map(TaskId::as_str).collect();
    assert_eq!(ids, ["1", "2"]);
    assert!(tasks[&"2".into()].is_exactly(&file()));
    assert_eq!(
        tasks[&"1".into()].status,
        TaskStatus::Unknown("QUEUED".to_owned())
    );
}

#[tokio::test]
async fn a_list_that_can_not_be_read_says_where() {
    let server = portal(|_| Answer::json(200, r#"{"17": {"Status": "Queued", "Datasets": 3}}"#));
    let error = server.client().tasks(None).await.unwrap_err();
    assert!(
        error.to_string().contains("can't read task 17: 'Datasets'"),
        "{error}"
    );
}

#[tokio::test]
async fn a_task_that_the_portal_does_not_know_is_none() {
    let server = portal(|request| match request.target.ends_with("TaskID=1") {
        true => Answer::json(200, r#"{"Status": "In_progress"}"#),
        false => Answer::json(
            404,
            r#"{"status": "error", "msg": "Error, the task does not exist"}"#,
        ),
    });
    let client = server.client();
    assert_eq!(
        client.task(&"1".into()).await.unwrap().unwrap().status,
        TaskStatus::InProgress
    );
    assert_eq!(client.task(&"2".into()).await.unwrap(), None);

    let server = portal(|_| Answer::json(404, r#"{"error_type": "NotFound"}"#));
    let error = server.client().task(&"2".into()).await.unwrap_err();
    assert_eq!(
        error.status(),
        Some(404),
        "a wrong address is no missing task"
    );
    assert!(error.hint().unwrap().contains("/api"));
}

#[tokio::test]
async fn cancelling() {
    let server = portal(|_| Answer::json(204, ""));
    server.client().cancel_task(&"5".into()).await.unwrap();
    assert_eq!(
        (
            calls(&server)[0].method.as_str(),
            calls(&server)[0].body.as_str()
        ),
        ("DELETE", r#"{"TaskID":"5"}"#)
    );

    for (answer, kind) in [
        (
            (
                403,
                "application/json",
                r#"{"status": "error", "msg": "Error, TaskID not registered"}"#,
            ),
            "refused",
        ),
        (
            (403, "text/html", "<html>firewall</html>"),
            "html_instead_of_json",
        ),
        ((502, "text/html", "<html></html>"), "unclear"),
    ] {
        let (status, content_type, body) = answer;
        let server = portal(move |_| Answer::new(status, content_type, body));
        assert_eq!(
            server
                .client()
                .cancel_task(&"5".into())
                .await
                .unwrap_err()
                .kind(),
            kind
        );
        assert_eq!(calls(&server).len(), 1);
    }
}

/// One host, one limiter: who is told to come back later speaks for all.
#[tokio::test]
async fn a_host_that_wants_silence_gets_it_from_all_clones() {
    let server = portal(|_| Answer::json(429, "").header("Retry-After", "3600"));
    let client = server
        .builder()
        .service_key(crate::keys::service_key(server.base()));
    let client = client.retry(clms_api::RetryPolicy::none()).build().unwrap();
    let clone = client.clone();
    for asked in [&client, &clone, &client] {
        let error = asked.tasks(None).await.unwrap_err();
        assert!(matches!(error, ApiError::RateLimited { .. }), "{error}");
        assert!(error.retry_after().unwrap().as_secs() > 500, "{error:?}");
    }
    assert_eq!(calls(&server).len(), 1);
}

#[tokio::test]
async fn errors_say_how_often_and_how_long() {
    let server = portal(|_| Answer::json(500, r#"{"message": "no", "type": "KeyError"}"#));
    let error = server.client().tasks(None).await.unwrap_err().to_string();
    assert!(error.contains("after 3 attempts in 0."), "{error}");
}
