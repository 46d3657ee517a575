//! `clms jobs`.

use clms_store::JobSummary;
use jiff::Timestamp;
use serde::Serialize;

use super::{Context, Done};
use crate::{failure::Failure, text};

pub(crate) async fn list(context: &Context) -> Done {
    let jobs = context.store.jobs().await?;
    if jobs.is_empty() {
        context.printer.note(&format!(
            "note: there is no job in {}",
            context.store.cache_location()
        ));
    }
    let shown: Vec<Job> = jobs.iter().map(Job::of).collect();
    context.result(&shown, || table(&jobs))
}

/// A job in JSON.
#[derive(Serialize)]
struct Job<'a> {
    job: String,
    data_id: &'a str,
    state: &'a str,
    task_id: Option<&'a str>,
    since: Timestamp,
    created_at: Timestamp,
    error: Option<Failure>,
}

impl<'a> Job<'a> {
    fn of(job: &'a JobSummary) -> Self {
        Self {
            job: job.job.to_string(),
            data_id: &job.data_id,
            state: &job.state,
            task_id: job.task_id.as_deref(),
            since: job.since,
            created_at: job.created_at,
            error: job.error.as_ref().map(Failure::from),
        }
    }
}

fn table(jobs: &[JobSummary]) -> String {
    if jobs.is_empty() {
        return String::new();
    }
    let now = Timestamp::now();
    let rows = jobs.iter().map(|job| {
        vec![
            job.job.to_string(),
            job.state.clone(),
            job.task_id.clone().unwrap_or_default(),
            text::ago(job.since, now),
            job.data_id.clone(),
            job.error
                .as_ref()
                .map_or_else(String::new, |why| why.message.clone()),
        ]
    });
    text::table(
        &["job", "state", "task", "since", "data id", "problem"],
        rows,
        &[],
    )
}
