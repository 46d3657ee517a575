//! The whole suite once more, at TRACE: nothing of it may hold a secret.

use std::fs::{File, OpenOptions};
use std::process::Command;
use std::sync::{Mutex, Once};

use tracing_subscriber::filter::LevelFilter;

/// Where the tests of a child process log to.
const LOG: &str = "CLMS_TEST_TRACE";

/// Logs everything to a file, if this process was told so. Called by what nearly all tests use.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let Some(path) = std::env::var_os(LOG) else {
            return;
        };
        let file: File = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        let log = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false);
        log.with_writer(Mutex::new(file)).init();
    });
}

#[test]
fn no_secret_in_the_log_of_the_whole_suite() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("trace.log");
    let output = Command::new(std::env::current_exe().unwrap())
        // Others are of processes of their own, of logs of their own, or of nothing but parsing.
        .args([
            "--test-threads=4",
            "--skip",
            "trace::",
            "--skip",
            "secrets::",
            "--skip",
            "examples::",
        ])
        .args(["--skip", "sessions::the_recorder", "--skip", "real_data::"])
        .env(LOG, &log)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().count();
    assert!(
        lines > 10_000 && log.contains("signed in"),
        "{lines} lines would prove nothing"
    );
    for line in log.lines() {
        assert!(!holds_secret(line), "a secret is in the log: {line}");
    }
    println!("{lines} lines without a secret");
}

/// Tokens of the scripted and the simulated portal, assertions, and keys.
fn holds_secret(line: &str) -> bool {
    let starts = |start: &str, wanted: usize, of: fn(char) -> bool| {
        line.match_indices(start).any(|(at, _)| {
            line[at + start.len()..]
                .chars()
                .take_while(|c| of(*c))
                .count()
                >= wanted
        })
    };
    line.contains("s3cret")
        || line.contains("PRIVATE KEY")
        || starts("eyJ", 30, |c| {
            c.is_ascii_alphanumeric() || "-_.".contains(c)
        })
        || starts("MII", 40, |c| c.is_ascii_alphanumeric() || "+/".contains(c))
        || starts("Bearer ", 8, |c| {
            c.is_ascii_alphanumeric() || "-_.".contains(c)
        })
        || starts("access_token=", 1, |c| c.is_ascii_alphanumeric())
            && !line.contains("access_token=redacted")
}

#[test]
fn secrets_are_recognised() {
    for secret in [
        "Authorization: Bearer 0123456789abcdef",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJjbGllbnQifQ.c2lnbmF0dXJl",
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7",
        "s3cret-t0ken-1",
    ] {
        assert!(holds_secret(secret), "{secret}");
    }
    assert!(!holds_secret(
        "POST http://h/@@oauth2-token answered status=200"
    ));
}
