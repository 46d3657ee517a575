//! A server, a cache, an unpacker and a builder that do what a test tells them.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use clms_cache::{
    CacheError, CacheStore, CubeInfo, CubeName, Generation, Lease, Local, Maintain, Staged, Usage,
};
use clms_preload::{
    BuildOrder, CancelOutcome, Clock, ContentKey, CubeBuilder, Disk, Download, DownloadLink,
    Engine, EngineBuilder, EntrySource, FileSystem, JobRequest, ManualClock, Meter, Order,
    PollPolicy, PortalSource, PortalTask, PostOutcome, Problem, ProblemKind, Progress,
    ProgressEvent, TaskId, TaskStatus, UnpackedEntry, UnpackedPackage, Unpacker,
};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use object_store::{ObjectStore, ObjectStoreExt as _, memory::InMemory, path::Path as ObjectPath};
use tokio_util::sync::CancellationToken;

/// What a good package holds here.
pub(crate) const PACKAGE: &[u8] = b"PK: a package of a hundred bytes or so";

pub(crate) fn request(name: &str) -> JobRequest {
    let data_id = format!("product|{name}");
    let cube = CubeName::new(data_id.clone()).unwrap();
    JobRequest::new(data_id, cube, Order::file("uid", name, name))
}

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Accept,
    /// The task is made, the answer is lost.
    LostButMade,
    /// Nothing is made, and the answer does not say so.
    LostNotMade,
    /// The task is made, but not named.
    Nameless,
    Duplicated,
    RateLimited,
    Unauthorized,
}

/// What becomes of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Good,
    /// The link comes alive so many seconds after the task is finished.
    LateLink(u64),
    DeadLink,
    HtmlLink,
    NoLink,
    ShortFile,
    NoZip,
    Nok,
    Rejected,
    CancelledByOther,
    Vanishes,
    /// Finished, then queued again, with link and date.
    Backwards,
    UnknownWord,
    Never,
}

/// What becomes of cancellations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CancelHabit {
    #[default]
    Works,
    Refuses,
    Swallows,
}

#[derive(Debug, Clone)]
pub(crate) struct FakeTask {
    pub(crate) id: TaskId,
    pub(crate) content: ContentKey,
    pub(crate) made_at: Timestamp,
    pub(crate) fate: Fate,
    pub(crate) is_cancelled: bool,
}

/// Seconds until a task is in progress, and until it has ended.
const BEGINS: i64 = 30;
pub(crate) const ENDS: i64 = 120;

#[derive(Debug, Default)]
pub(crate) struct Server {
    pub(crate) tasks: Vec<FakeTask>,
    /// What becomes of the next orders; then all is well.
    pub(crate) answers: VecDeque<Answer>,
    pub(crate) fates: VecDeque<Fate>,
    /// How the next looks fail; then they don't.
    pub(crate) look_failures: VecDeque<Problem>,
    /// After how many bytes the next downloads break off; then they don't.
    pub(crate) breaks: VecDeque<usize>,
    /// Downloads and builds wait until they are stopped.
    pub(crate) hangs: bool,
    pub(crate) looks: Vec<Timestamp>,
    pub(crate) posts: u32,
    /// Orders of a file of which there was a live task.
    pub(crate) doubled: u32,
    pub(crate) cancels: Vec<TaskId>,
    pub(crate) cancel_habit: CancelHabit,
    /// For each download, from which byte it began.
    pub(crate) downloads: Vec<u64>,
}

impl Server {
    /// A task as the server shows it now, if it does.
    fn show(&self, task: &FakeTask, now: Timestamp) -> Option<PortalTask> {
        let age = now.duration_since(task.made_at).as_secs();
        let mut shown = PortalTask::new(task.id.clone(), task.content.clone(), TaskStatus::Queued);
        shown.registered = Some(task.made_at);
        if task.is_cancelled {
            shown.status = TaskStatus::Cancelled;
        } else if age < BEGINS || task.fate == Fate::Never {
        } else if age < ENDS {
            shown.status = TaskStatus::InProgress;
        } else {
            let ended = task
                .made_at
                .checked_add(jiff::SignedDuration::from_secs(ENDS))
                .unwrap();
            shown.finalized = Some(ended);
            shown.status = match task.fate {
                Fate::Vanishes => return None,
                Fate::Nok => TaskStatus::FinishedNok,
                Fate::Rejected => TaskStatus::Rejected,
                Fate::CancelledByOther => TaskStatus::Cancelled,
                Fate::Backwards => TaskStatus::Queued,
                Fate::UnknownWord => TaskStatus::Unknown("Ready_or_so".to_owned()),
                _ => TaskStatus::FinishedOk,
            };
            if matches!(task.fate, Fate::Nok | Fate::Rejected) {
                shown.message = Some("FME says no".to_owned());
            } else if task.fate != Fate::NoLink {
                let link = format!("https://host/results/{}.zip?secret=1", task.id);
                shown.link = Some(DownloadLink::new(link.parse().unwrap()));
                shown.size = Some(PACKAGE.len() as u64);
            }
        }
        Some(shown)
    }

