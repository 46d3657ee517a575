//! Requesting without ever doing so twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::Client;
use crate::error::ApiError;
use crate::error::ApiError::{Blocked, Unclear};
use crate::model::{Accepted, CdseRole, Task, TaskDataset, TaskId, TaskStatus};
use crate::refusal::Refusal;
use crate::request::{DataRequest, TaskKind};
use crate::retry::Attempts;

/// How often to look for a task of CDSE.
const CDSE_INTERVAL: Duration = Duration::from_secs(2);

/// The tasks of a request, one for each kind of thing that it asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requested {
    /// The tasks.
    pub tasks: Vec<RequestedTask>,
}

/// One task of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestedTask {
    /// The portal's number of it.
    pub id: TaskId,
    /// What of the request is in it.
    pub kind: TaskKind,
    /// Whether it was found in the list of tasks: it was queued before, or the portal's answer to
    /// this request was lost.
    pub found: bool,
    /// Whether the portal could not hand it to its engine. It stays `Queued`, perhaps for ever.
    pub stuck: bool,
}

impl Requested {
    /// The task of one kind.
    pub fn task(&self, kind: TaskKind) -> Option<&RequestedTask> {
        self.tasks.iter().find(|task| task.kind == kind)
    }

    /// The numbers of all tasks.
    pub fn ids(&self) -> impl Iterator<Item = &TaskId> {
        self.tasks.iter().map(|task| &task.id)
    }

    fn add(&mut self, kind: TaskKind, id: TaskId, found: bool) {
        let stuck = false;
        self.tasks.push(RequestedTask {
            id,
            kind,
            found,
            stuck,
        });
    }
}

/// The list of tasks.
type Tasks = BTreeMap<TaskId, Task>;

impl Client {
    /// Requests data unless the same is queued or running already, and looks for the tasks where
    /// the portal's answer does not tell them. In particular:
    ///
    /// - After a lost answer or a server's error it looks at the list of tasks before it posts
    ///   again: the portal makes the task and then fails, as when its engine takes more than
    ///   ten seconds.
    /// - If the portal says that it is a duplicate, the task that is meant is looked for.
    /// - A request for CDSE gets no number; the parent task that shows up later is waited for.
    ///
    /// Finished tasks are not taken for the same, for their links may be dead.
    ///
    /// # Errors
    /// As for [`Client::request`], and besides
    /// - [`ApiError::Blocked`] when two other tasks for the same thing make the portal refuse
    ///   everything,
    /// - [`ApiError::NoTask`] when CDSE's task does not show up,
    /// - [`ApiError::Unclear`] only if the portal fails all the time and no task was made.
    pub async fn request_once(&self, request: &DataRequest) -> Result<Requested, ApiError> {
        request.check()?;
        let before = self.tasks(None).await?;
        let known: BTreeSet<TaskId> = before.keys().cloned().collect();
        let mut requested = Requested::default();
        let mut missing = request.kinds();
        claim(request, &mut missing, &mut requested, &before, is_pending);

        let mut attempts = Attempts::begin(self.retry_policy());
        while !missing.is_empty() {
            let posted = Instant::now();
            let error = match self.request(&request.only(&missing)).await {
                Ok(accepted) => {
                    self.sort(request, &mut missing, &mut requested, &known, accepted)
                        .await?;
                    self.await_cdse(request, &mut missing, &mut requested, &known, posted)
                        .await?;
                    if missing.is_empty() {
                        break;
                    }
                    return Err(ApiError::NoTask {
                        waited: posted.elapsed(),
                    });
                }
                Err(error) => error,
            };
            let is_duplicate = error.refusal() == Some(Refusal::Duplicated);
            if !is_duplicate && !matches!(error, Unclear { .. }) {
                return Err(error);
            }
            let delay = attempts.next(None);
            if !is_duplicate {
                // A task that is being made needs a moment.
                tokio::time::sleep(delay.unwrap_or_default()).await;
            }
            tracing::debug!(%error, "looking for the tasks");
            let now = self.tasks(None).await?;
            let is_meant = |task: &Task| is_pending(task) || !known.contains(&task.id);
            claim(request, &mut missing, &mut requested, &now, is_meant);
            if missing.contains(&TaskKind::CdseParts) && !is_duplicate {
                self.await_cdse(request, &mut missing, &mut requested, &known, posted)
                    .await?;
            }
            if missing.is_empty() {
                break;
            }
            if is_duplicate {
                let twins = twins(&now);
                return Err(if twins.is_empty() {
                    error
                } else {
                    Blocked { tasks: twins }
                });
            }
            if delay.is_none() {
                return Err(error);
            }
        }
        requested.tasks.sort_by_key(|task| task.kind);
        Ok(requested)
    }

