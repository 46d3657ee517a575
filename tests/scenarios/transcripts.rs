//! Whole sessions, word for word: what a person types one after the other, and sees.

use std::{fs, time::Duration};

use clms_factory::{Package, Scale};
use clms_sim::QueueTimes;
use clms_tests::{Run, Scene};
use insta::assert_snapshot;

use crate::commands::settings;

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";

struct Session<'a> {
    scene: &'a Scene,
    text: String,
}

impl<'a> Session<'a> {
    fn of(scene: &'a Scene) -> Self {
        Self {
            scene,
            text: String::new(),
        }
    }

    /// Types a command; FOREST is the usual data id.
    fn types(&mut self, line: &str) {
        let words: Vec<&str> = line
            .split(' ')
            .map(|word| if word == "FOREST" { FOREST } else { word })
            .collect();
        let mut command = self.scene.command(&words);
        command.env_remove("CLMS_CREDENTIALS");
        let run = Run::of(command);
        let code = match run.code {
            Some(0) => String::new(),
            Some(code) => format!("[exit {code}]\n"),
            None => "[killed]\n".to_owned(),
        };
        self.text += &format!("$ clms {line}\n{}{}{code}\n", run.stdout, run.stderr);
    }

    fn end(self, name: &str) {
        let mut settings = settings(self.scene);
        settings.add_filter(r"(task +)\d{9,11}", "$1[TASK]");
        settings.add_filter(r"is Queued for \d s", "is Queued for [TIME]");
        settings.bind(|| assert_snapshot!(name, self.text));
    }
}

fn scene() -> Scene {
    Scene::new().delivering(&Package::forest_type_2015(Scale::Pixels(900, 700)).into_spec())
}

#[test]
fn the_first_quarter_of_an_hour() {
    let scene = scene();
    let home = scene.home();
    fs::rename(scene.credentials(), home.join("key.json")).unwrap();
    // How many words of the portal's are seen in between does not depend on the machine's speed.
    scene.sim.set_queue(QueueTimes {
        queued: Duration::ZERO,
        running: Duration::ZERO,
    });
    let mut session = Session::of(&scene);
    for line in [
        "auth check",
        "auth login key.json",
        "config show",
        "search forest Europe 2015 --limit 2",
        "list FTY_2015_100m*Full",
        "preload FOREST --dry-run",
        "preload FOREST",
        "preload FOREST",
        "cache list",
        "export FOREST --out window.tif --bbox 920000,5440000,930000,5450000 --bbox-crs EPSG:3035",
        "export FOREST --out window.tif",
        "export FOREST --out points.csv --point 925000,5445000 --bbox-crs EPSG:3035",
        "preview FOREST --out forest.png --width 300",
        "jobs",
        "cache remove FOREST",
        "open FOREST",
    ] {
        session.types(line);
    }
    session.end("the_first_quarter_of_an_hour");
}

#[test]
fn jobs_overnight() {
    let scene = scene();
    let home = scene.home();
    fs::create_dir_all(home.join(".config/clms")).unwrap();
    fs::rename(
        scene.credentials(),
        home.join(".config/clms/credentials.json"),
    )
    .unwrap();
    scene.sim.set_queue(QueueTimes {
        queued: Duration::from_secs(900),
        running: Duration::from_secs(1),
    });
    let mut session = Session::of(&scene);
    session.types("preload FOREST --detach");
    session.types("jobs show FOREST");
    session.types("jobs wait --timeout 1s");
    session.types("jobs cancel FOREST");
    session.types("jobs cancel FOREST");
    session.types("jobs resume");
    scene.sim.set_queue(QueueTimes {
        queued: Duration::ZERO,
        running: Duration::ZERO,
    });
    session.types("jobs resume FOREST --progress none");
    session.types("jobs wait");
    session.end("jobs_overnight");
}