    /// Whether the server still works on it, or will.
    fn is_live(&self, task: &FakeTask, now: Timestamp) -> bool {
        self.show(task, now).is_some_and(|shown| {
            shown.finalized.is_none()
                && matches!(shown.status, TaskStatus::Queued | TaskStatus::InProgress)
        })
    }

    pub(crate) fn make(&mut self, content: ContentKey, now: Timestamp) -> TaskId {
        let id = TaskId::new(format!("{}", 9000 + self.tasks.len()));
        let fate = self.fates.pop_front().unwrap_or(Fate::Good);
        self.tasks.push(FakeTask {
            id: id.clone(),
            content,
            made_at: now,
            fate,
            is_cancelled: false,
        });
        id
    }
}

#[derive(Debug, Clone)]
pub(crate) struct FakePortal {
    pub(crate) clock: ManualClock,
    pub(crate) server: Arc<Mutex<Server>>,
}

#[async_trait]
impl PortalSource for FakePortal {
    async fn find_tasks(&self) -> Result<Vec<PortalTask>, Problem> {
        self.clock.sleep(Duration::from_millis(200)).await;
        let now = self.clock.now();
        let mut server = self.server.lock().unwrap();
        server.looks.push(now);
        if let Some(problem) = server.look_failures.pop_front() {
            return Err(problem);
        }
        Ok(server
            .tasks
            .iter()
            .filter_map(|task| server.show(task, now))
            .collect())
    }

    async fn post(&self, order: &Order) -> PostOutcome {
        self.clock.sleep(Duration::from_millis(300)).await;
        let now = self.clock.now();
        let mut server = self.server.lock().unwrap();
        server.posts += 1;
        let live = server
            .tasks
            .iter()
            .filter(|task| task.content == order.content && server.is_live(task, now))
            .count();
        server.doubled += u32::from(live > 0);
        let lost = || Problem::new(ProblemKind::ServerError, "500");
        match server.answers.pop_front().unwrap_or(Answer::Accept) {
            Answer::Accept => PostOutcome::Accepted(vec![server.make(order.content.clone(), now)]),
            Answer::Nameless => {
                server.make(order.content.clone(), now);
                PostOutcome::Accepted(Vec::new())
            }
            Answer::LostButMade => {
                server.make(order.content.clone(), now);
                PostOutcome::Unclear(lost())
            }
            Answer::LostNotMade => PostOutcome::Unclear(lost()),
            Answer::Duplicated => {
                PostOutcome::Refused(Problem::new(ProblemKind::Duplicated, "twice"))
            }
            Answer::RateLimited => {
                let problem = Problem::new(ProblemKind::RateLimited, "429");
                PostOutcome::Refused(problem.with_retry_after(Duration::from_secs(77)))
            }
            Answer::Unauthorized => {
                PostOutcome::Refused(Problem::new(ProblemKind::Unauthorized, "401"))
            }
        }
    }

    async fn cancel(&self, task: &TaskId) -> Result<CancelOutcome, Problem> {
        let mut server = self.server.lock().unwrap();
        server.cancels.push(task.clone());
        let habit = server.cancel_habit;
        match server.tasks.iter_mut().find(|known| known.id == *task) {
            Some(_) if habit == CancelHabit::Refuses => {
                Err(Problem::new(ProblemKind::Refused, "the firewall says no"))
            }
            Some(known) => {
                known.is_cancelled = habit == CancelHabit::Works;
                Ok(CancelOutcome::Accepted)
            }
            None => Ok(CancelOutcome::NoSuchTask),
        }
    }

