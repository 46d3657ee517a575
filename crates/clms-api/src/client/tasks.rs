//! Requesting prepackaged files, and the tasks that this makes.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Client;
use super::exchange::{Call, undecodable};
use crate::error::{ApiError, DecodeError};
use crate::model::{Accepted, Fields, FileRequest, Task, TaskId, TaskStatus};
use crate::refusal::Refusal;
use crate::request::{DataRequest, TaskKind};

impl Client {
    /// Asks the portal for prepackaged files (`POST @datarequest_post`). All files of one call
    /// become one task with one zip.
    ///
    /// Ask for no file of which a task is queued already: the portal takes a second one, and
    /// then refuses every request until one of them is gone ([`Refusal::Duplicated`]).
    /// [`Client::request_once`] sees to it.
    ///
    /// # Errors
    /// - [`ApiError::InvalidRequest`] for no file at all, a blank identifier, or a file twice,
    ///   all of which the portal would accept and then do nothing or the wrong thing;
    /// - [`ApiError::Unclear`] when the task may or may not have been made: look at
    ///   [`Client::tasks`] before asking again;
    /// - [`ApiError::Status`] with a [`refusal`](ApiError::refusal) for most others.
    pub async fn request_files(&self, files: &[FileRequest]) -> Result<Accepted, ApiError> {
        self.request(&files.iter().collect()).await
    }

    /// Asks the portal for prepackaged files and parts of datasets
    /// (`POST @datarequest_post`), once and without looking at what is queued already; see
    /// [`Client::request_once`] for more care.
    ///
    /// The tasks that CDSE works on are not among those in the answer: it names none if nothing
    /// else was asked for.
    ///
    /// # Errors
    /// As for [`Client::request_files`]; [`ApiError::InvalidRequest`] also for more parts than
    /// the portal takes at a time.
    pub async fn request(&self, request: &DataRequest) -> Result<Accepted, ApiError> {
        request.check()?;
        let url = self.endpoint("@datarequest_post");
        let call = Call::change(Method::POST, url, request.to_json());
        let answer: Value = self.json(&call).await?;
        let accepted = read_accepted(answer)
            .and_then(|accepted| complete(accepted, request))
            .map_err(|error| undecodable(&call, error))?;
        tracing::info!(?accepted, "requested");
        Ok(accepted)
    }

    /// The user's tasks, by number (`@datarequest_search`), or those in one status. The portal
    /// also lists finished tasks of earlier days whose links are dead.
    ///
    /// # Errors
    /// [`ApiError::Status`] for a status that the portal does not know, and whatever can happen
    /// on the way.
    pub async fn tasks(
        &self,
        status: Option<TaskStatus>,
    ) -> Result<BTreeMap<TaskId, Task>, ApiError> {
        let mut url = self.endpoint("@datarequest_search");
        if let Some(status) = status {
            url.query_pairs_mut().append_pair("status", status.as_str());
        }
        let call = Call::read(url);
        let tasks: Map<String, Value> = self.json(&call).await?;
        tasks
            .into_iter()
            .map(|(id, task)| {
                let task = Task::from_portal(TaskId::new(id), task)?;
                Ok((task.id.clone(), task))
            })
            .collect::<Result<_, DecodeError>>()
            .map_err(|error| undecodable(&call, error))
    }

    /// One task (`@datarequest_status_get`); `None` if the portal does not know it. Other
    /// people's tasks are shown too: see [`Task::user_id`].
    ///
    /// # Errors
    /// Whatever can happen on the way.
    pub async fn task(&self, id: &TaskId) -> Result<Option<Task>, ApiError> {
        let mut url = self.endpoint("@datarequest_status_get");
        url.query_pairs_mut().append_pair("TaskID", id.as_str());
        let call = Call::read(url);
        match self.json(&call).await {
            Ok(task) => Task::from_portal(id.clone(), task)
                .map(Some)
                .map_err(|error| undecodable(&call, error)),
            Err(error) if error.refusal() == Some(Refusal::UnknownTask) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Cancels a task (`DELETE @datarequest_delete`). Success is a promise only: a firewall is
    /// known to swallow the call, and a task whose [`engine_task_id`](Task::engine_task_id) is
    /// not known yet can still finish. A finished task becomes `Cancelled` and keeps its link.
    ///
    /// # Errors
    /// [`ApiError::Status`] with the refusals [`Refusal::UnknownTask`] or
    /// [`Refusal::NotYourTask`], [`ApiError::Unclear`] when the answer was lost, and whatever
    /// else can happen on the way.
    pub async fn cancel_task(&self, id: &TaskId) -> Result<(), ApiError> {
        let url = self.endpoint("@datarequest_delete");
        let call = Call::change(Method::DELETE, url, json!({"TaskID": id}));
        self.exchange(&call).await?;
        tracing::info!(task = %id, "cancelled");
        Ok(())
    }
}

/// A success without any task is none, unless all tasks are CDSE's.
fn complete(accepted: Accepted, request: &DataRequest) -> Result<Accepted, DecodeError> {
    if accepted == Accepted::default() && request.kinds() != [TaskKind::CdseParts] {
        return Err(DecodeError::new("TaskIds", "names no task"));
    }
    Ok(accepted)
}

/// Reads `{"TaskIds": [{"TaskID": "…"}], "ErrorTaskIds": []}`.
fn read_accepted(answer: Value) -> Result<Accepted, DecodeError> {
    let mut fields = Fields::new(answer, "")?;
    let mut ids = |key| -> Result<Vec<TaskId>, DecodeError> {
        let items = fields.items(key)?;
        items
            .into_iter()
            .map(|(item, path)| {
                Fields::new(item, path)?
                    .required_text("TaskID")
                    .map(TaskId::new)
            })
            .collect()
    };
    Ok(Accepted {
        task_ids: ids("TaskIds")?,
        error_task_ids: ids("ErrorTaskIds")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptance_names_its_tasks() {
        let accepted =
            read_accepted(json!({"TaskIds": [{"TaskID": "1"}], "ErrorTaskIds": [{"TaskID": 2}]}));
        let expected = Accepted {
            task_ids: vec!["1".into()],
            error_task_ids: vec!["2".into()],
        };
        assert_eq!(accepted.unwrap(), expected);
        let file = FileRequest {
            dataset_uid: "d".into(),
            file_id: "f".into(),
        };
        let request = DataRequest::new().file(file);
        for nothing in [json!({"TaskIds": [], "ErrorTaskIds": []}), json!({})] {
            let accepted = read_accepted(nothing).unwrap();
            assert!(complete(accepted, &request).is_err());
        }
        assert!(read_accepted(json!([])).is_err());
    }
}
