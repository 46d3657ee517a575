//! What goes wrong for people, on purpose: whole runs, word for word, as `docs/src/style.md` wants them.

use std::{fs, process::Stdio, time::Duration};

use clms_factory::{Package, Scale, broken};
use clms_sim::{Habits, QueueTimes, Sim, TaskOutcome};
use clms_tests::{Run, Scene};
use insta::{Settings, assert_snapshot};

use crate::commands;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const PARTS: &str = "forest-type-2015|20 m";
const FOREST_FILE: &str = "FTY_2015_100m_eu_03035_d02_Full";

/// How long it took, and under which name something was kept for a while, changes too.
fn settings(scene: &Scene) -> Settings {
    let mut settings = commands::settings(scene);
    settings.add_filter(r"(in|for) \d+(\.\d+)? s\b", "$1 [SECONDS]");
    settings.add_filter(r"download-\d+", "download-[TASK]");
    settings
}

/// Runs of the program that all fail, as they look in a terminal.
pub(crate) struct Failures<'a> {
    scene: &'a Scene,
    text: String,
    count: usize,
}

impl<'a> Failures<'a> {
    pub(crate) fn of(scene: &'a Scene) -> Self {
        Self {
            scene,
            text: String::new(),
            count: 0,
        }
    }

    /// Types a command; its words are divided by blanks, FOREST is the usual data id, and PARTS one that is cut out on request.
    pub(crate) fn types(&mut self, line: &str) {
        let words: Vec<String> = line
            .split(' ')
            .map(|word| word.replace("FOREST", FOREST).replace("PARTS", PARTS))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let run = self.scene.clms(&words);
        self.takes(line, &run);
    }

    fn takes(&mut self, line: &str, run: &Run) {
        assert_ne!(run.code, Some(0), "{line}");
        for word in [
            "panicked",
            "RUST_BACKTRACE",
            "Error {",
            "Some(",
            "unwrap",
            "PRIVATE KEY",
        ] {
            assert!(!run.stderr.contains(word), "{line}: {run:#?}");
        }
        let code = run.code.map_or("none".to_owned(), |code| code.to_string());
        self.text += &format!(
            "$ clms {line}\n{}{}[exit {code}]\n\n",
            run.stdout, run.stderr
        );
        self.count += 1;
    }

    pub(crate) fn end(self, name: &str, count: usize) {
        assert_eq!(self.count, count);
        settings(self.scene).bind(|| assert_snapshot!(name, self.text));
    }
}

#[test]
fn wrong_words() {
    let scene = Scene::new();
    let mut failures = Failures::of(&scene);
    for line in [
        "lst",
        "list --sorce EEA",
        "preload",
        "search --bbox 1,2,3",
        "search snow --time yesterday",
        "list --poll-interval soon",
        "list -v -q",
        "preload FOREST --tile-size 7",
        "preload FOREST --levels many",
        "preload FOREST --zarr-format 4",
        "preload FOREST --bbox 5,46,6,45",
        "preload FOREST --bbox 5,45,6,46 --nuts LU",
        "preload FOREST --timeout never",
        "open FOREST --time 2020-13",
        "schema everything",
        "preview FOREST --out map.jpg",
        "export FOREST",
        "export FOREST --out window.doc",
        "export FOREST --out window.tif --resolution 0",
        "export FOREST --out window.tif --point here",
        "cache gc --max-size lots",
        "cache gc --max-size 10",
        "cache list --cache ftp://host/cubes",
        "cache list --store-option nonsense",
        "jobs show nonsense!",
        "completions tcsh",
        "list --api-url nonsense",
    ] {
        failures.types(line);
    }
    failures.end("wrong_words", 27);
}

#[test]
fn wrong_names() {
    let scene = Scene::new();
    let mut failures = Failures::of(&scene);
    for line in [
        "describe clc2108",
        "describe clc2018|u2018_clc2018_v2020_20u1_raster10m",
        "preload forest-type-2015",
        "preload FOREST forest-type-2015|FTY_2015_100m_eu_03035_d02_Fool",
        "open nothing-of-the-kind",
        "preview a|b|c --out map.png",
        "cache remove FOREST",
        "cache info FOREST",
        "cache verify FOREST",
        "jobs show FOREST",
        "open FOREST",
        "export FOREST --out window.tif",
        "preview FOREST --out map.png",
        "open FOREST --cache /dev/null",
    ] {
        failures.types(line);
    }
    failures.end("wrong_names", 14);
}

#[test]
fn wrong_files() {
    let scene = Scene::new();
    let home = scene.home();
    fs::write(
        home.join("request.toml"),
        "data_ids = [\"clc2018\"]\ntile-size = 512\n",
    )
    .unwrap();
    fs::write(home.join("broken.json"), "{\"data_ids\": [").unwrap();
    fs::write(home.join("empty.toml"), "").unwrap();
    let mut failures = Failures::of(&scene);
    for line in [
        "preload --request-file nowhere.toml",
        "preload --request-file request.toml",
        "preload --request-file broken.json",
        "preload --request-file empty.toml",
        "preload FOREST --dry-run --save-request request.txt",
        "export --request-file empty.toml",
    ] {
        failures.types(line);
    }
    let folder = home.join(".config/clms");
    fs::create_dir_all(&folder).unwrap();
    for text in [
        "cahce = \"/data\"\n",
        "cache = /data\n",
        "poll-interval = \"soon\"\n",
        "progress = \"loud\"\n",
    ] {
        fs::write(folder.join("config.toml"), text).unwrap();
        failures.types("list");
    }
    failures.end("wrong_files", 10);
}

