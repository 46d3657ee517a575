//! An archive that is unpacked anywhere and holds the program and what belongs to it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    copy, emptied, notices, pages,
    program::{Program, VERSION, time, triple},
    released,
};
use crate::process::{Result, root, step};

/// Files of the project that go along.
const TEXTS: [&str; 4] = [
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "docs/src/install.md",
];

/// Writes `clms-VERSION-MACHINE.tar.gz`. The same program gives the same bytes.
pub(super) fn write(program: &Program) -> Result<PathBuf> {
    let name = format!("clms-{VERSION}-{}", triple()?);
    let folder = emptied(program.folder().join("archive"))?;
    let inside = emptied(folder.join(&name))?;
    copy(&program.path(), &inside.join("clms"))?;
    for text in TEXTS {
        let from = root().join(text);
        let file = from.file_name().unwrap_or_default();
        copy(&from, &inside.join(file))?;
    }
    notices::write(program, &inside.join("THIRD-PARTY.txt"))?;
    let pages = pages::write_all(program)?;
    for part in ["man", "completions"] {
        copy_folder(&pages.join(part), &inside.join(part))?;
    }
    let archive = released()?.join(format!("{name}.tar.gz"));
    step("tar")
        .args(["--create", "--use-compress-program", "gzip -9 --no-name"])
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args([format!("--mtime=@{}", time()?)])
        .args(["--mode=u=rwX,go=rX"])
        .args([Path::new("--file"), &archive])
        .args([Path::new("--directory"), &folder])
        .args([&name])
        .run()?;
    Ok(archive)
}

/// The files of a folder that has no folders.
fn copy_folder(from: &Path, to: &Path) -> Result {
    let failed = |why: std::io::Error| format!("{}: {why}", from.display());
    emptied(to.to_owned())?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
