//! `clms jobs`.

use std::time::Duration;

use clms_store::{
    CancelReport, CancelScope, CancelVerdict, JobDetails, JobId, JobOutcome, JobStatus, JobSummary,
    JobsError, ResumeOptions, StoreError, TaskCancellation,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Context, Done, Stop,
    preload::{Outcome, conclude, summary},
};
use crate::{
    args::{Jobs, Resume},
    exit,
    failure::Failure,
    progress, text,
};

pub(crate) async fn run(context: &Context, jobs: Jobs) -> Done {
    match jobs {
        Jobs::List => list(context).await,
        Jobs::Show { job } => show(context, &job).await,
        Jobs::Wait(Resume { jobs, timeout }) => {
            // What has failed has ended: it is tried again only if it is named.
            let all = |job: &JobSummary| !job.has_ended;
            carry_on(context, jobs, all, true, timeout).await
        }
        Jobs::Resume(Resume { jobs, timeout }) => {
            let all = |job: &JobSummary| !job.has_ended || job.state == "failed";
            carry_on(context, jobs, all, false, timeout).await
        }
        Jobs::Cancel { job, local_only } => cancel(context, &job, local_only).await,
    }
}

async fn list(context: &Context) -> Done {
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

async fn show(context: &Context, job: &str) -> Done {
    let job = context.store.find_job(job).await?;
    let job = context.store.job(&job).await?;
    context.result(&[Detailed::of(&job)], || details(&job))
}

async fn carry_on(
    context: &Context,
    named: Vec<String>,
    wanted: impl Fn(&JobSummary) -> bool,
    wait_for_others: bool,
    timeout: Option<Duration>,
) -> Done {
    let jobs = if named.is_empty() {
        let all = context.store.jobs().await?;
        all.into_iter().filter(wanted).map(|job| job.job).collect()
    } else {
        let mut jobs: Vec<JobId> = Vec::new();
        for name in &named {
            jobs.push(context.store.find_job(name).await?);
        }
        jobs
    };
    if jobs.is_empty() {
        context.printer.note("note: there is no unfinished job");
    }
    let options = ResumeOptions {
        wait_for_others,
        timeout,
    };
    let listener = progress::listener(context.progress, &context.screen);
    let outcomes = match context
        .store
        .resume_jobs(&jobs, options, listener, &context.stop)
        .await
    {
        Err(JobsError::Store(StoreError::Interrupted)) => {
            return Err(Stop::Code(exit::INTERRUPTED));
        }
        outcomes => outcomes?,
    };
    let shown: Vec<Outcome> = outcomes.iter().map(Outcome::of).collect();
    context.result(&shown, || summary(&outcomes))?;
    conclude(context, &outcomes)?;
    // Nobody is told that all is well with a job that was given up.
    let is_given_up = |outcome: &&JobOutcome| outcome.status == JobStatus::Cancelled;
    let given_up = outcomes.iter().filter(is_given_up).count();
    for outcome in outcomes.iter().filter(is_given_up) {
        if !context.printer.is_json() {
            context.printer.failure(&given_up_before(&outcome.data_id));
        }
    }
    match given_up {
        0 => Ok(()),
        all if all == outcomes.len() => Err(Stop::Code(exit::FAILED)),
        _ => Err(Stop::Code(exit::PARTLY)),
    }
}

fn given_up_before(data_id: &str) -> Failure {
    Failure {
        kind: "cancelled".to_owned(),
        message: format!("{data_id}: its job was cancelled, and what is cancelled does not go on"),
        hint: Some(format!("begin anew with: clms preload '{data_id}'")),
        retryable: false,
        nearest: Vec::new(),
        code: exit::FAILED,
    }
}

async fn cancel(context: &Context, job: &str, local_only: bool) -> Done {
    let job = &context.store.find_job(job).await?;
    let scope = if local_only {
        CancelScope::LocalOnly
    } else {
        CancelScope::Everywhere
    };
    let report = context.store.cancel_job(job, scope).await?;
    let job = context.store.job(job).await?;
    let failure = still_going_on(&report);
    let shown = Cancelled {
        job: Job {
            error: failure.clone(),
            ..Job::of(&job.summary)
        },
        was_finished: report.was_finished,
        portal: &report.tasks,
    };
    context.result(&[shown], || said(&report, local_only))?;
    match failure {
        None => Ok(()),
        Some(failure) => {
            if !context.printer.is_json() {
                context.printer.failure(&failure);
            }
            Err(Stop::Code(failure.code))
        }
    }
}

/// What came of a cancellation, in words.
fn said(report: &CancelReport, local_only: bool) -> String {
    if report.was_finished {
        return format!("{}: was finished already; nothing was done\n", report.job);
    }
    let mut text = format!("{}: given up here\n", report.job);
    for task in &report.tasks {
        let status = task
            .status
            .as_ref()
            .map(|status| format!(" ({status})"))
            .unwrap_or_default();
        let verdict = match task.verdict {
            CancelVerdict::Confirmed => "cancelled at the portal",
            CancelVerdict::AlreadyOver => "had ended at the portal before",
            CancelVerdict::Refused => "goes on: the portal refused to cancel it",
            CancelVerdict::Swallowed => "goes on, although the portal said that it is cancelled",
            _ => "nobody knows whether the portal has cancelled it",
        };
        text.push_str(&format!("task {}: {verdict}{status}\n", task.task));
    }
    if local_only {
        text.push_str("what was requested stays at the portal\n");
    }
    text
}

/// The failure, if a task goes on at the portal, or may.
fn still_going_on(report: &CancelReport) -> Option<Failure> {
    let open: &TaskCancellation = report.tasks.iter().find(|task| !task.verdict.is_over())?;
    let (kind, what) = match open.verdict {
        CancelVerdict::Refused => ("cancel_refused", "the portal refused to cancel task"),
        CancelVerdict::Swallowed => (
            "cancel_swallowed",
            "the portal said yes and did not cancel task",
        ),
        _ => (
            "cancel_unconfirmed",
            "it is not known whether the portal has cancelled task",
        ),
    };
    let why = open
        .problem
        .as_ref()
        .map(|problem| format!(": {problem}"))
        .unwrap_or_default();
    Some(Failure {
        kind: kind.to_owned(),
        message: format!("{what} {}{why}", open.task),
        hint: Some(format!(
            "the job is given up here all the same; to try again: clms jobs cancel {}",
            report.job
        )),
        retryable: true,
        nearest: Vec::new(),
        code: exit::FAILED,
    })
}

impl From<JobsError> for Stop {
    fn from(why: JobsError) -> Self {
        match why {
            JobsError::Store(why) => why.into(),
            JobsError::Job(problem) => Failure::from(&problem).into(),
            other => Failure::usage(other.to_string()).into(),
        }
    }
}

/// All that is known of a preload job.
#[derive(Serialize, JsonSchema)]
pub(super) struct Detailed<'a> {
    #[serde(flatten)]
    job: Job<'a>,
    #[serde(flatten)]
    more: Details<'a>,
}

