//! The journal: one JSON document for each job, next to the cubes.
//!
//! `jobs/<job id>.json` below [`CacheStore::records`](clms_cache::CacheStore::records), whose writes are atomic: a reader sees the job before or after a step,
//! never in between. `cancellations/<job id>.json` is a message to whichever process works on the job that it is to be given up; the one who works
//! on a job removes old ones when it begins, and looks for new ones at every tick. `orders/<digest of the content>.json` tells jobs that want the same file
//! for other cubes that it has been ordered, until the server's list does. Every document says by which version of this format it was written.

mod order_notes;

use std::sync::Arc;

use clms_cache::CacheError;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, path::Path};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{JobId, JobRequest, JobState, Problem, ProblemKind, Stage, StageName, TaskId};

/// The version of the documents that this program writes.
const VERSION: u32 = 1;
/// The folder of the documents.
const FOLDER: &str = "jobs";
/// The folder of messages to those who work on jobs that these are to be given up.
const CANCELLATIONS: &str = "cancellations";
/// How many documents are read at a time.
const READERS: usize = 8;

/// A job as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Version of the document's format.
    pub version: u32,
    /// The job.
    pub job: JobId,
    /// What it was asked to do; enough to go on with it.
    pub request: JobRequest,
    /// Where it stands and what it knows.
    pub state: JobState,
    /// When it was first asked for.
    pub created_at: Timestamp,
    /// When this was written.
    pub updated_at: Timestamp,
}

impl JobRecord {
    /// A record of that job.
    #[must_use]
    pub fn new(
        request: JobRequest,
        state: JobState,
        created_at: Timestamp,
        updated_at: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            job: request.job_id(),
            request,
            state,
            created_at,
            updated_at,
        }
    }

    /// Where the job stood when this was written. A job of a process that was killed stands where the kill found it.
    #[must_use]
    pub fn stage(&self) -> StageName {
        self.state.stage.name()
    }

    /// The task that the job is about, if it has one.
    #[must_use]
    pub fn task_id(&self) -> Option<&TaskId> {
        self.state
            .stage
            .task()
            .or_else(|| self.state.knowledge.current_task())
    }

    /// Why the job ended, or what it met last.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match &self.state.stage {
            Stage::Failed { problem } | Stage::Interrupted { problem } => Some(problem),
            Stage::Completed { .. } | Stage::Cached { .. } => None,
            _ => self.state.knowledge.last_problem.as_ref(),
        }
    }

    /// True if there is nothing to go on with: the cube is there, or the job was given up by its owner.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(
            self.stage(),
            StageName::Completed | StageName::Cached | StageName::Cancelled
        )
    }
}

/// All jobs of a cache.
#[derive(Debug, Default)]
pub struct JobList {
    /// Those that can be read, the last changed first.
    pub jobs: Vec<JobRecord>,
    /// Why the others can't.
    pub unreadable: Vec<JournalError>,
}

/// Reads and writes the journal of a cache.
#[derive(Debug, Clone)]
pub struct Journal {
    records: Arc<dyn ObjectStore>,
}

impl Journal {
    /// The journal in `records`, which is what [`CacheStore::records`](clms_cache::CacheStore::records) gives.
    #[must_use]
    pub fn new(records: Arc<dyn ObjectStore>) -> Self {
        Self { records }
    }

    /// The record of a job, if there is one.
    ///
    /// # Errors
    /// If the storage refuses, or the document can't be understood.
    pub async fn read(&self, job: &JobId) -> Result<Option<JobRecord>, JournalError> {
        self.read_path(&path(job)).await
    }

    /// Writes the record of a job in one step.
    ///
    /// # Errors
    /// If the storage refuses.
    pub async fn write(&self, record: &JobRecord) -> Result<(), JournalError> {
        let path = path(&record.job);
        let json = serde_json::to_vec_pretty(record).map_err(|source| JournalError::Write {
            path: path.clone(),
            source,
        })?;
        self.records
            .put(&path, json.into())
            .await
            .map_err(|source| JournalError::storage(path, source))?;
        Ok(())
    }

    /// Removes the record of a job, if there is one.
    ///
    /// # Errors
    /// If the storage refuses.
    pub async fn remove(&self, job: &JobId) -> Result<(), JournalError> {
        self.delete(path(job)).await
    }

    /// All records.
    ///
    /// # Errors
    /// If the storage can't be listed. A record that can't be read is part of the answer.
    pub async fn list(&self) -> Result<JobList, JournalError> {
        let objects = self.objects(FOLDER).await?;
        let mut list = JobList::default();
        let mut reads = futures::stream::iter(objects)
            .map(|object| async move { self.read_path(&object.location).await })
            .buffer_unordered(READERS);
        while let Some(read) = reads.next().await {
            match read {
                Ok(record) => list.jobs.extend(record),
                Err(error) => list.unreadable.push(error),
            }
        }
        list.jobs
            .sort_by(|a, b| (b.updated_at, &a.job).cmp(&(a.updated_at, &b.job)));
        Ok(list)
    }

