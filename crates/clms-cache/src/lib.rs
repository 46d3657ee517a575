//! Where finished data cubes live: *finished or absent*, and never in between.
//!
//! ```
//! # async fn example() -> Result<(), clms_cache::CacheError> {
//! use clms_cache::{CacheStore, CubeName, FilesystemCache};
//! use object_store::{ObjectStoreExt, path::Path};
//!
//! # let folder = std::env::temp_dir().join(format!("clms-cache-doc-{}", std::process::id()));
//! let cache = FilesystemCache::open(&folder)?;
//! let name = CubeName::new("clc2018|u2018_clc2018_v2020_20u1_raster100m")?;
//!
//! // A cube is written aside ...
//! let staged = cache.stage(&name).await?;
//! staged.store().put(&Path::from("zarr.json"), "{}".into()).await.unwrap();
//! assert!(cache.look_up(&name).await?.is_none());
//!
//! // ... and becomes visible in one step, when it is whole.
//! let cube = cache.commit(staged).await?;
//! assert!(cube.location.ends_with("raster100m.zarr"));
//! # assert!(cache.remove(&name).await?);
//! # std::fs::remove_dir_all(folder).unwrap();
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```

mod abilities;
mod adapted;
mod checksum;
#[cfg(feature = "conformance")]
pub mod conformance;
mod durable;
mod error;
#[cfg(feature = "conformance")]
mod faults;
mod filesystem;
mod forwarding;
pub mod gc;
mod holder;
mod layout;
mod lease;
mod location;
mod lock;
mod manifest;
mod name;
mod object_storage;
mod options;
mod staging;
mod store;
mod throttle;
pub mod verify;

pub use abilities::{CacheStoreExt, Leftover, LeftoverKind, Local, Maintain};
pub use adapted::AdaptedCache;
pub use checksum::{Checksum, Content, InvalidChecksum};
pub use error::{CacheError, WasReplaced};
#[cfg(feature = "conformance")]
pub use faults::{Faults, FaultyStore};
pub use filesystem::FilesystemCache;
pub use holder::this_process;
pub use lease::{Hold, Lease};
pub use location::{CacheUrl, open_cache};
pub use manifest::{Manifest, ManifestObject, Origin};
pub use name::{CubeName, InvalidCubeName};
#[cfg(feature = "conformance")]
pub use object_storage::ManualClock;
pub use object_storage::{Clock, Moment, ObjectStorageCache};
/// The crate whose handles a cache gives out.
pub use object_store;
pub use options::StorageOptions;
pub use store::{CacheStore, CubeInfo, Generation, InvalidGeneration, Staged, Usage};
pub use throttle::{Rate, Throttle, ThrottledStore};
