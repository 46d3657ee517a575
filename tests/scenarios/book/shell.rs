//! A person's shell: what is exported, and the folder one is in, stay from command to command.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, Command as Process, Stdio},
};

use super::{page::Command, stage::Stage};

/// Runs commands one after the other, and ends what they left in the background when it is dropped.
pub(super) struct Shell {
    background: Vec<Child>,
}

impl Shell {
    pub(super) fn new(stage: &Stage) -> Self {
        fs::write(stage.root().join("shell.env"), "").unwrap();
        fs::write(
            stage.root().join("shell.cwd"),
            stage.folder().to_str().unwrap(),
        )
        .unwrap();
        Self {
            background: Vec::new(),
        }
    }

    /// Runs a command, and gives all that it says, as the page would show it.
    pub(super) fn run(&mut self, command: &Command, stage: &Stage) -> String {
        let line = stage.real(&command.line);
        let said = if line.ends_with('&') {
            self.start(&line, stage)
        } else {
            let path = stage.root().join("shell.said");
            let file = File::create(&path).unwrap();
            let mut bash = bash(&line, stage);
            bash.stdout(file.try_clone().unwrap()).stderr(file);
            let status = bash.status().unwrap();
            let said = fs::read_to_string(&path).unwrap();
            assert_eq!(status.code(), Some(command.exit), "$ {line}\n{said}");
            said
        };
        stage.shown(&said)
    }

    /// Starts what goes on in the background, and gives the first line that it says.
    fn start(&mut self, line: &str, stage: &Stage) -> String {
        let mut bash = bash(&format!("exec {}", line.trim_end_matches('&')), stage);
        bash.stdout(Stdio::piped()).process_group(0);
        let mut process = bash.spawn().unwrap();
        let mut said = String::new();
        let mut pipe = BufReader::new(process.stdout.take().unwrap());
        pipe.read_line(&mut said).unwrap();
        // What it says later must find a reader.
        std::thread::spawn(move || pipe.read_to_end(&mut Vec::new()));
        self.background.push(process);
        said
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for process in &mut self.background {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn bash(line: &str, stage: &Stage) -> Process {
    let script = format!(
        r#"cd "$(cat "$STATE.cwd")" && . "$STATE.env"
{line}
code=$?; export -p > "$STATE.env"; pwd > "$STATE.cwd"; exit $code"#
    );
    let mut bash = Process::new("bash");
    bash.args(["-c", &script])
        .env_clear()
        .envs(stage.environment())
        .env("STATE", stage.root().join("shell"))
        .stdin(Stdio::null());
    bash
}