    /// Leaves word that a job is to be given up, for the process that works on it.
    ///
    /// # Errors
    /// If the storage refuses.
    pub async fn ask_to_cancel(
        &self,
        job: &JobId,
        by: &str,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        let path = cancellation_path(job);
        let json = serde_json::json!({"version": VERSION, "job": job, "by": by, "at": at});
        match self.records.put(&path, json.to_string().into()).await {
            Ok(_) => Ok(()),
            Err(source) => Err(JournalError::storage(path, source)),
        }
    }

    /// The jobs that are to be given up.
    ///
    /// # Errors
    /// If the storage can't be listed.
    pub async fn cancellations(&self) -> Result<Vec<JobId>, JournalError> {
        let objects = self.objects(CANCELLATIONS).await?;
        let job = |object: &ObjectMeta| {
            let name = object.location.filename()?.strip_suffix(".json")?;
            name.parse().ok()
        };
        Ok(objects.iter().filter_map(job).collect())
    }

    /// Takes back what [`ask_to_cancel`](Self::ask_to_cancel) said, if anything.
    ///
    /// # Errors
    /// If the storage refuses.
    pub async fn withdraw_cancellation(&self, job: &JobId) -> Result<(), JournalError> {
        self.delete(cancellation_path(job)).await
    }

    async fn delete(&self, path: Path) -> Result<(), JournalError> {
        match self.records.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(JournalError::storage(path, source)),
        }
    }

    async fn objects(&self, folder: &str) -> Result<Vec<ObjectMeta>, JournalError> {
        let path = Path::from(folder);
        match self.records.list(Some(&path)).try_collect().await {
            Ok(objects) => Ok(objects),
            Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
            Err(source) => Err(JournalError::storage(path, source)),
        }
    }

    async fn read_path(&self, path: &Path) -> Result<Option<JobRecord>, JournalError> {
        match self.get(path).await? {
            Some(json) => parse(&json, path).map(Some),
            None => Ok(None),
        }
    }

    async fn get(&self, path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
        let storage = |source| JournalError::storage(path.clone(), source);
        match self.records.get(path).await {
            Ok(found) => {
                let bytes = found.bytes().await.map_err(storage)?;
                Ok(Some(bytes.into()))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(storage(source)),
        }
    }
}

/// All jobs of the cache whose records these are: what `clms jobs list` shows, from any process.
///
/// # Errors
/// As [`Journal::list`].
pub async fn list_jobs(records: Arc<dyn ObjectStore>) -> Result<JobList, JournalError> {
    Journal::new(records).list().await
}

fn path(job: &JobId) -> Path {
    Path::from_iter([FOLDER.to_owned(), format!("{job}.json")])
}

fn cancellation_path(job: &JobId) -> Path {
    Path::from_iter([CANCELLATIONS.to_owned(), format!("{job}.json")])
}

fn parse<T: DeserializeOwned>(json: &[u8], path: &Path) -> Result<T, JournalError> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }

    let malformed = |error: String| JournalError::Malformed {
        path: path.clone(),
        error,
    };
    let Versioned { version } =
        serde_json::from_slice(json).map_err(|error| malformed(error.to_string()))?;
    if version > VERSION {
        return Err(JournalError::TooNew {
            path: path.clone(),
            version,
        });
    }
    let mut json = serde_json::Deserializer::from_slice(json);
    serde_path_to_error::deserialize(&mut json).map_err(|error| malformed(error.to_string()))
}

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The storage refused.
    #[error("the journal ({path}) can't be reached: {source}")]
    Storage {
        /// The document, or the folder of documents.
        path: Path,
        /// What the storage said.
        source: CacheError,
    },
    /// The document is not what this program writes.
    #[error("the journal's document {path} can't be understood: {error}")]
    Malformed {
        /// The document.
        path: Path,
        /// What is wrong with it.
        error: String,
    },
    /// The document is from a newer program.
    #[error(
        "the journal's document {path} was written by a newer version (format {version}, this program knows {VERSION})"
    )]
    TooNew {
        /// The document.
        path: Path,
        /// Its format.
        version: u32,
    },
    /// The record can't be put into JSON.
    #[error("the journal's document {path} can't be written: {source}")]
    Write {
        /// The document.
        path: Path,
        /// Why.
        source: serde_json::Error,
    },
}

impl JournalError {
    pub(crate) fn storage(path: Path, source: object_store::Error) -> Self {
        let source = source.into();
        Self::Storage { path, source }
    }

    /// True if the same call may succeed later without anything being changed by a person.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Storage { source, .. } => source.is_retryable(),
            _ => false,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed { .. } => {
                Some("remove the document; the job will begin anew".to_owned())
            }
            Self::TooNew { .. } => Some("use the newer program for this cache".to_owned()),
            Self::Storage { source, .. } => source.hint(),
            Self::Write { .. } => None,
        }
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        let kind = match &error {
            JournalError::Storage { source, .. } if source.is_about_credentials() => {
                ProblemKind::CacheNotWritable
            }
            _ => ProblemKind::Journal,
        };
        let mut problem = Self::new(kind, error.to_string()).with_retryable(error.is_retryable());
        problem.hint = error.hint();
        problem
    }
}