#[test]
fn wrong_keys() {
    let scene = Scene::new();
    let home = scene.home();
    let key: serde_json::Value = serde_json::from_str(&scene.sim.service_key_json()).unwrap();
    let other: serde_json::Value =
        serde_json::from_str(&Sim::builder().start().unwrap().service_key_json()).unwrap();
    let changed = |name: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let mut key = key.clone();
        change(&mut key);
        fs::write(home.join(name), key.to_string()).unwrap();
    };
    changed("no-id.json", &|key| {
        drop(key.as_object_mut().unwrap().remove("client_id"));
    });
    changed("no-pem.json", &|key| key["private_key"] = "abc".into());
    changed("refused.json", &|key| {
        key["private_key"] = other["private_key"].clone();
    });
    changed("elsewhere.json", &|key| {
        key["token_uri"] = "http://127.0.0.1:9/token".into();
    });
    fs::write(home.join("page.json"), "<html></html>").unwrap();
    fs::remove_file(scene.credentials()).unwrap();
    let mut failures = Failures::of(&scene);
    for line in [
        "auth check",
        "preload FOREST",
        "auth login nowhere.json",
        "auth login page.json",
        "auth login no-id.json",
        "auth login no-pem.json",
        "auth login refused.json",
        "auth login elsewhere.json",
    ] {
        failures.types(line);
    }
    let mut command = scene.command(&["auth", "login"]);
    command.stdin(Stdio::null());
    failures.takes("auth login < /dev/null", &Run::of(command));
    failures.takes(
        "auth login < page",
        &Run::with_input(scene.command(&["auth", "login"]), "<html>"),
    );
    assert!(!scene.credentials().exists(), "what is no good is not kept");
    failures.end("wrong_keys", 10);
}

#[test]
fn a_portal_that_is_not_there() {
    let scene = Scene::new();
    let mut failures = Failures::of(&scene);
    for line in [
        "list --offline",
        "auth check --offline",
        "preload FOREST --offline",
        "list --api-url http://127.0.0.1:9/api",
        "list --cache s3://bucket/cubes --offline",
    ] {
        failures.types(line);
    }
    let without_certificates = |words: &[&str]| {
        let mut command = scene.command(words);
        command.env("SSL_CERT_FILE", "/dev/null");
        Run::of(command)
    };
    failures.takes("list  # no certificates", &without_certificates(&["list"]));
    failures.end("a_portal_that_is_not_there", 6);
    // What needs no network needs none.
    let _ = without_certificates(&["cache", "list"]).well();
}

#[test]
fn bad_packages_and_a_slow_queue() {
    let mut text = String::new();
    let mut count = 0;
    let mut play = |scene: &Scene, line: &str| {
        let mut failures = Failures::of(scene);
        failures.types(line);
        // The next service has another home, which one snapshot can't know.
        let home = scene.home().display().to_string();
        text += &failures.text.replace(&home, "[HOME]");
        count += failures.count;
    };
    for package in [
        broken::truncated(FOREST_FILE),
        broken::without_raster(FOREST_FILE),
    ] {
        let scene = Scene::new().delivering(&package);
        play(&scene, "preload FOREST --timeout 3s --progress none");
    }
    let slow = Scene::new().delivering(&forest());
    slow.sim.set_queue(QueueTimes {
        queued: Duration::from_secs(900),
        running: Duration::from_secs(1),
    });
    play(&slow, "preload FOREST --timeout 1s --progress none");
    let rejected = Scene::with_habits(Habits {
        outcome: TaskOutcome::Rejected("the area is too large".to_owned()),
        ..Habits::default()
    });
    play(
        &rejected.delivering(&forest()),
        "preload FOREST --progress none",
    );
    assert_eq!(count, 4);
    let scene = Scene::new();
    settings(&scene).bind(|| assert_snapshot!("bad_packages_and_a_slow_queue", text));
}

#[test]
fn wrong_windows_of_a_cube() {
    let scene = Scene::new().delivering(&forest());
    let _ = scene.clms(&["preload", FOREST]).well();
    fs::write(scene.home().join("there.tif"), "mine").unwrap();
    fs::create_dir(scene.home().join("folder.tif")).unwrap();
    let mut failures = Failures::of(&scene);
    for line in [
        "export FOREST --out there.tif",
        "export FOREST --out folder.tif",
        "export FOREST --out nowhere/window.tif",
        "export FOREST --out window.tif --bbox 100,10,101,11",
        "export FOREST --out window.tif --variable colour",
        "export FOREST --out window.tif --group guyana",
        "export FOREST --out window.tif --crs EPSG:1",
        "export FOREST --out window.tif --crs EPSG:4326 --resolution 1000",
        "export FOREST --out window.tif --crs EPSG:4326 --resampling mean",
        "export FOREST --out table.csv --polygon nowhere.geojson",
        "export FOREST --out table.csv --point 100,10",
        "preview FOREST --out nowhere/map.png",
        "preview FOREST --out map.png --time 2015",
        "preview FOREST --out map.png --width 3",
    ] {
        failures.types(line);
    }
    failures.end("wrong_windows_of_a_cube", 14);
}

fn forest() -> clms_factory::PackageSpec {
    Package::forest_type_2015(Scale::Pixels(900, 700)).into_spec()
}
