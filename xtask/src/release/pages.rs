//! Man pages and completions, as the program itself writes them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{emptied, program::Program, write};
use crate::process::{Result, step};

/// The shells that can complete the program's arguments, and what the file for each is called.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "clms.bash"),
    ("zsh", "_clms"),
    ("fish", "clms.fish"),
];

/// Has them written beside the program, in `pages/man` and `pages/completions`, where `[package.metadata.deb]` looks for them.
pub(super) fn write_all(program: &Program) -> Result<PathBuf> {
    let pages = emptied(program.folder().join("pages"))?;
    let man = pages.join("man");
    step(program.path()).args(["man"]).args([&man]).run()?;
    must_hold_something(&man)?;
    let completions = emptied(pages.join("completions"))?;
    for (shell, file) in COMPLETIONS {
        let script = step(program.path())
            .args(["completions", shell])
            .output()
            .ok_or_else(|| format!("`clms completions {shell}` failed"))?;
        write(&completions.join(file), &format!("{script}\n"))?;
    }
    Ok(pages)
}

fn must_hold_something(folder: &Path) -> Result {
    match fs::read_dir(folder).map(|mut entries| entries.next()) {
        Ok(Some(_)) => Ok(()),
        _ => Err(format!("`clms man {}` wrote nothing", folder.display())),
    }
}
