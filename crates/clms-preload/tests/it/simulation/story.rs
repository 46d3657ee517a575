//! One seed's story: processes that come, work and die in a storm, then fair weather, and what must be true all along.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use clms_cache::CubeName;
use clms_preload::{
    CancelScope, Clock as _, Engine, JobId, JobOutcome, JobRequest, JobStatus, Order, Policy,
    RunOptions,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    disk::{Disks, View},
    server::{Server, SimPortal},
    workshop::{Grammar, SimBuilder, SimUnpacker},
    world::{Chance, Life, SimClock},
};

/// What a seed has to tell at its end.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) runs: u64,
    pub(super) jobs: u64,
}

/// How many times time may jump before a run counts as endless.
const PATIENCE: u32 = 300_000;

pub(super) struct Story {
    seed: u64,
    is_loud: bool,
    clock: SimClock,
    chance: Arc<Chance>,
    pub(super) disks: Arc<Disks>,
    pub(super) server: Arc<Mutex<Server>>,
    lease_seconds: u64,
    processes: u32,
    pub(super) dead: Vec<u32>,
    /// How often each job was given up, which costs it its download.
    pub(super) given_up: BTreeMap<JobId, u64>,
    pub(super) wrongs: Arc<Mutex<Vec<String>>>,
    tally: Tally,
}

/// A process at work.
struct Process {
    life: Arc<Life>,
    work: JoinHandle<Vec<JobOutcome>>,
}

pub(super) fn request(name: &str) -> JobRequest {
    let data_id = format!("product|{name}");
    let cube = CubeName::new(data_id.clone()).unwrap();
    JobRequest::new(data_id, cube, Order::file("uid", name, name))
}

impl Story {
    pub(super) fn new(seed: u64, is_loud: bool) -> Self {
        let chance = Arc::new(Chance::new(seed));
        Self {
            seed,
            is_loud,
            clock: SimClock::new("2026-11-22T12:00:00Z".parse().unwrap()),
            lease_seconds: chance.pick(&[0, 0, 40]),
            chance,
            disks: Arc::default(),
            server: Arc::default(),
            processes: 0,
            dead: Vec::new(),
            given_up: BTreeMap::new(),
            wrongs: Arc::default(),
            tally: Tally::default(),
        }
    }

    /// Tells the story to its end; an error is a broken invariant.
    pub(super) async fn tell(mut self) -> Result<Tally, String> {
        let files: Vec<String> = (0..self.chance.range(1, 3))
            .map(|number| format!("file{number}"))
            .collect();
        self.strangers(&files);
        for _ in 0..self.chance.range(1, 4) {
            self.act(&files).await?;
            let pause = self.chance.pick(&[0, 1, 30, 600, 7200, 200_000]);
            self.let_time_pass(pause).await?;
            self.check()?;
        }
        self.say("fair weather");
        self.chance.calm_down();
        self.let_time_pass(100).await?;
        let requests = files.iter().map(|file| request(file)).collect();
        let life = Arc::new(Life::new(self.processes, 0, false));
        let last = self.launch(requests, RunOptions::default(), life, None);
        for outcome in self.until_ended(vec![last]).await? {
            if !matches!(outcome.status, JobStatus::Completed | JobStatus::Cached) {
                return Err(format!("fair weather, and yet {outcome:?}"));
            }
        }
        self.check()?;
        self.check_the_end(&files).await?;
        self.tally.faults = self.chance.tally();
        Ok(self.tally)
    }

    /// What other programs of the same user have left at the server.
    fn strangers(&self, files: &[String]) {
        for file in files {
            while self.chance.percent(25) {
                self.chance.count("stranger's task");
                let age = self.chance.pick(&[5, 100, 3000, 200_000]);
                let made = self.clock.now() - Duration::from_secs(age);
                let content = request(file).order.content;
                let mut server = self.server.lock().unwrap();
                // Other programs do not order twice either.
                if !server.tasks.iter().any(|task| task.is_live(made)) {
                    let nobody = self.view(Arc::new(Life::new(0, 0, false)));
                    let task = server.make(&content, made, &nobody);
                    server.task(&task).is_strangers = true;
                }
            }
        }
    }

    fn say(&self, what: &str) {
        if self.is_loud {
            eprintln!("seed {}: {} {what}", self.seed, self.clock.now());
        }
    }

    fn view(&self, life: Arc<Life>) -> View {
        View {
            disks: Arc::clone(&self.disks),
            life,
            clock: self.clock.clone(),
            chance: Arc::clone(&self.chance),
        }
    }

    fn engine(&self, life: &Arc<Life>) -> Engine {
        let view = self.view(Arc::clone(life));
        let portal = SimPortal {
            server: Arc::clone(&self.server),
            view: view.clone(),
        };
        let grammar = Grammar {
            wrongs: Arc::clone(&self.wrongs),
            is_loud: self.is_loud,
            ..Grammar::default()
        };
        Engine::builder(
            Arc::new(portal),
            Arc::new(SimUnpacker(view.clone())),
            Arc::new(SimBuilder(view.clone())),
            Arc::new(view.clone()),
            "/scratch",
        )
        .clock(Arc::new(self.clock.clone()))
        .disk(Arc::new(view))
        .progress(Arc::new(grammar))
        .holder(format!("process {}", life.id))
        .seed(self.seed)
        .policy(Policy {
            max_outage: Duration::from_secs(1800),
            ..Policy::default()
        })
        .build()
    }

