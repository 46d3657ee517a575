//! Makes sure that there is a Node.js in which tests can run servers.

use crate::{
    apt,
    process::{Result, step},
};

/// The oldest that has what Azurite and our own few lines around it use.
const OLDEST: u32 = 18;

pub(crate) fn ensure() -> Result {
    if find().is_none() || step("npm").args(["--version"]).output().is_none() {
        apt::install(&["nodejs", "npm"]).unwrap_or_else(|| {
            Err(
                "node and npm are not on this machine; the tests on object storage need them"
                    .to_owned(),
            )
        })?;
    }
    match find() {
        Some(major) if major >= OLDEST => Ok(()),
        Some(major) => Err(format!(
            "node is Node.js {major}; the tests on object storage need {OLDEST} or newer"
        )),
        None => Err("node was installed, yet does not run".to_owned()),
    }
}

/// The major version of Node.js.
fn find() -> Option<u32> {
    let version = step("node").args(["--version"]).output()?;
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}
