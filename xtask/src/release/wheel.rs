//! The wheel of the Python package, with the program that needs nothing else on the machine.

use std::path::PathBuf;

use super::{
    copy, notices,
    program::{Gdal, PROFILE, Program},
    released,
};
use crate::{
    process::{Result, root, step, target},
    python,
};

/// What makes the wheel.
const MATURIN: &str = "maturin==1.16.0";

/// `cargo xtask wheel`.
pub(crate) fn run(args: &[String]) -> Result {
    if !args.is_empty() {
        return Err(format!("`cargo xtask wheel` takes nothing, not {args:?}"));
    }
    // With the same words as the archive's program, so that it is compiled once.
    let program = Program::build(Gdal::Bundled)?;
    super::linked::only_what_every_linux_has(&program.path())?;
    let python = root().join("python");
    // What `license-files` in its `pyproject.toml` finds. They are kept out of the repository.
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&root().join(name), &python.join(name))?;
    }
    notices::write(&program, &python.join("THIRD-PARTY.txt"))?;
    step(maturin()?)
        .within(&python)
        .args(["build", "--locked", "--profile", PROFILE])
        .args(Gdal::Bundled.features())
        // The glibc that the program asks for says which systems the wheel is for.
        .args(["--auditwheel", "check", "--compatibility", "pypi", "--out"])
        .args([released()?])
        .run()?;
    println!("{}", super::checksums()?.display());
    Ok(())
}

/// The program, in an environment of its own.
fn maturin() -> Result<PathBuf> {
    python::ensure()?;
    let environment = target().join("installed").join("maturin");
    let programs = environment.join("bin");
    if !programs.join("maturin").is_file() {
        step("python3")
            .args(["-m", "venv"])
            .args([&environment])
            .run()?;
        step(programs.join("python"))
            .args(["-m", "pip", "install", "--quiet", MATURIN])
            .run()?;
    }
    Ok(programs.join("maturin"))
}
