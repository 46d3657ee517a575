//! Bad input and bad luck, as a person meets them: the program says what, on what, why and what to do, and leaves nothing half done.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use clms_factory::{Package, PackageSpec, Scale, broken};
use clms_sim::Sim;
use clms_tests::{
    Run, Scene,
    namespace::{Mount, mounted},
};

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const FOREST_FILE: &str = "FTY_2015_100m_eu_03035_d02_Full";
const FAILED: i32 = 1;
const NO_SUCH_DATA_ID: i32 = 3;
const CREDENTIALS: i32 = 4;

fn forest() -> PackageSpec {
    Package::forest_type_2015(Scale::Pixels(900, 700)).into_spec()
}

/// No panic, no Rust in it, and something to do.
fn assert_is_for_people(run: &Run) {
    for word in ["panicked", "RUST_BACKTRACE", "Error {", "Some(", "unwrap"] {
        assert!(!run.stderr.contains(word), "{run:#?}");
    }
    assert!(run.stderr.contains("error: "), "{run:#?}");
    assert!(run.stderr.contains("hint: "), "{run:#?}");
}

fn assert_nothing_visible(scene: &Scene) {
    let visible: Vec<_> = fs::read_dir(scene.cache())
        .map(|entries| {
            entries
                .map(|entry| entry.unwrap().file_name())
                .filter(|name| name != ".clms")
                .collect()
        })
        .unwrap_or_default();
    assert!(visible.is_empty(), "{visible:?}");
}

fn posts(sim: &Sim) -> usize {
    sim.requests()
        .iter()
        .filter(|request| request.path.ends_with("@datarequest_post"))
        .count()
}

#[test]
fn no_credentials_file() {
    let scene = Scene::new();
    // A variable that is empty is not set, and then there is none at the usual place.
    let mut command = scene.command(&["auth", "check"]);
    command.env("CLMS_CREDENTIALS", "");
    let _ = Run::of(command)
        .with_code(CREDENTIALS)
        .saying(&[".config/clms/credentials.json"]);

    fs::remove_file(scene.credentials()).unwrap();
    for args in [&["auth", "check"][..], &["preload", FOREST]] {
        let run = scene
            .clms(args)
            .with_code(CREDENTIALS)
            .saying(&["credentials.json"]);
        assert_is_for_people(&run);
    }
    assert_eq!(posts(&scene.sim), 0);
}

#[test]
fn what_everybody_may_see_needs_no_credentials() {
    let scene = Scene::new();
    fs::remove_file(scene.credentials()).unwrap();
    let _ = scene.clms(&["list", "forest"]).well();
    let _ = scene.clms(&["describe", FOREST]).well();
    let _ = scene.clms(&["cache", "list"]).well();
    let _ = scene.clms(&["jobs", "list"]).well();
}

#[test]
fn a_credentials_file_that_others_can_read_is_a_warning_with_the_cure() {
    let scene = Scene::new();
    fs::set_permissions(scene.credentials(), fs::Permissions::from_mode(0o644)).unwrap();
    let run = scene
        .clms(&["auth", "check"])
        .well()
        .saying(&["warning: ", "chmod 600"]);
    assert!(!run.stderr.contains("PRIVATE KEY"), "{run:#?}");
}

#[test]
fn broken_credentials_files() {
    let scene = Scene::new();
    let key: serde_json::Value = serde_json::from_str(&scene.sim.service_key_json()).unwrap();
    let without = |field: &str| {
        let mut key = key.clone();
        key.as_object_mut().unwrap().remove(field);
        key.to_string()
    };
    let mut no_pem = key.clone();
    no_pem["private_key"] = "not a key".into();
    for (content, word) in [
        (String::new(), "JSON"),
        ("{".to_owned(), "JSON"),
        ("<html></html>".to_owned(), "JSON"),
        (without("client_id"), "client_id"),
        (without("private_key"), "private_key"),
        (no_pem.to_string(), "key"),
    ] {
        fs::write(scene.credentials(), &content).unwrap();
        let run = scene
            .clms(&["auth", "check"])
            .with_code(CREDENTIALS)
            .saying(&[word]);
        assert_is_for_people(&run);
    }
}

