//! A fingerprint of the code that makes listings from catalogues, so that none is used that other code has made.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::Path,
};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut fingerprint = DefaultHasher::new();
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    // The words of the portal are read by the one beside it. From a registry that is not there, and has a version of its own.
    for folder in ["src", "../clms-api/src"] {
        let folder = Path::new(&here).join(folder);
        if folder.is_dir() {
            println!("cargo::rerun-if-changed={}", folder.display());
            add(&folder, &mut fingerprint)?;
        }
    }
    let fingerprint = fingerprint.finish();
    println!("cargo::rustc-env=STORE_FINGERPRINT={fingerprint:016x}");
    Ok(())
}

/// Adds all files of a folder, in the order of their names.
fn add(folder: &Path, fingerprint: &mut DefaultHasher) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        entry.file_name().hash(fingerprint);
        match entry.file_type()?.is_dir() {
            true => add(&entry.path(), fingerprint)?,
            false => fs::read(entry.path())?.hash(fingerprint),
        }
    }
    Ok(())
}
