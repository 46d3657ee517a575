//! Folders that a user's programs have for their files.

use std::path::PathBuf;

/// Where this user's programs keep what can be made again.
pub(crate) fn user_cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
}

/// A location as the name of a folder or file: what is kept of two places must not be mixed up.
pub(crate) fn as_folder_name(location: &str) -> String {
    let mut name = String::new();
    for byte in location.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(byte.into()),
            _ => name += &format!("%{byte:02X}"),
        }
    }
    name
}
