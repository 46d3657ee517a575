//! Whether GitHub would take the workflows: nothing else tells before the day of a release.

use std::{fs, path::PathBuf};

use crate::process::{Result, Step, root, step, target};

/// Pinned, so that a red check means that we changed something.
const CHECKERS: [&str; 2] = ["check-jsonschema==0.39.0", "yamllint==1.38.0"];

const RULES: &str = "{extends: default, rules: {line-length: disable, document-start: disable, truthy: {check-keys: false}}}";

/// The steps that check them, with the programs for it installed.
pub(crate) fn check() -> Result<Vec<Step>> {
    let bin = environment()?.join("bin");
    let folder = root().join(".github/workflows");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .map_err(|why| format!("{}: {why}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    Ok(vec![
        step(bin.join("yamllint"))
            .args(["--strict", "--config-data", RULES])
            .args(&files),
        step(bin.join("check-jsonschema"))
            .args(["--builtin-schema", "vendor.github-workflows"])
            .args(&files),
    ])
}

/// A Python environment with the checkers.
fn environment() -> Result<PathBuf> {
    let folder = target()
        .join("installed")
        .join(format!("workflows-{}", CHECKERS.join("-")));
    let whole = folder.join("whole");
    if !whole.is_file() {
        step("python3")
            .args(["-m", "venv", "--clear"])
            .args([&folder])
            .run()?;
        step(folder.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(CHECKERS)
            .run()?;
        super::write(&whole, "")?;
    }
    Ok(folder)
}
