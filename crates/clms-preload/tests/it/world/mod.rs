//! A world for the engine to live in: time, chance, a server, a disk, a cache, and those who unpack and build. All of it is made up, and does
//! what a test tells it ([`World`]) or what chance wants (the simulation).

mod cache;
pub(crate) mod chance;
pub(crate) mod clock;
pub(crate) mod disk;
pub(crate) mod grammar;
pub(crate) mod life;
mod mortal;
pub(crate) mod portal;
pub(crate) mod server;
pub(crate) mod workshop;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use clms_cache::{CacheStore, CubeName};
use clms_preload::{
    Clock, CubeBuilder, Engine, EngineBuilder, JobOutcome, JobRequest, Order, PollPolicy, Progress,
    RunOptions, TaskId,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use self::{
    chance::Chance,
    clock::SimClock,
    disk::{Disks, View},
    grammar::{Grammar, Heard},
    life::Life,
    portal::SimPortal,
    server::{Answer, Fate, Server},
    workshop::{SimBuilder, SimUnpacker, Workshop},
};

/// The request of a file; with `|` in the name, of another cube of the file whose name is before it.
pub(crate) fn request(name: &str) -> JobRequest {
    let data_id = format!("product|{name}");
    let file = cache::file_of(&data_id);
    let mut order = Order::file("uid", file, file);
    order.is_unnamed = is_unnamed(file);
    JobRequest::new(data_id.clone(), CubeName::new(data_id).unwrap(), order)
}

/// Whether the server names no task of orders of that file.
pub(crate) fn is_unnamed(file: &str) -> bool {
    file.starts_with("part")
}

/// Where engines keep their temporary files.
pub(crate) const SCRATCH: &str = "/scratch";

/// An engine of the process whose view this is.
pub(crate) fn engine_in(
    view: &View,
    server: &Arc<Mutex<Server>>,
    workshop: &Arc<Workshop>,
    progress: Grammar,
) -> EngineBuilder {
    let portal = SimPortal {
        server: Arc::clone(server),
        view: view.clone(),
    };
    let builder: Arc<dyn CubeBuilder> = Arc::new(SimBuilder {
        view: view.clone(),
        workshop: Arc::clone(workshop),
    });
    Engine::builder(
        Arc::new(portal),
        Arc::new(SimUnpacker(view.clone())),
        builder,
        Arc::new(view.clone()),
        SCRATCH,
    )
    .clock(Arc::clone(&view.clock))
    .disk(Arc::new(view.clone()))
    .progress(Arc::new(progress) as Arc<dyn Progress>)
}

/// A calm world with a clock that jumps, in which happens what a test has planned.
pub(crate) struct World {
    pub(crate) clock: SimClock,
    pub(crate) server: Arc<Mutex<Server>>,
    pub(crate) workshop: Arc<Workshop>,
    pub(crate) heard: Arc<Heard>,
    view: View,
    /// Lets time jump whenever everybody waits.
    _driver: AbortOnDropHandle<()>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = SimClock::new("2026-11-22T12:00:00Z".parse().unwrap());
        let chance = Chance::new(0);
        chance.calm_down();
        let server = Server {
            times: Some((30, 120)),
            ..Server::default()
        };
        Self {
            view: View {
                disks: Arc::default(),
                life: Arc::new(Life::new(0, 0, false)),
                clock: Arc::new(clock.clone()),
                chance: Arc::new(chance),
            },
            _driver: AbortOnDropHandle::new(tokio::spawn(drive(clock.clone()))),
            clock,
            server: Arc::new(Mutex::new(server)),
            workshop: Arc::default(),
            heard: Arc::default(),
        }
    }

    /// A world whose first tasks have these fates.
    pub(crate) fn with_fates(fates: &[Fate]) -> Self {
        let world = Self::new();
        world.server().fates.extend(fates);
        world
    }

    /// A world whose first orders get these answers.
    pub(crate) fn with_answers(answers: &[Answer]) -> Self {
        let world = Self::new();
        world.server().answers.extend(answers);
        world
    }

    pub(crate) fn engine_builder(&self) -> EngineBuilder {
        let grammar = Grammar::new(&self.heard);
        engine_in(&self.view, &self.server, &self.workshop, grammar).poll(PollPolicy {
            jitter: 0.0,
            ..PollPolicy::default()
        })
    }

    /// A server of that sort as this world's processes reach it.
    pub(crate) fn way_to(&self, server: &Arc<Mutex<Server>>) -> Arc<SimPortal> {
        Arc::new(SimPortal {
            server: Arc::clone(server),
            view: self.view.clone(),
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine_builder().build()
    }

    /// Runs a job of the file "a" with a new engine.
    pub(crate) async fn run_with(&self, options: RunOptions) -> JobOutcome {
        run_on(&self.engine(), options).await
    }

    pub(crate) async fn run(&self) -> JobOutcome {
        self.run_with(RunOptions::default()).await
    }

    pub(crate) fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap()
    }

    /// Makes a task of the file "a" that another program has ordered.
    pub(crate) fn make_task(&self) -> TaskId {
        let content = request("a").order.content;
        let now = self.clock.now();
        self.server().make(&content, now, &self.view.chance)
    }

    pub(crate) fn cache(&self) -> &dyn CacheStore {
        &self.view
    }

    pub(crate) fn disks(&self) -> &Disks {
        &self.view.disks
    }

    /// So many seconds after the next lease is taken it is lost.
    pub(crate) fn lose_lease_after(&self, seconds: i64) {
        self.disks().shelf.lock().unwrap().losses.push_back(seconds);
    }

    /// So many seconds after the next lease is taken it can't be renewed for some seconds.
    pub(crate) fn lose_lease_for_a_moment(&self, after: i64, seconds: i64) {
        let mut shelf = self.disks().shelf.lock().unwrap();
        shelf.losses.push_back(after);
        shelf.blinks.push_back(seconds);
    }

    /// Nobody reaches the storage from now on for so long.
    pub(crate) fn storage_is_out(&self, seconds: i64) {
        let until = server::later(self.clock.now(), seconds);
        self.disks().shelf.lock().unwrap().out_until = Some(until);
    }

    pub(crate) async fn wait(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// How many staged cubes there are.
    pub(crate) fn staged(&self) -> usize {
        self.disks().shelf.lock().unwrap().staged.len()
    }

    /// How many orders the server got, and how many of them were for a file that it had a live task of.
    pub(crate) fn posts_and_doubled(&self) -> (u32, usize) {
        let server = self.server();
        (server.posts, server.doubled.len())
    }

    pub(crate) fn downloads_and_looks(&self) -> (usize, usize) {
        let server = self.server();
        (server.downloads.len(), server.looks.len())
    }

    pub(crate) fn files_in_scratch(&self) -> Vec<PathBuf> {
        let files = self.disks().files.lock().unwrap();
        let below = |file: &&PathBuf| file.starts_with(Path::new(SCRATCH));
        files.keys().filter(below).cloned().collect()
    }
}

/// Ends the wait that ends first whenever nobody else has anything to do.
async fn drive(clock: SimClock) {
    /// Who yields runs again after all others, but for those whom these wake.
    const ROUNDS: u32 = 8;
    loop {
        for _ in 0..ROUNDS {
            tokio::task::yield_now().await;
        }
        clock.advance();
    }
}

/// Runs a job of the file "a".
pub(crate) async fn run_on(engine: &Engine, options: RunOptions) -> JobOutcome {
    let outcomes = engine
        .run(vec![request("a")], options, &CancellationToken::new())
        .await;
    assert_eq!(outcomes.len(), 1);
    outcomes.into_iter().next().unwrap()
}

/// The kind of the problem that a job ended with.
pub(crate) fn kind(outcome: &JobOutcome) -> Option<&str> {
    outcome.error.as_ref().map(|problem| problem.kind.as_str())
}