    /// Finds out which of the tasks that were made is which.
    async fn sort(
        &self,
        request: &DataRequest,
        missing: &mut Vec<TaskKind>,
        requested: &mut Requested,
        known: &BTreeSet<TaskId>,
        accepted: Accepted,
    ) -> Result<(), ApiError> {
        let Accepted {
            task_ids,
            error_task_ids,
        } = accepted;
        let is_stuck = |id: &TaskId| error_task_ids.contains(id);
        let made: Vec<&TaskId> = task_ids.iter().chain(&error_task_ids).collect();
        let mut numbered: Vec<TaskKind> = missing.clone();
        numbered.retain(|kind| *kind != TaskKind::CdseParts);
        match (numbered.as_slice(), made.as_slice()) {
            ([], _) => {}
            ([kind], [id]) => {
                requested.add(*kind, (*id).clone(), false);
                missing.retain(|other| other != kind);
            }
            _ => {
                // Files come first if all went well, but nobody promised it.
                let tasks = self.tasks(None).await?;
                let is_made = |task: &Task| made.contains(&&task.id) && !known.contains(&task.id);
                let mut wanted = numbered;
                claim(request, &mut wanted, requested, &tasks, is_made);
                missing.retain(|kind| *kind == TaskKind::CdseParts || wanted.contains(kind));
                for task in &mut requested.tasks {
                    task.found &= !made.contains(&&task.id);
                }
            }
        }
        for task in &mut requested.tasks {
            task.stuck |= is_stuck(&task.id);
        }
        Ok(())
    }

    /// Waits for the parent task of a request to CDSE.
    async fn await_cdse(
        &self,
        request: &DataRequest,
        missing: &mut Vec<TaskKind>,
        requested: &mut Requested,
        known: &BTreeSet<TaskId>,
        posted: Instant,
    ) -> Result<(), ApiError> {
        while missing.contains(&TaskKind::CdseParts) {
            let tasks = self.tasks(None).await?;
            let is_new_parent =
                |task: &Task| task.cdse_role == Some(CdseRole::Parent) && !known.contains(&task.id);
            let mut wanted = vec![TaskKind::CdseParts];
            claim(request, &mut wanted, requested, &tasks, is_new_parent);
            if wanted.is_empty() {
                missing.retain(|kind| *kind != TaskKind::CdseParts);
                break;
            }
            let left = self.inner.cdse_patience.saturating_sub(posted.elapsed());
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(CDSE_INTERVAL.min(left)).await;
        }
        Ok(())
    }
}

/// Takes for each kind that is missing the newest task that is the whole of it.
fn claim(
    request: &DataRequest,
    missing: &mut Vec<TaskKind>,
    requested: &mut Requested,
    tasks: &Tasks,
    is_meant: impl Fn(&Task) -> bool,
) {
    missing.retain(|kind| {
        let found = tasks
            .values()
            .filter(|task| request.is_whole_of(*kind, task) && is_meant(task))
            .max_by_key(|task| task.registered);
        if let Some(task) = found {
            requested.add(*kind, task.id.clone(), true);
        }
        found.is_none()
    });
}

/// What the portal compares new requests with.
fn is_pending(task: &Task) -> bool {
    matches!(task.status, TaskStatus::Queued | TaskStatus::InProgress) && !task.is_ready()
}

/// Pending tasks that ask for the same thing as another one.
fn twins(tasks: &Tasks) -> Vec<TaskId> {
    let pending: Vec<_> = tasks
        .values()
        .filter(|task| is_pending(task) && task.cdse_role.is_none())
        .collect();
    let is_twin = |task: &&&Task| {
        let items: Vec<&TaskDataset> = task.datasets.iter().collect();
        pending.iter().any(|other| {
            other.id != task.id && other.datasets.iter().any(|item| items.contains(&item))
        })
    };
    pending
        .iter()
        .filter(is_twin)
        .map(|task| task.id.clone())
        .collect()
}
