//! Programs that people use beside `clms`, and so the tests too: shells that complete its commands, the reader of its manual pages, terminals, a decoder of their
//! pictures, a browser.

use crate::{
    apt,
    process::{Result, step},
};

/// Each program with the Debian package that it comes from.
const PROGRAMS: [(&str, &str); 7] = [
    ("chromium", "chromium"),
    ("fish", "fish"),
    ("groff", "groff-base"),
    ("man", "man-db"),
    ("sixel2png", "libsixel-bin"),
    ("tmux", "tmux"),
    ("zsh", "zsh"),
];

/// Installs what is missing, where that needs nobody's consent.
pub(crate) fn ensure() -> Result {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    apt::install(&missing).unwrap_or_else(|| {
        Err(format!(
            "the tests need programs that are not on this machine; install {}",
            missing.join(" ")
        ))
    })
}

fn missing() -> Vec<&'static str> {
    let is_missing = |program: &str| {
        let found = step("sh").args(["-c", &format!("command -v {program}")]);
        found.output().is_none()
    };
    let missing = PROGRAMS.iter().filter(|(program, _)| is_missing(program));
    missing.map(|(_, package)| *package).collect()
}
