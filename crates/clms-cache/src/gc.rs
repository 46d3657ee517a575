//! Giving room back: what dead writers left, and the oldest cubes beyond a limit.
//!
//! What dead writers left is told from what living ones work on by their locks and leases, never by the clock: a writer
//! may be slow, and clocks differ. Only [`Limits::committed_before`] looks at times, because it is about nothing else.

use std::{collections::VecDeque, fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use object_store::ObjectStore;

use crate::{
    CacheError, CacheStore, CubeInfo, CubeName, Generation, Leftover, LeftoverKind, Maintain,
    Usage, manifest,
};

/// Which finished cubes have to go. By default none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// All finished cubes together may take so many bytes; beyond that the oldest go first.
    pub max_bytes: Option<u64>,
    /// Cubes that were committed earlier go in any case.
    pub committed_before: Option<Timestamp>,
}

impl Limits {
    /// No limits: only what dead writers left has to go.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The same with room for `bytes` only.
    #[must_use]
    pub fn with_max_bytes(self, bytes: u64) -> Self {
        Self {
            max_bytes: Some(bytes),
            ..self
        }
    }

    /// The same without cubes that were committed before `time`.
    #[must_use]
    pub fn with_committed_before(self, time: Timestamp) -> Self {
        Self {
            committed_before: Some(time),
            ..self
        }
    }
}

/// Something to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Garbage {
    /// What a dead writer left.
    Leftover(Leftover),
    /// Temporary files of a layer above that nobody needs any more.
    Files(Abandoned),
    /// A finished cube beyond the limits, and the room it takes.
    Cube(CubeInfo, Usage),
}

/// Temporary files that nobody needs any more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abandoned {
    /// The cube that they were for, if that can be told: they go under its lease.
    pub name: Option<CubeName>,
    /// The folder that they are in, where some others may be needed.
    pub folder: PathBuf,
    /// The room that they take.
    pub usage: Usage,
}

impl Abandoned {
    /// Temporary files that nobody needs any more, as [`TemporaryFiles`] found them.
    #[must_use]
    pub fn new(name: Option<CubeName>, folder: PathBuf, usage: Usage) -> Self {
        Self {
            name,
            folder,
            usage,
        }
    }
}

/// Where a layer above keeps temporary files while it works on cubes under their leases.
#[async_trait]
pub trait TemporaryFiles: fmt::Debug + Send + Sync {
    /// Those that nobody needs any more; looks only.
    async fn abandoned(&self) -> Result<Vec<Abandoned>, CacheError>;

    /// Removes them, under the lease of their cube if it is known; `false` if they are gone or needed again.
    async fn remove(&self, abandoned: &Abandoned) -> Result<bool, CacheError>;
}

impl Garbage {
    /// The room that it takes.
    #[must_use]
    pub fn usage(&self) -> Usage {
        match self {
            Self::Leftover(leftover) => leftover.usage,
            Self::Files(files) => files.usage,
            Self::Cube(_, usage) => *usage,
        }
    }

    /// The cube that it is or was to become, if that can be told.
    #[must_use]
    pub fn name(&self) -> Option<&CubeName> {
        match self {
            Self::Leftover(leftover) => leftover.name.as_ref(),
            Self::Files(files) => files.name.as_ref(),
            Self::Cube(cube, _) => Some(&cube.name),
        }
    }
}

/// What became of something that was to be removed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fate {
    /// It is gone.
    Removed,
    /// Somebody works on it: it stays.
    InUse {
        /// Who, in its own words.
        holder: String,
    },
    /// It has changed since: somebody else removed or replaced it, or it came to life. It is left alone.
    Changed,
    /// It could not be removed.
    Failed(CacheError),
}

/// What would be removed; see [`make`](Self::make).
pub struct Plan {
    cache: Arc<dyn CacheStore>,
    limits: Limits,
    leftovers: VecDeque<Leftover>,
    files: VecDeque<(Arc<dyn TemporaryFiles>, Abandoned)>,
    /// All finished cubes, the oldest first, if there are limits.
    cubes: VecDeque<(CubeInfo, Usage)>,
}

