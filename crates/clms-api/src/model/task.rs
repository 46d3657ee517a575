//! Download tasks.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::dataset::BBox;
use super::fields::{Fields, as_number, parse_time};
use super::ids::{DatasetUid, FileId, TaskId};
use super::words::{CdseRole, Format, Source, TaskStatus};
use crate::error::DecodeError;

/// A prepackaged file to request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileRequest {
    /// The dataset that lists the file.
    pub dataset_uid: DatasetUid,
    /// The file.
    pub file_id: FileId,
}

/// What the portal made of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The tasks that were made: one for all prepackaged files of a request together.
    pub task_ids: Vec<TaskId>,
    /// Tasks that were made but that the engine refused. They stay `Queued` in the list.
    pub error_task_ids: Vec<TaskId>,
}

/// A download task, as `@datarequest_search` and `@datarequest_status_get` show it.
///
/// Keys come and go while a task lives, so nearly everything is optional.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Task {
    /// The portal's number of the task.
    pub id: TaskId,
    /// What the portal says of it. It can go backwards: see [`Task::is_ready`].
    pub status: TaskStatus,
    /// What was asked for.
    pub datasets: Vec<TaskDataset>,
    /// Where the result lies, once there is one. No proof that it does: links die, and some
    /// come alive minutes later.
    pub links: Vec<Url>,
    /// The result's length in bytes, once there is one.
    pub file_size: Option<u64>,
    /// When the portal took the task.
    pub registered: Option<Timestamp>,
    /// When the engine was done with it.
    pub finalized: Option<Timestamp>,
    /// The engine's words, mostly when it is done.
    pub message: Option<String>,
    /// The engine's number of the task; comes some time after the task. A task that is cancelled
    /// before can still finish.
    pub engine_task_id: Option<u64>,
    /// Whose task it is: asked for by its number, the portal also shows other people's tasks.
    pub user_id: Option<String>,
    /// What the parent and the children of one CDSE request have in common.
    pub cdse_group: Option<String>,
    /// The part of the task in that group. Only the parent says how the request goes.
    pub cdse_role: Option<CdseRole>,
    /// Everything else that the portal said, and what could not be read.
    pub extra: Map<String, Value>,
}

impl Task {
    /// Reads a task of the portal; its number stands outside it there.
    ///
    /// # Errors
    /// When it is no object, or its `Datasets` are neither a list nor an object.
    pub fn from_portal(id: TaskId, value: Value) -> Result<Self, DecodeError> {
        let name = format!("task {id}");
        Self::read(id, value).map_err(|error| error.of(name))
    }

    /// The first link to the result.
    pub fn link(&self) -> Option<&Url> {
        self.links.first()
    }

    /// Whether the result is there, as far as the portal says: the status is `Finished_ok`, or
    /// the status went backwards after the task got its link and its end. A cancelled task keeps
    /// its link but is not ready.
    pub fn is_ready(&self) -> bool {
        match self.status {
            TaskStatus::FinishedOk => true,
            TaskStatus::Cancelled | TaskStatus::FinishedNok | TaskStatus::Rejected => false,
            _ => self.finalized.is_some() && !self.links.is_empty(),
        }
    }

    /// Whether the portal will do nothing more about the task.
    pub fn is_final(&self) -> bool {
        self.is_ready()
            || matches!(
                self.status,
                TaskStatus::Cancelled | TaskStatus::FinishedNok | TaskStatus::Rejected
            )
    }

    /// Whether the task was made for this prepackaged file and nothing else.
    pub fn is_exactly(&self, file: &FileRequest) -> bool {
        matches!(self.datasets.as_slice(), [only]
            if only.dataset_uid.as_ref() == Some(&file.dataset_uid)
                && only.file_id.as_ref() == Some(&file.file_id))
    }

    fn read(id: TaskId, value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::new(value, "")?;
        fields.take("TaskID", |_| Some(()));
        let datasets = fields
            .items("Datasets")?
            .into_iter()
            .map(|(item, path)| Ok(TaskDataset::read(Fields::new(item, path)?)))
            .collect::<Result<_, DecodeError>>()?;
        Ok(Self {
            id,
            status: fields
                .word("Status")
                .unwrap_or_else(|| TaskStatus::Unknown(String::new())),
            datasets,
            links: fields.links("DownloadURL"),
            file_size: fields.whole("FileSize"),
            registered: fields.time("RegistrationDateTime"),
            finalized: fields.time("FinalizationDateTime"),
            message: fields.text("Message"),
            engine_task_id: fields.whole("FMETaskId"),
            user_id: fields.text("UserID"),
            cdse_group: fields.text("cdse_task_group_id"),
            cdse_role: fields.word("cdse_task_role"),
            extra: fields.rest(),
        })
    }
}

