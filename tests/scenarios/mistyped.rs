//! What people type who have not read the manual: each answer leads on.

use std::fs;

use clms_factory::{Package, Scale};
use clms_tests::{Run, Scene, program};

use crate::errors::Failures;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const PARTS: &str = "forest-type-2015|20 m";

fn with_forest() -> Scene {
    let package = Package::forest_type_2015(Scale::Pixels(900, 700)).into_spec();
    let scene = Scene::new().delivering(&package);
    let _ = scene.clms(&["preload", FOREST]).well();
    scene
}

#[test]
fn boxes_that_were_not_meant() {
    let scene = Scene::new();
    let mut failures = Failures::of(&scene);
    for line in [
        "preload PARTS --bbox 41.3,8.5,43.1,9.6",
        "preload PARTS --bbox 41.3,8.5,43.1,9.6 --dry-run",
        "preload PARTS --bbox 100,10,101,11",
        "preload PARTS --bbox 9.6,43.1,8.5,41.3",
        "preload PARTS --bbox -8.5 41.3 9.6 43.1",
        "search forest --bbox 9.6,43.1,8.5,41.3",
        "search forest --bbox 8.5, 41.3, 9.6, 43.1",
    ] {
        failures.types(line);
    }
    failures.end("boxes_that_were_not_meant", 7);
    assert!(scene.sim.tasks().is_empty(), "nothing is requested");
    let swapped = ["search", "forest", "--bbox", "41.3,8.5,43.1,9.6"];
    let run = scene.clms(&swapped).well();
    assert!(
        run.stderr
            .contains("did you mean --bbox 8.5,41.3,9.6,43.1?"),
        "{run:#?}"
    );
    // What is shown as an example works.
    let shown = scene.clms(&["describe", "forest-type-2015"]).well().stdout;
    let next = shown.lines().find(|line| line.starts_with("next")).unwrap();
    let (_, example) = next.split_once("--bbox ").unwrap();
    let _ = scene
        .clms(&["preload", PARTS, "--bbox", example, "--dry-run"])
        .well();
}

#[test]
fn names_that_stand_for_several() {
    let scene = Scene::new();
    let mut failures = Failures::of(&scene);
    for line in [
        "preload PARTS",
        "describe PARTS",
        "export PARTS --out window.tif --bbox 8.5,41.3,9.6,43.1",
        "preload forest-type-2015|*Full",
        "describe forest-type-2015|FTY_2015_100m*",
        "preload forest-type-2015|nothing*",
        "open clms_cache/FOREST.zarr",
        "export /data/clc2018.zarr/ --out window.tif",
    ] {
        failures.types(line);
    }
    failures.end("names_that_stand_for_several", 8);
}

/// The line that preloads all that match a pattern is one that a shell takes, also for ids with blanks.
#[cfg(unix)]
#[test]
fn a_pattern_comes_with_a_line_that_works() {
    let scene = Scene::new();
    let told = scene
        .clms(&["preload", "forest-type-2015|*Full"])
        .with_code(3);
    let line = told
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("  clms list "));
    let line = format!("clms list {} --dry-run", line.unwrap());
    // As if it was typed where the program is on the path.
    let usual = scene.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]).current_dir(scene.home());
    for (name, value) in usual.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let folder = program("clms").parent().unwrap().display().to_string();
    let _ = shell.env("PATH", format!("{folder}:/usr/bin:/bin"));
    let run = Run::of(shell).well();
    for id in [FOREST, "forest-type-2015|FTY_2015_020m_eu_03035_d04_Full"] {
        assert!(
            run.stdout.contains(&format!("data id   {id}\n")),
            "{run:#?}"
        );
    }
    assert!(told.stderr.contains(": 2 that can be had"), "{told:#?}");
}

#[test]
fn what_is_cached_comes_first() {
    let scene = with_forest();
    fs::create_dir(scene.home().join("elsewhere")).unwrap();
    let mut failures = Failures::of(&scene);
    for line in [
        "open forest-type-2015",
        "preview FTY_2015_100m_eu_03035_d02_Full --out map.png",
        "preload forest-type-2015",
        "open FOREST --cache elsewhere",
    ] {
        failures.types(line);
    }
    failures.end("what_is_cached_comes_first", 4);
}

