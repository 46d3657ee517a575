//! Python, as a notebook has it: blocks share their names.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use clms_tests::python;
use serde_json::Value;

use super::{page::Block, stage::Stage};

const NOTEBOOK: &str = r#"
import contextlib, io, json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    said, well = io.StringIO(), True
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(json.loads(line), "<block>", "exec"), names)
    except BaseException:
        said.write(traceback.format_exc())
        well = False
    print(json.dumps([well, said.getvalue()]), flush=True)
"#;

pub(super) struct Python {
    process: Child,
    blocks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Our Python package as an installation in place leaves it: the modules where they are, and a folder that tells of them.
fn package(stage: &Stage) -> OsString {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/src");
    let version = env!("CARGO_PKG_VERSION");
    let told = stage.root().join("site");
    let folder = told.join(format!("clms_store-{version}.dist-info"));
    fs::create_dir_all(&folder).unwrap();
    let metadata = format!("Metadata-Version: 2.4\nName: clms-store\nVersion: {version}\n");
    fs::write(folder.join("METADATA"), metadata).unwrap();
    let plugin = "[xcube_plugins]\nclms_store = clms.xcube.plugin:init_plugin\n";
    fs::write(folder.join("entry_points.txt"), plugin).unwrap();
    env::join_paths([modules, told]).unwrap()
}

impl Python {
    /// Starts one in the page's folder, in the world that its first block names: `python=xcube`, `python=reference`, `python=clms`.
    pub(super) fn start(stage: &Stage, world: Option<&str>) -> Self {
        let interpreter = match world {
            None => python::interpreter(),
            Some("xcube" | "clms") => python::xcube(),
            Some("reference") => python::reference(),
            Some("exports") => python::exports(),
            Some(other) => panic!("there is no Python world {other:?}"),
        };
        let mut process = Command::new(interpreter);
        process.env_clear().envs(stage.environment());
        if world == Some("clms") {
            process.env("PYTHONPATH", package(stage));
        }
        let mut process = process
            .args(["-c", NOTEBOOK])
            .current_dir(stage.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            blocks: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    /// Runs a block, and gives what it printed.
    pub(super) fn run(&mut self, block: &Block) -> String {
        writeln!(self.blocks, "{}", Value::from(block.text.as_str())).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let (well, said): (bool, String) = serde_json::from_str(&answer).unwrap();
        assert!(well, "{}\n{said}", block.text);
        said
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
