//! Where a job keeps its temporary files: the one module that knows their names.
//!
//! ```text
//! <scratch>/<job id>/download-<task>.zip.part   the package, arriving (and what the portal source keeps beside it)
//! <scratch>/<job id>/download-<task>.zip        the package
//! <scratch>/<job id>/unpacked/                  what the unpacker writes
//! <scratch>/<job id>/build/                     what the cube builder writes
//! ```

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::{JobId, Problem, TaskId};

/// How much room there is.
pub trait DiskSpace: fmt::Debug + Send + Sync + 'static {
    /// Bytes that can still be written into that folder, which exists.
    ///
    /// # Errors
    /// If it can't be found out; then nothing is checked.
    fn available(&self, folder: &Path) -> io::Result<u64>;
}

/// What the file system says (`statvfs`).
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystemSpace;

impl DiskSpace for FileSystemSpace {
    fn available(&self, folder: &Path) -> io::Result<u64> {
        let found = rustix::fs::statvfs(folder)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

/// The folder of one job.
#[derive(Debug, Clone)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(root: &Path, job: &JobId) -> Self {
        Self(root.join(job.as_str()))
    }

    /// The folder; it exists afterwards.
    pub(crate) fn create(&self) -> Result<&Path, Problem> {
        create(&self.0)?;
        Ok(&self.0)
    }

    pub(crate) fn unpacked(&self) -> Result<PathBuf, Problem> {
        create(&self.0.join("unpacked"))
    }

    pub(crate) fn build(&self) -> Result<PathBuf, Problem> {
        create(&self.0.join("build"))
    }

    pub(crate) fn archive(&self, task: &TaskId) -> PathBuf {
        self.0.join(format!("{}.zip", stem(task)))
    }

    pub(crate) fn part(&self, task: &TaskId) -> PathBuf {
        self.0.join(format!("{}.zip.part", stem(task)))
    }

    /// Length of the package as a whole, if it is there.
    pub(crate) fn archive_len(&self, task: &TaskId) -> Option<u64> {
        fs::metadata(self.archive(task))
            .ok()
            .map(|found| found.len())
    }

    /// Length of what has arrived of the package.
    pub(crate) fn part_len(&self, task: &TaskId) -> u64 {
        fs::metadata(self.part(task)).map_or(0, |found| found.len())
    }

    /// The part file is the whole package now.
    pub(crate) fn finish_download(&self, task: &TaskId) -> Result<(), Problem> {
        let archive = self.archive(task);
        fs::rename(self.part(task), &archive).map_err(|error| {
            Problem::from_io(
                &format!("rename the download to {}", archive.display()),
                &error,
            )
        })
    }

    /// Removes all that was downloaded of the task, as far as possible.
    pub(crate) fn discard_download(&self, task: &TaskId) {
        // Also what the portal source keeps beside the part file.
        let begins_with = format!("{}.zip", stem(task));
        let Ok(files) = fs::read_dir(&self.0) else {
            return;
        };
        for file in files.flatten() {
            if file.file_name().to_string_lossy().starts_with(&begins_with) {
                forgive(&file.path(), fs::remove_file(file.path()));
            }
        }
    }

    /// Removes everything, or everything but whole packages.
    pub(crate) async fn clean_up(&self, keep_downloads: bool) {
        let folder = self.0.clone();
        let removed = tokio::task::spawn_blocking(move || {
            if keep_downloads {
                clear_but_packages(&folder);
            } else {
                forgive(&folder, fs::remove_dir_all(&folder));
            }
        });
        if let Err(error) = removed.await {
            tracing::warn!(folder = %self.0.display(), %error, "temporary files were not removed");
        }
    }
}

/// The name of a task's files: the task's id with whatever could mean something to a file system taken out.
fn stem(task: &TaskId) -> String {
    let safe: String = task
        .as_str()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(80)
        .collect();
    format!("download-{safe}")
}

fn create(folder: &Path) -> Result<PathBuf, Problem> {
    fs::create_dir_all(folder).map_err(|error| {
        Problem::from_io(&format!("create the folder {}", folder.display()), &error)
    })?;
    Ok(folder.to_owned())
}

fn clear_but_packages(folder: &Path) {
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    for path in files.flatten().map(|file| file.path()) {
        if path.is_dir() {
            forgive(&path, fs::remove_dir_all(&path));
        } else if path.extension().is_none_or(|extension| extension != "zip") {
            forgive(&path, fs::remove_file(&path));
        }
    }
}

/// What can't be removed is no reason to fail a job whose cube is there.
fn forgive(path: &Path, removed: io::Result<()>) {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "a temporary file was not removed");
        }
        _ => {}
    }
}
