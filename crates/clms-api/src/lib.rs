//! The portal API of the Copernicus Land Monitoring Service (CLMS) as typed async calls.
//!
//! ```no_run
//! use clms_api::{Client, DatasetQuery, FileRequest, ServiceKey};
//! use futures::TryStreamExt;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let key = ServiceKey::from_file("credentials.json")?.key;
//! let client = Client::builder().service_key(key).build()?;
//!
//! // The catalogue needs no key.
//! let mut datasets = client.datasets(DatasetQuery::new().text("forest type"));
//! while let Some(dataset) = datasets.try_next().await? {
//!     let Some(file) = dataset.file("FTY_2015_100m_eu_03035_d02_Full") else { continue };
//!
//!     // A prepackaged file is requested, and lies behind a link when its task is done.
//!     let request = FileRequest { dataset_uid: dataset.uid.clone(), file_id: file.id.clone() };
//!     let accepted = client.request_files(&[request]).await?;
//!     let task = client.task(&accepted.task_ids[0]).await?;
//!     if let Some(link) = task.as_ref().filter(|task| task.is_ready()).and_then(|task| task.link()) {
//!         client.download(link, "forest.zip.part").run().await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it takes care of
//!
//! - **Signing in.** Every call that needs a token fetches it, renews it in time, and repeats
//!   itself once when the portal refuses it. The token goes to the host of the API only. Keys and
//!   tokens show up in no error, log or `Debug` output.
//! - **Never doing anything twice.** A call that changes something is not repeated unless the
//!   portal certainly did nothing; otherwise it is [`ApiError::Unclear`].
//! - **Reality.** Blanks, texts for numbers, objects for texts, and words nobody has heard of
//!   decode; what can't be understood is kept in `extra`.
//! - **Broken downloads.** [`Client::download`] resumes after a break or a crash, and believes
//!   neither a status nor a length.
//!
//! Coordinates are degrees on WGS 84, times are UTC, sizes are bytes. Everything needs a tokio
//! runtime with time and I/O enabled.

mod client;
mod download;
mod error;
mod model;
mod redact;
mod retry;
mod server_message;
mod service_key;
mod transport_error;

pub use self::client::{Client, ClientBuilder, DEFAULT_BASE_URL, DatasetQuery, SignedIn};
pub use self::download::{
    Download, DownloadError, DownloadProgress, Downloaded, LinkState, validator_path,
};
pub use self::error::{ApiError, DecodeError, Refusal};
pub use self::model::{
    Accepted, BBox, CdseRole, Dataset, DatasetUid, DownloadInformation, FileId, FileKind,
    FileRequest, Format, InformationId, PrepackagedFile, Source, Task, TaskDataset, TaskId,
    TaskStatus, TemporalExtent, parse_size,
};
pub use self::retry::RetryPolicy;
pub use self::server_message::ServerMessage;
pub use self::service_key::{KeyFileWarning, LoadedKey, ServiceKey, ServiceKeyError};
pub use self::transport_error::{TransportError, TransportKind};
// What our signatures are made of, for those who depend on nothing else.
pub use futures;
pub use tokio_util::sync::CancellationToken;
pub use url::Url;
