//! Looking after what is cached: `clms cache`, and several processes on one cache.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use clms_factory::{Package, Scale};
use clms_sim::{Habits, QueueTimes};
use clms_tests::{Run, Scene};
use serde_json::Value;

use crate::commands::snapshot;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const TREES: &str = "tree-cover-density-2015|TCD_2015_100m_eu_03035_d04_Full";

fn scene() -> Scene {
    Scene::new()
        .delivering(Package::forest_type_2015(Scale::Pixels(300, 200)).spec())
        .delivering(Package::tree_cover_density_2015(Scale::Pixels(300, 200)).spec())
}

/// A chunk (or shard) of the cube.
fn chunk(scene: &Scene, data_id: &str) -> PathBuf {
    chunk_below(&scene.cube(data_id)).unwrap()
}

fn chunk_below(folder: &Path) -> Option<PathBuf> {
    let mut paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths.find_map(|path| match path.is_dir() {
        true => chunk_below(&path),
        false => folder.ends_with("c/0").then_some(path),
    })
}

#[test]
fn what_is_cached_can_be_looked_after() {
    let scene = scene();
    let _ = scene.clms(&["preload", FOREST, "--levels", "0"]).well();
    for (name, args) in [
        ("cache_info", &["cache", "info", FOREST][..]),
        ("cache_info_json", &["cache", "info", FOREST, "-o", "json"]),
        ("cache_verify", &["cache", "verify", FOREST]),
        ("cache_verify_json", &["cache", "verify", "-o", "json"]),
        ("cache_gc_nothing", &["cache", "gc"]),
        (
            "cache_gc_dry_run",
            &["cache", "gc", "--max-size", "0", "--dry-run"],
        ),
        (
            "cache_gc_dry_run_json",
            &[
                "cache",
                "gc",
                "--older-than",
                "0s",
                "--dry-run",
                "-o",
                "json",
            ],
        ),
        (
            "cache_remove_unknown",
            &[
                "cache",
                "remove",
                FOREST,
                "forest-type-2015|FTY_2015_100m_eu_03035_d02_Ful",
            ],
        ),
        (
            "cache_verify_unknown_json",
            &["cache", "verify", "forest-type-2015|FTY", "-o", "json"],
        ),
        (
            "cache_info_unknown",
            &["cache", "info", "nothing-like-that"],
        ),
        ("cache_remove", &["cache", "remove", FOREST]),
        ("cache_remove_again", &["cache", "remove", FOREST]),
        ("cache_gc_odd_size", &["cache", "gc", "--max-size", "many"]),
        (
            "store_option_without_value",
            &["cache", "list", "--store-option", "endpoint"],
        ),
        (
            "store_option_of_a_folder",
            &[
                "cache",
                "list",
                "--store-option",
                "endpoint=http://localhost",
            ],
        ),
    ] {
        snapshot(&scene, name, &scene.clms(args));
    }
    assert!(!scene.cube(FOREST).exists());
}

#[test]
fn damage_is_named_and_building_anew_heals_it() {
    let scene = scene();
    let _ = scene
        .clms(&["preload", FOREST, TREES, "--levels", "0"])
        .well();
    let chunk = chunk(&scene, FOREST);
    let mut bytes = fs::read(&chunk).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&chunk, &bytes).unwrap();
    fs::write(chunk.with_file_name("99"), "alien").unwrap();
    fs::remove_file(scene.cube(FOREST).join("x/c/0")).unwrap();
    snapshot(
        &scene,
        "cache_verify_damaged",
        &scene.clms(&["cache", "verify"]),
    );
    let run = scene.clms(&["cache", "verify", "-o", "json"]).with_code(1);
    let json = run.json();
    assert_eq!(json[0]["whole"], false);
    assert_eq!(json[0]["counts"]["bad"], 1);
    assert_eq!(json[0]["counts"]["missing"], 1);
    assert_eq!(json[0]["counts"]["superfluous"], 1);
    assert_eq!(json[0]["error"]["kind"], "damaged");
    assert_eq!(json[1]["whole"], true);
    let _ = scene.clms(&["cache", "verify", TREES]).well();
    let listed = scene.clms(&["cache", "list", "-o", "json"]).well().json();
    assert_eq!(listed[0]["whole"], false, "its size tells already");
    assert_eq!(listed[1]["whole"], true);

    let _ = scene.clms(&["preload", "--force", FOREST]).well();
    let _ = scene.clms(&["cache", "verify"]).well();
}

