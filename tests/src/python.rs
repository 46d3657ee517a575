//! The Python world in which our cubes must open: an environment with pinned versions, made once and kept.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

const REQUIREMENTS: &str = include_str!("../interop/requirements.txt");

/// The interpreter of an environment that has what `interop/requirements.txt` names.
///
/// It lies in cargo's target folder under a name that changes with the requirements; making it takes half a minute.
#[must_use]
pub fn interpreter() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let target = tests.ancestors().nth(3).unwrap();
    let mut hasher = DefaultHasher::new();
    REQUIREMENTS.hash(&mut hasher);
    let name = format!("python-{:016x}", hasher.finish());
    let folder = target.join("interop").join(&name);
    fs::create_dir_all(target.join("interop")).unwrap();
    // Tests run in processes of their own; one makes it, the others wait for it.
    let lock = File::create(target.join("interop").join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let python = folder.join("bin").join("python");
    let complete = folder.join("complete");
    if !complete.exists() {
        let _ = fs::remove_dir_all(&folder);
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/requirements.txt");
        run(Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(requirements));
        File::create(complete).unwrap();
    }
    python
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
