//! Debian packages, installed where that needs nobody's consent.

use crate::process::{Result, step};

/// Installs these packages, if this is a Debian or Ubuntu and may be done: as root, or with a sudo that doesn't ask.
///
/// `None` if it may not.
pub(crate) fn install(packages: &[&str]) -> Option<Result> {
    let sudo = sudo()?;
    println!("Installing {}", packages.join(" and "));
    let apt = |args: &[&str]| {
        let words = [&sudo[..], &["apt-get", "-qq"], args].concat();
        step(words[0])
            .args(&words[1..])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run()
    };
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    Some(apt(&["update"]).and_then(|()| apt(&install)))
}

/// The words to put before `apt-get`, if it is there and may be used.
fn sudo() -> Option<Vec<&'static str>> {
    step("apt-get").args(["--version"]).output()?;
    if step("id").args(["-u"]).output()? == "0" {
        return Some(Vec::new());
    }
    step("sudo").args(["-n", "true"]).output()?;
    Some(vec!["sudo", "-n"])
}