#[test]
fn a_refused_key() {
    let scene = Scene::new();
    // The key of another service: the signature does not fit.
    let other = Sim::builder().start().unwrap();
    let mut key: serde_json::Value = serde_json::from_str(&scene.sim.service_key_json()).unwrap();
    let other: serde_json::Value = serde_json::from_str(&other.service_key_json()).unwrap();
    key["private_key"] = other["private_key"].clone();
    fs::write(scene.credentials(), key.to_string()).unwrap();
    let run = scene
        .clms(&["preload", FOREST])
        .with_code(CREDENTIALS)
        .saying(&["Signature verification failed"]);
    assert_is_for_people(&run);
    assert!(!run.stderr.contains("PRIVATE KEY"), "{run:#?}");
    assert_eq!(posts(&scene.sim), 0);
}

#[test]
fn an_unreachable_host() {
    let scene = Scene::new();
    // Nobody listens on the discard port.
    let mut command = scene.command(&["list", "--quiet"]);
    command.env("CLMS_API_URL", "http://127.0.0.1:9/api");
    let run = Run::of(command).with_code(FAILED).saying(&["127.0.0.1:9"]);
    assert_is_for_people(&run);
    assert!(!run.stderr.contains("warning:"), "{run:#?}");
}

#[test]
fn an_unknown_data_id_is_told_the_nearest_names_and_nothing_is_done() {
    let scene = Scene::new().delivering(&forest());
    let typo = "forest-type-2015|FTY_2015_100m_eu_03035_d02_ful";
    let run = scene
        .clms(&["preload", FOREST, typo])
        .with_code(NO_SUCH_DATA_ID)
        .saying(&["did you mean", FOREST]);
    assert_is_for_people(&run);
    assert_eq!(posts(&scene.sim), 0);
    assert_nothing_visible(&scene);

    let json = scene
        .clms(&["describe", typo, "-o", "json"])
        .with_code(NO_SUCH_DATA_ID)
        .json();
    assert_eq!(json["error"]["kind"], "no_such_data_id");
}

#[test]
fn a_package_that_holds_vectors_in_spite_of_the_catalogue() {
    let scene = Scene::new().delivering(&broken::vector(FOREST_FILE));
    let _ = scene.clms(&["preload", FOREST]).well();
    let opened = scene.clms(&["open", FOREST, "-o", "json"]).well().json();
    assert_eq!(opened["vector"]["layers"][0]["features"], 3);
}

#[test]
fn vector_data_that_cannot_be_read() {
    let damaged = PackageSpec::new(FOREST_FILE).document("DATA/a.gpkg", "no SQLite at all");
    let scene = Scene::new().delivering(&damaged);
    let run = scene
        .clms(&["preload", FOREST])
        .with_code(FAILED)
        .saying(&["DATA/a.gpkg", "cannot read vector data"]);
    assert_is_for_people(&run);
    assert_nothing_visible(&scene);
}

#[test]
fn a_package_without_a_raster() {
    let scene = Scene::new().delivering(&broken::without_raster(FOREST_FILE));
    let run = scene
        .clms(&["preload", FOREST])
        .with_code(FAILED)
        .saying(&["raster"]);
    assert_is_for_people(&run);
    assert_nothing_visible(&scene);
    let jobs = scene.clms(&["jobs", "list", "-o", "json"]).well().json();
    assert_eq!(jobs[0]["state"], "failed");
    assert_eq!(jobs[0]["error"]["kind"], "no_raster");
}

#[test]
fn a_truncated_zip() {
    for package in [
        broken::truncated(FOREST_FILE),
        broken::inner_truncated(FOREST_FILE),
    ] {
        let scene = Scene::new().delivering(&package);
        // It may be whole a moment later: that is tried until the time is up.
        let run = scene
            .clms(&["preload", FOREST, "--timeout", "3s"])
            .with_code(FAILED)
            .saying(&["zip"]);
        assert_is_for_people(&run);
        assert_nothing_visible(&scene);
    }
}

