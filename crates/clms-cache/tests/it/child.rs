//! Tests that are other processes, some of which see other file systems.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use clms_cache::FilesystemCache;

/// Says to a test that it is to be the other process, and where its cache is.
pub(crate) const CHILD_CACHE: &str = "CLMS_CACHE_TEST_CHILD";

/// Starts the test `child` of this binary, such as `processes::child_stages`, as another process, perhaps through the program `wrapper`.
pub(crate) fn spawn(
    child: &str,
    cache: &Path,
    wrapper: &[&str],
) -> (Child, BufReader<ChildStdout>) {
    let exe = std::env::current_exe().unwrap();
    let exe = exe.to_str().unwrap();
    let arguments = [exe, "--exact", child, "--ignored", "--nocapture"];
    let mut line = wrapper.iter().chain(&arguments);
    let mut process = Command::new(line.next().unwrap())
        .args(line)
        .env(CHILD_CACHE, cache)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    (process, output)
}

/// Reads what the child prints up to the line that ends with `end`. The test harness prints around it.
pub(crate) fn wait_for(output: &mut impl BufRead, end: &str) {
    let mut line = String::new();
    while !line.trim_end().ends_with(end) {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "the child ended before it said {end:?}"
        );
    }
}

/// The cache that the parent named, if this process is a child.
pub(crate) fn childs_cache() -> Option<FilesystemCache> {
    Some(FilesystemCache::open(std::env::var_os(CHILD_CACHE)?).unwrap())
}

/// In it a process may mount what it likes, whoever it is.
pub(crate) const PRIVATE_MOUNTS: &[&str] = &["--user", "--map-root-user", "--mount"];

/// The same for root, with file systems that are processes of their own and end with this one.
pub(crate) const PRIVATE_MOUNTS_OF_ROOT: &[&str] = &["--mount", "--pid", "--fork", "--kill-child"];

/// Runs a child in a namespace of its own, in which the shell's `mount` was run with the cache as `$cache`.
pub(crate) fn in_namespace(child: &str, cache: &Path, namespace: &[&str], mount: &str) {
    let script = format!("set -e; cache=$1; shift\n{mount}\nexec \"$@\"");
    let shell = ["sh", "-c", &script, "sh", cache.to_str().unwrap()];
    let wrapper = [&["unshare"], namespace, &shell].concat();
    let able = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .arg("true")
        .stdin(Stdio::null())
        .output();
    match able {
        Ok(output) if output.status.success() => {}
        _ => {
            eprintln!("SKIPPED {child}: this machine gives us no such file system: {able:?}");
            return;
        }
    }
    let (mut process, mut output) = spawn(child, cache, &wrapper);
    wait_for(&mut output, "seen");
    assert!(process.wait().unwrap().success());
}
