//! The engine: drives jobs through the [machine](crate::machine), several side by side.

mod cancel;
mod handle;
mod job;
mod options;
mod poller;
mod servers;
mod stop;

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use clms_cache::CacheStore;
use tokio::{
    sync::{broadcast, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::{
    handle::Fan,
    job::{JobRun, Memory, Rooms},
    poller::{Looks, Poller},
    servers::Server,
    stop::{Stop, Working},
};
pub use self::{
    handle::JobHandle,
    options::{EngineLimits, JobOutcome, JobStatus, PollPolicy, RunOptions},
    servers::Servers,
};
use crate::{
    Clock, CubeBuilder, Disk, FileSystem, JobId, JobRequest, JobState, Journal, NoProgress, Policy,
    PortalSource, Problem, ProblemKind, Progress, ProgressEvent, ServerName, SystemClock, Unpacker,
};

/// Drives jobs. Cheap to clone; made by [`Engine::builder`].
///
/// One engine stands for one cache, and for one account at each of its servers. All jobs of one [`run`](Self::run) at the same server share one look at
/// it for each tick.
#[derive(Debug, Clone)]
pub struct Engine {
    parts: Arc<Parts>,
}

/// What all jobs of an engine use.
#[derive(Debug)]
struct Parts {
    servers: Servers,
    unpacker: Arc<dyn Unpacker>,
    builder: Arc<dyn CubeBuilder>,
    cache: Arc<dyn CacheStore>,
    journal: Journal,
    scratch: PathBuf,
    clock: Arc<dyn Clock>,
    progress: Arc<dyn Progress>,
    events: broadcast::Sender<ProgressEvent>,
    disk: Arc<dyn Disk>,
    /// Of what is left to chance.
    seed: u64,
    working: Working,
    policy: Policy,
    poll: PollPolicy,
    holder: String,
    downloads: tokio::sync::Semaphore,
    builds: tokio::sync::Semaphore,
    memory: Option<Memory>,
    rooms: Rooms,
}

impl Engine {
    /// An engine of these neighbours; temporary files go below `scratch`, which should be on the file system where there is room for
    /// packages (twice, if they are compressed).
    #[must_use]
    pub fn builder(
        servers: impl Into<Servers>,
        unpacker: Arc<dyn Unpacker>,
        builder: Arc<dyn CubeBuilder>,
        cache: Arc<dyn CacheStore>,
        scratch: impl Into<PathBuf>,
    ) -> EngineBuilder {
        EngineBuilder {
            limits: EngineLimits::default(),
            parts: Parts {
                journal: Journal::new(cache.records()),
                servers: servers.into(),
                unpacker,
                builder,
                cache,
                scratch: scratch.into(),
                clock: Arc::new(SystemClock),
                progress: Arc::new(NoProgress),
                events: broadcast::Sender::new(EVENTS),
                disk: Arc::new(FileSystem),
                seed: rand::random(),
                working: Working::default(),
                policy: Policy::default(),
                poll: PollPolicy::default(),
                holder: format!("process {}", std::process::id()),
                downloads: tokio::sync::Semaphore::new(0),
                builds: tokio::sync::Semaphore::new(0),
                memory: None,
                rooms: Rooms::default(),
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
        let (starts, _) = self.prepare(requests.iter(), &stop);
        self.run_until_ended(requests, options, &stop, starts).await
    }

    /// The same in the background, with a handle for each different job, in the order of the requests. Needs a tokio runtime.
    #[must_use = "the handles are the only way to the jobs"]
    pub fn start(&self, requests: Vec<JobRequest>, options: RunOptions) -> Vec<JobHandle> {
        let stop = Stop::new(&CancellationToken::new());
        let (starts, handles) = self.prepare(requests.iter(), &stop);
        let engine = self.clone();
        tokio::spawn(async move {
            engine
                .run_until_ended(requests, options, &stop, starts)
                .await
        });
        handles
    }

    /// Each different job with its handle.
    fn prepare<'r>(
        &self,
        requests: impl Iterator<Item = &'r JobRequest>,
        stop: &Stop,
    ) -> (Vec<Start>, Vec<JobHandle>) {
        let mut starts: Vec<Start> = Vec::new();
        let mut handles = Vec::new();
        for request in requests {
            let job = request.job_id();
            // Asked for twice is done once.
            if starts.iter().any(|known| known.request.job_id() == job) {
                continue;
            }
            let new = JobState::of(request);
            let (stop, (states, state), (outcomes, outcome)) =
                (stop.for_job(), watch::channel(new), watch::channel(None));
            handles.push(JobHandle {
                engine: self.clone(),
                job,
                data_id: request.data_id.clone(),
                stop: stop.clone(),
                state,
                outcome,
                events: std::sync::Mutex::new(Some(self.parts.events.subscribe())),
            });
            starts.push(Start {
                request: request.clone(),
                stop,
                states,
                outcomes,
            });
        }
        (starts, handles)
    }

    async fn run_until_ended(
        &self,
        requests: Vec<JobRequest>,
        options: RunOptions,
        stop: &Stop,
        starts: Vec<Start>,
    ) -> Vec<JobOutcome> {
        let (mut looks, mut pollers) = (HashMap::new(), Vec::new());
        let starts: Vec<(Start, Looks)> = starts
            .into_iter()
            .map(|start| {
                let server = start.request.order.server.clone();
                let looks = looks.entry(server).or_insert_with_key(|server| {
                    let (looks, poller) = Poller::new(Arc::clone(&self.parts), server);
                    pollers.push(poller.run());
                    looks
                });
                (start, looks.clone())
            })
            .collect();
        // Pollers end with the last job that may ask them.
        drop(looks);
        let all = async {
            let outcomes = self.run_all(starts, options).await;
            stop.token.cancel();
            outcomes
        };
        let (outcomes, _, (), ()) = futures::join!(
            all,
            futures::future::join_all(pollers),
            self.time_out(options.timeout, stop),
            self.heed_cancellations(stop)
        );
        requests
            .iter()
            .filter_map(|request| outcomes.get(&request.job_id()).cloned())
            .collect()
    }

    async fn run_all(
        &self,
        starts: Vec<(Start, Looks)>,
        options: RunOptions,
    ) -> HashMap<JobId, JobOutcome> {
        let mut tasks = JoinSet::new();
        let mut who = HashMap::new();
        let mut ended = HashMap::new();
        for (start, looks) in starts {
            let (job, data_id) = (start.request.job_id(), start.request.data_id.clone());
            let span = tracing::info_span!("job", %job, %data_id);
            let outcomes = start.outcomes.clone();
            let run = JobRun::new(Arc::clone(&self.parts), start, options, looks);
            span.in_scope(|| run.announce());
            let handle = tasks.spawn(run.run().instrument(span));
            who.insert(handle.id(), (job, data_id, outcomes));
        }
        while let Some(end) = tasks.join_next_with_id().await {
            let id = match &end {
                Ok((id, _)) => *id,
                Err(error) => error.id(),
            };
            let Some((job, data_id, outcomes)) = who.remove(&id) else {
                continue;
            };
            let outcome = end.map_or_else(
                |error| {
                    let message = format!("the job's task broke down: {error}");
                    let problem = Problem::new(ProblemKind::Internal, message);
                    JobOutcome::failed(job.clone(), data_id, problem)
                },
                |(_, outcome)| outcome,
            );
            outcomes.send_replace(Some(outcome.clone()));
            ended.insert(job, outcome);
        }
        ended
    }

    /// Stops everything after `timeout`, unless it has ended before.
    async fn time_out(&self, timeout: Option<Duration>, stop: &Stop) {
        let Some(timeout) = timeout else { return };
        tokio::select! {
            biased;
            () = stop.token.cancelled() => {}
            () = self.parts.clock.sleep(timeout) => stop.time_out(timeout),
        }
    }

    /// Gives up those jobs of this process for which another one has left word in the journal.
    async fn heed_cancellations(&self, stop: &Stop) {
        let parts = &self.parts;
        loop {
            tokio::select! {
                biased;
                () = stop.token.cancelled() => return,
                () = parts.clock.sleep(parts.poll.initial.min(LONGEST_DEAFNESS)) => {}
            }
            if parts.working.is_empty() {
                continue;
            }
            match parts.journal.cancellations().await {
                Ok(jobs) => {
                    for stop in jobs.iter().filter_map(|job| parts.working.stop_of(job)) {
                        stop.give_up();
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "could not look whether jobs are to be given up");
                }
            }
        }
    }

    /// Between two looks at something nearby.
    fn short_pause(&self) -> Duration {
        self.parts.poll.initial.min(Duration::from_secs(1))
    }
}

/// A job that is about to begin.
#[derive(Debug)]
struct Start {
    request: JobRequest,
    stop: Stop,
    states: watch::Sender<JobState>,
    outcomes: watch::Sender<Option<JobOutcome>>,
}

/// A message of another process is heard after this time at the latest.
const LONGEST_DEAFNESS: Duration = Duration::from_secs(15);

/// How many events a slow reader of a stream may be behind.
const EVENTS: usize = 1024;

/// Puts an [`Engine`] together; see [`Engine::builder`].
#[derive(Debug)]
pub struct EngineBuilder {
    limits: EngineLimits,
    parts: Parts,
}

impl EngineBuilder {
    /// One more server.
    #[must_use]
    pub fn server(mut self, name: ServerName, source: Arc<dyn PortalSource>) -> Self {
        self.parts.servers = std::mem::take(&mut self.parts.servers).with(name, source);
        self
    }

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

    /// Makes what is left to chance (the jitter of looks) the same each time: for tests.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.parts.seed = seed;
        self
    }

    /// Another disk than the computer's.
    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.parts.disk = disk;
        self
    }

    /// The engine.
    #[must_use]
    pub fn build(mut self) -> Engine {
        self.parts.downloads = tokio::sync::Semaphore::new(self.limits.downloads.get());
        self.parts.builds = tokio::sync::Semaphore::new(self.limits.builds.get());
        self.parts.memory = self.limits.memory.map(Memory::new);
        self.parts.progress = Arc::new(Fan {
            listener: Arc::clone(&self.parts.progress),
            events: self.parts.events.clone(),
        });
        Engine {
            parts: Arc::new(self.parts),
        }
    }
}