impl Plan {
    /// Finds out what there is to be removed; changes nothing.
    ///
    /// # Errors
    /// What the storage says.
    pub async fn make(cache: &Arc<dyn CacheStore>, limits: Limits) -> Result<Self, CacheError> {
        let mut leftovers = VecDeque::new();
        if let Some(maintain) = cache.as_maintain() {
            leftovers = maintain.leftovers().try_collect().await?;
            leftovers.extend(orphans(&**cache, maintain).await?);
        }
        let mut cubes = Vec::new();
        if limits != Limits::none() {
            let mut listed = cache.list();
            while let Some(cube) = listed.try_next().await? {
                match cache.usage(&cube.name).await {
                    Ok(usage) => cubes.push((cube, usage)),
                    Err(CacheError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        cubes.sort_by(|(a, _), (b, _)| (a.committed_at, &a.name).cmp(&(b.committed_at, &b.name)));
        Ok(Self {
            cache: Arc::clone(cache),
            limits,
            leftovers,
            files: VecDeque::new(),
            cubes: cubes.into(),
        })
    }

    /// The same with the temporary files that nobody needs any more.
    ///
    /// # Errors
    /// What the storage or the file system says.
    pub async fn with_files(mut self, files: Arc<dyn TemporaryFiles>) -> Result<Self, CacheError> {
        let abandoned = files.abandoned().await?;
        self.files.extend(
            abandoned
                .into_iter()
                .map(|found| (Arc::clone(&files), found)),
        );
        Ok(self)
    }

    /// What would be removed if nobody used any of it.
    #[must_use]
    pub fn garbage(&self) -> Vec<Garbage> {
        let mut excess = Excess::of(self);
        let leftovers = self.leftovers.iter().cloned().map(Garbage::Leftover);
        let files = self
            .files
            .iter()
            .map(|(_, files)| Garbage::Files(files.clone()));
        let cubes = self.cubes.iter().filter(|(cube, usage)| {
            let goes = excess.includes(cube);
            excess.total -= if goes { usage.bytes } else { 0 };
            goes
        });
        leftovers
            .chain(files)
            .chain(cubes.map(|(cube, usage)| Garbage::Cube(cube.clone(), *usage)))
            .collect()
    }

    /// Removes it, one after the other, and tells what became of each. Dropping the stream stops it.
    ///
    /// A cube goes under its lease, in the name of `holder`. One that is in use stays, and the next older ones go instead, as
    /// far as there are any.
    pub fn execute(self, holder: &str) -> BoxStream<'static, (Garbage, Fate)> {
        self.run(Run::Execution(holder.into()))
    }

    /// Removes nothing, and tells what [`execute`](Self::execute) would come to now, as far as one look tells:
    /// [`Fate::Removed`] of what would go.
    pub fn rehearse(self) -> BoxStream<'static, (Garbage, Fate)> {
        self.run(Run::Rehearsal)
    }

    fn run(self, run: Run) -> BoxStream<'static, (Garbage, Fate)> {
        let excess = Excess::of(&self);
        stream::unfold((self, excess), move |(mut plan, mut excess)| {
            let run = run.clone();
            async move {
                if let Some(leftover) = plan.leftovers.pop_front() {
                    let fate = match run {
                        Run::Rehearsal => Fate::Removed,
                        Run::Execution(_) => plan.clear(&leftover).await.into(),
                    };
                    return Some(((Garbage::Leftover(leftover), fate), (plan, excess)));
                }
                if let Some((files, found)) = plan.files.pop_front() {
                    let remove = async { files.remove(&found).await.into() };
                    let fate = plan.while_nobody_works_on(found.name.as_ref(), &run, remove);
                    let fate = fate.await;
                    return Some(((Garbage::Files(found), fate), (plan, excess)));
                }
                while let Some((cube, usage)) = plan.cubes.pop_front() {
                    if excess.includes(&cube) {
                        let evict = plan.evict(&cube);
                        let fate = plan.while_nobody_works_on(Some(&cube.name), &run, evict);
                        let fate = fate.await;
                        if matches!(fate, Fate::Removed) {
                            excess.total -= usage.bytes;
                        }
                        return Some(((Garbage::Cube(cube, usage), fate), (plan, excess)));
                    }
                }
                None
            }
        })
        .boxed()
    }

    /// Removes a leftover; `false` if it is none any more.
    async fn clear(&self, leftover: &Leftover) -> Result<bool, CacheError> {
        let Some(maintain) = self.cache.as_maintain() else {
            return Ok(false);
        };
        match (&leftover.kind, &leftover.name) {
            (LeftoverKind::Manifest, Some(name)) => {
                let is_orphan = is_orphan(&*self.cache, maintain, name, &leftover.generation);
                if !is_orphan.await? {
                    return Ok(false);
                }
                manifest::forget(&maintain.manifests(), name, &leftover.generation).await?;
                Ok(true)
            }
            _ => maintain.clear(leftover).await,
        }
    }

    async fn evict(&self, cube: &CubeInfo) -> Fate {
        match self.cache.look_up(&cube.name).await {
            // Whoever had the lease before has made a new one of it.
            Ok(found) if found.as_ref() != Some(cube) => Fate::Changed,
            Ok(_) => self.cache.remove(&cube.name).await.into(),
            Err(error) => Fate::Failed(error),
        }
    }

    /// Does `work` under the lease of the cube `name`; or in a rehearsal only looks whether that could be had.
    async fn while_nobody_works_on(
        &self,
        name: Option<&CubeName>,
        run: &Run,
        work: impl Future<Output = Fate>,
    ) -> Fate {
        let holder = match run {
            Run::Execution(holder) => holder,
            Run::Rehearsal => return self.fate_by_a_look(name).await,
        };
        let Some(name) = name else {
            return work.await;
        };
        let lease = match self.cache.lease(name, holder).await {
            Ok(lease) => lease,
            Err(CacheError::Held { holder, .. }) => return Fate::InUse { holder },
            Err(error) => return Fate::Failed(error),
        };
        let fate = work.await;
        match lease.give_back().await {
            Err(error) if matches!(fate, Fate::Removed) => {
                tracing::warn!(cube = %name, %error, "cannot give a lease back");
            }
            _ => {}
        }
        fate
    }

    async fn fate_by_a_look(&self, name: Option<&CubeName>) -> Fate {
        match (name, self.cache.as_maintain()) {
            (Some(name), Some(maintain)) => match maintain.holder(name).await {
                Ok(None) => Fate::Removed,
                Ok(Some(holder)) => Fate::InUse { holder },
                Err(error) => Fate::Failed(error),
            },
            _ => Fate::Removed,
        }
    }
}

/// Whether a plan is carried out.
#[derive(Debug, Clone)]
enum Run {
    Rehearsal,
    /// In the name of that holder.
    Execution(Arc<str>),
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("cache", &self.cache.location())
            .field("garbage", &self.garbage())
            .finish()
    }
}

