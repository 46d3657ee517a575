//! The engine: drives jobs through the [machine](crate::machine), several side by side.

mod job;
mod options;
mod poller;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, OnceLock, atomic::AtomicU64},
    time::Duration,
};

use clms_cache::CacheStore;
use tokio::{sync::Mutex, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

pub use self::options::{
    CancelReport, CancelScope, EngineLimits, JobOutcome, JobStatus, PollPolicy, RunOptions,
    TaskCancellation,
};
use self::{
    job::JobRun,
    poller::{Looks, Poller},
};
use crate::{
    Clock, ContentKey, CubeBuilder, DiskSpace, FileSystemSpace, JobId, JobRequest, Journal,
    NoProgress, Policy, PortalSource, Problem, ProblemKind, Progress, SystemClock, Unpacker,
    machine::{Event, step},
    scratch::Scratch,
};

/// Drives jobs. Cheap to clone; made by [`Engine::builder`].
///
/// One engine stands for one account at one server and one cache. All jobs of one [`run`](Self::run) share one look at the server for each tick.
#[derive(Debug, Clone)]
pub struct Engine {
    parts: Arc<Parts>,
}

/// What all jobs of an engine use.
#[derive(Debug)]
struct Parts {
    portal: Arc<dyn PortalSource>,
    unpacker: Arc<dyn Unpacker>,
    builder: Arc<dyn CubeBuilder>,
    cache: Arc<dyn CacheStore>,
    journal: Journal,
    scratch: PathBuf,
    clock: Arc<dyn Clock>,
    progress: Arc<dyn Progress>,
    disk: Arc<dyn DiskSpace>,
    policy: Policy,
    poll: PollPolicy,
    holder: String,
    downloads: tokio::sync::Semaphore,
    builds: tokio::sync::Semaphore,
    /// How many looks at the server were begun.
    looks_begun: AtomicU64,
    /// For each content that was ordered, how many looks had been begun by then. Held while ordering, so that orders go out one by one.
    orders: Mutex<HashMap<ContentKey, u64>>,
}

impl Engine {
    /// An engine of these neighbours; temporary files go below `scratch`, which should be on the file system where there is room for
    /// packages (twice, if they are compressed).
    #[must_use]
    pub fn builder(
        portal: Arc<dyn PortalSource>,
        unpacker: Arc<dyn Unpacker>,
        builder: Arc<dyn CubeBuilder>,
        cache: Arc<dyn CacheStore>,
        scratch: impl Into<PathBuf>,
    ) -> EngineBuilder {
        EngineBuilder {
            limits: EngineLimits::default(),
            parts: Parts {
                journal: Journal::new(cache.records()),
                portal,
                unpacker,
                builder,
                cache,
                scratch: scratch.into(),
                clock: Arc::new(SystemClock),
                progress: Arc::new(NoProgress),
                disk: Arc::new(FileSystemSpace),
                policy: Policy::default(),
                poll: PollPolicy::default(),
                holder: format!("process {}", std::process::id()),
                downloads: tokio::sync::Semaphore::new(0),
                builds: tokio::sync::Semaphore::new(0),
                looks_begun: AtomicU64::new(0),
                orders: Mutex::default(),
            },
        }
    }

    /// The journal of this engine's cache.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.parts.journal
    }

    /// Brings all that is requested into the cache, side by side, and tells what became of each, in the order of the requests.
    ///
    /// A job that was begun earlier, by whatever process, goes on where it was. Cancelling `cancel` stops all jobs at their next safe point; they
    /// can go on later, and what was ordered stays at the server. Dropping the future is like killing the process.
    pub async fn run(
        &self,
        requests: Vec<JobRequest>,
        options: RunOptions,
        cancel: &CancellationToken,
    ) -> Vec<JobOutcome> {
        let stop = Stop::new(cancel);
        let (looks, poller) = Poller::new(Arc::clone(&self.parts));
        let all = async {
            let outcomes = self.run_all(requests, options, &stop, looks).await;
            stop.token.cancel();
            outcomes
        };
        let (outcomes, (), ()) =
            futures::join!(all, poller.run(), self.time_out(options.timeout, &stop));
        outcomes
    }

    async fn run_all(
        &self,
        requests: Vec<JobRequest>,
        options: RunOptions,
        stop: &Stop,
        looks: Looks,
    ) -> Vec<JobOutcome> {
        let mut tasks = JoinSet::new();
        let mut who = HashMap::new();
        let jobs: Vec<JobId> = requests.iter().map(JobRequest::job_id).collect();
        let mut outcomes: HashMap<JobId, JobOutcome> = HashMap::new();
        for request in &requests {
            let job = request.job_id();
            // Asked for twice is done once.
            if who.values().any(|(known, _)| *known == job) {
                continue;
            }
            let span = tracing::info_span!("job", %job, data_id = %request.data_id);
            let run = JobRun::new(
                Arc::clone(&self.parts),
                request.clone(),
                options,
                stop.clone(),
                looks.clone(),
            );
            let handle = tasks.spawn(run.run().instrument(span));
            who.insert(handle.id(), (job, request.data_id.clone()));
        }
        drop(looks);
        while let Some(ended) = tasks.join_next_with_id().await {
            let outcome = match ended {
                Ok((_, outcome)) => outcome,
                Err(error) => {
                    let Some((job, data_id)) = who.get(&error.id()) else {
                        continue;
                    };
                    let problem = Problem::new(
                        ProblemKind::Internal,
                        format!("the job's task broke down: {error}"),
                    );
                    JobOutcome::failed(job.clone(), data_id.clone(), problem)
                }
            };
            outcomes.insert(outcome.job.clone(), outcome);
        }
        jobs.iter()
            .filter_map(|job| outcomes.get(job).cloned())
            .collect()
    }

    /// Stops everything after `timeout`, unless it has ended before.
    async fn time_out(&self, timeout: Option<Duration>, stop: &Stop) {
        let Some(timeout) = timeout else { return };
        tokio::select! {
            () = stop.token.cancelled() => {}
            () = self.parts.clock.sleep(timeout) => stop.time_out(timeout),
        }
    }

    /// Gives up a job: its journal says so from now on, its temporary files are removed, and its tasks are cancelled on the server, as far as
    /// `scope` says and the server does it.
    ///
    /// # Errors
    /// [`Busy`](ProblemKind::Busy) if a process works on it, or whatever the cache or the journal says. What the server says is in the report.
    pub async fn cancel(&self, job: &JobId, scope: CancelScope) -> Result<CancelReport, Problem> {
        let parts = &self.parts;
        let no_such_job = || {
            let kind = ProblemKind::Other("no_such_job".to_owned());
            Problem::new(
                kind,
                format!(
                    "there is no job {job} in the cache {}",
                    parts.cache.location()
                ),
            )
        };
        let record = parts.journal.read(job).await?.ok_or_else(no_such_job)?;
        let _lease = parts
            .cache
            .lease(&record.request.cube, &parts.holder)
            .await?;
        // Once more, now that nobody else changes it.
        let mut record = parts.journal.read(job).await?.ok_or_else(no_such_job)?;
        let mut report = CancelReport {
            job: job.clone(),
            tasks: Vec::new(),
        };
        if record.is_finished() {
            return Ok(report);
        }
        let tasks: Vec<_> = record.state.knowledge.live_tasks().cloned().collect();
        let now = parts.clock.now();
        record.state = step(&parts.policy, record.state.renewed(), now, Event::Cancelled).0;
        record.state.knowledge.downloaded = None;
        record.updated_at = now;
        parts.journal.write(&record).await?;
        Scratch::new(&parts.scratch, job).clean_up(false).await;
        if scope == CancelScope::Everywhere {
            for task in tasks {
                let answer = parts.portal.cancel(&task).await;
                report.tasks.push(TaskCancellation::new(task, answer));
            }
        }
        Ok(report)
    }
}

