//! Secrets show up nowhere, not even in logs at TRACE.

use std::io::Write;
use std::sync::{Arc, Mutex};

use clms_api::FileRequest;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::keys::{private_key, service_key};
use crate::scripted::{Answer, Server, TOKEN, token_answer};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_in_logs_errors_or_debug() {
    let log = Log::default();
    let _guard = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish()
        .set_default();

    let server = Server::start(|request| match (request.path(), request.before) {
        ("/@@oauth2-token", 0) => Answer::json(503, "{}"),
        ("/@@oauth2-token", _) => token_answer(request),
        (_, 0) => Answer::json(401, r#"{"error": "invalid_token"}"#),
        (_, 1) => Answer::json(500, "{}"),
        _ => Answer::json(200, "{}"),
    });
    let client = server.client();
    let mut shown = format!("{client:?} {:?}", service_key(server.base()));
    shown += &format!("{:?}", client.sign_in().await.unwrap());
    let file = FileRequest {
        dataset_uid: "d".into(),
        file_id: "f".into(),
    };
    for _ in 0..2 {
        shown += &format!(
            "{:?}",
            client.request_files(std::slice::from_ref(&file)).await
        );
    }
    let link = server.link("/results/1.zip?X-Amz-Signature=s3cret-signature");
    shown += &format!("{:?}", client.probe(&link).await);
    let folder = tempfile::tempdir().unwrap();
    let download = client.download(&link, folder.path().join("x.part"));
    shown += &format!("{download:?}");
    let error = download.run().await.unwrap_err();
    shown += &format!("{error} {error:?}");

    let requests = server.requests();
    let assertions: Vec<_> = requests
        .iter()
        .filter_map(|request| request.body.split("assertion=").nth(1))
        .flat_map(|jwt| jwt.split('.').skip(1))
        .collect();
    assert!(assertions.len() >= 4, "the test would prove nothing");
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("TRACE") && log.contains("signed in"), "{log}");
    let key_line = private_key().lines().nth(1).unwrap();
    for secret in [TOKEN, "s3cret", key_line].into_iter().chain(assertions) {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        assert!(!shown.contains(secret), "{secret} is in:\n{shown}");
    }
}
