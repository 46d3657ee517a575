//! What the scenario tests share: a simulated service with real packages, and the real program `clms` in front of it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "tests say what is wrong by panicking"
)]

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use clms_factory::{DatedRaster, PackageSpec, PartSpec};
use clms_sim::{Habits, Sim, SimBuilder};
use serde_json::Value;
use tempfile::TempDir;

pub mod cdse;
pub mod cloud;
pub mod namespace;
pub mod python;
pub mod wekeo;

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
        let mut command = self.any_command(&program("clms"));
        command.args(args);
        command
    }

    /// Another program in the place of ours.
    #[must_use]
    pub fn any_command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
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

/// The zip of a task for one part of a data set: for [`SimBuilder::parts`].
#[must_use]
pub fn cut(items: &[Value]) -> Option<Vec<u8>> {
    let [item] = items else { return None };
    let folder = TempDir::new().ok()?;
    let package = PartSpec::of_item(item)?.package("part").ok()?;
    fs::read(package.write(folder.path()).ok()?).ok()
}

/// Writes the files that the links of `lake-ice-extent-europe-v2-250m|LEGACY` lead to, for so many days from 1 January 2020 on;
/// where they are.
#[must_use]
pub fn lake_ice(packages: &Path, days: i64) -> Vec<PathBuf> {
    let file = |number| {
        let date = cdse::day(number);
        let name = date.strftime("c_gls_LIE250m_%Y%m%d1200_GLOBE_SIM_V1.0.1.nc");
        let path = packages.join(name.to_string());
        let raster = DatedRaster::soil_moisture(date, 240, 160);
        raster.write_netcdf(&path).unwrap();
        path
    };
    (0..days).map(file).collect()
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
        Self::ended(command.output().unwrap())
    }

    /// Runs a command with something on its standard input.
    #[must_use]
    pub fn with_input(mut command: Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        Self::ended(child.wait_with_output().unwrap())
    }

    /// A run that has ended like this.
    #[must_use]
    pub fn ended(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
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
