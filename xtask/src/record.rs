//! `cargo xtask record`: has the sessions of clms-api with a portal, and keeps what it said on cassettes.

use std::{env, path::Path};

use crate::process::{Result, cargo};

pub(crate) fn run(args: &[String]) -> Result {
    let Some(key) = env::var_os("CLMS_CREDENTIALS") else {
        return Err("CLMS_CREDENTIALS must name the file of a service key, for the live portal or the one of --against".to_owned());
    };
    // The recorder runs in the workspace's root.
    let key = std::path::absolute(Path::new(&key))
        .map_err(|why| format!("{}: {why}", Path::new(&key).display()))?;
    cargo([
        "run",
        "--quiet",
        "--package",
        "clms-api",
        "--example",
        "record_cassettes",
        "--",
    ])
    .args(args)
    .env("CLMS_CREDENTIALS", key)
    .run()
}
