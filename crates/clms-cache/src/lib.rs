//! Where finished data cubes live.
//!
//! ```
//! # async fn example() -> Result<(), clms_cache::CacheError> {
//! use clms_cache::{CacheStore, CubeName, FilesystemCache};
//! use object_store::{ObjectStoreExt, path::Path};
//!
//! # let folder = std::env::temp_dir().join("clms-cache-doc");
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
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```

mod error;
mod name;
mod store;

pub use error::CacheError;
pub use name::{CubeName, InvalidCubeName};
pub use store::{CacheStore, CubeInfo, Lease, Staged, Usage};
