//! The portal as the jobs of `clms-preload` see it.

use async_trait::async_trait;
use clms_api::{
    ApiError, CdseRole, Client, DownloadError, LinkState, Refusal, RetryPolicy, TransportKind,
};
use clms_preload::{
    CancelOutcome, ContentKey, Download, DownloadLink, Meter, Order, PortalSource, PortalTask,
    PostOutcome, Problem, ProblemKind, TaskId, TaskStatus,
};
use tokio_util::sync::CancellationToken;

/// [`PortalSource`] on top of [`clms_api`].
#[derive(Debug, Clone)]
pub(crate) struct Portal(pub(crate) Client);

#[async_trait]
impl PortalSource for Portal {
    async fn find_tasks(&self) -> Result<Vec<PortalTask>, Problem> {
        let tasks = self.0.tasks(None).await.map_err(|why| api_problem(&why))?;
        Ok(tasks.into_values().filter_map(portal_task).collect())
    }

    async fn post(&self, order: &Order) -> PostOutcome {
        let request = match super::data_request(order) {
            Ok(request) => request,
            Err(why) => {
                return PostOutcome::Refused(Problem::new(
                    ProblemKind::Journal,
                    format!("the order of {} can't be read: {why}", order.file_name),
                ));
            }
        };
        match self.0.request(&request).await {
            // A task that the portal could not hand to its engine is listed as queued all the same, and may yet be worked on.
            Ok(accepted) => PostOutcome::Accepted(
                accepted
                    .task_ids
                    .iter()
                    .chain(&accepted.error_task_ids)
                    .map(|id| TaskId::new(id.as_str()))
                    .collect(),
            ),
            Err(why @ ApiError::Unclear { .. }) => {
                let mut problem = api_problem(&why).with_retryable(true);
                // What it advises is what the job does.
                problem.hint = None;
                PostOutcome::Unclear(problem)
            }
            Err(why) => PostOutcome::Refused(api_problem(&why)),
        }
    }

    async fn cancel(&self, task: &TaskId) -> Result<CancelOutcome, Problem> {
        match self.0.cancel_task(&task.as_str().into()).await {
            Ok(()) => Ok(CancelOutcome::Accepted),
            Err(why) if why.refusal() == Some(Refusal::UnknownTask) => {
                Ok(CancelOutcome::NoSuchTask)
            }
            Err(why) => Err(api_problem(&why)),
        }
    }

    async fn probe(&self, link: &DownloadLink) -> Result<(), Problem> {
        let dead = |kind, message: String| Err(Problem::new(kind, message));
        match self.0.probe(link.url()).await {
            Ok(LinkState::Alive { .. }) => Ok(()),
            Ok(LinkState::Dead { status }) => dead(
                ProblemKind::LinkDead,
                format!("the link {link} is dead: it answers with {status}"),
            ),
            Ok(LinkState::NotAZip { content_type, .. }) if is_html(content_type.as_deref()) => {
                dead(
                    ProblemKind::LinkHtml,
                    format!("the link {link} answers with an HTML page"),
                )
            }
            Ok(_) => dead(
                ProblemKind::NotAZip,
                format!("the link {link} does not lead to a zip file"),
            ),
            Err(why) => Err(download_problem(&why)),
        }
    }

    async fn download(
        &self,
        download: Download<'_>,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<u64, Problem> {
        let meter = meter.clone();
        // Pauses and further attempts are the engine's, which looks at the task again in between.
        let mut request = self
            .0
            .download(download.link.url(), download.into)
            .retry(RetryPolicy::none())
            .cancel_on(cancel.clone())
            .on_progress(move |progress| meter.bytes(progress.bytes, progress.total));
        if let Some(size) = download.size {
            request = request.expected_size(size);
        }
        match request.run().await {
            Ok(downloaded) => Ok(downloaded.bytes),
            Err(why) => Err(download_problem(&why)),
        }
    }
}

/// `None` for a task that is about several things at once, and for the children of one that CDSE works on.
fn portal_task(task: clms_api::Task) -> Option<PortalTask> {
    if task.cdse_role == Some(CdseRole::Child) {
        return None;
    }
    let [dataset] = &task.datasets[..] else {
        return None;
    };
    let content = match (&dataset.dataset_uid, &dataset.file_id) {
        (Some(uid), Some(file)) => ContentKey::file(uid.as_str(), file.as_str()),
        _ => ContentKey::part(&dataset.part_content()?.to_string()),
    };
    let status = TaskStatus::from(task.status.as_str().to_owned());
    let mut found = PortalTask::new(TaskId::new(task.id.as_str()), content, status);
    found.link = task.link().cloned().map(DownloadLink::new);
    found.size = task.file_size;
    found.registered = task.registered;
    found.finalized = task.finalized;
    found.message = task.message;
    Some(found)
}

pub(crate) fn api_problem(why: &ApiError) -> Problem {
    let kind = match why {
        ApiError::NoKey { .. } | ApiError::KeyRefused { .. } | ApiError::Unauthorized { .. } => {
            ProblemKind::Unauthorized
        }
        ApiError::Transport(why) if why.kind == TransportKind::Timeout => ProblemKind::Timeout,
        ApiError::Transport(_) => ProblemKind::Unreachable,
        ApiError::RateLimited { .. } => ProblemKind::RateLimited,
        ApiError::Unclear { .. } | ApiError::HtmlInsteadOfJson { .. } => ProblemKind::ServerError,
        why if why.refusal() == Some(Refusal::Duplicated) => ProblemKind::Duplicated,
        why if why.refusal() == Some(Refusal::TooManyItems) => ProblemKind::QueueFull,
        why if why.status().is_some_and(|status| status >= 500) => ProblemKind::ServerError,
        ApiError::Status { .. } => ProblemKind::Refused,
        other => ProblemKind::Other(other.kind().to_owned()),
    };
    let retryable = why.is_retryable() || kind == ProblemKind::QueueFull;
    problem(
        kind,
        why.to_string(),
        why.hint(),
        retryable,
        why.retry_after(),
    )
}

fn is_html(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|kind| kind.contains("html"))
}

pub(crate) fn download_problem(why: &DownloadError) -> Problem {
    let kind = match why {
        DownloadError::LinkDead { .. } => ProblemKind::LinkDead,
        DownloadError::NotAZip { content_type, .. } => {
            if is_html(content_type.as_deref()) {
                ProblemKind::LinkHtml
            } else {
                ProblemKind::NotAZip
            }
        }
        DownloadError::WrongLength { .. } => ProblemKind::WrongLength,
        DownloadError::RateLimited { .. } => ProblemKind::RateLimited,
        DownloadError::DiskFull { .. } => ProblemKind::DiskFull,
        DownloadError::Io { .. } => ProblemKind::Io,
        DownloadError::Cancelled { .. } => ProblemKind::Interrupted,
        DownloadError::Status { .. } => ProblemKind::ServerError,
        _ => ProblemKind::Unreachable,
    };
    problem(
        kind,
        why.to_string(),
        why.hint(),
        why.is_retryable(),
        why.retry_after(),
    )
}

fn problem(
    kind: ProblemKind,
    message: String,
    hint: Option<String>,
    retryable: bool,
    retry_after: Option<std::time::Duration>,
) -> Problem {
    let mut problem = Problem::new(kind, message).with_retryable(retryable);
    problem.hint = hint;
    problem.retry_after = retry_after;
    problem
}
