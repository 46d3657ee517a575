//! What the portal's answers mean.

mod dataset;
mod direct_links;
mod fields;
mod files;
mod ids;
mod rich_text;
mod size;
mod summary;
mod tables;
mod task;
mod words;

pub use self::dataset::{BBox, Dataset, TemporalExtent};
pub use self::direct_links::DirectLinks;
pub(crate) use self::fields::Fields;
pub use self::files::{DownloadInformation, PrepackagedFile};
pub use self::ids::{DatasetUid, FileId, InformationId, TaskId};
pub use self::size::parse_size;
pub use self::summary::DatasetSummary;
pub use self::tables::{FormatTable, TimeSeriesMetadata};
pub use self::task::{Accepted, FileRequest, Task, TaskDataset};
pub use self::words::{CdseRole, FileKind, Format, Source, TaskStatus};
