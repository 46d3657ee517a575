//! Notes about orders, for jobs that want the same file for other cubes.

use jiff::Timestamp;
use object_store::{ObjectStoreExt as _, path::Path};
use serde::Deserialize;

use super::{Journal, JournalError, VERSION, parse};
use crate::{ContentKey, JobId};

/// The folder of the notes.
const ORDERS: &str = "orders";

/// The last order of a content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct OrderNote {
    /// Whose it is.
    pub(crate) job: JobId,
    /// When it was about to be sent.
    pub(crate) at: Timestamp,
}

impl Journal {
    /// The last order of a content that any job has noted and not forgotten.
    pub(crate) async fn last_order(
        &self,
        content: &ContentKey,
    ) -> Result<Option<OrderNote>, JournalError> {
        let path = order_path(content);
        match self.get(&path).await? {
            Some(json) => parse(&json, &path).map(Some),
            None => Ok(None),
        }
    }

    /// Notes that a job orders a content now.
    pub(crate) async fn note_order(
        &self,
        content: &ContentKey,
        job: &JobId,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        let path = order_path(content);
        let json =
            serde_json::json!({"version": VERSION, "content": content, "job": job, "at": at});
        match self.records.put(&path, json.to_string().into()).await {
            Ok(_) => Ok(()),
            Err(source) => Err(JournalError::storage(path, source)),
        }
    }

    /// Removes that note, if it is this job's.
    pub(crate) async fn forget_order(
        &self,
        content: &ContentKey,
        job: &JobId,
    ) -> Result<(), JournalError> {
        match self.last_order(content).await? {
            Some(last) if last.job == *job => self.delete(order_path(content)).await,
            _ => Ok(()),
        }
    }
}

fn order_path(content: &ContentKey) -> Path {
    Path::from_iter([ORDERS.to_owned(), format!("{}.json", content.digest())])
}