impl From<Result<bool, CacheError>> for Fate {
    fn from(removed: Result<bool, CacheError>) -> Self {
        match removed {
            Ok(true) => Self::Removed,
            Ok(false) => Self::Changed,
            Err(error) => Self::Failed(error),
        }
    }
}

/// How far the cubes are beyond their limits.
struct Excess {
    limits: Limits,
    /// What they take together.
    total: u64,
}

impl Excess {
    fn of(plan: &Plan) -> Self {
        Self {
            limits: plan.limits,
            total: plan.cubes.iter().map(|(_, usage)| usage.bytes).sum(),
        }
    }

    /// Whether `cube` has to go, if all older ones that have to are gone.
    fn includes(&self, cube: &CubeInfo) -> bool {
        let Limits {
            max_bytes,
            committed_before,
        } = self.limits;
        max_bytes.is_some_and(|max| self.total > max)
            || committed_before.is_some_and(|time| cube.committed_at < time)
    }
}

/// Manifests of cubes that are not there, and of generations that are neither visible nor being written.
async fn orphans(
    cache: &dyn CacheStore,
    maintain: &dyn Maintain,
) -> Result<Vec<Leftover>, CacheError> {
    let manifests = maintain.manifests();
    let mut orphans = Vec::new();
    for name in manifest::names(&manifests).await? {
        for generation in manifest::generations(&manifests, &name).await? {
            let found = is_orphan(cache, maintain, &name, &generation).await;
            if let Err(CacheError::Manifest { .. }) = &found {
                // It may be the visible cube's: nothing of that name is judged.
                tracing::warn!(%name, "left alone: a manifest that can't be read");
                break;
            }
            if found? {
                let usage = manifest::usage(&manifests, &name, &generation).await?;
                orphans.push(Leftover::new(
                    LeftoverKind::Manifest,
                    Some(name.clone()),
                    generation,
                    usage,
                ));
            }
        }
    }
    Ok(orphans)
}

async fn is_orphan(
    cache: &dyn CacheStore,
    maintain: &dyn Maintain,
    name: &CubeName,
    generation: &Generation,
) -> Result<bool, CacheError> {
    // In this order: a writer that is seen dead has made its cube visible before, or never will.
    if maintain.is_live(name, generation).await? {
        return Ok(false);
    }
    let Some(cube) = cache.look_up(name).await? else {
        return Ok(true);
    };
    let manifests: Arc<dyn ObjectStore> = maintain.manifests();
    let store = match cache.open(name).await {
        Ok(store) => store,
        // Removed or replaced just now: whoever did that also looks after its manifest.
        Err(CacheError::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let current = manifest::find(&manifests, &cube, &*store).await?;
    Ok(current.is_none_or(|current| current.generation != *generation))
}