#[test]
fn a_cube_of_an_older_version_is_read_and_that_is_said() {
    let scene = scene();
    let _ = scene.clms(&["preload", FOREST]).well();
    fs::remove_dir_all(scene.cache().join(".clms/v1/manifests")).unwrap();
    let verified = scene.clms(&["cache", "verify", "-o", "json"]).well().json();
    assert_eq!(verified[0]["whole"], Value::Null);
    assert!(verified[0]["counts"]["readable"].as_u64().unwrap() > 3);
    let info = scene
        .clms(&["cache", "info", FOREST, "-o", "json"])
        .well()
        .json();
    assert_eq!(info[0]["whole"], Value::Null);
    assert_eq!(info[0]["generation"], Value::Null);
    // What the cube says itself.
    assert_eq!(info[0]["origin"]["data_id"], FOREST);
    let shown = scene.clms(&["cache", "verify"]).well();
    assert!(shown.stdout.contains("no manifest"), "{shown:#?}");
}

#[test]
fn gc_makes_room_and_leaves_what_is_in_use() {
    let scene = scene();
    let _ = scene.clms(&["preload", FOREST]).well();
    let _ = scene.clms(&["preload", TREES]).well();
    let listed = scene.clms(&["cache", "list", "-o", "json"]).well().json();
    let trees = listed[1]["bytes"].as_u64().unwrap();
    // Somebody on another machine works on the older one.
    let lock = format!("{}.zarr.lock", FOREST.replace('|', "%7C"));
    let mut lock = fs::File::options()
        .write(true)
        .open(scene.cache().join(".clms/v1/locks").join(lock))
        .unwrap();
    lock.lock().unwrap();
    lock.write_all(b"process 4711 on host alpha").unwrap();
    let max = format!("{trees}B");
    let gc = ["cache", "gc", "--max-size", &max, "-o", "json"];
    let planned = [&gc[..], &["--dry-run"]].concat();
    let planned = scene.clms(&planned).well().json();
    assert_eq!(planned[0]["status"], "in_use", "a dry run says so as well");
    assert_eq!(planned[0]["holder"], "process 4711 on host alpha");
    assert_eq!(planned[1]["status"], "would_remove");
    let done = scene.clms(&gc).well().json();
    assert_eq!(done[0]["data_id"], FOREST);
    assert_eq!(done[0]["status"], "in_use");
    assert_eq!(done[0]["holder"], "process 4711 on host alpha");
    assert_eq!(done[1]["data_id"], TREES);
    assert_eq!(done[1]["status"], "removed");
    // Nor is it removed by its name.
    let busy = scene
        .clms(&["cache", "remove", FOREST, "-o", "json"])
        .with_code(1);
    assert_eq!(busy.json()[0]["error"]["kind"], "busy");
    drop(lock);

    let done = scene
        .clms(&["cache", "gc", "--max-size", "0", "-o", "json"])
        .well()
        .json();
    let cubes = done
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["kind"] == "cube");
    assert_eq!(cubes.count(), 1, "{done}");
    let empty = scene.clms(&["cache", "list", "-o", "json"]).well().json();
    assert_eq!(empty, Value::Array(Vec::new()));
}

