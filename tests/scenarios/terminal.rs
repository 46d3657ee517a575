//! Progress on a real terminal: tmux, whose screen can be read and whose size can be changed.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use clms_factory::{Package, Scale};
use clms_sim::QueueTimes;
use clms_tests::{Scene, program};

const FOREST: &str = "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full";
const TREES: &str = "tree-cover-density-2015|TCD_2015_100m_eu_03035_d04_Full";

/// A terminal with a shell in it.
pub(crate) struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    pub(crate) fn open(scene: &Scene, columns: u16, rows: u16) -> Self {
        let terminal = Self {
            socket: scene.home().join("tmux"),
        };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let folder = program("clms").parent().unwrap().display().to_string();
        let mut first = terminal.command();
        first
            .args([
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-x",
                &columns,
                "-y",
                &rows,
            ])
            .arg("sh")
            .env(
                "PATH",
                format!("{folder}:{}", std::env::var("PATH").unwrap()),
            )
            .env("HOME", scene.home())
            .env("CLMS_API_URL", scene.sim.api_url())
            .env("CLMS_CREDENTIALS", scene.credentials())
            .env("CLMS_CACHE", scene.cache())
            .env("CLMS_POLL_INTERVAL", "2s")
            .env("PS1", "> ");
        assert!(first.status().unwrap().success());
        terminal
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).env("LC_ALL", "C.UTF-8");
        command
    }

    pub(crate) fn tmux(&self, words: &[&str]) -> String {
        let output = self.command().args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn types(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// What is on the screen, as soon as it is as wanted.
    pub(crate) fn shows(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let begin = Instant::now();
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if is_it(&screen) {
                return screen;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "{what} is not on the screen:\n{screen}"
            );
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended with its shell.
        let _ = self.command().arg("kill-server").output();
    }
}

#[test]
fn each_product_has_a_line_that_stays_readable_and_ctrl_c_says_how_to_go_on() {
    let scene = Scene::new()
        .delivering(Package::forest_type_2015(Scale::Pixels(900, 700)).spec())
        .delivering(Package::tree_cover_density_2015(Scale::Pixels(300, 200)).spec());
    scene.sim.set_queue(QueueTimes {
        queued: Duration::from_secs(900),
        running: Duration::from_secs(1),
    });
    let terminal = Terminal::open(&scene, 150, 12);
    terminal.types(&format!("clms preload '{FOREST}' '{TREES}'"));
    let both = |screen: &str| {
        ["queued", "next look in"]
            .iter()
            .all(|part| screen.matches(part).count() == 2)
    };
    let wide = terminal.shows("two lines", both);
    let lines: Vec<&str> = wide
        .lines()
        .filter(|line| line.contains("next look in"))
        .collect();
    for (line, name) in lines
        .iter()
        .zip(["forest-type-2015|", "tree-cover-density-"])
    {
        assert!(line.starts_with(name), "{wide}");
        assert!(
            line.contains("queued") && line.contains("waiting since"),
            "{wide}"
        );
        assert!(line.contains("task "), "{wide}");
    }

    // It counts down while nothing happens, in place.
    let other = terminal.shows("another time", |screen| both(screen) && screen != wide);
    assert_eq!(other.lines().count(), wide.lines().count(), "{other}");

    // In a narrow window what matters most is left, on one line each.
    terminal.tmux(&["resize-window", "-x", "60", "-y", "12"]);
    let narrow = terminal.shows("two short lines", |screen| {
        screen.matches("queued").count() == 2 && !screen.contains("next look")
    });
    assert!(
        narrow.lines().all(|line| line.chars().count() <= 60),
        "{narrow}"
    );

    terminal.tmux(&["resize-window", "-x", "150", "-y", "12"]);
    terminal.tmux(&["send-keys", "C-c"]);
    let end = terminal.shows("how to go on", |screen| screen.contains("To go on: "));
    assert!(end.contains("stays at the portal"), "{end}");

    // A quarter of an hour later.
    scene.sim.advance(Duration::from_secs(1000));
    terminal.tmux(&["send-keys", "-R"]);
    terminal.tmux(&["clear-history"]);
    terminal.types(&format!(
        "clms preload '{FOREST}' '{TREES}'; echo \"exit $?\""
    ));
    let done = terminal.shows("the end", |screen| screen.contains("exit 0"));
    assert_eq!(done.matches("✔ completed").count(), 2, "{done}");
    assert_eq!(done.matches("next look").count(), 0, "{done}");
}
