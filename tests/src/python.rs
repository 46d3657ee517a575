//! The Python worlds in which our cubes must open: environments with pinned versions, each made once and kept.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    process::Command,
};

/// An environment of its own: a name, what is installed in it, and how.
struct Environment {
    name: &'static str,
    requirements: &'static str,
    pip: &'static [&'static str],
}

const PYTHON: Environment = Environment {
    name: "python",
    requirements: include_str!("../interop/requirements.txt"),
    pip: &[],
};

const XCUBE: Environment = Environment {
    name: "xcube",
    requirements: include_str!("../interop/requirements-xcube.txt"),
    pip: &["--no-deps", "--no-compile"],
};

const XCUBE_113: Environment = Environment {
    name: "xcube113",
    requirements: include_str!("../interop/requirements-xcube113.txt"),
    pip: &["--no-deps", "--no-compile"],
};

const GEOZARR: Environment = Environment {
    name: "geozarr",
    requirements: include_str!("../interop/requirements-geozarr.txt"),
    pip: &["--no-deps", "--no-compile", "--ignore-requires-python"],
};

/// The interpreter of an environment that has what `interop/requirements.txt` names: xarray, rioxarray, zarr-python.
///
/// It lies in cargo's target folder under a name that changes with the requirements; making it takes half a minute.
#[must_use]
pub fn interpreter() -> PathBuf {
    PYTHON.interpreter()
}

/// The interpreter of an environment that has what `interop/requirements-xcube.txt` names: xcube's data stores, with s3fs, and
/// all that [`interpreter`] has.
#[must_use]
pub fn xcube() -> PathBuf {
    XCUBE.interpreter()
}

/// The interpreter of an environment that has what `interop/requirements-xcube113.txt` names: the last xcube that knows Zarr v2 only,
/// with the zarr-python 2 and the xarray of its time.
#[must_use]
pub fn xcube_113() -> PathBuf {
    XCUBE_113.interpreter()
}

/// The interpreter of an environment with the validator of the GeoZarr conventions.
#[must_use]
pub fn geozarr() -> PathBuf {
    GEOZARR.interpreter()
}

impl Environment {
    fn interpreter(&self) -> PathBuf {
        let tests = std::env::current_exe().unwrap();
        let environments = tests.ancestors().nth(3).unwrap().join("interop");
        let mut hasher = DefaultHasher::new();
        (self.requirements, self.pip).hash(&mut hasher);
        let name = format!("{}-{:016x}", self.name, hasher.finish());
        let folder = environments.join(&name);
        fs::create_dir_all(&environments).unwrap();
        // Tests run in processes of their own; one makes it, the others wait for it.
        let lock = File::create(environments.join(format!("{name}.lock"))).unwrap();
        lock.lock().unwrap();
        let python = folder.join("bin").join("python");
        let complete = folder.join("complete");
        if !complete.exists() {
            let _ = fs::remove_dir_all(&folder);
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
            let requirements = folder.join("requirements.txt");
            fs::write(&requirements, self.requirements).unwrap();
            run(Command::new(&python)
                .args(["-m", "pip", "install", "--quiet"])
                .arg("--disable-pip-version-check")
                .args(self.pip)
                .arg("--requirement")
                .arg(requirements));
            File::create(complete).unwrap();
        }
        python
    }
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
