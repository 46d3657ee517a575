//! `cargo xtask test`: all that must be true before a commit lands.

use std::time::{Duration, Instant};

use crate::{
    book, filesystems, gdal, node,
    process::{Result, Step, built, cargo, step},
    programs, python, release,
};

/// Crates that people may take singly; each has a program in `tests/alone` that depends on nothing else of ours. What these
/// do is tested in `tests/scenarios/alone.rs`; here it matters that they build when nothing else adds features.
const TAKEN_SINGLY: [&str; 5] = ["api", "cache", "cube", "preload", "store"];

/// Fuzz targets, by the crate that has them in its folder `fuzz`.
const FUZZED: [(&str, &str); 3] = [
    ("clms-api", "decode"),
    ("clms-cube", "side_cars"),
    ("clms-preload", "unpack"),
];

pub(crate) fn run(args: &[String]) -> Result {
    let all = match args {
        [] => false,
        [flag] if flag == "--all" => true,
        other => {
            return Err(format!(
                "`cargo xtask test` takes --all or nothing, not {other:?}"
            ));
        }
    };
    let mut steps = Steps::default();
    let version = gdal::ensure()?;
    println!("GDAL {version}");
    gdal::ensure_programs()?;
    python::ensure()?;
    filesystems::ensure();
    programs::ensure()?;
    node::ensure()?;
    ensure_nextest()?;

    steps.run("format", cargo(["fmt", "--all", "--check"]))?;
    steps.run(
        "lints",
        cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    for check in release::workflows()? {
        steps.run("workflows", check)?;
    }
    steps.run(
        "build",
        cargo(["build", "--workspace", "--all-targets", "--locked"]),
    )?;
    steps.run(
        "object storage servers for the tests",
        step(built("clms-servers")).args(["install"]),
    )?;
    let mut tests = cargo([
        "nextest",
        "run",
        "--workspace",
        "--locked",
        "--no-fail-fast",
    ]);
    if all {
        tests = tests
            .args(["--profile", "all"])
            .env("CLMS_TEST_ALL", "1")
            .env("PROPTEST_CASES", "10000");
    }
    steps.run("tests", tests)?;
    steps.run(
        "examples in the documentation",
        cargo(["test", "--workspace", "--doc", "--locked"]),
    )?;
    steps.run(
        "documentation",
        cargo(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    for name in TAKEN_SINGLY {
        let package = format!("clms-{name}");
        steps.run(
            &format!("{package} on its own"),
            cargo([
                "check",
                "--quiet",
                "--locked",
                "--all-targets",
                "--package",
                &package,
            ]),
        )?;
        steps.run(
            &format!("a program that depends on {package} only"),
            cargo([
                "check",
                "--quiet",
                "--locked",
                "--package",
                &format!("alone-{name}"),
            ]),
        )?;
    }
    if all {
        steps.run("book", book::build()?)?;
        steps.run("dependencies", deny()?)?;
        for (crate_name, target) in FUZZED {
            steps.run(&format!("fuzzing {crate_name}"), fuzz(crate_name, target)?)?;
        }
    }
    steps.report();
    Ok(())
}

fn ensure_nextest() -> Result {
    if cargo(["nextest", "--version"]).output().is_some() {
        return Ok(());
    }
    println!("cargo-nextest is missing: installing it");
    cargo(["install", "--locked", "cargo-nextest"]).run()
}

/// A fuzz target for a minute. All that it needs is compiled anew for it, with instrumentation.
fn fuzz(crate_name: &str, target: &str) -> Result<Step> {
    if cargo(["fuzz", "--version"]).output().is_none() {
        println!("cargo-fuzz is missing: installing it");
        cargo(["install", "--locked", "cargo-fuzz"]).run()?;
    }
    let built = crate::process::target().join("fuzz");
    let corpus = built.join("corpus").join(target);
    std::fs::create_dir_all(&corpus).map_err(|why| format!("{}: {why}", corpus.display()))?;
    // Made-up files to begin with, where a target has some. What the fuzzer finds goes to the first folder that it is given.
    let seeds = std::path::PathBuf::from(format!("crates/{crate_name}/fuzz/seeds/{target}"));
    Ok(cargo(["fuzz", "run", "--fuzz-dir"])
        .args([
            format!("crates/{crate_name}/fuzz"),
            "--target-dir".to_owned(),
        ])
        .args([built])
        .args([target])
        .args([corpus])
        .args(seeds.is_dir().then_some(seeds))
        .args(["--", "-max_total_time=60"])
        // The instrumentation is not stable; this lets the stable compiler have it.
        .env("RUSTC_BOOTSTRAP", "1"))
}

/// Licences, sources and duplicates; without the advisory database, which is fetched from outside.
fn deny() -> Result<Step> {
    if cargo(["deny", "--version"]).output().is_none() {
        println!("cargo-deny is missing: installing it");
        cargo(["install", "--locked", "cargo-deny"]).run()?;
    }
    Ok(step("cargo").args(["deny", "check", "bans", "licenses", "sources"]))
}

#[derive(Default)]
struct Steps(Vec<(String, Duration)>);

impl Steps {
    fn run(&mut self, name: &str, step: Step) -> Result {
        println!("\n==> {name}: {}", step.line());
        let begin = Instant::now();
        step.run().map_err(|why| format!("{name}: {why}"))?;
        self.0.push((name.to_owned(), begin.elapsed()));
        Ok(())
    }

    fn report(&self) {
        println!("\nAll of it holds:");
        for (name, time) in &self.0 {
            println!("  {:6.1} s  {name}", time.as_secs_f64());
        }
        let total: Duration = self.0.iter().map(|(_, time)| *time).sum();
        println!("  {:6.1} s  in all", total.as_secs_f64());
    }
}
