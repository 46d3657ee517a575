//! Programs that mount the file systems of other computers, for the tests of the cache.

use crate::{apt, process::step};

/// Installs them where that needs nobody's consent. Without them the tests that need them say that they are skipped.
pub(crate) fn ensure() {
    if is_there() {
        return;
    }
    if let Some(Ok(())) = apt::install(&["exfat-fuse", "exfatprogs"])
        && is_there()
    {
        return;
    }
    println!("exFAT can't be mounted here: tests on it are skipped");
}

fn is_there() -> bool {
    ["mount.exfat-fuse", "mkfs.exfat"].iter().all(|program| {
        let found = step("sh")
            .args(["-c", &format!("command -v {program}")])
            .output();
        found.is_some()
    })
}
