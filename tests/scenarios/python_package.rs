//! The Python package `clms-store`: its wheel is built, checked, and used as people use it, with the real xcube and in an environment that
//! has nothing else.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use clms_factory::{Package, Scale, broken};
use clms_servers::Server;
use clms_tests::{Run, Scene, cdse::Cdse, lake_ice, program, python};
use serde_json::json;
use tempfile::TempDir;

const FILES: [(&str, Scale); 5] = [
    ("FTY_2015_100m_eu_03035_d02_Full", Scale::Pixels(900, 700)),
    ("TCD_2015_100m_eu_03035_d04_Full", Scale::Pixels(300, 200)),
    ("FTY_2015_020m_eu_03035_d04_E00N20", Scale::Pixels(400, 400)),
    ("CLMS_CLCplus_RASTER_2021", Scale::Pixels(300, 300)),
    ("FR010L2_MONTPELLIER_UA2018_v013", Scale::Pixels(1, 1)),
];

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../python")
}

/// A program of the environment that has what the package is built, checked and tried with, in the package's folder.
fn tool(name: &str) -> Command {
    let mut tool = Command::new(python::xcube().with_file_name(name));
    tool.current_dir(package());
    tool
}

/// What `pip install` leaves of the package in a folder of its own: its modules, its program, and what xcube looks for.
fn installed(wheel: &Path, folder: &Path) {
    let mut pip = tool("python");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
    ])
    .args([folder, wheel]);
    let _ = Run::of(pip).well();
}

/// In place of cargo for maturin, which wants one package built: that has other features on its own than in the workspace, so that everything
/// would be compiled anew, and while other tests use it. It is told of the program that is there for all tests.
const CARGO: &str = r#"#!/bin/sh
case "$1" in
rustc) printf '%s\n' "$CLMS_TEST_ARTIFACT" '{"reason":"build-finished","success":true}' ;;
*) exec cargo "$@" ;;
esac
"#;

/// What cargo says of the program when it has built it.
fn artifact() -> String {
    let folder = package().join("../crates/clms-cli").canonicalize().unwrap();
    let program = program("clms");
    json!({
        "reason": "compiler-artifact",
        "package_id": format!("path+file://{}#{}", folder.display(), env!("CARGO_PKG_VERSION")),
        "manifest_path": folder.join("Cargo.toml"),
        "target": {
            "kind": ["bin"],
            "crate_types": ["bin"],
            "name": "clms",
            "src_path": folder.join("src/main.rs"),
            "edition": "2024",
        },
        "profile": {
            "opt_level": "1",
            "debug_assertions": true,
            "overflow_checks": true,
            "test": false,
        },
        "features": [],
        "filenames": [program],
        "executable": program,
        "fresh": true,
    })
    .to_string()
}

/// The wheel, with the program as cargo has built it for all tests.
fn built(folder: &Path) -> PathBuf {
    let cargo = folder.join("cargo-of-the-tests");
    fs::write(&cargo, CARGO).unwrap();
    fs::set_permissions(&cargo, Permissions::from_mode(0o755)).unwrap();
    let wheels = folder.join("wheels");
    let mut maturin = tool("maturin");
    maturin
        .args(["build", "--profile", "dev", "--locked"])
        .args(["--auditwheel", "skip", "--out"])
        .arg(&wheels)
        .env("CARGO", cargo)
        .env("CLMS_TEST_ARTIFACT", artifact());
    let _ = Run::of(maturin).well();
    let mut wheels = fs::read_dir(wheels).unwrap();
    wheels.next().unwrap().unwrap().path()
}

#[test]
fn its_code_is_formatted_linted_and_typed() {
    for words in [
        &["ruff", "format", "--check"][..],
        &["ruff", "check", "--no-cache"],
        &["mypy"],
    ] {
        let mut check = tool(words[0]);
        check.args(&words[1..]).env("MYPY_CACHE_DIR", "/dev/null");
        let _ = Run::of(check).well();
    }
}

#[test]
fn its_wheel_does_what_the_peer_does_and_more() {
    let scene = Scene::new();
    for (file, scale) in FILES {
        let package = Package::by_file_name(file, scale).unwrap();
        package.spec().write(&scene.packages()).unwrap();
    }
    let empty = broken::without_raster("u2018_clc2018_v2020_20u1_raster100m");
    empty.write(&scene.packages()).unwrap();
    let _ = lake_ice(&scene.packages(), 3);
    let cdse = Cdse::with_soil_moisture();
    let storage = Server::s3();

    let folder = TempDir::new().unwrap();
    let wheel = built(folder.path());
    let target = folder.path().join("installed");
    installed(&wheel, &target);
    let mut pytest = tool("python");
    pytest
        .args(["-m", "pytest", "--durations=5"])
        .env("PYTHONPATH", &target)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CLMS_TEST_SIM", program("clms-sim"))
        .env("CLMS_TEST_PACKAGES", scene.packages())
        .env("CLMS_TEST_S3", storage.url("python"))
        .envs(cdse.environment())
        .envs(storage.environment());
    let tested = Run::of(pytest);
    println!("{}", tested.stdout);
    assert_eq!(tested.code, Some(0), "pytest says above what is wrong");

    alone(&wheel, &folder.path().join("empty"), &scene);
}

/// In an environment that has nothing but what the wheel asks for.
fn alone(wheel: &Path, environment: &Path, scene: &Scene) {
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(environment);
    let _ = Run::of(venv).well();
    let programs = environment.join("bin");
    let mut pip = Command::new(programs.join("python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--constraint",
    ])
    .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/requirements-xcube.txt"))
    .arg(wheel);
    let _ = Run::of(pip).well();

    let in_it = |name: &str, args: &[&str]| {
        let mut command = scene.any_command(&programs.join(name));
        command.args(args);
        Run::of(command).well().stdout
    };
    let version = in_it("clms", &["--version"]);
    assert!(version.starts_with("clms 0."), "{version}");
    let said = in_it("python", &["-c", ALONE]);
    assert_eq!(
        said,
        format!(
            "{}\ncompleted\nuint8 (700, 900)\n",
            programs.join("clms").display()
        )
    );
}

const ALONE: &str = r#"
import clms
print(clms.program())
forest = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full"
assert forest in set(clms.list("forest").data_id)
print(clms.preload(forest).get_state(forest).status)
ds = clms.open(forest, mask_and_scale=False)
print(ds.FTY.dtype, ds.FTY.shape)
"#;