    async fn probe(&self, link: &DownloadLink) -> Result<(), Problem> {
        let server = self.server.lock().unwrap();
        let path = link.url().path().to_owned();
        let task = server
            .tasks
            .iter()
            .find(|task| path.contains(task.id.as_str()))
            .unwrap();
        match task.fate {
            Fate::DeadLink => Err(Problem::new(ProblemKind::LinkDead, "404")),
            Fate::HtmlLink => Err(Problem::new(ProblemKind::LinkHtml, "HTML")),
            _ => Ok(()),
        }
    }

    async fn download(
        &self,
        download: Download<'_>,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<u64, Problem> {
        let mut have = std::fs::read(download.into).unwrap_or_default();
        let (task, breaks) = {
            let mut server = self.server.lock().unwrap();
            server.downloads.push(have.len() as u64);
            let task = server
                .tasks
                .iter()
                .find(|task| task.id == *download.task)
                .unwrap();
            (task.clone(), server.breaks.pop_front())
        };
        if self.server.lock().unwrap().hangs {
            std::fs::write(download.into, &PACKAGE[..10]).unwrap();
            cancel.cancelled().await;
            return Err(Problem::new(ProblemKind::Interrupted, "stopped"));
        }
        self.clock.sleep(Duration::from_secs(1)).await;
        let since_end = self.clock.now().duration_since(task.made_at).as_secs() - ENDS;
        match task.fate {
            Fate::DeadLink => return Err(Problem::new(ProblemKind::LinkDead, "404")),
            Fate::LateLink(seconds) if since_end < seconds as i64 => {
                return Err(Problem::new(ProblemKind::LinkDead, "404"));
            }
            Fate::HtmlLink => {
                return Err(Problem::new(
                    ProblemKind::LinkHtml,
                    "the link answers with an HTML page",
                ));
            }
            _ => {}
        }
        let content: Vec<u8> = match task.fate {
            Fate::NoZip => vec![b'<'; PACKAGE.len()],
            Fate::ShortFile => PACKAGE[..5].to_vec(),
            _ => PACKAGE.to_vec(),
        };
        let end = breaks.map_or(content.len(), |bytes| content.len().min(have.len() + bytes));
        have.extend_from_slice(&content[have.len().min(end)..end]);
        std::fs::write(download.into, &have).unwrap();
        meter.bytes(have.len() as u64, download.size);
        match breaks {
            Some(_) => Err(Problem::new(
                ProblemKind::Unreachable,
                "the connection broke",
            )),
            None => Ok(have.len() as u64),
        }
    }
}

/// Takes what begins with "PK" for a package of one file.
#[derive(Debug)]
pub(crate) struct FakeUnpacker;

#[async_trait]
impl Unpacker for FakeUnpacker {
    async fn unpack(
        &self,
        archive: &Path,
        _: &Path,
        _: &Meter,
        _: &CancellationToken,
    ) -> Result<UnpackedPackage, Problem> {
        let content = std::fs::read(archive).unwrap();
        if !content.starts_with(b"PK") {
            return Err(Problem::new(ProblemKind::NotAZip, "not a zip archive"));
        }
        Ok(UnpackedPackage {
            entries: vec![UnpackedEntry {
                name: "X/DATA/x.tif".to_owned(),
                len: content.len() as u64,
                source: EntrySource::File(archive.to_owned()),
            }],
            skipped: Vec::new(),
        })
    }
}

/// Puts all that it gets into one object.
#[derive(Debug, Default)]
pub(crate) struct FakeBuilder {
    pub(crate) failures: Mutex<VecDeque<Problem>>,
    /// What it says that a build takes.
    pub(crate) memory: Option<u64>,
    /// How many builds are going on, and how many were at most.
    pub(crate) side_by_side: Mutex<(u32, u32)>,
    /// Builds take a minute of this clock.
    pub(crate) clock: Option<ManualClock>,
}

#[async_trait]
impl CubeBuilder for FakeBuilder {
    async fn build(
        &self,
        build: BuildOrder<'_>,
        staged: &Staged,
        meter: &Meter,
        _: &CancellationToken,
    ) -> Result<(), Problem> {
        if let Some(problem) = self.failures.lock().unwrap().pop_front() {
            return Err(problem);
        }
        if let Some(clock) = &self.clock {
            {
                let mut builds = self.side_by_side.lock().unwrap();
                *builds = (builds.0 + 1, builds.1.max(builds.0 + 1));
            }
            clock.sleep(Duration::from_secs(60)).await;
            self.side_by_side.lock().unwrap().0 -= 1;
        }
        let mut content = Vec::new();
        for entry in &build.package.entries {
            let EntrySource::File(path) = &entry.source else {
                panic!("only files here")
            };
            content.extend(std::fs::read(path).unwrap());
        }
        let path = ObjectPath::from("zarr.json");
        staged.store().put(&path, content.into()).await.unwrap();
        meter.chunks(1, Some(1));
        Ok(())
    }

