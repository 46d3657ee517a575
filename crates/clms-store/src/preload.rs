//! Preloading: what is asked of it, what it would do, and doing it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clms_api::{Area, Dataset};
use clms_cache::CacheStoreExt as _;
use clms_cube::{Levels, ZarrFormat};
use clms_preload::{
    ContentKey, Engine, JobHandle, JobId, JobOutcome, JobRecord, JobRequest, JobStatus, Journal,
    Policy, PollPolicy, Problem, Progress, RunOptions, Servers, StageName,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    ClmsStore, DataId, StoreError, Subset, TileSize, bbox,
    build::{self, GdalCubeBuilder},
    catalogue::Catalogue,
    servers,
    sources::{self, WantedSubset, eea},
    user_folders::{as_folder_name, user_cache},
};

/// How to preload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreloadOptions {
    /// Also what is cached already; the new cube replaces the old one when it is whole.
    pub force: bool,
    /// Size of a chunk in pixels: one number for both sides, or height and width; each from 16 to 16384.
    pub tile_size: Option<TileSize>,
    /// The format of the cube: sharded Zarr v3, or v2 for GDAL before 3.13, QGIS, and older readers.
    #[serde(with = "crate::as_text")]
    #[schemars(with = "String", extend("enum" = ["3", "2"]))]
    pub zarr_format: ZarrFormat,
    /// How many overviews the cube has: a number, or `auto`.
    #[serde(with = "crate::as_text")]
    #[schemars(with = "String", regex(pattern = "^(auto|[0-9]+)$"))]
    pub levels: Levels,
    /// Keep the downloaded zip files in the scratch folder.
    pub keep_downloads: bool,
    /// Stop everything after this time; the jobs can be resumed.
    #[serde(with = "crate::as_duration")]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Duration>,
    /// Only request, and leave as soon as the portal has the requests. The same preload again carries on.
    pub detach: bool,
    /// Links of finished tasks older than this are not even tried, whatever the portal promises; a day if not given. Younger ones have to
    /// prove themselves.
    #[serde(with = "crate::as_duration")]
    #[schemars(with = "Option<String>")]
    pub max_link_age: Option<Duration>,
    /// How long a task may be queued before it is cancelled and the file requested anew, since the portal makes tasks that it never works on; a
    /// day if not given, for one that is really in a queue loses its place by this.
    #[serde(with = "crate::as_duration")]
    #[schemars(with = "Option<String>")]
    pub max_queued: Option<Duration>,
}

impl PreloadOptions {
    fn run(&self) -> RunOptions {
        RunOptions {
            timeout: self.timeout,
            detach: self.detach,
            keep_downloads: self.keep_downloads,
            // What another process builds already is not built twice. Who wants to leave does not wait for it.
            wait_for_others: !self.detach,
        }
    }
}

/// What a preload of one data id would do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct PlannedPreload {
    /// What was asked for.
    pub data_id: DataId,
    /// `cached` if there is nothing to do, `resume` if an unfinished job goes on, else `request`.
    pub action: PlannedAction,
    /// The job that would do it.
    pub job: JobId,
    /// Where the cube is or will be.
    pub cube: String,
    /// Size of the download in bytes as the portal's catalogue rounds it.
    pub size: Option<u64>,
    /// The body that would be posted to the portal.
    pub request: serde_json::Value,
}

/// See [`PlannedPreload::action`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlannedAction {
    /// The cube is there: nothing is done.
    Cached,
    /// An unfinished job goes on.
    Resume,
    /// The file is requested from the portal, unless a task for it is there already.
    Request,
}

/// A preload job of a cache, as the journal has it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct JobSummary {
    /// The job.
    pub job: JobId,
    /// What it is for.
    pub data_id: String,
    /// Where it stands, such as `waiting`, `completed` or `failed`.
    pub state: String,
    /// True if nothing more happens to it unless it is asked for again.
    #[serde(skip)]
    pub has_ended: bool,
    /// The portal's task, if it has one.
    pub task_id: Option<String>,
    /// When it came to stand there.
    pub since: Timestamp,
    /// When it was first asked for.
    pub created_at: Timestamp,
    /// Why it failed, or what it met last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

impl JobSummary {
    pub(crate) fn of(record: &JobRecord) -> Self {
        Self {
            job: record.job.clone(),
            data_id: record.request.data_id.clone(),
            state: record.stage().to_string(),
            has_ended: record.is_finished() || record.stage() == StageName::Failed,
            task_id: record.task_id().map(ToString::to_string),
            since: record.updated_at,
            created_at: record.created_at,
            error: record.problem().cloned(),
        }
    }
}

/// Where downloads in progress live when the cache is not local and nothing else was said.
const FALLBACK_SCRATCH: &str = "clms/scratch";

