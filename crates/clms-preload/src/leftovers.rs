//! Temporary files that no job needs any more, for [`gc`](clms_cache::gc) to collect.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use clms_cache::{
    CacheError, CacheStore, Usage,
    gc::{Abandoned, TemporaryFiles},
};

use crate::{Disk, FileSystem, JobId, JobRecord, Journal, scratch::Kept};

/// What jobs left in a scratch folder, by the journal of their cache.
///
/// Of a job that has ended nothing is needed but whole packages, which stay there because somebody wanted to keep them. A job
/// that was killed or failed can be taken up again, for which its downloads are needed and nothing else. What the journal knows
/// nothing of is nobody's.
pub struct JobFiles {
    cache: Arc<dyn CacheStore>,
    journal: Journal,
    scratch: PathBuf,
}

impl JobFiles {
    /// Those of the jobs of `cache` in the folder `scratch`, which need not exist.
    #[must_use]
    pub fn new(cache: Arc<dyn CacheStore>, scratch: impl Into<PathBuf>) -> Self {
        Self {
            journal: Journal::new(cache.records()),
            cache,
            scratch: scratch.into(),
        }
    }

    /// What the job `folder` belongs to was asked for, if the journal knows it; `Err` if that is unclear.
    async fn record(&self, folder: &Path) -> Result<Option<JobRecord>, Unclear> {
        let name = folder.file_name().and_then(|name| name.to_str());
        let job: JobId = name.and_then(|name| name.parse().ok()).ok_or(Unclear)?;
        self.journal.read(&job).await.map_err(|error| {
            tracing::warn!(%job, %error, "left alone: files of a job whose record can't be read");
            Unclear
        })
    }

    /// What nobody needs of the files in `folder`, and what is known of their job.
    async fn unneeded(&self, folder: &Path) -> Option<(Vec<PathBuf>, Option<JobRecord>)> {
        let record = self.record(folder).await.ok()?;
        let kept = record.as_ref().map(kept_of);
        let mut paths = FileSystem.entries(folder);
        paths.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !kept.as_ref().is_some_and(|kept| kept.has(&name))
        });
        Some((paths, record))
    }
}

/// Whose files they are can't be told.
struct Unclear;

/// What a job that nobody works on needs of its files.
fn kept_of(record: &JobRecord) -> Kept {
    let tasks = record.state.knowledge.live_tasks();
    Kept::downloads_of(tasks.filter(|_| !record.is_finished()), true)
}

impl fmt::Debug for JobFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobFiles")
            .field("scratch", &self.scratch)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TemporaryFiles for JobFiles {
    async fn abandoned(&self) -> Result<Vec<Abandoned>, CacheError> {
        let mut abandoned = Vec::new();
        for folder in FileSystem.entries(&self.scratch) {
            let Some((paths, record)) = self.unneeded(&folder).await else {
                continue;
            };
            let name = record.map(|record| record.request.cube);
            let is_worked_on = match (&name, self.cache.as_maintain()) {
                (Some(name), Some(maintain)) => maintain.holder(name).await?.is_some(),
                _ => false,
            };
            if is_worked_on || (paths.is_empty() && name.is_some()) {
                continue;
            }
            let mut usage = Usage::default();
            for path in &paths {
                measure(path, &mut usage).map_err(|why| cannot("look at", path, why))?;
            }
            abandoned.push(Abandoned::new(name, folder, usage));
        }
        Ok(abandoned)
    }

    async fn remove(&self, abandoned: &Abandoned) -> Result<bool, CacheError> {
        let folder = &abandoned.folder;
        // Its job may have gone on since.
        let Some((paths, record)) = self.unneeded(folder).await else {
            return Ok(false);
        };
        if record.map(|record| record.request.cube) != abandoned.name {
            return Ok(false);
        }
        for path in &paths {
            let removed = FileSystem.remove(path).await;
            removed.map_err(|why| cannot("remove", path, why))?;
        }
        // Kept packages keep their folder.
        let is_gone = fs::remove_dir(folder).is_ok();
        Ok(is_gone || !paths.is_empty())
    }
}

/// Adds up what is at `path`, a file or a folder, except what is removed meanwhile.
fn measure(path: &Path, usage: &mut Usage) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if !metadata.is_dir() {
        usage.bytes += metadata.len();
        usage.objects += 1;
        return Ok(());
    }
    let mut entries = FileSystem.entries(path).into_iter();
    entries.try_for_each(|entry| measure(&entry, usage))
}

fn cannot(doing: &'static str, path: &Path, source: io::Error) -> CacheError {
    CacheError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
