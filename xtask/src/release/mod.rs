//! What is released: archives with the program, Debian packages, the container image.

mod archive;
mod container;
mod deb;
mod linked;
mod notes;
mod notices;
mod pages;
mod program;
mod wheel;
mod workflows;

use std::{
    fs,
    path::{Path, PathBuf},
};

use self::program::{Gdal, Program};
pub(crate) use self::{
    container::run as container, deb::run as deb, notes::run as notes, wheel::run as wheel,
    workflows::check as workflows,
};
use crate::process::{Result, cargo, step, target};

/// `cargo xtask dist`: the program with its own GDAL in it, in an archive with all that belongs to it.
pub(crate) fn dist(args: &[String]) -> Result {
    let test = match args {
        [] => false,
        [flag] if flag == "--test" => true,
        other => {
            return Err(format!(
                "`cargo xtask dist` takes --test or nothing, not {other:?}"
            ));
        }
    };
    let program = Program::build(Gdal::Bundled)?;
    linked::only_what_every_linux_has(&program.path())?;
    if test {
        scenarios(&program)?;
    }
    let archive = archive::write(&program)?;
    println!("{}", archive.display());
    println!("{}", checksums()?.display());
    Ok(())
}

/// The scenario tests with this program.
fn scenarios(program: &Program) -> Result {
    cargo(["build", "--workspace", "--bins", "--locked"]).run()?;
    cargo(["nextest", "run", "--package", "clms-tests", "--locked"])
        .args(["--no-fail-fast"])
        .env("CLMS_TEST_PROGRAM", program.path())
        .run()
}

/// The folder of all that is to be published.
fn released() -> Result<PathBuf> {
    let folder = target().join("released");
    fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    Ok(folder)
}

/// The checksums of all that is to be published so far, as `sha256sum --check` takes them.
fn checksums() -> Result<PathBuf> {
    let folder = released()?;
    let sums = folder.join("SHA256SUMS");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .map_err(|why| format!("{}: {why}", folder.display()))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            [".tar.gz", ".deb", ".whl"]
                .iter()
                .any(|end| name.ends_with(end))
        })
        .collect();
    names.sort();
    let told = step("sha256sum")
        .within(&folder)
        .args(&names)
        .output()
        .ok_or("sha256sum does not run")?;
    write(&sums, &format!("{told}\n"))?;
    Ok(sums)
}

fn write(path: &Path, contents: &str) -> Result {
    fs::write(path, contents).map_err(|why| format!("{}: {why}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to).map_err(|why| format!("{}: {why}", from.display()))?;
    Ok(())
}

/// A folder that is there and empty.
fn emptied(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    }
    fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    Ok(folder)
}
