//! Reading service keys.

use clms_api::{ServiceKey, ServiceKeyError};

use crate::keys::{private_key, service_key_json};

fn good() -> String {
    service_key_json(
        "https://land.copernicus.eu",
        private_key(),
        "\"10.0.0.0/8\"",
    )
}

#[test]
fn a_good_key() {
    let key = ServiceKey::from_json(&good()).unwrap();
    assert_eq!(key.client_id(), "client-1");
    assert_eq!(key.user_id(), "user-1");
    assert_eq!(
        key.token_uri().as_str(),
        "https://land.copernicus.eu/@@oauth2-token"
    );
    assert_eq!(key.title(), Some("tests"));
    assert_eq!(key.key_id(), Some("k1"));
    assert_eq!(key.ip_range(), Some("10.0.0.0/8"));
    assert_eq!(
        key.issued().unwrap().to_string(),
        "2026-11-22T15:20:30.889745"
    );
    let shown = format!("{key:?} {key:#?}");
    assert!(shown.contains("client-1") && !shown.contains("PRIVATE") && !shown.contains("MII"));
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        ("", "service_key_empty", "is empty"),
        ("\u{feff} \r\n", "service_key_empty", "is empty"),
        ("not json", "service_key_not_json", "line 1"),
        ("[]", "not_a_service_key", "client_id"),
        (
            &good().replace("user_id", "user"),
            "not_a_service_key",
            "'user_id' is missing",
        ),
        (
            &good().replace("\"client-1\"", "7"),
            "not_a_service_key",
            "'client_id' is no text",
        ),
        (
            &good().replace("https://land", "land"),
            "not_a_service_key",
            "token_uri",
        ),
        (
            &good().replace("BEGIN PRIVATE", "BEGIN PUBLIC"),
            "service_key_not_rsa",
            "private_key",
        ),
        (
            &service_key_json("https://h", "hunter2", "null"),
            "service_key_not_rsa",
            "private_key",
        ),
    ];
    for (text, kind, part) in cases {
        let error = ServiceKey::from_json(text).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.hint().is_empty());
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("MII"),
            "{shown}"
        );
    }
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.json");
    assert!(matches!(
        ServiceKey::from_file(&path),
        Err(ServiceKeyError::NotFound { .. })
    ));
    assert!(matches!(
        ServiceKey::from_file(folder.path()),
        Err(ServiceKeyError::Unreadable { .. })
    ));
    std::fs::write(&path, "{").unwrap();
    let error = ServiceKey::from_file(&path).unwrap_err();
    assert!(
        error.to_string().contains("credentials.json is no JSON"),
        "{error}"
    );
    // As Windows' editors save it.
    let with_mark = format!("\u{feff}{}\r\n", good());
    std::fs::write(&path, with_mark).unwrap();
    assert_eq!(
        ServiceKey::from_file(&path).unwrap().key.client_id(),
        "client-1"
    );
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(good().encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(&path, utf16).unwrap();
    let error = ServiceKey::from_file(&path).unwrap_err();
    assert_eq!(error.kind(), "service_key_not_utf8");
    assert!(error.hint().contains("UTF-8"), "{}", error.hint());
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_a_warning() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.json");
    std::fs::write(&path, good()).unwrap();
    for (mode, warns) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let loaded = ServiceKey::from_file(&path).unwrap();
        assert_eq!(loaded.key.client_id(), "client-1");
        assert_eq!(loaded.warning.is_some(), warns, "{mode:o}");
        if let Some(warning) = loaded.warning {
            assert!(
                warning.to_string().contains(&format!("{mode:04o}")),
                "{warning}"
            );
            assert_eq!(warning.hint(), format!("chmod 600 '{}'", path.display()));
        }
    }
}