    fn launch(
        &mut self,
        requests: Vec<JobRequest>,
        options: RunOptions,
        life: Arc<Life>,
        interrupt_after: Option<u64>,
    ) -> Process {
        self.processes += 1;
        self.tally.runs += 1;
        self.tally.jobs += requests.len() as u64;
        let engine = self.engine(&life);
        let clock = self.clock.clone();
        let work = tokio::spawn(async move {
            let cancel = CancellationToken::new();
            let run = engine.run(requests, options, &cancel);
            let interrupt = async {
                if let Some(seconds) = interrupt_after {
                    clock.sleep(Duration::from_secs(seconds)).await;
                    cancel.cancel();
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                biased;
                outcomes = run => outcomes,
                () = interrupt => Vec::new(),
            }
        });
        Process { life, work }
    }

    /// One or two processes, which may die, be stopped, or be told to give up.
    async fn act(&mut self, files: &[String]) -> Result<(), String> {
        let mut processes = Vec::new();
        for _ in 0..self.chance.pick(&[1, 1, 2]) {
            let mut requests: Vec<JobRequest> = files.iter().map(|file| request(file)).collect();
            if self.chance.percent(30) {
                requests.truncate(1);
            }
            let dies_at_write = if self.chance.fault("killed at a write", 50) {
                self.chance.range(1, 60) as u32
            } else {
                0
            };
            let interrupt_after = self
                .chance
                .fault("interrupted", 20)
                .then(|| self.chance.range(0, 900));
            let options = RunOptions {
                timeout: self
                    .chance
                    .fault("timeout", 20)
                    .then(|| Duration::from_secs(self.chance.range(1, 900))),
                detach: self.chance.percent(15),
                wait_for_others: self.chance.percent(50),
                ..RunOptions::default()
            };
            let dies_after = self.chance.percent(50);
            let life = Arc::new(Life::new(self.processes, dies_at_write, dies_after));
            self.say(&format!(
                "process {}: {} jobs, {options:?}, dies at write {dies_at_write}, stopped after {interrupt_after:?}",
                life.id,
                requests.len()
            ));
            processes.push(self.launch(requests, options, life, interrupt_after));
        }
        let canceller = self.chance.percent(30).then(|| {
            self.chance.count("job given up by another process");
            let job = request(&files[0]).job_id();
            *self.given_up.entry(job.clone()).or_default() += 1;
            let life = Arc::new(Life::new(1000 + self.processes, 0, false));
            let (engine, clock) = (self.engine(&life), self.clock.clone());
            let after = self.chance.range(0, 600);
            let scope = self
                .chance
                .pick(&[CancelScope::Everywhere, CancelScope::LocalOnly]);
            tokio::spawn(async move {
                clock.sleep(Duration::from_secs(after)).await;
                engine.cancel(&job, scope).await
            })
        });
        for outcome in self.until_ended(processes).await? {
            self.check_outcome(&outcome)?;
        }
        if let Some(canceller) = canceller {
            self.drive(|| canceller.is_finished()).await?;
            let report = canceller.await.map_err(|error| error.to_string())?;
            self.say(&format!("given up: {report:?}"));
            if let Err(problem) = report
                && !matches!(problem.kind.as_str(), "no_such_job" | "busy")
            {
                return Err(format!("a job could not be given up: {problem:?}"));
            }
        }
        Ok(())
    }

    /// Runs processes until each has ended or died.
    async fn until_ended(&mut self, processes: Vec<Process>) -> Result<Vec<JobOutcome>, String> {
        let mut outcomes = Vec::new();
        self.drive(|| {
            for process in &processes {
                if process.life.is_dead() && !process.work.is_finished() {
                    process.work.abort();
                    let ends = self.clock.now() + Duration::from_secs(self.lease_seconds);
                    self.disks.run_out(process.life.id, ends);
                }
            }
            processes.iter().all(|process| process.work.is_finished())
        })
        .await?;
        for process in processes {
            if process.life.is_dead() {
                self.dead.push(process.life.id);
                self.chance.count("process died");
            } else {
                outcomes.extend(process.work.await.map_err(|error| error.to_string())?);
            }
        }
        Ok(outcomes)
    }

    async fn let_time_pass(&self, seconds: u64) -> Result<(), String> {
        let clock = self.clock.clone();
        let pause = tokio::spawn(async move { clock.sleep(Duration::from_secs(seconds)).await });
        self.drive(|| pause.is_finished()).await
    }

    /// Lets everybody work, and time jump whenever nobody can.
    async fn drive(&self, mut is_over: impl FnMut() -> bool) -> Result<(), String> {
        for _ in 0..PATIENCE {
            // A task that yields runs when all others wait for something.
            tokio::task::yield_now().await;
            if is_over() {
                return Ok(());
            }
            if !self.clock.advance() {
                tokio::task::yield_now().await;
                if !is_over() {
                    return Err("everybody waits for nothing".to_owned());
                }
            }
        }
        Err("it never ends".to_owned())
    }
}
