//! `cargo xtask deb`: Debian packages. What is in them stands in `[package.metadata.deb]` of `crates/clms-cli/Cargo.toml`.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    checksums, linked, notices, pages,
    program::{Gdal, PROFILE, Program, VERSION, time},
    released, write,
};
use crate::process::{Result, Step, cargo, root, step, target};

/// The version of cargo-deb that the packages were tried with.
const CARGO_DEB: &str = "3.8.0";

const MAINTAINER: &str = "The clms developers <clms-rs@users.noreply.github.com>";

pub(crate) fn run(args: &[String]) -> Result {
    let gdal = match args {
        [] => Gdal::System,
        [flag] if flag == "--static" => Gdal::Bundled,
        other => {
            return Err(format!(
                "`cargo xtask deb` takes --static or nothing, not {other:?}"
            ));
        }
    };
    let program = Program::build(gdal)?;
    let flavour = match gdal {
        Gdal::Bundled => {
            linked::only_what_every_linux_has(&program.path())?;
            "static".to_owned()
        }
        Gdal::System => system()?,
    };
    let revision = format!("1+{flavour}");
    let pages = pages::write_all(&program)?;
    notices::write(&program, &pages.join("THIRD-PARTY.txt"))?;
    changelog(&pages.join("changelog.Debian"), &revision)?;
    compress(&pages)?;
    cargo_deb()?
        .args(["--no-build", "--package", "clms-cli", "--locked"])
        .args(["--profile", PROFILE])
        .args(["--maintainer", MAINTAINER, "--deb-revision", &revision])
        .args([PathBuf::from("--output"), released()?])
        .env("SOURCE_DATE_EPOCH", time()?)
        .run()?;
    println!("{}", checksums()?.display());
    Ok(())
}

/// The Debian or Ubuntu whose libraries the program is linked with, such as `deb12`: its package fits no other.
fn system() -> Result<String> {
    let file = "/etc/os-release";
    let told = fs::read_to_string(file).map_err(|why| format!("{file}: {why}"))?;
    let told: HashMap<&str, &str> = told
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key, value.trim_matches('"')))
        .collect();
    match (told.get("ID"), told.get("VERSION_ID")) {
        (Some(&"debian"), Some(version)) => Ok(format!("deb{version}")),
        (Some(&"ubuntu"), Some(version)) => Ok(format!("ubuntu{version}")),
        _ => Err("Debian packages are built on a Debian or Ubuntu that has a version".to_owned()),
    }
}

/// What Debian wants to know of versions; what is new in them is told in `CHANGELOG.md`.
fn changelog(path: &Path, revision: &str) -> Result {
    let date = step("date")
        .args(["--utc", "--rfc-email"])
        .args([format!("--date=@{}", time()?)])
        .output()
        .ok_or("`date` does not run")?;
    write(
        path,
        &format!(
            "clms ({VERSION}-{revision}) unstable; urgency=medium\n\n  * Release of clms {VERSION}; see changelog.gz.\n\n -- {MAINTAINER}  {date}\n"
        ),
    )
}

/// Manual pages, changelog and licences are compressed in a package of Debian; what cargo-deb finds below `target` it leaves as it is.
fn compress(pages: &Path) -> Result {
    let man = pages.join("man");
    let manual = fs::read_dir(&man).map_err(|why| format!("{}: {why}", man.display()))?;
    step("gzip")
        .args(["-9", "--no-name"])
        .args(manual.filter_map(|page| Some(page.ok()?.path())))
        .args([
            pages.join("THIRD-PARTY.txt"),
            pages.join("changelog.Debian"),
        ])
        .run()
}

/// cargo-deb, installed if it is not.
fn cargo_deb() -> Result<Step> {
    let folder = target()
        .join("installed")
        .join(format!("cargo-deb-{CARGO_DEB}"));
    let program = folder.join("bin").join("cargo-deb");
    if !program.is_file() {
        println!("cargo-deb is missing: installing it");
        cargo(["install", "--locked", "cargo-deb", "--version", CARGO_DEB])
            .args([PathBuf::from("--root"), folder])
            .run()?;
    }
    Ok(step(program).within(&root()))
}
