//! The program, as scripts use it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn it_says_where_it_listens_and_writes_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.json");
    let mut child = Command::new(env!("CARGO_BIN_EXE_clms-sim"))
        .args([
            "--port",
            "0",
            "--habit",
            "server-error=@search,first:1",
            "--credentials-out",
        ])
        .arg(&key)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let _running = Running(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let api_url = line.strip_prefix("listening on ").unwrap().trim_end();
    assert!(
        api_url.starts_with("http://127.0.0.1:") && api_url.ends_with("/api"),
        "{line}"
    );

    let key: Value = serde_json::from_str(&std::fs::read_to_string(&key).unwrap()).unwrap();
    assert!(
        api_url.starts_with(
            key["token_uri"]
                .as_str()
                .unwrap()
                .trim_end_matches("/@@oauth2-token")
        )
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for expected in [503, 200] {
        let request = http
            .get(format!("{api_url}/@search"))
            .header("Accept", "application/json");
        assert_eq!(request.send().await.unwrap().status(), expected);
    }
}

#[test]
fn wrong_arguments_end_with_2() {
    let output = Command::new(env!("CARGO_BIN_EXE_clms-sim"))
        .args(["--habit", "sleepy"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("there is no habit `sleepy`"), "{message}");
}
