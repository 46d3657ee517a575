//! Whether files that the book shows can be read by whom they are for.

use std::{
    fs,
    process::{Command, Stdio},
};

use clms_tests::{Run, python};

/// The languages that are checked.
pub(super) const KNOWN: [&str; 6] = ["json", "jsonl", "toml", "yaml", "ini", "sh"];

/// Reads a text as a file of this language.
pub(super) fn check(language: &str, text: &str) -> Result<(), String> {
    let json = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text)
            .map(drop)
            .map_err(|why| why.to_string())
    };
    match language {
        "json" => json(text),
        "jsonl" => text.lines().try_for_each(json),
        "toml" => by_python("import sys, tomllib; tomllib.load(open(sys.argv[1], 'rb'))", text),
        "yaml" => by_python(
            "import sys, yaml; list(yaml.safe_load_all(open(sys.argv[1])))",
            text,
        ),
        "ini" => by_python(
            "import sys, configparser; configparser.RawConfigParser(strict=False).read_file(open(sys.argv[1]))",
            text,
        )
        .and_then(|()| by_systemd(text)),
        "sh" => read_by(Command::new("bash").arg("-n"), text, "script.sh"),
        other => Err(format!("nobody reads {other}")),
    }
}

fn by_python(program: &str, text: &str) -> Result<(), String> {
    let mut python = Command::new(python::interpreter());
    read_by(python.args(["-c", program]), text, "file")
}

/// Where systemd is installed it says what it doesn't know in a unit. That a unit's programs and partners are not there is no fault.
fn by_systemd(text: &str) -> Result<(), String> {
    let there = Command::new("systemd-analyze")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let name = match text {
        _ if !there => return Ok(()),
        text if text.contains("[Timer]") => "unit.timer",
        text if text.contains("[Service]") => "unit.service",
        _ => return Ok(()),
    };
    let said = match read_by(Command::new("systemd-analyze").arg("verify"), text, name) {
        Ok(()) => return Ok(()),
        Err(said) => said,
    };
    let faults = ["Unknown", "Failed to parse", "Invalid"];
    if faults.iter().any(|fault| said.contains(fault)) {
        return Err(said);
    }
    Ok(())
}

fn read_by(reader: &mut Command, text: &str, name: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let mut command = Command::new(reader.get_program());
    command.args(reader.get_args()).arg(path);
    let run = Run::of(command);
    if run.code == Some(0) {
        return Ok(());
    }
    Err(run.stderr)
}
