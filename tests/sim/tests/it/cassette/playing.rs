//! Playing what is on a cassette.

use clms_sim::cassette::{CassetteError, CassetteServer, MatchOn};
use serde_json::{Value, json};

use super::{cassette, exchange, get, text};

const NOT_RECORDED: u16 = 599;

#[tokio::test]
async fn each_exchange_once_and_in_order() {
    let server = CassetteServer::play(cassette(&[get("/a", "1"), get("/b", "x"), get("/a", "2")]))
        .start()
        .unwrap();
    let ask = |path: &str| text(format!("{}{path}", server.url()));
    assert_eq!(ask("/a").await, (200, "1".to_owned()));
    assert_eq!(ask("/a").await, (200, "2".to_owned()));
    assert_eq!(ask("/a").await.0, NOT_RECORDED);
    assert_eq!(server.unplayed(), ["GET http://recorded.example/b"]);
    match server.finish().unwrap_err() {
        CassetteError::NotRecorded { requests } => assert_eq!(requests, ["GET /a"]),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_last_one_may_be_repeated() {
    let server = CassetteServer::play(cassette(&[get("/a", "1"), get("/a", "2")]))
        .repeating()
        .start()
        .unwrap();
    for expected in ["1", "2", "2", "2"] {
        assert_eq!(text(format!("{}/a", server.url())).await.1, expected);
    }
    server.finish().unwrap();
}

#[tokio::test]
async fn method_path_query_and_body_count_and_headers_do_not() {
    let recorded = cassette(&[
        exchange("post", "/a?x=1&y=2", r#"{"n": 1, "list": [1, 2]}"#, "json"),
        exchange("put", "/a", "plain", "plain"),
    ]);
    let server = CassetteServer::play(recorded).repeating().start().unwrap();
    let client = reqwest::Client::new();
    let send = |method: &str, target: &str, body: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = client
            .request(method, format!("{}{target}", server.url()))
            .header("Authorization", "Bearer another")
            .body(body.to_owned());
        async { request.send().await.unwrap().status().as_u16() }
    };
    for (method, target, body, status) in [
        ("POST", "/a?y=2&x=1", r#"{"list":[1,2],"n":1}"#, 200),
        (
            "POST",
            "/a?y=2&x=2",
            r#"{"list":[1,2],"n":1}"#,
            NOT_RECORDED,
        ),
        (
            "POST",
            "/a?y=2&x=1&x=1",
            r#"{"list":[1,2],"n":1}"#,
            NOT_RECORDED,
        ),
        (
            "POST",
            "/b?y=2&x=1",
            r#"{"list":[1,2],"n":1}"#,
            NOT_RECORDED,
        ),
        (
            "POST",
            "/a?y=2&x=1",
            r#"{"list":[2,1],"n":1}"#,
            NOT_RECORDED,
        ),
        (
            "PATCH",
            "/a?y=2&x=1",
            r#"{"list":[1,2],"n":1}"#,
            NOT_RECORDED,
        ),
        ("PUT", "/a", "plain", 200),
        ("PUT", "/a", "plain ", NOT_RECORDED),
    ] {
        assert_eq!(
            send(method, target, body).await,
            status,
            "{method} {target} {body}"
        );
    }
}

#[tokio::test]
async fn what_counts_can_be_chosen() {
    let path_only = MatchOn {
        query: false,
        body: false,
        ..MatchOn::default()
    };
    let server = CassetteServer::play(cassette(&[get("/a?x=1", "1")]))
        .match_on(path_only)
        .start()
        .unwrap();
    assert_eq!(text(format!("{}/a?x=2", server.url())).await.0, 200);
}

#[tokio::test]
async fn assertions_are_compared_without_their_secrets() {
    let mut token = exchange(
        "post",
        "/@@oauth2-token",
        "grant_type=g&assertion=REDACTED",
        "{}",
    );
    token["request"]["headers"]["Content-Type"] = json!(["application/x-www-form-urlencoded"]);
    let server = CassetteServer::play(cassette(&[token])).start().unwrap();
    let form = [
        ("assertion", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"),
        ("grant_type", "g"),
    ];
    let url = format!("{}/@@oauth2-token", server.url());
    let response = reqwest::Client::new()
        .post(url)
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn links_to_the_recorded_host_lead_to_the_server() {
    let mut moved = get("/old", r#"{"next": "http://recorded.example/new"}"#);
    moved["response"]["status"]["code"] = json!(301);
    moved["response"]["headers"]["Location"] = json!(["http://recorded.example/new"]);
    let server = CassetteServer::play(cassette(&[moved, get("/new", "there")]))
        .start()
        .unwrap();
    // reqwest follows by itself.
    assert_eq!(
        text(format!("{}/old", server.url())).await,
        (200, "there".to_owned())
    );
}

#[tokio::test]
async fn binary_bodies_and_headers_that_stand_there_twice() {
    let mut zip = get("/x.zip", "");
    zip["response"]["body"] = json!({"encoding": "base64", "string": "UEsFBgD/\n//4="});
    zip["response"]["headers"] = json!({"Set-Cookie": ["a=1", "b=2"], "ETag": ["\"e\""]});
    let server = CassetteServer::play(cassette(&[zip])).start().unwrap();
    let response = reqwest::get(format!("{}/x.zip", server.url()))
        .await
        .unwrap();
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(response.headers()["etag"], "\"e\"");
    assert_eq!(response.content_length(), Some(8));
    assert_eq!(
        response.bytes().await.unwrap(),
        b"PK\x05\x06\x00\xff\xff\xfe"[..]
    );
}

#[test]
fn exchanges_have_names() {
    let mut named = get("/a", "1");
    named["request"]["headers"]["X-Exchange"] = Value::from(vec!["the first"]);
    let cassette = cassette(&[get("/b", "2"), named]);
    let only = cassette.only(&["the first", "another"]);
    assert_eq!(only.exchanges.len(), 1);
    assert_eq!(only.exchanges[0].name(), Some("the first"));
}