    fn memory(&self) -> Option<u64> {
        self.memory
    }
}

#[derive(Debug, Default)]
struct Shelf {
    cubes: BTreeMap<CubeName, Arc<InMemory>>,
    leases: Arc<Mutex<BTreeMap<CubeName, String>>>,
    staged: BTreeMap<Generation, Arc<InMemory>>,
    next: u32,
}

/// A cache in memory; clones are the same cache.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeCache {
    /// Its folder on a local disk, if it has one.
    pub(crate) local: Option<PathBuf>,
    shelf: Arc<Mutex<Shelf>>,
    pub(crate) records: Arc<InMemory>,
}

struct Release(CubeName, Arc<Mutex<BTreeMap<CubeName, String>>>);

impl Drop for Release {
    fn drop(&mut self) {
        self.1.lock().unwrap().remove(&self.0);
    }
}

impl FakeCache {
    pub(crate) fn staged(&self) -> usize {
        self.shelf.lock().unwrap().staged.len()
    }

    fn cube(&self, name: &CubeName) -> Result<Arc<InMemory>, CacheError> {
        let found = self.shelf.lock().unwrap().cubes.get(name).cloned();
        found.ok_or_else(|| CacheError::NotFound {
            name: name.clone(),
            cache: "memory".to_owned(),
        })
    }

    fn info(&self, name: &CubeName) -> CubeInfo {
        CubeInfo::new(
            name.clone(),
            self.cube_location(name),
            Timestamp::UNIX_EPOCH,
        )
    }
}

#[async_trait]
impl CacheStore for FakeCache {
    fn location(&self) -> &str {
        "memory"
    }

    fn cube_location(&self, name: &CubeName) -> String {
        format!("memory/{}", name.folder())
    }

    fn list(&self) -> BoxStream<'static, Result<CubeInfo, CacheError>> {
        let names: Vec<_> = self.shelf.lock().unwrap().cubes.keys().cloned().collect();
        let this = self.clone();
        futures::stream::iter(names)
            .map(move |name| Ok(this.info(&name)))
            .boxed()
    }

    async fn look_up(&self, name: &CubeName) -> Result<Option<CubeInfo>, CacheError> {
        Ok(self.cube(name).ok().map(|_| self.info(name)))
    }

    async fn usage(&self, name: &CubeName) -> Result<Usage, CacheError> {
        let objects: Vec<_> = self.cube(name)?.list(None).try_collect().await?;
        Ok(Usage {
            bytes: objects.iter().map(|object| object.size).sum(),
            objects: objects.len() as u64,
        })
    }

    async fn open(&self, name: &CubeName) -> Result<Arc<dyn ObjectStore>, CacheError> {
        Ok(self.cube(name)?)
    }

    async fn stage(&self, name: &CubeName) -> Result<Staged, CacheError> {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.next += 1;
        let generation = Generation::parse(&format!("{:032}", shelf.next)).unwrap();
        let store = Arc::new(InMemory::new());
        shelf.staged.insert(generation.clone(), Arc::clone(&store));
        Ok(Staged::new(name.clone(), generation, store))
    }

    async fn commit(&self, staged: Staged) -> Result<CubeInfo, CacheError> {
        let mut shelf = self.shelf.lock().unwrap();
        let store = shelf.staged.remove(staged.generation()).unwrap();
        shelf.cubes.insert(staged.name().clone(), store);
        Ok(self.info(staged.name()))
    }

    async fn discard(&self, staged: Staged) -> Result<(), CacheError> {
        self.shelf
            .lock()
            .unwrap()
            .staged
            .remove(staged.generation());
        Ok(())
    }

    async fn remove(&self, name: &CubeName) -> Result<bool, CacheError> {
        Ok(self.shelf.lock().unwrap().cubes.remove(name).is_some())
    }

    async fn lease(&self, name: &CubeName, holder: &str) -> Result<Lease, CacheError> {
        let leases = Arc::clone(&self.shelf.lock().unwrap().leases);
        let mut held = leases.lock().unwrap();
        if let Some(holder) = held.get(name).cloned() {
            return Err(CacheError::Held {
                name: name.clone(),
                holder,
            });
        }
        held.insert(name.clone(), holder.to_owned());
        drop(held);
        Ok(Lease::new(name.clone(), Release(name.clone(), leases)))
    }

    fn records(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.records) as Arc<dyn ObjectStore>
    }

    fn as_local(&self) -> Option<&dyn Local> {
        self.local.is_some().then_some(self)
    }

    fn as_maintain(&self) -> Option<&dyn Maintain> {
        None
    }
}

