//! WEkEO through the program: a subset of a product that the portal takes from there.

use std::{process::Stdio, time::Duration};

use clms_sim::hda::{HdaHabits, HdaSim};
use clms_tests::{
    Run, Scene,
    wekeo::{self, FSC},
};

const PRODUCT: &str = "fractional-snow-cover";
const DATA_ID: &str =
    "fractional-snow-cover|20m?bbox=9.2,46.1,10.8,46.9&time=2018-01-05/2018-01-05";
const SUBSET: [&str; 2] = ["--bbox=9.2,46.1,10.8,46.9", "--time=2018-01-05"];

/// The portal and a broker that has one tile.
struct World {
    scene: Scene,
    broker: HdaSim,
}

impl World {
    fn new(habits: HdaHabits) -> Self {
        let scene = Scene::new();
        let broker = wekeo::broker(scene.home(), habits);
        Self { scene, broker }
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.scene.command(args);
        command.envs(wekeo::environment(&self.broker));
        command
    }

    fn clms(&self, args: &[&str]) -> Run {
        Run::of(self.command(args))
    }
}

#[test]
fn a_product_of_wekeo_is_preloaded_and_opened_like_any_other() {
    let world = World::new(HdaHabits::default());
    let described = world.clms(&["describe", PRODUCT]).well();
    assert!(described.stdout.contains("needed"), "{described:#?}");
    let preload = |more: &[&str]| world.clms(&[&["preload", PRODUCT], &SUBSET[..], more].concat());

    let planned = preload(&["--dry-run", "-o", "json"]).well().json();
    assert_eq!(planned[0]["data_id"], DATA_ID);
    assert_eq!(planned[0]["request"]["dataset_id"], FSC);
    assert!(world.broker.requests().is_empty(), "nothing was asked for");

    let done = preload(&["-o", "json"]).well().json();
    assert_eq!(done[0]["status"], "completed", "{done:#}");
    let opened = world.clms(&["open", DATA_ID, "-o", "json"]).well();
    assert!(opened.stdout.contains("32632"), "{opened:#?}");
    let requests = world.broker.requests().len();
    assert_eq!(
        preload(&["-o", "json"]).well().json()[0]["status"],
        "cached"
    );
    assert_eq!(world.broker.requests().len(), requests);
    assert_eq!(world.broker.orders().len(), 1);
    let posted = |path: &str| path.ends_with("@datarequest_post");
    let portal = world.scene.sim.requests();
    assert!(
        !portal.iter().any(|it| posted(&it.path)),
        "nothing of the portal"
    );
}

#[test]
fn a_killed_job_goes_on_and_one_that_is_given_up_says_what_wekeo_does() {
    let world = World::new(HdaHabits {
        preparation: Duration::from_secs(3600),
        ..HdaHabits::default()
    });
    let mut command = world.command(&["preload", DATA_ID, "--progress", "none"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let jobs = loop {
        assert_eq!(child.try_wait().unwrap(), None, "it gave up");
        let jobs = world.clms(&["jobs", "list", "-o", "json"]).well().json();
        if jobs[0]["state"] == "waiting" {
            break jobs;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();

    let job = jobs[0]["job"].as_str().unwrap().to_owned();
    let _ = world
        .clms(&["jobs", "cancel", &job])
        .saying(&["WEkEO can't cancel orders"]);
    world.broker.advance(Duration::from_secs(3600));
    let done = world
        .clms(&["preload", DATA_ID, "-o", "json"])
        .well()
        .json();
    assert_eq!(done[0]["status"], "completed", "{done:#}");
    assert_eq!(world.broker.orders().len(), 1, "ordered once");
}

#[test]
fn what_is_missing_is_said_before_anything_is_asked_for() {
    let world = World::new(HdaHabits::default());
    let no_account = world
        .scene
        .clms(&[&["preload", PRODUCT], &SUBSET[..]].concat());
    let _ = no_account
        .with_code(4)
        .saying(&["no WEkEO account", "WEKEO_USERNAME", "~/.hdarc"]);
    let mut wrong = world.command(&[&["preload", PRODUCT], &SUBSET[..]].concat());
    wrong.env("WEKEO_PASSWORD", "not-the-one");
    let wrong = Run::of(wrong).with_code(4).saying(&["refuses the account"]);
    assert!(!format!("{wrong:?}").contains("not-the-one"));
    for (args, code, words) in [
        (&["--nuts=LU", "--time=2018-01-05"][..], 3, &["bbox"][..]),
        (&["--bbox=9.2,46.1,10.8,46.9"], 3, &["when", "--time"]),
        (
            &["--bbox=9,46,10,47", "--time=2018-01-05", "--crs=EPSG:4326"],
            3,
            &["no crs to choose"],
        ),
    ] {
        let run = world.clms(&[&["preload", PRODUCT], args].concat());
        let _ = run.with_code(code).saying(words);
    }
    let offline = world.clms(&[&["--offline", "preload", DATA_ID][..]].concat());
    let _ = offline.with_code(1).saying(&["offline"]);
    assert!(world.broker.orders().is_empty());
}
