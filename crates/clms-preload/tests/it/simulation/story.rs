//! One seed's story: processes that come, work and die in a storm, then fair weather, and what must be true all along.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use clms_cache::CubeName;
use clms_preload::{
    CancelScope, Clock as _, Engine, EngineLimits, JobId, JobOutcome, JobRequest, JobStatus,
    Policy, RunOptions,
};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::invariants::is_out_of_reach;
use crate::world::{
    chance::Chance,
    clock::SimClock,
    disk::{Disks, View},
    engine_in,
    grammar::{Grammar, Heard},
    life::Life,
    request,
    server::{Server, later},
    workshop::Workshop,
};

/// What a seed has to tell at its end.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) runs: u64,
    pub(super) jobs: u64,
}

/// What all builds of a process may take together.
pub(super) const MEMORY: u64 = 100 << 20;

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
    /// All jobs that were ever asked for.
    pub(super) asked_for: BTreeSet<JobId>,
    /// Jobs of processes that died, which may have left anything, and when that was.
    pub(super) torn: BTreeMap<JobId, Timestamp>,
    pub(super) heard: Arc<Heard>,
    /// What builds take, and what was seen of it, by process.
    pub(super) workshops: Vec<Arc<Workshop>>,
    tally: Tally,
}

/// A process at work.
struct Process {
    life: Arc<Life>,
    jobs: Vec<JobId>,
    cubes: Vec<CubeName>,
    work: JoinHandle<Vec<JobOutcome>>,
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
            asked_for: BTreeSet::new(),
            torn: BTreeMap::new(),
            heard: Arc::default(),
            workshops: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Tells the story to its end; an error is a broken invariant.
    pub(super) async fn tell(mut self) -> Result<Tally, String> {
        let mut files: Vec<String> = (0..self.chance.range(1, 3))
            .map(|number| match self.chance.percent(25) {
                true => format!("part{number}"),
                false => format!("file{number}"),
            })
            .collect();
        self.strangers(&files);
        if self.chance.percent(25) {
            self.chance.count("two cubes of one file");
            files.push(format!("{}|other", files[0]));
        }
        for _ in 0..self.chance.range(1, 4) {
            self.act(&files).await?;
            self.check_what_is_left().await?;
            let pause = self.chance.pick(&[0, 1, 30, 600, 7200, 200_000]);
            self.let_time_pass(pause).await?;
            self.check()?;
        }
        self.say("fair weather");
        self.chance.calm_down();
        self.server.lock().unwrap().out_until = None;
        self.disks.shelf.lock().unwrap().out_until = None;
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
                    let task = server.make(&content, made, &self.chance);
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
            clock: Arc::new(self.clock.clone()),
            chance: Arc::clone(&self.chance),
        }
    }

    fn engine(&mut self, life: &Arc<Life>) -> Engine {
        let workshop = Arc::new(Workshop::default());
        for file in ["file0", "file1", "file2", "part0", "part1", "part2"] {
            let memory = self.chance.pick(&[10, 40, 70, 300]) << 20;
            let mut known = workshop.memory.lock().unwrap();
            known.insert(file.to_owned(), memory);
        }
        self.workshops.push(Arc::clone(&workshop));
        let view = self.view(Arc::clone(life));
        let grammar = Grammar::of_story(&self.heard, self.is_loud);
        engine_in(&view, &self.server, &workshop, grammar)
            .holder(format!("process {}", life.id))
            .seed(self.seed)
            .limits(EngineLimits {
                builds: NonZeroUsize::new(3).unwrap(),
                memory: Some(MEMORY),
                ..EngineLimits::default()
            })
            .policy(Policy {
                max_outage: Duration::from_secs(1800),
                max_queued: Duration::from_secs(2 * 3600),
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
        let jobs: Vec<JobId> = requests.iter().map(JobRequest::job_id).collect();
        let cubes = requests.iter().map(|asked| asked.cube.clone()).collect();
        self.asked_for.extend(jobs.iter().cloned());
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
        Process {
            life,
            jobs,
            cubes,
            work,
        }
    }

    /// One or two processes, which may die, be stopped, or be told to give up.
    async fn act(&mut self, files: &[String]) -> Result<(), String> {
        let mut processes = Vec::new();
        for _ in 0..self.chance.pick(&[1, 1, 2]) {
            let mut requests: Vec<JobRequest> = files.iter().map(|file| request(file)).collect();
            if self.chance.percent(30) {
                requests.rotate_left(self.chance.range(0, files.len() as u64 - 1) as usize);
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
        let outages = [self.outage(), self.outage_of_storage()];
        for outcome in self.until_ended(processes).await? {
            self.check_outcome(&outcome).await?;
        }
        for outage in outages {
            outage.abort();
        }
        if let Some(canceller) = canceller {
            self.drive(|| canceller.is_finished()).await?;
            let report = canceller.await.map_err(|error| error.to_string())?;
            self.say(&format!("given up: {report:?}"));
            if let Err(problem) = report
                && !matches!(problem.kind.as_str(), "no_such_job" | "busy")
                && !is_out_of_reach(&problem)
            {
                return Err(format!("a job could not be given up: {problem:?}"));
            }
        }
        Ok(())
    }

    /// Lets the server be out of order after a while, or not.
    fn outage(&self) -> JoinHandle<()> {
        let strikes = self.chance.fault("outage", 25);
        let after = Duration::from_secs(self.chance.pick(&[0, 1, 2, 60, 300]));
        let seconds = self.chance.range(60, 5400) as i64;
        let (clock, server) = (self.clock.clone(), Arc::clone(&self.server));
        tokio::spawn(async move {
            if strikes {
                clock.sleep(after).await;
                server.lock().unwrap().out_until = Some(later(clock.now(), seconds));
            }
        })
    }

    /// Lets the storage of cubes and journals be out of reach after a while, or not.
    fn outage_of_storage(&self) -> JoinHandle<()> {
        let strikes = self.chance.fault("storage out of reach", 10);
        let after = Duration::from_secs(self.chance.pick(&[1, 60, 300]));
        let seconds = self.chance.range(1, 1200) as i64;
        let (clock, disks) = (self.clock.clone(), Arc::clone(&self.disks));
        tokio::spawn(async move {
            if strikes {
                clock.sleep(after).await;
                disks.shelf.lock().unwrap().out_until = Some(later(clock.now(), seconds));
            }
        })
    }

    /// Runs processes until each has ended or died.
    async fn until_ended(&mut self, processes: Vec<Process>) -> Result<Vec<JobOutcome>, String> {
        let mut outcomes = Vec::new();
        let drive = self.drive(|| {
            for process in &processes {
                if process.life.is_dead() && !process.work.is_finished() {
                    process.work.abort();
                    let ends = self.clock.now() + Duration::from_secs(self.lease_seconds);
                    self.disks.run_out(process.life.id, ends);
                }
            }
            processes.iter().all(|process| process.work.is_finished())
        });
        drive.await?;
        let now = self.clock.now();
        for lost in std::mem::take(&mut self.disks.shelf.lock().unwrap().lost) {
            self.chance.count("lease lost");
            // Whose it was may have had to leave everything as it was.
            let asked = |process: &&Process| process.cubes.contains(&lost);
            if let Some(process) = processes.iter().find(asked) {
                let at = process.cubes.iter().position(|cube| *cube == lost);
                self.torn.insert(process.jobs[at.unwrap()].clone(), now);
            }
        }
        for process in processes {
            if process.life.is_dead() {
                self.dead.push(process.life.id);
                self.torn
                    .extend(process.jobs.into_iter().map(|job| (job, now)));
                self.chance.count("process died");
                continue;
            }
            let ended = process.work.await.map_err(|error| error.to_string())?;
            outcomes.extend(ended);
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
