//! The real program, killed at random moments and begun again: it ends with the cube of an undisturbed run, and asks for nothing twice.
//!
//! The moments follow from a seed. `CLMS_KILL_SEED=<seed>` tells one story again.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use clms_factory::{Package, Scale};
use clms_sim::{Fault, FaultKind, Habits, QueueTimes, RetryAfter, When};
use clms_tests::{Run, Scene};

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const FOREST_FILE: &str = "FTY_2015_100m_eu_03035_d02_Full";
/// In a usual test run, and in a long one.
const KILLS: usize = 10;
const KILLS_OF_A_NIGHT: usize = 100;

/// Numbers that look random and follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A service that is slow and unreliable in ways that cost no task.
fn scene(seed: u64) -> Scene {
    let fault = |endpoint: &str, when, kind| Fault {
        endpoint: endpoint.to_owned(),
        when,
        kind,
    };
    let mut faults = vec![
        fault(
            "@datarequest_search",
            When::Every(4),
            FaultKind::Status(502),
        ),
        fault(
            "@datarequest_search",
            When::Every(7),
            FaultKind::TooManyRequests(RetryAfter::Seconds(0)),
        ),
    ];
    if seed.is_multiple_of(3) {
        faults.push(fault(
            "@datarequest_post",
            When::First(1),
            FaultKind::LostAnswer,
        ));
    }
    let scene = Scene::with_habits(Habits {
        bandwidth: Some(400_000),
        cut_body: When::Every(2),
        cut_body_after: 60_000,
        link_alive_after_requests: 1,
        status_goes_back: seed.is_multiple_of(2),
        faults,
        ..Habits::default()
    });
    scene.sim.set_queue(QueueTimes {
        queued: Duration::from_millis(150),
        running: Duration::from_millis(150),
    });
    scene.delivering(Package::forest_type_2015(Scale::Pixels(1500, 1200)).spec())
}

/// All files of a cube, metadata without what may differ from run to run.
fn content(scene: &Scene) -> BTreeMap<PathBuf, Vec<u8>> {
    let root = scene.cube(FOREST);
    let mut files = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                bytes = comparable(&String::from_utf8(bytes).unwrap(), scene).into_bytes();
            }
            files.insert(path.strip_prefix(&root).unwrap().to_owned(), bytes);
        }
    }
    files
}

fn comparable(metadata: &str, scene: &Scene) -> String {
    let mut text = metadata.replace(scene.sim.base_url(), "HOST");
    for task in scene.sim.tasks() {
        text = text.replace(&task.task_id, "TASK");
    }
    let is_time = |word: &str| {
        let bytes = word.as_bytes();
        bytes.len() >= 19 && bytes[4] == b'-' && bytes[10] == b'T' && bytes[13] == b':'
    };
    text.split(['"', ' '])
        .filter(|word| !is_time(word.trim_end_matches([':', ','])))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What is in the folder, without what a cache always has.
fn left_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("CACHEDIR.TAG"))
        .collect()
}

/// Begins a preload and kills it after that time; `false` if it had ended before.
fn killed_after(scene: &Scene, time: Duration) -> bool {
    let mut command = scene.command(&["preload", FOREST, "--progress", "none"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // The moment is what is tested: nothing is waited for.
    thread::sleep(time);
    let was_running = child.try_wait().unwrap().is_none();
    // SIGKILL, on Unix.
    child.kill().unwrap();
    child.wait().unwrap();
    was_running
}

/// Tells one story, and returns how often the program was killed in it.
fn story(seed: u64, usual: Duration, expected: &BTreeMap<PathBuf, Vec<u8>>) -> usize {
    let mut dice = Dice(seed);
    let scene = scene(seed);
    let mut kills = 0;
    for _ in 0..=dice.below(8) {
        // The end of a run is worth as much as its beginning, though each kill leaves less to do.
        let moment = Duration::from_millis(dice.below(usual.as_millis() as u64));
        let was_killed = killed_after(&scene, moment);
        kills += usize::from(was_killed);
        // Whatever is visible is whole.
        if scene.cube(FOREST).exists() {
            assert!(content(&scene) == *expected, "half a cube, seed {seed}");
        }
        if !was_killed {
            break;
        }
    }
    let run = scene.clms(&["preload", FOREST, "-o", "json"]).well();
    let status = run.json()[0]["status"].clone();
    assert!(status == "completed" || status == "cached", "{run:#?}");
    let found = content(&scene);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(expected), "seed {seed}");
    for (name, bytes) in &found {
        let same = *bytes == expected[name];
        assert!(same, "{} differs, seed {seed}", name.display());
    }

    let posted: Vec<_> = scene
        .sim
        .tasks()
        .into_iter()
        .filter(|task| task.posted && task.packages == [FOREST_FILE])
        .collect();
    assert_eq!(posted.len(), 1, "asked for twice, seed {seed}: {posted:#?}");
    let posts = scene
        .sim
        .requests()
        .iter()
        .filter(|request| request.path.ends_with("@datarequest_post"))
        .count();
    assert_eq!(posts, 1, "posted twice, seed {seed}");

    let hidden = scene.cache().join(".clms/v1");
    for folder in ["scratch", "records/cancellations", "records/orders"] {
        let left = left_in(&hidden.join(folder));
        assert_eq!(left, Vec::<PathBuf>::new(), "seed {seed}");
    }
    let visible = left_in(&scene.cache());
    assert_eq!(visible.len(), 2, "seed {seed}: {visible:?}");
    kills
}

fn undisturbed() -> (Duration, BTreeMap<PathBuf, Vec<u8>>) {
    let scene = scene(0);
    let begin = Instant::now();
    let run: Run = scene.clms(&["preload", FOREST]);
    let _ = run.well();
    (begin.elapsed(), content(&scene))
}

#[test]
fn killed_at_any_moment_it_goes_on() {
    let (usual, expected) = undisturbed();
    assert!(expected.len() > 3, "{:?}", expected.keys());
    if let Some(seed) = env::var("CLMS_KILL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        story(seed, usual, &expected);
        return;
    }
    let wanted = if env::var_os("CLMS_TEST_ALL").is_some() {
        KILLS_OF_A_NIGHT
    } else {
        KILLS
    };
    let (mut kills, mut stories) = (0, 0);
    while kills < wanted {
        kills += story(stories, usual, &expected);
        stories += 1;
    }
    println!("{kills} kills in {stories} stories; a usual run takes {usual:?}");
}
