//! `cargo xtask book`: the documentation as pages for a browser.

use crate::process::{Result, Step, cargo, root, step, target};

/// The version whose pages were looked at.
const MDBOOK: &str = "0.5.4";

pub(crate) fn run() -> Result {
    build()?.run()?;
    println!("{}", target().join("book/index.html").display());
    Ok(())
}

/// What builds the book. Installs mdbook first where it is missing: beside the tests' programs, for this project only.
pub(crate) fn build() -> Result<Step> {
    let folder = target().join("installed").join(format!("mdbook-{MDBOOK}"));
    let mdbook = folder
        .join("bin")
        .join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    if !mdbook.is_file() {
        println!("mdbook {MDBOOK} is missing: installing it");
        cargo(["install", "--locked", "mdbook", "--version", MDBOOK])
            .args(["--no-default-features", "--features", "search", "--root"])
            .args([folder])
            .run()?;
    }
    Ok(step(mdbook)
        .args(["build", "--dest-dir"])
        .args([target().join("book")])
        .args([root().join("docs")]))
}
