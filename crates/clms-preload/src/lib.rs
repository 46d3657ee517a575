//! Preload jobs: the way of a product file from an order at the server to a cube in the cache, however the server, the network, the disk
//! and the process behave meanwhile.
//!
//! ```no_run
//! use std::sync::Arc;
//! use clms_cache::{CacheStore, CubeName};
//! use clms_preload::{
//!     CubeBuilder, Engine, JobRequest, Order, PortalSource, RunOptions, ZipUnpacker, list_jobs,
//! };
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example(
//! #     portal: Arc<dyn PortalSource>,
//! #     builder: Arc<dyn CubeBuilder>,
//! #     cache: Arc<dyn CacheStore>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let unpacker = Arc::new(ZipUnpacker::new(|name| name.to_lowercase().ends_with(".tif")));
//! let engine = Engine::builder(portal, unpacker, builder, Arc::clone(&cache), "/data/scratch").build();
//!
//! let order = Order::file(
//!     "0407d497d3c44bcd93ce8fd5bf78596a",
//!     "3d9e2413-46ca-4f6e-abf8-b6eb429a4e48",
//!     "u2018_clc2018_v2020_20u1_raster100m",
//! );
//! let data_id = "clc2018|u2018_clc2018_v2020_20u1_raster100m";
//! let request = JobRequest::new(data_id, CubeName::new(data_id)?, order);
//!
//! // Minutes to hours. Interrupted or killed, the same call goes on where it was.
//! let outcomes = engine.run(vec![request], RunOptions::default(), &CancellationToken::new()).await;
//! assert_eq!(outcomes[0].cube.as_deref(), Some("/data/cache/clc2018|u2018_clc2018_v2020_20u1_raster100m.zarr"));
//!
//! // What any other process sees of it.
//! for job in list_jobs(cache.records()).await?.jobs {
//!     println!("{} {}", job.job, job.stage());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! * [`machine`] is what a job is: a plain function from state and event to state and commands.
//! * [`Engine`] drives jobs through it, several side by side, with one look at the server for all of them: [`Engine::run`] waits for their ends,
//!   [`Engine::start`] gives a [`JobHandle`] for each, and [`Engine::cancel`] gives one up, whichever process works on it.
//! * [`Journal`] is what survives a process.
//! * [`ZipUnpacker`] opens packages, which are archives in archives, without believing them.
//! * [`PortalSource`], [`CubeBuilder`], [`Unpacker`], [`Clock`], [`Progress`] and [`Disk`] are what a job needs of the world; others implement them.

mod cancellation;
mod clock;
mod engine;
mod ids;
mod journal;
mod leftovers;
pub mod machine;
mod neighbours;
mod portal;
mod problem;
pub mod progress;
mod request;
mod scratch;
mod unpack;

pub use self::{
    cancellation::{CancelReport, CancelScope, CancelVerdict, TaskCancellation},
    clock::{Clock, SystemClock},
    engine::{
        Engine, EngineBuilder, EngineLimits, JobHandle, JobOutcome, JobStatus, PollPolicy,
        RunOptions, Servers,
    },
    ids::{ContentKey, InvalidJobId, JobId, ServerName, TaskId},
    journal::{JobList, JobRecord, Journal, JournalError, list_jobs},
    leftovers::JobFiles,
    machine::{CubeSite, JobState, Policy, Stage, StageName},
    neighbours::{BuildOrder, CubeBuilder, EntrySource, UnpackedEntry, UnpackedPackage, Unpacker},
    portal::{
        CancelOutcome, Download, DownloadLink, PortalSource, PortalTask, PostOutcome, TaskStatus,
    },
    problem::{Problem, ProblemKind},
    progress::{Meter, NoProgress, Progress, ProgressEvent, Unit},
    request::{JobRequest, Order},
    scratch::{Disk, FileSystem},
    unpack::{UnpackError, UnpackLimits, ZipUnpacker},
};