/// Puts an [`Engine`] together; see [`Engine::builder`].
#[derive(Debug)]
pub struct EngineBuilder {
    limits: EngineLimits,
    parts: Parts,
}

impl EngineBuilder {
    /// Another clock than the computer's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.parts.clock = clock;
        self
    }

    /// Who listens.
    #[must_use]
    pub fn progress(mut self, progress: Arc<dyn Progress>) -> Self {
        self.parts.progress = progress;
        self
    }

    /// How much is done side by side.
    #[must_use]
    pub fn limits(mut self, limits: EngineLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How often the server is looked at.
    #[must_use]
    pub fn poll(mut self, poll: PollPolicy) -> Self {
        self.parts.poll = poll;
        self
    }

    /// How patient jobs are.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.parts.policy = policy;
        self
    }

    /// What other processes are told about who works on a cube, such as `clms preload, process 4711 on host alpha`.
    #[must_use]
    pub fn holder(mut self, holder: impl Into<String>) -> Self {
        self.parts.holder = holder.into();
        self
    }

    /// Another source of how much room there is than the file system.
    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn DiskSpace>) -> Self {
        self.parts.disk = disk;
        self
    }

    /// The engine.
    #[must_use]
    pub fn build(mut self) -> Engine {
        self.parts.downloads = tokio::sync::Semaphore::new(self.limits.downloads.get());
        self.parts.builds = tokio::sync::Semaphore::new(self.limits.builds.get());
        Engine {
            parts: Arc::new(self.parts),
        }
    }
}

/// Whether and why all jobs of a run are to stop.
#[derive(Debug, Clone)]
struct Stop {
    token: CancellationToken,
    timed_out: Arc<OnceLock<Duration>>,
}

impl Stop {
    fn new(cancel: &CancellationToken) -> Self {
        Self {
            token: cancel.child_token(),
            timed_out: Arc::default(),
        }
    }

    fn time_out(&self, after: Duration) {
        if !self.token.is_cancelled() {
            // Only the first one counts.
            let _ = self.timed_out.set(after);
            self.token.cancel();
        }
    }

    /// What happens to a job that stops.
    fn event(&self) -> Event {
        match self.timed_out.get() {
            Some(after) => Event::TimedOut {
                seconds: after.as_secs(),
            },
            None => Event::Interrupted,
        }
    }
}
