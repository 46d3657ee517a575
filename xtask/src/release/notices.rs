//! The licences of all that is linked into the program: other crates, and the C and C++ libraries that some of them hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::program::{Program, VERSION, triple};
use crate::process::{Result, cargo, step};

/// How the names of files with licences begin.
const LICENCES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

/// Libraries whose sources are in the public domain, or lie in an archive within their crate.
const WITHIN: [(&str, &str); 2] = [
    (
        "libsqlite3-sys",
        "SQLite, which this crate holds, is in the public domain.",
    ),
    (
        "proj-sys",
        "PROJ, which this crate holds, has the licence below.",
    ),
];

/// Writes one text: first who made what, then each licence once, with those it is of.
pub(super) fn write(program: &Program, to: &Path) -> Result {
    let mut list = format!(
        "clms {VERSION} is linked with what follows. Its own licence is in LICENSE-MIT and LICENSE-APACHE.\n\n"
    );
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let metadata = metadata(program)?;
    for linked in linked(program)? {
        let Some(package) = metadata.get(&linked) else {
            return Err(format!("cargo tells nothing of {} {}", linked.0, linked.1));
        };
        if package["source"].is_null() {
            continue; // ours
        }
        let name = format!("{} {}", linked.0, linked.1);
        let word = |key: &str| package[key].as_str().unwrap_or("not told").to_owned();
        let licence = word("license");
        let _ = writeln!(list, "{name} ({licence}) {}", word("repository"));
        if let Some((_, remark)) = WITHIN.iter().find(|(of, _)| *of == linked.0) {
            let _ = writeln!(list, "    {remark}");
        }
        let manifest = PathBuf::from(word("manifest_path"));
        let folder = manifest.parent().unwrap_or(Path::new("/"));
        for text in licences(folder)? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    for (text, names) in texts {
        let _ = write!(
            list,
            "\n{}\nOf {}:\n\n{text}\n",
            "=".repeat(100),
            names.join(", ")
        );
    }
    super::write(to, &list)
}

/// Names and versions of the crates that are in the program, and not merely used for building it.
fn linked(program: &Program) -> Result<BTreeSet<(String, String)>> {
    let tree = cargo(["tree", "--locked", "--package", "clms-cli"])
        .args(program.gdal.features())
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--target", &triple()?])
        .output()
        .ok_or("`cargo tree` failed")?;
    Ok(tree
        .lines()
        .filter(|line| !line.contains("(proc-macro)"))
        .filter_map(|line| {
            let mut words = line.split(' ');
            let name = words.next()?.to_owned();
            Some((name, words.next()?.strip_prefix('v')?.to_owned()))
        })
        .collect())
}

/// What cargo knows of each crate, by name and version.
fn metadata(program: &Program) -> Result<BTreeMap<(String, String), Value>> {
    let told = cargo(["metadata", "--locked", "--format-version", "1"])
        .args(["--manifest-path", "crates/clms-cli/Cargo.toml"])
        .args(program.gdal.features())
        .output()
        .ok_or("`cargo metadata` failed")?;
    let mut told: Value = serde_json::from_str(&told).map_err(|why| why.to_string())?;
    let Value::Array(packages) = told["packages"].take() else {
        return Err("`cargo metadata` names no packages".to_owned());
    };
    Ok(packages
        .into_iter()
        .filter_map(|package| {
            let key = |key: &str| package[key].as_str().map(str::to_owned);
            Some(((key("name")?, key("version")?), package))
        })
        .collect())
}

/// The texts of licences in a crate's folder, and two folders further down, where those of C libraries are.
fn licences(folder: &Path) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    collect(folder, 2, &mut texts).map_err(|why| format!("{}: {why}", folder.display()))?;
    let archives = folder.join("PROJSRC");
    if let Ok(entries) = fs::read_dir(archives) {
        for archive in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            texts.extend(
                step("tar")
                    .args(["--extract", "--to-stdout", "--wildcards", "--file"])
                    .args([&archive])
                    .args(["proj-*/COPYING"])
                    .output(),
            );
        }
    }
    Ok(texts)
}

fn collect(folder: &Path, depth: u8, texts: &mut BTreeSet<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if kind.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, texts)?;
        } else if kind.is_file() && LICENCES.iter().any(|licence| name.starts_with(licence)) {
            let text = fs::read(entry.path())?;
            texts.insert(String::from_utf8_lossy(&text).trim().replace("\r\n", "\n"));
        }
    }
    Ok(())
}
