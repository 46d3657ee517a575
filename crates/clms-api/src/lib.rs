//! The portal API of the Copernicus Land Monitoring Service (CLMS) as typed async calls.
//!
//! ```no_run
//! use clms_api::{Client, DataRequest, DatasetQuery, FileRequest, Polling, ServiceKey};
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
//!     // A prepackaged file is requested, and lies behind a link when its task is done. If it
//!     // is queued already, nothing is requested.
//!     let file = FileRequest { dataset_uid: dataset.uid.clone(), file_id: file.id.clone() };
//!     let requested = client.request_once(&DataRequest::new().file(file)).await?;
//!     let task = client.wait_for_task(&requested.tasks[0].id, Polling::default()).await?;
//!     if let Some(link) = task.link() {
//!         let patience = std::time::Duration::from_secs(180); // some links are dead at first
//!         client.download(link, "forest.zip.part").wait_for_link(patience).run().await?;
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
//! - **Saying no before the portal does.** A [`PartRequest`] can only be built with a format, a
//!   CRS, a layer, an area and days that the portal takes, and the error names those that it does.
//! - **Never doing anything twice.** [`Client::request_once`] looks at the list of tasks before
//!   and after; a call that changes something is not repeated unless the
//!   portal certainly did nothing; otherwise it is [`ApiError::Unclear`].
//! - **Reality.** Blanks, texts for numbers, objects for texts, and words nobody has heard of
//!   decode; what can't be understood is kept in `extra`.
//! - **Manners.** All calls to one host share one limiter, and heed `Retry-After` together.
//! - **Broken downloads.** [`Client::download`] resumes after a break or a crash, and believes
//!   neither a status nor a length.
//!
//! # The portal's endpoints, and where they are
//!
//! | endpoint | method |
//! |---|---|
//! | the service key's `token_uri` | by itself; [`Client::sign_in`] |
//! | `GET @search` | [`Client::datasets`], [`Client::dataset`], [`Client::search`] |
//! | `GET @datasets_by_uid` | [`Client::datasets_by_uid`] |
//! | `GET` of a dataset's address | [`Client::dataset_at`] |
//! | `POST @datarequest_post` | [`Client::request_once`], [`Client::request`], [`Client::request_files`] |
//! | `GET @datarequest_search` | [`Client::tasks`] |
//! | `GET @datarequest_status_get` | [`Client::task`], [`Client::wait_for_task`] |
//! | `DELETE @datarequest_delete` | [`Client::cancel_task`] |
//! | `GET @get-download-file-urls` | [`Client::direct_links`] |
//! | `GET @format_conversion_table` | [`Client::format_table`] |
//! | `GET @projections` | [`Client::projections`] |
//! | `GET @nuts_name` | [`Client::nuts_names`] |
//! | `GET @get-time-series-metadata` | [`Client::time_series_metadata`] |
//! | the link of a task | [`Client::download`], [`Client::probe`] |
//! | any other | [`Client::call`] |
//!
//! Code that is to be tested without a server takes a `&dyn` [`Portal`].
//!
//! Coordinates are degrees on WGS 84, times are UTC, sizes are bytes. Everything needs a tokio
//! runtime with time and I/O enabled.

mod client;
mod download;
mod error;
mod limiter;
mod model;
mod portal;
mod redact;
mod refusal;
mod request;
mod retry;
mod server_message;
mod service_key;
mod transport_error;

pub use self::client::{
    Client, ClientBuilder, DEFAULT_BASE_URL, DatasetQuery, DirectLinksRequest, Polling, RawAnswer,
    RawCall, Requested, RequestedTask, SignedIn,
};
pub use self::download::{
    Download, DownloadError, DownloadProgress, Downloaded, LinkState, validator_path,
};
pub use self::error::{ApiError, DecodeError};
pub use self::model::{
    Accepted, BBox, CdseRole, Dataset, DatasetSummary, DatasetUid, DirectLinks,
    DownloadInformation, FileId, FileKind, FileRequest, Format, FormatTable, InformationId,
    PrepackagedFile, Source, Task, TaskDataset, TaskId, TaskStatus, TemporalExtent,
    TimeSeriesMetadata, parse_size,
};
pub use self::portal::{OnProgress, Portal};
pub use self::refusal::Refusal;
pub use self::request::{
    Area, DataRequest, Days, InvalidRequest, MAX_PARTS, MAX_PORTAL_AREA, NutsCode, PartContent,
    PartRequest, PartRequestBuilder, TaskKind,
};
pub use self::retry::{Attempts, RetryPolicy, Tries, retry_after};
pub use self::server_message::ServerMessage;
pub use self::service_key::{KeyFileWarning, LoadedKey, ServiceKey, ServiceKeyError};
pub use self::transport_error::{TransportError, TransportKind};
// What our signatures are made of, for those who depend on nothing else.
pub use futures;
pub use tokio_util::sync::CancellationToken;
pub use url::Url;