impl Local for FakeCache {
    fn scratch_folder(&self) -> PathBuf {
        self.local.clone().unwrap()
    }
}

/// The file system without threads of its own, which a clock that jumps would not wait for; with little room in one folder.
#[derive(Debug, Default)]
pub(crate) struct SmallDisk {
    pub(crate) full: Option<PathBuf>,
}

#[async_trait]
impl Disk for SmallDisk {
    fn available(&self, folder: &Path) -> io::Result<u64> {
        let is_full = self
            .full
            .as_ref()
            .is_some_and(|full| folder.starts_with(full));
        Ok(if is_full {
            PACKAGE.len() as u64 - 1
        } else {
            1 << 40
        })
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        FileSystem.create_folder(folder)
    }

    fn len(&self, file: &Path) -> Option<u64> {
        FileSystem.len(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        FileSystem.rename(from, to)
    }

    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        FileSystem.entries(folder)
    }

    async fn remove(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            std::fs::remove_dir_all(path)
        } else if path.exists() {
            std::fs::remove_file(path)
        } else {
            Ok(())
        }
    }
}

/// Remembers all events.
#[derive(Debug, Default)]
pub(crate) struct Listener(Mutex<Vec<ProgressEvent>>);

impl Progress for Listener {
    fn event(&self, event: &ProgressEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Listener {
    pub(crate) fn events(&self) -> Vec<ProgressEvent> {
        self.0.lock().unwrap().clone()
    }
}

/// All that an engine needs, and what tests look at afterwards.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) server: Arc<Mutex<Server>>,
    pub(crate) cache: FakeCache,
    pub(crate) builder: Arc<FakeBuilder>,
    pub(crate) listener: Arc<Listener>,
    pub(crate) scratch: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            clock: ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap()),
            server: Arc::default(),
            cache: FakeCache::default(),
            builder: Arc::default(),
            listener: Arc::default(),
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    /// A world whose first tasks have these fates.
    pub(crate) fn with_fates(fates: &[Fate]) -> Self {
        let world = Self::new();
        world.server.lock().unwrap().fates.extend(fates);
        world
    }

    /// A world whose first orders get these answers.
    pub(crate) fn with_answers(answers: &[Answer]) -> Self {
        let world = Self::new();
        world.server.lock().unwrap().answers.extend(answers);
        world
    }

    pub(crate) fn engine_builder(&self) -> EngineBuilder {
        let portal = FakePortal {
            clock: self.clock.clone(),
            server: Arc::clone(&self.server),
        };
        let cache = Arc::new(self.cache.clone());
        let builder = Arc::clone(&self.builder) as Arc<dyn CubeBuilder>;
        Engine::builder(
            Arc::new(portal),
            Arc::new(FakeUnpacker),
            builder,
            cache,
            self.scratch.path(),
        )
        .clock(Arc::new(self.clock.clone()))
        .disk(Arc::new(SmallDisk::default()))
        .progress(Arc::clone(&self.listener) as Arc<dyn Progress>)
        .poll(PollPolicy {
            jitter: 0.0,
            ..PollPolicy::default()
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine_builder().build()
    }

    pub(crate) fn server(&self) -> std::sync::MutexGuard<'_, Server> {
        self.server.lock().unwrap()
    }

    /// How many orders the server got, and how many of them were for a file that it had a live task of.
    pub(crate) fn posts_and_doubled(&self) -> (u32, u32) {
        let server = self.server();
        (server.posts, server.doubled)
    }

    pub(crate) fn downloads_and_looks(&self) -> (usize, usize) {
        let server = self.server();
        (server.downloads.len(), server.looks.len())
    }

    pub(crate) fn files_in_scratch(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, files);
                } else {
                    files.push(path);
                }
            }
        }
        let mut files = Vec::new();
        walk(self.scratch.path(), &mut files);
        files
    }
}