#[test]
fn a_full_disk() {
    let scene =
        Scene::new().delivering(&Package::forest_type_2015(Scale::Pixels(4000, 4000)).into_spec());
    fs::create_dir(scene.cache()).unwrap();
    let command = scene.command(&["preload", FOREST]);
    let Some(command) = mounted(&command, &scene.cache(), Mount::Tiny(256 << 10)) else {
        return;
    };
    let run = Run::of(command).with_code(FAILED).saying(&["space"]);
    assert_is_for_people(&run);
}

#[test]
fn a_cache_that_cannot_be_written() {
    let scene = Scene::new().delivering(&forest());
    fs::create_dir(scene.cache()).unwrap();
    let command = scene.command(&["preload", FOREST]);
    let Some(command) = mounted(&command, &scene.cache(), Mount::ReadOnly) else {
        return;
    };
    let run = Run::of(command)
        .with_code(FAILED)
        .saying(&["--cache", Path::new("cache").to_str().unwrap()]);
    assert_is_for_people(&run);
    assert_eq!(
        posts(&scene.sim),
        0,
        "what can't be stored is not requested"
    );
}

#[test]
fn wrong_usage() {
    let scene = Scene::new();
    for args in [
        &["preload"][..],
        &["preload", FOREST, "--tile-size", "0"],
        &["list", "--poll-interval", "soon"],
        &["nonsense"],
    ] {
        let run = scene.clms(args).with_code(2);
        assert!(run.stderr.contains("error: "), "{run:#?}");
    }
    let _ = scene
        .clms(&["open", FOREST])
        .with_code(FAILED)
        .saying(&["clms preload"]);
    let _ = scene.clms(&["list", "--cache", "ftp://x/y"]).with_code(2);
}

#[test]
fn a_cache_path_with_dots_and_links_and_blanks() {
    let scene = Scene::new().delivering(&forest());
    let deep = scene.home().join("a b").join("c|d");
    fs::create_dir_all(&deep).unwrap();
    let mut command = scene.command(&["preload", FOREST, "--cache", "../../x y/../cubes"]);
    command.current_dir(&deep);
    let _ = Run::of(command).well();
    assert!(
        scene
            .home()
            .join("cubes")
            .join(format!("{FOREST}.zarr"))
            .join("zarr.json")
            .is_file()
    );
}

#[test]
fn a_product_is_told_from_its_files() {
    let scene = Scene::new();
    let described = scene.clms(&["describe", "forest-type-2015"]).well();
    assert!(described.stdout.contains("56 files"), "{described:?}");
    for command in ["preload", "open"] {
        let run = scene.clms(&[command, "forest-type-2015"]);
        assert_ne!(run.code, Some(0), "{run:?}");
        let run = run.saying(&["forest-type-2015"]);
        assert_is_for_people(&run);
    }
}

#[test]
fn a_damaged_cube_is_named_and_can_be_built_anew() {
    let scene = Scene::new().delivering(&forest());
    let _ = scene.clms(&["preload", FOREST]).well();
    fs::write(scene.cube(FOREST).join("zarr.json"), "{").unwrap();
    let run = scene
        .clms(&["open", FOREST])
        .with_code(FAILED)
        .saying(&[FOREST]);
    assert_is_for_people(&run);
    let _ = scene.clms(&["preload", "--force", FOREST]).well();
    let _ = scene.clms(&["open", FOREST]).well();
}

#[test]
fn a_scratch_folder_that_cannot_be_written() {
    let scene = Scene::new().delivering(&forest());
    let run = scene
        .clms(&["preload", FOREST, "--scratch", "/proc/nowhere"])
        .with_code(2)
        .saying(&["/proc/nowhere", "--scratch"]);
    assert_is_for_people(&run);
    assert_eq!(
        posts(&scene.sim),
        0,
        "what can't be stored is not requested"
    );
}
