//! The program `clms-factory`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(out: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clms-factory"));
    command
        .arg("--out")
        .arg(out)
        .args(arguments)
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<String> {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_second_run_makes_only_what_is_not_there_as_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let first = lines(&run(dir.path(), &["--scale", "64x64"]));
    assert_eq!(first.len(), 5);
    // Were it written again, it would not have this content.
    let marked = Path::new(&first[1]);
    let sound = fs::read(marked).unwrap();
    fs::write(marked, vec![b'!'; sound.len()]).unwrap();
    assert_eq!(lines(&run(dir.path(), &["--scale=64x64"])), first);
    assert!(fs::read(marked).unwrap()[0] == b'!');
    // Another size, and a file that was cut.
    lines(&run(
        dir.path(),
        &[
            "--scale",
            "65x64",
            marked.file_name().unwrap().to_str().unwrap(),
        ],
    ));
    assert!(fs::read(marked).unwrap()[0] == b'P');
    fs::write(&first[0], b"!").unwrap();
    lines(&run(dir.path(), &["--scale", "64x64"]));
    assert!(fs::read(&first[0]).unwrap()[0] == b'P');
}

#[test]
fn loose_rasters_have_their_side_cars() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = [
        "--rasters",
        "--scale",
        "64x64",
        "u2018_clc2018_v2020_20u1_raster100m",
    ];
    let paths = lines(&run(dir.path(), &arguments));
    assert_eq!(paths.len(), 6);
    for path in paths {
        assert!(
            fs::exists(&path).unwrap() && fs::exists(format!("{path}.vat.dbf")).unwrap(),
            "{path}"
        );
    }
}

#[test]
fn mistakes_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let unknown = run(dir.path(), &["no_such_product"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no_such_product"));
    assert_eq!(run(dir.path(), &["--scale", "huge"]).status.code(), Some(2));
    assert_eq!(run(dir.path(), &["--nonsense"]).status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run(dir.path(), &["--help"]).stdout).contains("Usage"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