impl ClmsStore {
    /// What [`preload`](Self::preload) would do. Nothing is requested; needs no credentials.
    ///
    /// # Errors
    /// As for [`preload`](Self::preload).
    pub async fn plan_preload(
        &self,
        data_ids: &[DataId],
        options: &PreloadOptions,
    ) -> Result<Vec<PlannedPreload>, StoreError> {
        let catalogue = self.catalogue_with(data_ids).await?;
        let journal = Journal::new(self.cache.records());
        let mut plans = Vec::new();
        for data_id in data_ids {
            let request = request(&catalogue, data_id, options)?;
            let cached = self.cache.look_up(&request.cube).await?.is_some();
            let unfinished = journal
                .read(&request.job_id())
                .await?
                .is_some_and(|record| !record.is_finished());
            plans.push(PlannedPreload {
                data_id: data_id.clone(),
                action: match (cached && !options.force, unfinished) {
                    (true, _) => PlannedAction::Cached,
                    (false, true) => PlannedAction::Resume,
                    (false, false) => PlannedAction::Request,
                },
                job: request.job_id(),
                cube: self.cache.cube_location(&request.cube),
                size: request.expected_size,
                request: servers::body(&request.order),
            });
        }
        Ok(plans)
    }

    /// Brings data into the cache: requests them from the portal, waits, downloads, unpacks, and builds their cubes, side by
    /// side. Tells what became of each, in the order of `data_ids`.
    ///
    /// What is cached is left alone, unless [`PreloadOptions::force`]; if all of it is, neither credentials nor network are
    /// needed. A job that was begun earlier goes on where it was. What another process works on is waited for, and taken over if that one
    /// dies. Cancelling `cancel` stops all jobs at their next safe point;
    /// what was requested stays at the portal.
    ///
    /// # Errors
    /// All that can be checked is checked before anything is requested: [`StoreError::NoSuchDataId`] with the nearest names,
    /// [`StoreError::Unavailable`] for what this program can't get, [`StoreError::Credentials`] and [`StoreError::Api`] if
    /// signing in fails. What goes wrong later is in the outcomes.
    pub async fn preload(
        &self,
        data_ids: &[DataId],
        options: &PreloadOptions,
        progress: Arc<dyn Progress>,
        cancel: &CancellationToken,
    ) -> Result<Vec<JobOutcome>, StoreError> {
        if let Some(outcomes) = self.all_cached(data_ids, options).await? {
            return Ok(outcomes);
        }
        let (engine, requests) = tokio::select! {
            prepared = self.prepared(data_ids, options, progress) => prepared?,
            () = cancel.cancelled() => return Err(StoreError::Interrupted),
        };
        Ok(engine.run(requests, options.run(), cancel).await)
    }

    /// The same in the background, with a handle for each different data id, in their order: its state, its events, and the means to wait for it, to
    /// stop it, and to give it up. Returns as soon as all that can be checked is checked. Needs a tokio runtime, in which the jobs live; what
    /// was begun goes on when it is asked for again.
    ///
    /// # Errors
    /// As for [`preload`](Self::preload).
    pub async fn start_preload(
        &self,
        data_ids: &[DataId],
        options: &PreloadOptions,
        progress: Arc<dyn Progress>,
    ) -> Result<Vec<JobHandle>, StoreError> {
        let (engine, requests) = self.prepared(data_ids, options, progress).await?;
        Ok(engine.start(requests, options.run()))
    }

    /// Checks all that can be checked before anything is requested.
    async fn prepared(
        &self,
        data_ids: &[DataId],
        options: &PreloadOptions,
        progress: Arc<dyn Progress>,
    ) -> Result<(Engine, Vec<JobRequest>), StoreError> {
        let catalogue = self.catalogue_with(data_ids).await?;
        let requests: Vec<JobRequest> = data_ids
            .iter()
            .map(|data_id| request(&catalogue, data_id, options))
            .collect::<Result<_, _>>()?;
        let servers = self.signed_in_servers(&requests).await?;
        self.check_scratch().await?;
        Ok((self.engine(servers, progress, options), requests))
    }

    /// The preload jobs of this cache, the last changed first. Needs neither credentials nor network.
    ///
    /// # Errors
    /// [`StoreError::Journal`] if they can't be read.
    pub async fn jobs(&self) -> Result<Vec<JobSummary>, StoreError> {
        let list = Journal::new(self.cache.records()).list().await?;
        for why in &list.unreadable {
            tracing::warn!("{why}");
        }
        Ok(list.jobs.iter().map(JobSummary::of).collect())
    }

