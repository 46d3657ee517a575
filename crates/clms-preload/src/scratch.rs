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
    sync::Arc,
};

use async_trait::async_trait;

use crate::{JobId, Problem, TaskId};

/// The disk with the temporary files, as far as the engine itself uses it. What is in those files is the business of the portal
/// source, the unpacker and the cube builder.
#[async_trait]
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Bytes that can still be written into that folder, which exists.
    ///
    /// # Errors
    /// If it can't be found out; then nothing is checked.
    fn available(&self, folder: &Path) -> io::Result<u64>;

    /// The file system of that folder, which exists: two folders with one number share their room.
    ///
    /// # Errors
    /// If it can't be found out; then nothing is checked.
    fn file_system(&self, folder: &Path) -> io::Result<u64>;

    /// Creates a folder and those above it, unless they are there.
    ///
    /// # Errors
    /// Whatever the system says.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Length of a file, if it is there.
    fn len(&self, file: &Path) -> Option<u64>;

    /// Gives a file another name within its folder, in one step.
    ///
    /// # Errors
    /// Whatever the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// What is directly in a folder; nothing if it is not there.
    fn entries(&self, folder: &Path) -> Vec<PathBuf>;

    /// Removes a file, or a folder with all that is in it. That it is not there is no error.
    ///
    /// # Errors
    /// Whatever the system says.
    async fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The computer's own disks.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

