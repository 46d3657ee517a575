//! Whole runs of the program: what it prints, word for word, and how it ends.

use std::{
    fs,
    process::{Command, Stdio},
};

use clms_factory::{Package, Scale, broken};
use clms_sim::{Habits, QueueTimes, When};
use clms_tests::{Run, Scene};
use insta::{Settings, assert_snapshot};
use std::time::Duration;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const TREES: &str = "tree-cover-density-2015|TCD_2015_100m_eu_03035_d04_Full";
const BLOCK: &str = "forest-type-2015|FTY_2015_020m_eu_03035_d04_E00N20";

/// A service that delivers a small forest and small trees.
fn scene() -> Scene {
    Scene::new()
        .delivering(Package::forest_type_2015(Scale::Pixels(900, 700)).spec())
        .delivering(Package::tree_cover_density_2015(Scale::Pixels(300, 200)).spec())
}

/// What changes from run to run is named instead.
pub(crate) fn settings(scene: &Scene) -> Settings {
    let mut settings = Settings::clone_current();
    let mut home = scene.home().to_str().unwrap().to_owned();
    for special in ['.', '|'] {
        home = home.replace(special, &format!("\\{special}"));
    }
    settings.add_filter(&home, "[HOME]");
    settings.add_filter(r"127\.0\.0\.1:\d+", "[HOST]");
    // What PROJ writes differs from version to version.
    settings.add_filter(r#""PROJCRS\[(\\.|[^"\\])*""#, r#""[WKT]""#);
    settings.add_filter(r#""task_id": "\d+""#, r#""task_id": "[TASK]""#);
    settings.add_filter(r"task \d{9,11}", "task [TASK]");
    settings.add_filter(r"(task id +)\d+", "$1[TASK]");
    settings.add_filter(r"\b[0-9a-f]{32}\b", "[HEX32]");
    settings.add_filter(r"of \d+ bytes", "of [N] bytes");
    // Task ids and ages have no fixed width, and columns move with them.
    settings.add_filter(r"  \d{9,11}  +", "  [TASK]  ");
    settings.add_filter(r"STATE +TASK +SINCE +", "STATE  TASK  SINCE  ");
    settings.add_filter(r"BUILT +", "BUILT  ");
    settings.add_filter(
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)?",
        "[TIME]",
    );
    settings.add_filter(r"\d+ s ago *", "[AGO]  ");
    settings.add_filter(r#""client_id": "[0-9a-f]+""#, r#""client_id": "[CLIENT]""#);
    settings.add_filter(r#""bytes": \d+"#, r#""bytes": "[BYTES]""#);
    settings.add_filter(r" +\d+(\.\d+)? KiB", " [SIZE]");
    settings.add_filter(r"clms 0\.\d+\.\d+", "clms [VERSION]");
    settings
}

pub(crate) fn snapshot(scene: &Scene, name: &str, run: &Run) {
    let text = format!(
        "exit code: {}\n--- stdout\n{}--- stderr\n{}",
        run.code.map_or("none".to_owned(), |code| code.to_string()),
        run.stdout,
        run.stderr
    );
    settings(scene).bind(|| assert_snapshot!(name, text));
}

#[test]
fn what_everybody_may_look_at() {
    let scene = scene();
    for (name, args) in [
        ("auth_check", &["auth", "check"][..]),
        ("auth_check_json", &["auth", "check", "-o", "json"]),
        ("list", &["list", "forest-type-2015|*Full"]),
        (
            "list_json",
            &["list", "forest-type-2015/*100m*Full", "-o", "json"],
        ),
        ("list_all", &["list", "--all", "--product", "clc2018"]),
        ("list_nothing", &["list", "nothing-like-that"]),
        ("describe", &["describe", FOREST]),
        ("describe_json", &["describe", FOREST, "-o", "json"]),
        (
            "describe_vector",
            &["describe", "clc2018/u2018_clc2018_v2020_20u1_fgdb"],
        ),
        ("dry_run", &["preload", "--dry-run", FOREST, TREES]),
        (
            "dry_run_json",
            &["preload", "--dry-run", FOREST, "-o", "json"],
        ),
        ("search", &["search", "sealed soil", "--limit", "3"]),
        (
            "search_json",
            &["search", "forest Europe 2018", "--limit", "1", "-o", "json"],
        ),
        ("search_nothing", &["search", "volcanoes"]),
        ("search_no_box", &["search", "snow", "--bbox", "1,2,3"]),
        ("list_offline", &["--offline", "list", "clc2018|*fgdb"]),
        ("auth_offline", &["--offline", "auth", "check"]),
        ("schema_open", &["schema", "open"]),
        (
            "schema_open_of_one",
            &["schema", "open", "lake-ice-extent-europe-v2-250m"],
        ),
        (
            "schema_preload_of_one",
            &["schema", "preload", "lake-ice-extent-europe-v2-250m"],
        ),
        (
            "schema_preload_of_a_collection",
            &[
                "schema",
                "preload",
                "normalised-difference-vegetation-index-v2-0-300m|300m",
            ],
        ),
        ("schema_of_nothing", &["schema", "everything"]),
        (
            "describe_elsewhere",
            &["describe", "lake-ice-extent-europe-v2-250m"],
        ),
        (
            "open_elsewhere_without_keys",
            &[
                "open",
                "lake-ice-extent-europe-v2-250m",
                "--time",
                "2020-01",
            ],
        ),
        ("jobs_none", &["jobs"]),
        ("cache_none", &["cache", "list"]),
        ("open_not_cached", &["open", FOREST]),
        ("open_not_cached_json", &["open", FOREST, "-o", "json"]),
    ] {
        snapshot(&scene, name, &scene.clms(args));
    }
    let created: Vec<_> = fs::read_dir(scene.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !created.iter().any(|name| name == "cache"),
        "looking creates nothing: {created:?}"
    );
}

#[test]
fn a_preload_and_what_can_be_done_then() {
    let scene = scene();
    let mut run = scene.clms(&["preload", FOREST]);
    // Which of the task's states are seen is a matter of luck.
    run.stderr = run
        .stderr
        .lines()
        .filter(|line| {
            !["Queued", "In_progress", "Finished_ok"]
                .iter()
                .any(|word| line.ends_with(word))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    snapshot(&scene, "preload", &run);
    let map = scene.home().join("map.png");
    let map = map.to_str().unwrap();
    for (name, args) in [
        ("preload_again_json", &["preload", FOREST, "-o", "json"][..]),
        ("jobs", &["jobs", "list"]),
        ("jobs_json", &["jobs", "list", "-o", "json"]),
        ("cache", &["cache", "list"]),
        ("cache_json", &["cache", "list", "-o", "json"]),
        ("open", &["open", FOREST]),
        ("open_json", &["open", FOREST, "-o", "json"]),
        (
            "preview",
            &["preview", FOREST, "--out", map, "--width", "200"],
        ),
        ("preview_not_png", &["preview", FOREST, "--out", "map.jpg"]),
    ] {
        snapshot(&scene, name, &scene.clms(args));
    }
    assert_eq!(&fs::read(map).unwrap()[1..4], b"PNG");
}

#[test]
fn what_is_cached_needs_no_network() {
    let scene = scene();
    let _ = scene.clms(&["preload", FOREST]).well();
    // A cube that came from elsewhere has no job.
    fs::remove_dir_all(scene.cache().join(".clms/v1/records")).unwrap();
    fs::remove_file(scene.credentials()).unwrap();
    let requests = scene.sim.requests().len();
    for args in [
        &["preload", FOREST][..],
        &["open", FOREST],
        &["jobs", "list"],
        &["cache", "list"],
    ] {
        let _ = scene.clms(args).well();
    }
    assert_eq!(scene.sim.requests().len(), requests);
}

#[test]
fn force_builds_anew_and_replaces() {
    let scene = scene();
    let _ = scene.clms(&["preload", FOREST]).well();
    let before = fs::metadata(scene.cube(FOREST).join("zarr.json"))
        .unwrap()
        .modified()
        .unwrap();
    let again = scene
        .clms(&[
            "preload",
            FOREST,
            "--force",
            "--tile-size",
            "256",
            "-o",
            "json",
        ])
        .well()
        .json();
    assert_eq!(again[0]["status"], "completed");
    assert!(
        fs::metadata(scene.cube(FOREST).join("zarr.json"))
            .unwrap()
            .modified()
            .unwrap()
            > before
    );
    let opened = scene.clms(&["open", FOREST, "-o", "json"]).well().json();
    assert_eq!(
        opened["groups"][0]["variables"][0]["chunks"],
        serde_json::json!([256, 256])
    );
}

#[test]
fn the_older_format_can_be_opened_and_drawn_too() {
    let scene = scene();
    let _ = scene
        .clms(&["preload", FOREST, "--zarr-format", "2", "--levels", "1"])
        .well();
    assert!(scene.cube(FOREST).join(".zmetadata").is_file());
    let opened = scene.clms(&["open", FOREST, "-o", "json"]).well().json();
    assert_eq!(opened["groups"][0]["variables"][0]["dtype"], "uint8");
    let _ = scene
        .clms(&["preview", FOREST, "--out", "map.png", "--width", "100"])
        .well();
    assert_eq!(
        scene.clms(&["cache", "list", "-o", "json"]).well().json()[0]["data_id"],
        FOREST
    );
    let again = scene.clms(&["preload", FOREST, "-o", "json"]).well().json();
    assert_eq!(again[0]["status"], "cached");
    let other = scene.clms(&["preload", FOREST, "--zarr-format", "3"]);
    let _ = other
        .well()
        .saying(&["is cached as Zarr 2", "--force builds it anew as Zarr 3"]);
}

#[test]
fn some_of_several_failed() {
    let scene = scene().delivering(&broken::without_raster("FTY_2015_020m_eu_03035_d04_E00N20"));
    let run = scene
        .clms(&["preload", FOREST, BLOCK, "-o", "json"])
        .with_code(5);
    let json = run.json();
    assert_eq!(json[0]["status"], "completed");
    assert_eq!(json[1]["status"], "failed");
    assert_eq!(json[1]["error"]["kind"], "no_raster");
    assert_eq!(json[1]["error"]["retryable"], false);
    assert!(json[1]["error"]["hint"].is_string(), "{run:#?}");
}

#[test]
fn progress_is_lines_json_or_nothing_and_never_on_stdout() {
    let scene = scene();
    let run = scene
        .clms(&["preload", FOREST, "--progress", "json", "-o", "json"])
        .well();
    let events: Vec<serde_json::Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")))
        .collect();
    assert_eq!(events.first().unwrap()["event"], "job_started");
    assert!(
        events
            .iter()
            .any(|event| event["event"] == "amount" && event["unit"] == "bytes")
    );
    let amounts: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "amount")
        .map(|event| (&event["stage"], &event["done"]))
        .collect();
    assert!(
        amounts.windows(2).all(|two| two[0] != two[1]),
        "{amounts:?}"
    );
    assert_eq!(events.last().unwrap()["event"], "job_ended");
    assert_eq!(run.json()[0]["status"], "completed");

    let silent = scene
        .clms(&["preload", FOREST, "--force", "--progress", "none"])
        .well();
    assert_eq!(silent.stderr, "");
    let quiet = scene.clms(&["preload", FOREST, "--force", "-q"]).well();
    assert_eq!(quiet.stderr, "");
}

/// Waits until the service has seen a task, then sends the signal, and returns how the run ended.
fn interrupted(scene: &Scene, signal: &str) -> Run {
    let mut command = scene.command(&["preload", FOREST]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    while scene.sim.tasks().is_empty() {
        let ended = child.try_wait().unwrap();
        assert!(
            ended.is_none(),
            "it ended before anything was requested: {ended:?}"
        );
        std::thread::yield_now();
    }
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    Run::ended(child.wait_with_output().unwrap())
}

#[test]
fn an_interrupted_preload_goes_on_with_the_same_task() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let scene = scene();
        scene.sim.set_queue(QueueTimes {
            queued: Duration::from_secs(900),
            running: Duration::from_secs(1),
        });
        let _ = interrupted(&scene, signal)
            .with_code(code)
            .saying(&["clms preload", FOREST]);
        let tasks = scene.sim.tasks();
        assert_eq!(tasks.len(), 1, "the task stays at the portal");

        // A quarter of an hour later.
        scene.sim.advance(Duration::from_secs(1000));
        let json = scene.clms(&["preload", FOREST, "-o", "json"]).well().json();
        assert_eq!(json[0]["status"], "completed");
        assert_eq!(scene.sim.tasks().len(), 1, "nothing was asked for twice");
    }
}

#[test]
fn a_detached_request_is_carried_on_by_the_same_call() {
    let scene = scene();
    let json = scene
        .clms(&["preload", FOREST, "--detach", "-o", "json"])
        .well()
        .json();
    assert_eq!(json[0]["status"], "requested");
    assert!(json[0]["task_id"].is_string());
    let jobs = scene.clms(&["jobs", "list", "-o", "json"]).well().json();
    assert_eq!(jobs[0]["task_id"], json[0]["task_id"]);
    let json = scene.clms(&["preload", FOREST, "-o", "json"]).well().json();
    assert_eq!(json[0]["status"], "completed");
    assert_eq!(scene.sim.tasks().len(), 1);
}

#[test]
fn the_bad_habits_of_the_portal_are_survived() {
    type Habit = (&'static str, fn(&mut Habits));
    let habits: [Habit; 7] = [
        ("a link that comes alive late", |habits| {
            habits.link_alive_after_requests = 2;
        }),
        ("html instead of a zip", |habits| {
            habits.html_instead_of_zip = When::First(2);
        }),
        ("a truncated zip", |habits| {
            habits.truncated_zip = When::First(1);
        }),
        ("a body that breaks off", |habits| {
            habits.cut_body = When::First(3);
            habits.cut_body_after = 5000;
        }),
        ("a link in a list", |habits| {
            habits.download_url_is_list = true;
        }),
        ("a zombie", |habits| {
            habits.zombies = vec![FOREST.to_owned()];
        }),
        ("a status that goes backwards", |habits| {
            habits.status_goes_back = true;
        }),
    ];
    for (name, change) in habits {
        let mut habits = Habits::default();
        change(&mut habits);
        let scene = Scene::with_habits(habits)
            .delivering(Package::forest_type_2015(Scale::Pixels(400, 300)).spec());
        let run = scene.clms(&["preload", FOREST, "--timeout", "60s", "-o", "json"]);
        assert_eq!(run.code, Some(0), "{name}: {run:#?}");
        assert_eq!(run.json()[0]["status"], "completed", "{name}");
    }
}

#[test]
fn a_retry_that_changes_nothing_says_nothing() {
    let habits = Habits {
        html_instead_of_zip: When::First(6),
        ..Habits::default()
    };
    let scene = Scene::with_habits(habits)
        .delivering(Package::forest_type_2015(Scale::Pixels(300, 200)).spec());
    let run = scene.clms(&["preload", FOREST]).well();
    let said = |words: &str| {
        run.stderr
            .lines()
            .filter(|line| line.contains(words))
            .count()
    };
    assert_eq!(said("is no zip file"), 1, "{run:#?}");
    assert_eq!(said("downloading"), 1, "{run:#?}");
}