    /// The outcomes, if there is nothing to do.
    async fn all_cached(
        &self,
        data_ids: &[DataId],
        options: &PreloadOptions,
    ) -> Result<Option<Vec<JobOutcome>>, StoreError> {
        if options.force {
            return Ok(None);
        }
        let journal = Journal::new(self.cache.records());
        let jobs = journal.list().await?.jobs;
        let mut outcomes = Vec::new();
        for data_id in data_ids {
            let name = data_id.cube_name()?;
            let record = jobs.iter().find(|record| record.request.cube == name);
            // A job that has still to clean up is run to its end.
            if record.is_some_and(|record| !record.is_finished()) {
                return Ok(None);
            }
            let Some(cube) = self.cache.look_up(&name).await? else {
                return Ok(None);
            };
            outcomes.push(JobOutcome {
                // A cube that came from elsewhere never had a job.
                job: record.map_or_else(
                    || JobId::of(&data_id.to_string(), &ContentKey::other("cached")),
                    |record| record.job.clone(),
                ),
                data_id: data_id.to_string(),
                status: JobStatus::Cached,
                cube: Some(cube.location),
                task_id: record.and_then(|record| record.task_id().cloned()),
                bytes: Some(self.cache.usage(&name).await?.bytes),
                error: None,
            });
        }
        Ok(Some(outcomes))
    }

    pub(crate) fn engine(
        &self,
        servers: Servers,
        progress: Arc<dyn Progress>,
        options: &PreloadOptions,
    ) -> Engine {
        let pace = self.poll_interval;
        let poll = PollPolicy {
            initial: pace,
            longest: pace.saturating_mul(8),
            ..PollPolicy::default()
        };
        // Who looks more often is less patient in all else too. Only an order that may have got lost is given its time:
        // ordering twice is worse than waiting.
        let patience = Policy::default();
        let policy = Policy {
            link_retry: patience.link_retry.min(pace),
            backoff: patience.backoff.min(pace / 3),
            settle: patience.settle.min((pace * 2).max(Duration::from_secs(2))),
            max_link_age: options.max_link_age.unwrap_or(patience.max_link_age),
            max_queued: options.max_queued.unwrap_or(patience.max_queued),
            ..patience
        };
        Engine::builder(
            servers,
            Arc::new(build::unpacker()),
            Arc::new(GdalCubeBuilder),
            Arc::clone(&self.cache),
            self.scratch_folder(),
        )
        .progress(progress)
        .poll(poll)
        .policy(policy)
        .limits(self.limits)
        .holder(clms_cache::this_process())
        .build()
    }

    /// Where downloads in progress are.
    pub(crate) fn scratch_folder(&self) -> PathBuf {
        self.scratch
            .clone()
            .or_else(|| self.cache.scratch())
            .unwrap_or_else(|| {
                let cache = as_folder_name(self.cache.location());
                user_cache().join(FALLBACK_SCRATCH).join(cache)
            })
    }

    /// Finds out before anything is requested whether downloads can be written. The cache's own scratch folder is as good as
    /// the cache, which every job checks first.
    async fn check_scratch(&self) -> Result<(), StoreError> {
        if self.scratch.is_none() && self.cache.as_local().is_some() {
            return Ok(());
        }
        let folder = &self.scratch_folder();
        let probe = folder.join(format!(".probe-{}", std::process::id()));
        let tried = async {
            tokio::fs::create_dir_all(folder).await?;
            tokio::fs::write(&probe, b"").await?;
            tokio::fs::remove_file(&probe).await
        };
        tried.await.map_err(|why| StoreError::Setting {
            setting: "scratch",
            value: folder.display().to_string(),
            why: why.to_string(),
        })
    }
}

/// An error if the portal would be asked for a box of which the product has nothing.
fn check_box(data_id: &DataId, subset: &Subset, dataset: &Dataset) -> Result<(), StoreError> {
    let Some(Area::BBox(b)) = subset.area() else {
        return Ok(());
    };
    let wanted = [b.west, b.south, b.east, b.north];
    match bbox::told_of_product(dataset.bbox) {
        Some(product) if bbox::are_apart(wanted, product) && !bbox::is_overseas(wanted) => {
            Err(StoreError::OutsideOfProduct {
                data_id: data_id.to_string(),
                wanted,
                product,
            })
        }
        _ => Ok(()),
    }
}

/// The job that brings `data_id` into the cache.
pub(crate) fn request(
    catalogue: &Catalogue,
    data_id: &DataId,
    options: &PreloadOptions,
) -> Result<JobRequest, StoreError> {
    if let Some(subset) = data_id.subset() {
        let (dataset, collection) =
            catalogue.collection(data_id.product(), data_id.collection())?;
        check_box(data_id, subset, dataset)?;
        return sources::subset_job(WantedSubset {
            data_id,
            subset,
            dataset,
            collection: &collection,
            options,
        });
    }
    let entry = catalogue.entry(data_id)?;
    match (&entry.why_not, catalogue.file(entry)) {
        (None, Some(file)) => Ok(eea::job_request(
            data_id,
            catalogue.dataset(entry),
            file,
            options,
        )?),
        (Some(why), _) => Err(StoreError::Unavailable {
            data_id: data_id.to_string(),
            why: why.clone(),
        }),
        (None, None) => Err(StoreError::OpenedInPlace {
            data_id: data_id.to_string(),
        }),
    }
}
