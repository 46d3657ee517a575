//! Tokens: fetched once, renewed when refused, and sent to nobody else.

use clms_api::{ApiError, ServiceKey};
use futures::future::join_all;

use crate::keys::{private_key, service_key_json};
use crate::scripted::{Answer, Request, Server, token_answer};

const EXPIRED: &str = r#"{"error": "invalid_token", "error_description": "Access token expired"}"#;
const FORGOTTEN: &str =
    r#"{"message": "You are not authorized to access this resource.", "type": "Unauthorized"}"#;

fn is_token_request(request: &Request) -> bool {
    request.path() == "/@@oauth2-token"
}

fn token_requests(server: &Server) -> usize {
    server
        .requests()
        .iter()
        .filter(|request| is_token_request(request))
        .count()
}

#[tokio::test]
async fn many_calls_at_once_fetch_one_token() {
    let server = Server::start(|request| match is_token_request(request) {
        true => token_answer(request),
        false => Answer::json(200, "{}"),
    });
    let client = server.client();
    for tasks in join_all((0..20).map(|_| client.tasks(None))).await {
        tasks.unwrap();
    }
    assert_eq!(token_requests(&server), 1);
    let requests = server.requests();
    let token = requests
        .iter()
        .find(|request| is_token_request(request))
        .unwrap();
    assert_eq!(token.header("authorization"), None);
    assert_eq!(
        token.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert!(
        token
            .body
            .contains("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer")
    );
    for request in &requests {
        assert_eq!(request.header("accept"), Some("application/json"));
        assert!(request.header("user-agent").unwrap().starts_with("clms/"));
    }
}

#[tokio::test]
async fn both_kinds_of_401_renew_the_token_once() {
    for body in [EXPIRED, FORGOTTEN] {
        let server = Server::start(move |request| {
            if is_token_request(request) {
                return token_answer(request);
            }
            match request.header("authorization") {
                Some("Bearer s3cret-t0ken-2") => {
                    Answer::json(201, r#"{"TaskIds": [{"TaskID": "7"}]}"#)
                }
                _ => Answer::json(401, body),
            }
        });
        let file = clms_api::FileRequest {
            dataset_uid: "d".into(),
            file_id: "f".into(),
        };
        let accepted = server.client().request_files(&[file]).await.unwrap();
        assert_eq!(accepted.task_ids, ["7".into()]);
        assert_eq!(token_requests(&server), 2);
    }
}

#[tokio::test]
async fn a_token_that_stays_refused_is_an_error() {
    let server = Server::start(|request| match is_token_request(request) {
        true => token_answer(request),
        false => Answer::json(401, FORGOTTEN),
    });
    let key = service_key_json(server.base(), private_key(), "\"10.0.0.0/8\"");
    let client = server
        .builder()
        .service_key(ServiceKey::from_json(&key).unwrap())
        .build()
        .unwrap();
    let error = client.sign_in().await.unwrap_err();
    assert!(matches!(error, ApiError::Unauthorized { .. }), "{error}");
    assert!(error.hint().unwrap().contains("10.0.0.0/8"));
    assert!(!error.is_retryable());
    assert_eq!(token_requests(&server), 2);
}

#[tokio::test]
async fn a_refused_key_is_not_tried_again() {
    let server = Server::start(|_| {
        Answer::json(
            400,
            r#"{"error": "invalid_grant", "error_description": "No associated key found"}"#,
        )
    });
    let error = server.client().sign_in().await.unwrap_err();
    assert_eq!(error.kind(), "service_key_refused");
    assert!(
        error.to_string().contains("No associated key found"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let server = Server::start(|_| Answer::json(200, "{}"));
    let error = server
        .builder()
        .build()
        .unwrap()
        .tasks(None)
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::NoKey { .. }));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_token_away() {
    let elsewhere = Server::start(|_| Answer::json(200, "{}"));
    let target = elsewhere.base().to_owned();
    let server = Server::start(move |request| match is_token_request(request) {
        true => token_answer(request),
        false => {
            Answer::json(302, "").header("Location", format!("{target}/api/@datarequest_search"))
        }
    });
    let error = server.client().tasks(None).await.unwrap_err();
    assert_eq!(error.status(), Some(302));
    assert!(error.to_string().contains(elsewhere.base()), "{error}");
    assert!(elsewhere.requests().is_empty());
}