#[test]
fn windows_that_were_not_meant() {
    let scene = with_forest();
    let mut failures = Failures::of(&scene);
    for line in [
        "export FOREST --out window.tif --bbox 1000000,5100000,1100000,5200000",
        "export FOREST --out table.csv --point 1000000,5100000",
        "export FOREST --out window.tif --bbox-crs 3035 --bbox 1,2,3,4",
        "export FOREST --out window.tif --crs 4326 --bbox 100,10,101,11",
        "export FOREST --out window.tif --time 2018",
        "export FOREST --out window.tif --time ../2014-06",
    ] {
        failures.types(line);
    }
    failures.end("windows_that_were_not_meant", 6);
    for (out, more) in [
        ("a.tif", ["--time", "2015-06"]),
        ("b.tif", ["--crs", "3857"]),
        ("c.tif", ["--bbox-crs", "3035"]),
    ] {
        let run = scene
            .clms(&["export", FOREST, "--out", out, more[0], more[1]])
            .well();
        assert!(!run.stderr.contains("note:"), "{run:#?}");
    }
}

#[test]
fn words_of_other_programs() {
    let scene = Scene::new();
    let mut failures = Failures::of(&scene);
    for line in [
        "serach forest",
        "ls",
        "download forest",
        "info clc2018",
        "version",
        "auth status",
        "search forest --place Corsica",
        "search forest --product clc2018",
        "export FOREST --nuts AT --out at.tif",
        "list clc2018 --json",
        "list --cahce x",
        "list --source foo",
        "search forest --source Foo",
        "preload FOREST --timeout 5",
    ] {
        failures.types(line);
    }
    failures.end("words_of_other_programs", 14);
    for source in ["eea", "WEKEO", "cdse_csv"] {
        let _ = scene.clms(&["list", "--source", source]).well();
    }
}

#[test]
fn help_that_nobody_asked_for_is_short() {
    let scene = Scene::new();
    for words in [&[] as &[&str], &["cache"], &["auth"], &["config"]] {
        let run = scene.clms(words).with_code(2);
        let help = &run.stderr;
        assert!(
            help.ends_with("\nGlobal options: clms --help\n"),
            "{run:#?}"
        );
        assert!(
            help.contains("Commands:") && !help.contains("--api-url"),
            "{run:#?}"
        );
        assert!(help.lines().count() <= 32, "{run:#?}");
        let usage = format!(
            "Usage: {} <COMMAND>",
            [&["clms"][..], words].concat().join(" ")
        );
        assert!(help.contains(&usage), "{run:#?}");
    }
}

#[test]
fn searches_for_places() {
    let scene = Scene::new();
    let note = |words: &[&str]| scene.clms(&[&["search"][..], words].concat()).well().stderr;
    for words in [
        &["Corsica"][..],
        &["forest", "Corsica"],
        &["forest Corsica"],
    ] {
        let note = note(words);
        assert!(
            note.contains("nothing knows 'Corsica'; places are given as --bbox"),
            "{note}"
        );
    }
    let first = |words: &[&str]| {
        let run = scene
            .clms(&[&["search"][..], words, &["-o", "json"]].concat())
            .well();
        run.json()[0]["data_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(first(&["Montpellier"]).contains("MONTPELLIER"));
    assert!(first(&["Greece"]).contains("_gr_"));
    assert!(first(&["forest", "E40N20"]).contains("E40N20"));
    assert!(first(&["corine", "--resolution", "100"]).starts_with("clc2018|"));
    let forest = note(&["forest", "type", "2015"]);
    assert!(
        forest.contains("1 of 56 files: clms list --product forest-type-2015"),
        "{forest}"
    );
}

#[test]
fn ids_and_paths_stay_in_one_line() {
    let scene = Scene::new();
    let bbox = "8.123456,41.3,9.6,43.123456";
    let run = scene
        .clms(&["preload", PARTS, "--bbox", bbox, "--dry-run"])
        .well();
    let cube = scene.cache().join(format!("{PARTS}?bbox={bbox}.zarr"));
    let line = format!("cube      {}\n", cube.display());
    assert!(run.stdout.contains(&line), "{run:#?}");
    let last = "1 download of unknown size; nothing was requested\n";
    assert!(run.stdout.ends_with(last), "{run:#?}");
}
