//! What the scenario tests share: a simulated service with real packages, and the real program `clms` in front of it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "tests say what is wrong by panicking"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use clms_factory::PackageSpec;
use clms_sim::{Habits, Sim, SimBuilder};
use serde_json::Value;
use tempfile::TempDir;

pub mod cloud;
pub mod namespace;
pub mod python;

/// A simulated service, a folder for everything, and the program.
pub struct Scene {
    /// The service.
    pub sim: Sim,
    home: TempDir,
}

impl Scene {
    /// A well-behaved service that has built-in packages only.
    #[must_use]
    pub fn new() -> Self {
        Self::with_habits(Habits::default())
    }

    /// A service with these habits.
    #[must_use]
    pub fn with_habits(habits: Habits) -> Self {
        Self::of(Sim::builder().habits(habits))
    }

    /// Any service; it takes its packages from the scene's folder.
    #[must_use]
    pub fn of(service: SimBuilder) -> Self {
        let home = TempDir::new().unwrap();
        let packages = home.path().join("packages");
        fs::create_dir(&packages).unwrap();
        let sim = service.packages(&packages).start().unwrap();
        sim.write_service_key(&home.path().join("credentials.json"))
            .unwrap();
        Self { sim, home }
    }

    /// Lets the service deliver this package.
    #[must_use]
    pub fn delivering(self, package: &PackageSpec) -> Self {
        package.write(&self.packages()).unwrap();
        self
    }

    /// The folder of everything.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where the service takes packages from.
    #[must_use]
    pub fn packages(&self) -> PathBuf {
        self.home().join("packages")
    }

    /// The program's cache.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.home().join("cache")
    }

    /// The service key's file.
    #[must_use]
    pub fn credentials(&self) -> PathBuf {
        self.home().join("credentials.json")
    }

    /// Where the cube of a data id is, once it is there.
    #[must_use]
    pub fn cube(&self, data_id: &str) -> PathBuf {
        self.cache().join(format!("{data_id}.zarr"))
    }

    /// Runs the program to its end.
    #[must_use]
    pub fn clms(&self, args: &[&str]) -> Run {
        Run::of(self.command(args))
    }

    /// The program, ready to be run in another way.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program("clms"));
        command
            .args(args)
            .current_dir(self.home())
            // Nothing of the machine's owner must matter.
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("CLMS_API_URL", self.sim.api_url())
            .env("CLMS_CREDENTIALS", self.credentials())
            .env("CLMS_CACHE", self.cache())
            .env("CLMS_POLL_INTERVAL", "50ms");
        command
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

/// A program of the workspace as cargo has built it next to these tests; in place of `clms` the one that the variable
/// `CLMS_TEST_PROGRAM` names, such as the program of `cargo xtask dist`.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    if let Some(released) = env::var_os("CLMS_TEST_PROGRAM").filter(|_| name == "clms") {
        return released.into();
    }
    let tests = env::current_exe().unwrap();
    let program = tests
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "{} is not there: build it first, with `cargo build --workspace --bins`",
        program.display()
    );
    program
}

/// How a run of the program went.
#[derive(Debug)]
pub struct Run {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed as its result.
    pub stdout: String,
    /// All else that it said.
    pub stderr: String,
}

impl Run {
    /// Runs a command to its end.
    #[must_use]
    pub fn of(mut command: Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Its result as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("no JSON: {why}\n{self:#?}"))
    }

    /// The same run, if it ended well.
    #[must_use]
    pub fn well(self) -> Self {
        self.with_code(0)
    }

    /// The same run, if it ended with this code.
    #[must_use]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// The same run, if what it said holds each of these words.
    #[must_use]
    pub fn saying(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "{word:?} is missing in {self:#?}"
            );
        }
        self
    }
}
