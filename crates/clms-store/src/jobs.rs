//! The jobs of a cache, from whatever process they were begun: showing them, carrying them on, giving them up.

use std::{sync::Arc, time::Duration};

use clms_preload::{
    CancelReport, CancelScope, CubeSite, JobId, JobOutcome, JobRecord, JobStatus, Journal, Problem,
    ProblemKind, Progress, RunOptions, Servers, Stage, StageName, TaskCancellation, TaskStatus,
    machine::{DeadTask, OwnedTask},
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    ClmsStore, DataId, StoreError,
    preload::{JobSummary, PreloadOptions},
};

/// Why something could not be done with the jobs of a cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobsError {
    /// The store could not do what was necessary for it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is the job's own problem.
    #[error(transparent)]
    Job(#[from] Problem),
}

/// How jobs are carried on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResumeOptions {
    /// Wait for jobs that other processes work on, and take them over if those die. Without it they fail as `busy`.
    pub wait_for_others: bool,
    /// Stop everything after this time; the jobs can be carried on again.
    pub timeout: Option<Duration>,
}

/// All that is known of a job.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct JobDetails {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: JobSummary,
    /// Where its cube is or will be.
    pub cube: String,
    /// The portal's tasks that it ordered or adopted, the newest last.
    pub tasks: Vec<OwnedTask>,
    /// The tasks that it gave up, and why.
    pub dead_tasks: Vec<DeadTask>,
    /// The portal's last word on its task.
    pub task_status: Option<TaskStatus>,
    /// How many times the file was ordered in this run.
    pub orders: u32,
    /// How many bytes of the package are on disk.
    pub bytes_on_disk: u64,
    /// What came of cancelling its tasks at the portal.
    pub cancellations: Vec<TaskCancellation>,
}

impl ClmsStore {
    /// All that is known of a job. Needs neither credentials nor network.
    ///
    /// # Errors
    /// `no_such_job`, or [`StoreError::Journal`] if its record can't be read.
    pub async fn job(&self, job: &JobId) -> Result<JobDetails, JobsError> {
        let record = self.job_record(job).await?;
        let knowledge = &record.state.knowledge;
        Ok(JobDetails {
            summary: JobSummary::of(&record),
            cube: self.cache.cube_location(&record.request.cube),
            tasks: knowledge.owned.clone(),
            dead_tasks: knowledge.dead.clone(),
            task_status: knowledge.last_status.clone(),
            orders: knowledge.requests,
            bytes_on_disk: knowledge
                .downloaded
                .as_ref()
                .map_or(knowledge.bytes_on_disk, |package| package.bytes),
            cancellations: knowledge.cancellations.clone(),
        })
    }

    /// Carries jobs on to their end and tells what became of each, in their order; of those that have ended already, what became of them then.
    /// If everything has ended, neither credentials nor network are needed.
    ///
    /// # Errors
    /// `no_such_job` before anything is done; [`StoreError::Credentials`] and [`StoreError::Api`] if signing in fails;
    /// [`StoreError::Journal`]. What goes wrong later is in the outcomes.
    pub async fn resume_jobs(
        &self,
        jobs: &[JobId],
        options: ResumeOptions,
        progress: Arc<dyn Progress>,
        cancel: &CancellationToken,
    ) -> Result<Vec<JobOutcome>, JobsError> {
        let mut records = Vec::new();
        for job in jobs {
            records.push(self.job_record(job).await?);
        }
        let mut requests: Vec<_> = records
            .iter()
            .filter(|record| !record.is_finished())
            .map(|record| record.request.clone())
            .collect();
        requests.dedup();
        let mut carried_on = Vec::new();
        if !requests.is_empty() {
            let servers = tokio::select! {
                signed_in = self.signed_in_servers(&requests) => signed_in?,
                () = cancel.cancelled() => return Err(StoreError::Interrupted.into()),
            };
            let run = RunOptions {
                timeout: options.timeout,
                wait_for_others: options.wait_for_others,
                ..RunOptions::default()
            };
            let engine = self.engine(servers, progress, &PreloadOptions::default());
            carried_on = engine.run(requests, run, cancel).await;
        }
        let mut outcomes = Vec::new();
        for record in &records {
            let found = carried_on.iter().find(|outcome| outcome.job == record.job);
            outcomes.push(match found {
                Some(outcome) => outcome.clone(),
                None => self.ended(record).await,
            });
        }
        Ok(outcomes)
    }

    /// Gives a job up, whichever process works on it, here at once and at the portal as far as `scope` says and the portal does it: the
    /// report tells what really became of its tasks. Without credentials the portal is told nothing, and the report says so.
    ///
    /// # Errors
    /// `no_such_job`; `busy` if the process that works on it does not stop; [`StoreError::Journal`].
    pub async fn cancel_job(
        &self,
        job: &JobId,
        scope: CancelScope,
    ) -> Result<CancelReport, JobsError> {
        // What can be done here must not wait for a key.
        let scope = match self.network.is_offline() {
            true => CancelScope::LocalOnly,
            false => scope,
        };
        let servers = match scope {
            CancelScope::Everywhere => {
                let record = self.job_record(job).await?;
                self.server_of(&record.request.order).await
            }
            CancelScope::LocalOnly => Servers::none(),
        };
        let progress = Arc::new(clms_preload::NoProgress);
        let engine = self.engine(servers, progress, &PreloadOptions::default());
        Ok(engine.cancel(job, scope).await?)
    }

    /// The job of that name, or the newest one that is for that data id, in either of its spellings.
    ///
    /// # Errors
    /// `no_such_job`, or [`StoreError::Journal`] if the journal can't be read.
    pub async fn find_job(&self, name: &str) -> Result<JobId, JobsError> {
        let jobs = self.jobs().await?;
        let data_id = name.parse::<DataId>().map(|data_id| data_id.to_string());
        let by_name = jobs.iter().find(|job| job.job.as_str() == name);
        // The last changed one comes first.
        let by_data_id = || jobs.iter().find(|job| Ok(&job.data_id) == data_id.as_ref());
        let found = by_name.or_else(by_data_id);
        found
            .map(|job| job.job.clone())
            .ok_or_else(|| self.no_job(name))
    }

    async fn job_record(&self, job: &JobId) -> Result<JobRecord, JobsError> {
        let found = Journal::new(self.cache.records())
            .read(job)
            .await
            .map_err(StoreError::from)?;
        found.ok_or_else(|| self.no_job(job.as_str()))
    }

    fn no_job(&self, name: &str) -> JobsError {
        let kind = ProblemKind::Other("no_such_job".to_owned());
        let cache = self.cache.location();
        Problem::new(kind, format!("there is no job {name} in the cache {cache}"))
            .with_hint("see them with: clms jobs list")
            .into()
    }

    /// What became of a job that has ended.
    async fn ended(&self, record: &JobRecord) -> JobOutcome {
        let mut outcome = JobOutcome {
            job: record.job.clone(),
            data_id: record.request.data_id.clone(),
            status: JobStatus::Cancelled,
            cube: None,
            task_id: record.task_id().cloned(),
            bytes: None,
            error: record.problem().cloned(),
        };
        if let Stage::Completed { cube, .. } | Stage::Cached { cube } = &record.state.stage {
            let CubeSite { location } = cube;
            outcome.status = match record.stage() {
                StageName::Completed => JobStatus::Completed,
                _ => JobStatus::Cached,
            };
            outcome.cube = Some(location.clone());
            let usage = self.cache.usage(&record.request.cube).await;
            outcome.bytes = usage.ok().map(|usage| usage.bytes);
        }
        outcome
    }
}
