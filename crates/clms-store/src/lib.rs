//! The data store of the Copernicus Land Monitoring Service (CLMS): list, describe, preload, open.
//!
//! From a service key to pixels:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use clms_store::{ClmsStore, DataId, PreloadOptions, progress::NoProgress};
//! use tokio_util::sync::CancellationToken;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let store = ClmsStore::builder()
//!         .credentials_file("credentials.json") // made at https://land.copernicus.eu, under "API tokens"
//!         .cache("./clms_cache")
//!         .build()?;
//!
//!     // The first time this takes minutes to hours; from then on the cube is there.
//!     let data_id: DataId = "clc2018|u2018_clc2018_v2020_20u1_raster100m".parse()?;
//!     let options = PreloadOptions::default();
//!     let outcomes = store
//!         .preload(&[data_id.clone()], &options, Arc::new(NoProgress), &CancellationToken::new())
//!         .await?;
//!     println!("{:?}: {:?}", outcomes[0].status, outcomes[0].cube);
//!
//!     let cube = store.open(&data_id).await?;
//!     let variable = &cube.group("")?.variables[0];
//!     let window = cube.read_window("", &variable.name, 0..512, 0..512).await?;
//!     println!("{} pixels of {}", window.pixels.len(), variable.name);
//!     Ok(())
//! }
//! ```
//!
//! * [`Catalogue`] is what the portal offers, as [data ids](DataId); [`Listing`] is what of it can be listed and searched.
//! * [`ClmsStore::preload`] brings a data id into the cache as a Zarr cube; [`ClmsStore::open`] opens it.
//! * A [`Subset`] is what the portal is to cut out of a product before it is downloaded; it has a data id and a cube of its own.
//! * Jobs survive whatever ends a process: asking for the same thing again goes on where it was.
//! * Cubes in the cache are plain Zarr, which other software opens without this crate.
//!
//! Progress, cubes and jobs are re-exported from the layers below, so that this crate is the only one to depend on.

mod as_duration;
mod as_text;
pub mod bbox;
mod build;
mod builder;
mod cached;
pub mod catalogue;
mod contents;
mod data_id;
mod data_types;
mod day_range;
mod describe;
mod error;
mod expected;
mod jobs;
mod network;
mod open;
mod parameters;
mod preload;
mod servers;
mod sources;
mod spelling;
mod store;
mod subset;
mod tile_size;
mod user_folders;
mod whole_file;

pub use builder::ClmsStoreBuilder;
pub use cached::{CachedCube, CachedCubeDetails, Committed};
pub use catalogue::{Catalogue, Listing};
pub use clms_api::{ServiceKey, SignedIn};
pub use clms_cache::StorageOptions;
pub use clms_preload::{
    CancelReport, CancelScope, CancelVerdict, EngineLimits, JobHandle, JobId, JobOutcome, JobState,
    JobStatus, Problem, ProblemKind, TaskCancellation,
};
pub use contents::{CubeContents, VariableContents};
pub use data_id::{DataId, InvalidDataId};
pub use data_types::DataType;
pub use day_range::{DayRange, InvalidDayRange};
pub use describe::{Description, TimeRange};
pub use error::{ErrorClass, StoreError};
pub use expected::{ExpectedQuantity, ExpectedValues};
pub use jobs::{JobDetails, JobsError, ResumeOptions};
pub use open::OpenOptions;
pub use parameters::{
    CdseParameters, Credentials, Parameters, Secret, StoreParameters, WekeoParameters,
};
pub use preload::{JobSummary, PlannedAction, PlannedPreload, PreloadOptions};
pub use store::{ClmsStore, DEFAULT_API_URL, DEFAULT_CATALOGUE_AGE, DEFAULT_POLL_INTERVAL};
pub use subset::{InvalidSubset, Subset, SubsetParameter};
pub use tile_size::TileSize;

/// Looking after the cubes in a cache: whether they are still whole, and what can be removed.
pub mod keeping {
    pub use clms_cache::{
        CubeName, Generation, Leftover, LeftoverKind, Manifest, Usage,
        gc::{Abandoned, Fate, Garbage, Limits, Plan},
        verify::{Checked, Verdict, Verification},
    };
}

/// What a preload tells while it works.
pub mod progress {
    pub use clms_preload::{
        JobId, JobStatus, NoProgress, Progress, ProgressEvent, StageName, Unit,
    };
}

/// WEkEO: its accounts, its API, and its data as jobs.
pub mod wekeo {
    pub use crate::sources::wekeo::*;
}

/// Vector packages: what is said of them where rasters have a cube.
pub mod vector {
    pub use clms_cube::vector::{
        VectorField, VectorFormat, VectorLayer, VectorPackage, VectorSource,
    };
}

/// What a preload does with a downloaded package, for those who measure it; no promise to anybody else.
#[doc(hidden)]
pub mod packages {
    pub use crate::build::{builder, is_wanted, package, unpacker};
}

/// The Copernicus Data Space Ecosystem: lists of products, and rasters that are opened where they lie.
pub mod cdse {
    #[doc(inline)]
    pub use crate::sources::cdse::*;
}

/// Datasets, cached cubes first: their structure, their pixels, and their colours.
pub mod cube {
    pub use clms_cube::{
        ArrayStructure, Bin, Class, ClassCover, Counted, Cover, Crs, Dataset, DatasetStructure,
        Decoding, Dimension, Distribution, ExportOptions, ExportProgress, ExportReport,
        ExportState, Format, Grid, GroupStructure, Legend, LegendClass, Levels, Overview, Pixels,
        ReferenceReport, Resampling, Selection, Slab, Statistics, Style, Traffic, Window,
        ZarrFormat, gdal_version,
    };
}