/// One dataset of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskDataset {
    /// The dataset.
    pub dataset_uid: Option<DatasetUid>,
    /// The prepackaged file; `None` where a part of the dataset was asked for.
    pub file_id: Option<FileId>,
    /// The dataset's title.
    pub title: Option<String>,
    /// Where the portal takes it from.
    pub source: Option<Source>,
    /// The format that was asked for, of a part.
    #[serde(default)]
    pub format: Option<Format>,
    /// The CRS that was asked for, of a part.
    #[serde(default)]
    pub crs: Option<String>,
    /// The bounding box that was asked for, of a part, whatever corners the portal names.
    #[serde(default)]
    pub bbox: Option<BBox>,
    /// The NUTS code that was asked for, of a part.
    #[serde(default)]
    pub nuts: Option<String>,
    /// The first and the last day that were asked for, of a part, in UTC.
    #[serde(default)]
    pub days: Option<(Date, Date)>,
    /// The layer that was asked for, of a part.
    #[serde(default)]
    pub layer: Option<String>,
    /// Where the portal finds the data, in base64.
    #[serde(default)]
    pub path: Option<String>,
    /// The CDSE collection, of a part that CDSE cuts.
    #[serde(default)]
    pub byoc_collection: Option<String>,
    /// Everything else.
    pub extra: Map<String, Value>,
}

impl TaskDataset {
    fn read(mut fields: Fields) -> Self {
        Self {
            dataset_uid: fields.word("DatasetID"),
            file_id: fields.word("FileID"),
            title: fields.text("DatasetTitle"),
            source: fields.word("DatasetSource"),
            format: fields.word("OutputFormat"),
            crs: fields.text("OutputGCS"),
            bbox: fields.take("BoundingBox", corners),
            nuts: fields.text("NUTSID"),
            days: fields.take("TemporalFilter", days),
            layer: fields.text("Layer"),
            path: fields.text("DatasetPath"),
            byoc_collection: fields.text("ByocCollection"),
            extra: fields.rest(),
        }
    }
}

/// A box from four numbers of which two opposite corners are told.
fn corners(value: &Value) -> Option<BBox> {
    let [x1, y1, x2, y2] = value.as_array()?.as_slice() else {
        return None;
    };
    let [x1, y1, x2, y2] = [
        as_number(x1)?,
        as_number(y1)?,
        as_number(x2)?,
        as_number(y2)?,
    ];
    Some(BBox {
        west: x1.min(x2),
        south: y1.min(y2),
        east: x1.max(x2),
        north: y1.max(y2),
    })
}

fn days(value: &Value) -> Option<(Date, Date)> {
    let map = value.as_object().filter(|map| map.len() == 2)?;
    let day = |key| {
        let time = parse_time(map.get(key)?.as_str()?)?;
        Some(time.to_zoned(TimeZone::UTC).date())
    };
    Some((day("StartDate")?, day("EndDate")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(value: Value) -> Task {
        Task::from_portal(TaskId::new("1"), value).unwrap()
    }

    #[test]
    fn a_finished_task() {
        let task = task(json!({
            "Datasets": [{"DatasetID": "0d03", "FileID": "b1b2", "DatasetSource": "EEA", "DatasetTitle": "T", "FileStructure": ""}],
            "DownloadURL": "http://h/clmsdatadownload/results/4051.zip", "FMETaskId": 4051, "FileSize": "662",
            "FinalizationDateTime": "2026-11-22T15:18:23.043988+00:00", "RegistrationDateTime": "2026-11-22T15:18:17",
            "Message": "done", "Status": "Finished_ok", "UserID": "u",
        }));
        assert!(task.is_ready() && task.is_final());
        assert_eq!(task.file_size, Some(662));
        assert_eq!(
            task.link().unwrap().path(),
            "/clmsdatadownload/results/4051.zip"
        );
        assert!(task.finalized > task.registered);
        let file = FileRequest {
            dataset_uid: "0d03".into(),
            file_id: "b1b2".into(),
        };
        assert!(task.is_exactly(&file));
        assert!(!task.is_exactly(&FileRequest {
            file_id: "other".into(),
            ..file
        }));
        assert_eq!(task.datasets[0].file_id, Some(FileId::new("b1b2")));
        assert_eq!(task.extra, Map::new());
    }

    #[test]
    fn a_cdse_child_has_an_object_for_a_list_and_a_status_of_its_own() {
        let task = task(json!({
            "Datasets": {"DatasetID": "055e", "BoundingBox": [6.0, 49.0, 6.2, 49.2]},
            "Status": "QUEUED", "cdse_task_group_id": "6199", "cdse_task_role": "child",
        }));
        assert_eq!(task.datasets.len(), 1);
        assert_eq!(task.status, TaskStatus::Unknown("QUEUED".to_owned()));
        assert_eq!(task.cdse_role, Some(CdseRole::Child));
        assert!(!task.is_final());
    }

    #[test]
    fn status_may_go_backwards_but_not_the_result() {
        let mut backwards =
            json!({"Datasets": [], "Status": "Queued", "DownloadURL": ["http://h/1.zip"]});
        assert!(
            !task(backwards.clone()).is_ready(),
            "a link alone is not the end"
        );
        backwards["FinalizationDateTime"] = "2026-11-22T15:18:23".into();
        assert!(task(backwards.clone()).is_ready());
        backwards["Status"] = "Cancelled".into();
        assert!(!task(backwards.clone()).is_ready() && task(backwards).is_final());
    }

    #[test]
    fn an_odd_link_is_kept_but_no_link() {
        let task = task(json!({"DownloadURL": "none yet", "Status": 7}));
        assert_eq!(task.link(), None);
        assert_eq!(task.extra["DownloadURL"], "none yet");
        assert_eq!(task.status, TaskStatus::Unknown("7".to_owned()));
    }
}