#[derive(Serialize, JsonSchema)]
struct Details<'a> {
    /// The path or URL under which other software opens the cube, once it is there.
    cube: &'a str,
    /// The portal's last word on the task.
    task_status: Option<String>,
    /// How often the file was ordered.
    orders: u32,
    /// Bytes of the job's downloads and unpacked files.
    bytes_on_disk: u64,
    /// The tasks that the job has had.
    tasks: Vec<KnownTask>,
    /// Tasks that turned out to give nothing.
    dead_tasks: Vec<DeadTask>,
    /// What came of cancelling its tasks.
    portal: &'a [TaskCancellation],
}

/// A task of the portal that a job has had.
#[derive(Serialize, JsonSchema)]
struct KnownTask {
    /// The portal's name of it.
    task_id: String,
    /// Since when the job has it (RFC 3339, UTC).
    since: Timestamp,
    /// True if it was there already, false if the job ordered it.
    adopted: bool,
}

/// A task of the portal that gave nothing.
#[derive(Serialize, JsonSchema)]
struct DeadTask {
    /// The portal's name of it.
    task_id: String,
    /// When that was found out (RFC 3339, UTC).
    since: Timestamp,
    /// What is wrong with it.
    error: Failure,
}

impl<'a> Detailed<'a> {
    fn of(job: &'a JobDetails) -> Self {
        let tasks = job.tasks.iter().map(|task| KnownTask {
            task_id: task.id.to_string(),
            since: task.since,
            adopted: task.adopted,
        });
        let dead_tasks = job.dead_tasks.iter().map(|task| DeadTask {
            task_id: task.id.to_string(),
            since: task.at,
            error: Failure::from(&task.problem),
        });
        Self {
            job: Job::of(&job.summary),
            more: Details {
                cube: &job.cube,
                task_status: job.task_status.as_ref().map(ToString::to_string),
                orders: job.orders,
                bytes_on_disk: job.bytes_on_disk,
                tasks: tasks.collect(),
                dead_tasks: dead_tasks.collect(),
                portal: &job.cancellations,
            },
        }
    }
}

/// What came of a cancellation.
#[derive(Serialize, JsonSchema)]
pub(super) struct Cancelled<'a> {
    #[serde(flatten)]
    job: Job<'a>,
    /// True if the cube was there already: then nothing was done.
    was_finished: bool,
    /// What came of cancelling its tasks.
    portal: &'a [TaskCancellation],
}

/// A preload job.
#[derive(Serialize, JsonSchema)]
pub(super) struct Job<'a> {
    /// The job's name.
    job: String,
    /// What it is for.
    data_id: &'a str,
    /// Where it stands, such as `waiting`, `completed` or `failed`.
    state: &'a str,
    /// The portal's task, if it has one.
    task_id: Option<&'a str>,
    /// When it came to stand there (RFC 3339, UTC).
    since: Timestamp,
    /// When it was first asked for (RFC 3339, UTC).
    created_at: Timestamp,
    /// Why it failed, or what it met last.
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

fn details(job: &JobDetails) -> String {
    let summary = &job.summary;
    let mut pairs = vec![
        ("job", summary.job.to_string()),
        ("data id", summary.data_id.clone()),
        ("state", summary.state.clone()),
        ("since", text::time(summary.since)),
        ("asked for", text::time(summary.created_at)),
        ("task", summary.task_id.clone().unwrap_or_default()),
    ];
    if let Some(status) = &job.task_status {
        pairs.push(("at the portal", status.to_string()));
    }
    if job.bytes_on_disk > 0 {
        pairs.push(("on disk", text::bytes(job.bytes_on_disk)));
    }
    for dead in &job.dead_tasks {
        pairs.push(("given up", format!("task {}: {}", dead.id, dead.problem)));
    }
    if let Some(problem) = &summary.error {
        pairs.push(("problem", problem.to_string()));
    }
    pairs.push(("cube", job.cube.clone()));
    text::pairs_with_prose(&pairs, |name| ["given up", "problem"].contains(&name))
}