fn preloading(scene: &Scene, args: &[&str]) -> Child {
    let mut command = scene.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn outcome(child: Child) -> Value {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_two_processes_ask_for_at_once_is_built_once() {
    let scene = Scene::with_habits(Habits {
        bandwidth: Some(300_000),
        ..Habits::default()
    })
    .delivering(Package::forest_type_2015(Scale::Pixels(600, 500)).spec());
    let args = ["preload", FOREST, "-o", "json"];
    let processes: Vec<Child> = (0..3).map(|_| preloading(&scene, &args)).collect();
    let mut statuses: Vec<String> = processes
        .into_iter()
        .map(|child| outcome(child)[0]["status"].as_str().unwrap().to_owned())
        .collect();
    statuses.sort();
    assert_eq!(statuses, ["cached", "cached", "completed"]);
    assert_eq!(scene.sim.tasks().len(), 1, "it was ordered once");
    let _ = scene.clms(&["cache", "verify"]).well();
}

/// Two machines that share a file system have other names for themselves, and for it.
#[test]
fn what_two_machines_ask_for_at_once_is_built_once() {
    let scene = Scene::new().delivering(Package::forest_type_2015(Scale::Pixels(600, 500)).spec());
    let ten_minutes = Duration::from_secs(600);
    scene.sim.set_queue(QueueTimes {
        queued: ten_minutes,
        running: Duration::ZERO,
    });
    fs::create_dir(scene.cache()).unwrap();
    let machines = ["alpha", "beta"].map(|host| {
        let mount_point = scene.home().join(format!("mount-of-{host}"));
        fs::create_dir(&mount_point).unwrap();
        (host, mount_point)
    });
    if !is_allowed() {
        return;
    }
    let mut processes: Vec<Child> = machines
        .iter()
        .map(|(host, mount_point)| {
            let mut command = on_machine(
                &scene,
                host,
                mount_point,
                &["preload", FOREST, "-o", "json"],
            );
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    // The portal has time until the one who waits says for whom.
    let (sender, said) = mpsc::channel();
    let listeners: Vec<_> = processes
        .iter_mut()
        .map(|child| {
            let stderr = BufReader::new(child.stderr.take().unwrap());
            let sender = sender.clone();
            thread::spawn(move || {
                for line in stderr.lines() {
                    sender.send(line.unwrap()).ok();
                }
            })
        })
        .collect();
    drop(sender);
    let mut heard = Vec::new();
    let mut is_missing = vec!["is being worked on by process", "the portal made task"];
    while !is_missing.is_empty() {
        let line = said.recv().unwrap_or_else(|_| panic!("{heard:#?}"));
        is_missing.retain(|words| !line.contains(words));
        heard.push(line);
    }
    assert!(
        heard
            .iter()
            .any(|line| line.contains("on host alpha") || line.contains("on host beta")),
        "who waits is told for whom: {heard:#?}"
    );
    scene.sim.advance(ten_minutes);
    let outputs: Vec<_> = processes
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    heard.extend(said);
    let mut statuses = Vec::new();
    for output in &outputs {
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(output.status.success(), "{heard:#?}\n{json:#}");
        statuses.push(json[0]["status"].as_str().unwrap().to_owned());
    }
    statuses.sort();
    assert_eq!(statuses, ["cached", "completed"]);
    assert_eq!(scene.sim.tasks().len(), 1, "it was ordered once");
    for listener in listeners {
        listener.join().unwrap();
    }
    let (host, mount_point) = &machines[1];
    let verified = Run::of(on_machine(&scene, host, mount_point, &["cache", "verify"]));
    assert_eq!(verified.well().stderr, "");
}

/// The program on a machine of that name, which has mounted the cache there.
fn on_machine(scene: &Scene, host: &str, mount_point: &Path, args: &[&str]) -> Command {
    let program = scene.command(args);
    let script = r#"mount --bind "$1" "$2" && hostname "$3" && export CLMS_CACHE="$2" && shift 3 && exec "$@""#;
    let mut command = unshare();
    command
        .args(["sh", "-c", script, "sh"])
        .arg(scene.cache())
        .arg(mount_point)
        .arg(host)
        .arg(program.get_program())
        .args(args)
        .current_dir(scene.home())
        .env_clear();
    for (key, value) in program.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    command
}

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--uts"]);
    command
}

#[expect(clippy::print_stderr, reason = "a test that does nothing must be loud")]
fn is_allowed() -> bool {
    let allowed = unshare()
        .args(["hostname", "alpha"])
        .status()
        .is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("SKIPPED: this machine does not let a process have a name of its own for it");
    }
    allowed
}

/// The usual case on a cluster: a fast disk for downloads, a shared one for cubes.
#[cfg(target_os = "linux")]
#[test]
fn scratch_and_cache_may_be_on_different_file_systems() {
    use std::os::unix::fs::MetadataExt;
    let scene = scene();
    let Ok(scratch) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    if device(scratch.path()) == device(scene.home()) {
        return;
    }
    let path = scratch.path().to_str().unwrap();
    let run = scene.clms(&["preload", FOREST, "--scratch", path, "-o", "json"]);
    assert_eq!(run.well().json()[0]["status"], "completed");
    let _ = scene.clms(&["cache", "verify"]).well();
    let left = fs::read_dir(scratch.path()).unwrap().count();
    assert_eq!(left, 0, "nothing is left of the download");
}

/// Of what other caches' jobs have there, this one's journal knows nothing.
#[test]
fn gc_leaves_a_scratch_folder_alone_that_somebody_named() {
    let scene = scene();
    let scratch = scene.home().join("shared-scratch");
    let folder = scratch.join("product-a-0f1d3d4a");
    fs::create_dir_all(&folder).unwrap();
    let part = folder.join("download-1.zip.part");
    fs::write(&part, "arriving").unwrap();
    let path = scratch.to_str().unwrap();
    let _ = scene.clms(&["preload", FOREST, "--scratch", path]).well();
    let _ = scene.clms(&["cache", "gc", "--scratch", path]).well();
    assert!(part.exists());
}
