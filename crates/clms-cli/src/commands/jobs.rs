//! `clms jobs`.

use clms_store::JobSummary;
use jiff::Timestamp;

use super::{Context, Done};
use crate::text;

pub(crate) async fn list(context: &Context) -> Done {
    let jobs = context.store.jobs().await?;
    if jobs.is_empty() {
        context.printer.note(&format!(
            "note: there is no job in {}",
            context.store.cache_location()
        ));
    }
    context.result(&jobs, || table(&jobs))
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
