//! What is installed from the registries for tests: each set of packages once, in a folder of its own below cargo's target
//! folder whose name changes with what is to be in it.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

/// A Python environment with pinned packages.
#[derive(Debug, Clone, Copy, Hash)]
pub struct Python {
    /// Its name, for people who look into the target folder.
    pub name: &'static str,
    /// The content of a requirements file.
    pub requirements: &'static str,
    /// More options for pip: `--no-deps` if the requirements are all that is needed.
    pub pip: &'static [&'static str],
}

impl Python {
    /// The folder of the environment's programs, `python` among them; made if it isn't there, which takes half a minute.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        let folder = installed(self.name, self, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder));
            let requirements = folder.join("requirements.txt");
            fs::write(&requirements, self.requirements).unwrap();
            let mut pip = Command::new(folder.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--no-compile"])
                .arg("--disable-pip-version-check")
                .args(self.pip);
            run(pip.arg("--requirement").arg(requirements));
        });
        folder.join("bin")
    }
}

/// moto.
pub(crate) const MOTO: Python = Python {
    name: "moto",
    requirements: include_str!("../installed/requirements.txt"),
    pip: &["--no-deps"],
};

/// The folder in whose `node_modules` Azurite and s3rver are.
pub(crate) fn node_modules() -> PathBuf {
    let files = [
        ("package.json", include_str!("../installed/package.json")),
        (
            "package-lock.json",
            include_str!("../installed/package-lock.json"),
        ),
    ];
    installed("node", &files, |folder| {
        fs::create_dir_all(folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        let options = [
            "--ignore-scripts",
            "--omit=optional",
            "--no-audit",
            "--no-fund",
        ];
        run(Command::new("npm")
            .args(["ci", "--loglevel=error"])
            .args(options)
            .current_dir(folder));
    })
}

/// Installs all that the servers are made of, at the same time.
pub fn all() {
    std::thread::scope(|scope| {
        scope.spawn(node_modules);
        let _ = MOTO.programs();
    });
}

/// The folder in which `install` has put what `contents` describes; made if it is not there yet.
fn installed(name: &str, contents: &impl Hash, install: impl FnOnce(&Path)) -> PathBuf {
    let all = target().join("installed");
    let mut hasher = DefaultHasher::new();
    contents.hash(&mut hasher);
    let name = format!("{name}-{:016x}", hasher.finish());
    let folder = all.join(&name);
    fs::create_dir_all(&all).unwrap();
    // Tests run in processes of their own; one makes it, the others wait for it.
    let lock = File::create(all.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let complete = folder.join("complete");
    if !complete.exists() {
        let _ = fs::remove_dir_all(&folder);
        install(&folder);
        File::create(complete).unwrap();
    }
    folder
}

/// Cargo's target folder, which this program lies in.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let target = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target
        .unwrap_or_else(|| panic!("{} lies in no target folder of cargo", program.display()))
        .to_owned()
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|why| panic!("{command:?}: {why}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
