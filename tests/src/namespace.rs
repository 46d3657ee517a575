//! File systems that are full or can't be written, for one process only.
//!
//! CI is root, for whom permissions mean nothing; so the folder is mounted as it shall be, in a namespace of its own.

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, Stdio},
};

/// What becomes of a folder.
#[derive(Debug, Clone, Copy)]
pub enum Mount {
    /// It can't be written.
    ReadOnly,
    /// It is empty, and has room for so many bytes.
    Tiny(u64),
}

/// The same command, in whose eyes `folder` is mounted so. `None`, after saying so, where the machine doesn't allow it.
#[must_use]
pub fn mounted(command: &Command, folder: &Path, mount: Mount) -> Option<Command> {
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount"]);
        unshare
    };
    let allowed = unshare()
        .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !allowed {
        #[expect(clippy::print_stderr, reason = "a test that does nothing must be loud")]
        {
            eprintln!(
                "SKIPPED: this machine does not let a process mount file systems in a namespace of its own"
            );
        }
        return None;
    }
    let script = match mount {
        Mount::ReadOnly => r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1""#.to_owned(),
        Mount::Tiny(bytes) => format!(r#"mount -t tmpfs -o size={bytes} tmpfs "$1""#),
    };
    let mut wrapped = unshare();
    wrapped
        .args([
            "sh",
            "-c",
            &format!(r#"{script} || exit 99; shift; exec "$@""#),
            "sh",
        ])
        .arg(folder)
        .arg(command.get_program())
        .args(command.get_args());
    wrapped.env_clear();
    for (key, value) in command.get_envs() {
        wrapped.env(key, value.map(OsString::from).unwrap_or_default());
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    Some(wrapped)
}