#[async_trait]
impl Disk for FileSystem {
    fn available(&self, folder: &Path) -> io::Result<u64> {
        let found = rustix::fs::statvfs(folder)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn file_system(&self, folder: &Path) -> io::Result<u64> {
        Ok(rustix::fs::stat(folder)?.st_dev)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn len(&self, file: &Path) -> Option<u64> {
        fs::metadata(file).ok().map(|found| found.len())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        entries.flatten().map(|entry| entry.path()).collect()
    }

    async fn remove(&self, path: &Path) -> io::Result<()> {
        let path = path.to_owned();
        // Large files take their time.
        let removed = tokio::task::spawn_blocking(move || {
            if path.symlink_metadata()?.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            }
        });
        match removed.await.map_err(io::Error::other)? {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

/// The folder of one job.
#[derive(Debug, Clone)]
pub(crate) struct Scratch {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl Scratch {
    pub(crate) fn new(disk: Arc<dyn Disk>, root: &Path, job: &JobId) -> Self {
        let folder = root.join(job.as_str());
        Self { disk, folder }
    }

    /// The folder; it exists afterwards.
    pub(crate) fn create(&self) -> Result<&Path, Problem> {
        self.create_folder(self.folder.clone())?;
        Ok(&self.folder)
    }

    pub(crate) fn unpacked(&self) -> Result<PathBuf, Problem> {
        self.create_folder(self.folder.join("unpacked"))
    }

    pub(crate) fn build(&self) -> Result<PathBuf, Problem> {
        self.create_folder(self.folder.join("build"))
    }

    fn create_folder(&self, folder: PathBuf) -> Result<PathBuf, Problem> {
        self.disk.create_folder(&folder).map_err(|error| {
            Problem::from_io(&format!("create the folder {}", folder.display()), &error)
        })?;
        Ok(folder)
    }

    pub(crate) fn archive(&self, task: &TaskId) -> PathBuf {
        self.folder.join(format!("{}.zip", stem(task)))
    }

    pub(crate) fn part(&self, task: &TaskId) -> PathBuf {
        self.folder.join(format!("{}.zip.part", stem(task)))
    }

    /// Length of the package as a whole, if it is there.
    pub(crate) fn archive_len(&self, task: &TaskId) -> Option<u64> {
        self.disk.len(&self.archive(task))
    }

    /// Length of what has arrived of the package.
    pub(crate) fn part_len(&self, task: &TaskId) -> u64 {
        self.disk.len(&self.part(task)).unwrap_or_default()
    }

    /// The part file is the whole package now.
    pub(crate) fn finish_download(&self, task: &TaskId) -> Result<(), Problem> {
        let archive = self.archive(task);
        self.disk
            .rename(&self.part(task), &archive)
            .map_err(|error| {
                Problem::from_io(
                    &format!("rename the download to {}", archive.display()),
                    &error,
                )
            })
    }

    /// Removes all that was downloaded of the task, as far as possible.
    pub(crate) async fn discard_download(&self, task: &TaskId) {
        // Also what the portal source keeps beside the part file.
        let begins_with = format!("{}.zip", stem(task));
        self.remove_if(|name| name.starts_with(&begins_with)).await;
    }

    /// Removes everything, or everything but whole packages, after success.
    pub(crate) async fn clean_up(&self, keep_downloads: bool) {
        if keep_downloads {
            self.keep_downloads_of(std::iter::empty(), true).await;
        } else {
            self.remove(&self.folder).await;
        }
    }

    /// Removes everything but what has come of the packages of these tasks, and whole packages if all of these are to be kept.
    pub(crate) async fn keep_downloads_of(
        &self,
        tasks: impl Iterator<Item = &TaskId>,
        keep_downloads: bool,
    ) {
        let kept = Kept::downloads_of(tasks, keep_downloads);
        self.remove_if(|name| !kept.has(name)).await;
    }

    async fn remove_if(&self, is_doomed: impl Fn(&str) -> bool) {
        for path in self.disk.entries(&self.folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if is_doomed(&name) {
                self.remove(&path).await;
            }
        }
    }

    /// What can't be removed is no reason to fail a job whose cube is there.
    async fn remove(&self, path: &Path) {
        if let Err(error) = self.disk.remove(path).await {
            tracing::warn!(path = %path.display(), %error, "a temporary file was not removed");
        }
    }
}

/// Which of a job's files stay.
#[derive(Debug)]
pub(crate) struct Kept {
    beginnings: Vec<String>,
    all_packages: bool,
}

impl Kept {
    /// What has come of the packages of these tasks, and whole packages if `all_packages` are to be kept.
    pub(crate) fn downloads_of<'t>(
        tasks: impl Iterator<Item = &'t TaskId>,
        all_packages: bool,
    ) -> Self {
        Self {
            beginnings: tasks.map(|task| format!("{}.zip", stem(task))).collect(),
            all_packages,
        }
    }

    /// Whether the file or folder of that name stays.
    pub(crate) fn has(&self, name: &str) -> bool {
        let mut beginnings = self.beginnings.iter();
        beginnings.any(|beginning| name.starts_with(beginning))
            || self.all_packages && name.ends_with(".zip")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ContentKey;

    #[tokio::test]
    async fn kept_downloads_are_all_that_stays() {
        let root = tempfile::tempdir().unwrap();
        let job = JobId::of("a", &ContentKey::other("a"));
        let scratch = Scratch::new(Arc::new(FileSystem), root.path(), &job);
        let (one, two) = (TaskId::new("1"), TaskId::new("../2"));
        scratch.create().unwrap();
        fs::write(scratch.unpacked().unwrap().join("x"), "x").unwrap();
        for task in [&one, &two] {
            fs::write(scratch.part(task), "part").unwrap();
            fs::write(format!("{}.etag", scratch.part(task).display()), "e").unwrap();
        }
        scratch.finish_download(&one).unwrap();
        assert_eq!(scratch.archive_len(&one), Some(4));
        assert_eq!((scratch.part_len(&one), scratch.part_len(&two)), (0, 4));
        scratch.discard_download(&two).await;
        assert_eq!(scratch.part_len(&two), 0);
        scratch.clean_up(true).await;
        assert_eq!(FileSystem.entries(&scratch.folder), [scratch.archive(&one)]);
        for _ in 0..2 {
            scratch.clean_up(false).await;
            assert!(FileSystem.entries(root.path()).is_empty());
        }
    }
}
