//! What happens to jobs, in words.

use std::{collections::HashMap, time::Duration};

use clms_store::progress::{JobId, JobStatus, ProgressEvent, StageName, Unit};

use crate::text;

/// Remembers enough of each job to tell what its next event means.
#[derive(Debug, Default)]
pub(crate) struct Story {
    jobs: HashMap<JobId, JobStory>,
}

/// What is known of one job.
#[derive(Debug, Default)]
pub(crate) struct JobStory {
    pub(crate) data_id: String,
    pub(crate) task: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) amount: Option<Amount>,
}

/// How much of a stage is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) unit: Unit,
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
}

impl Amount {
    pub(crate) fn text(&self) -> String {
        let in_words = |number| match self.unit {
            Unit::Bytes => text::bytes(number),
            Unit::Chunks => text::count(number, "chunk"),
            Unit::Features => text::count(number, "feature"),
        };
        match (self.unit, self.total) {
            (_, None) => in_words(self.done),
            (Unit::Bytes, Some(total)) => format!("{} of {}", in_words(self.done), in_words(total)),
            (_, Some(total)) => format!("{} of {}", self.done, in_words(total)),
        }
    }
}

impl Story {
    /// Takes an event in, and returns what is worth a line, if anything is.
    pub(crate) fn tell(&mut self, event: &ProgressEvent) -> Option<String> {
        match event {
            ProgressEvent::JobStarted { job, data_id } => {
                let story = self.jobs.entry(job.clone()).or_default();
                story.data_id.clone_from(data_id);
                None
            }
            ProgressEvent::StageEntered { job, stage } => {
                let story = self.jobs.entry(job.clone()).or_default();
                let finished = story.amount.take();
                match stage {
                    StageName::Unpacking => Some(match finished {
                        Some(amount) => format!("unpacking {}", text::bytes(amount.done)),
                        None => "unpacking".to_owned(),
                    }),
                    stage => doing(*stage).map(str::to_owned),
                }
            }
            ProgressEvent::Amount {
                job,
                unit,
                done,
                total,
                ..
            } => {
                let story = self.jobs.entry(job.clone()).or_default();
                story.amount = Some(Amount {
                    unit: *unit,
                    done: *done,
                    total: *total,
                });
                None
            }
            ProgressEvent::TaskChosen { job, task, adopted } => {
                let story = self.jobs.entry(job.clone()).or_default();
                story.task = Some(task.to_string());
                story.status = None;
                Some(if *adopted {
                    format!("goes on with task {task}, which the portal has already")
                } else {
                    format!("the portal made task {task}")
                })
            }
            ProgressEvent::TaskSeen {
                job, task, status, ..
            } => {
                let story = self.jobs.entry(job.clone()).or_default();
                story.status = Some(status.to_string());
                Some(format!("task {task}: {status}"))
            }
            ProgressEvent::TaskStuck { problem, .. } => {
                Some(format!("{problem}: it is cancelled and requested anew"))
            }
            ProgressEvent::TaskAbandoned { task, problem, .. } => {
                Some(format!("gives up task {task}: {problem}"))
            }
            // The same again and again would be one line for each of many looks.
            ProgressEvent::Retrying { problem, .. } if problem.kind.blames_link() => Some(format!(
                "{problem}; links may come alive late: it is tried for 5 min at most, then the file is requested anew"
            )),
            ProgressEvent::Retrying { problem, pause, .. } => {
                Some(format!("{problem}; again in {}", seconds(*pause)))
            }
            // Why it failed is told at the end, with what to do about it.
            ProgressEvent::JobEnded { status, .. } => Some(ending(*status).to_owned()),
            _ => None,
        }
    }

    /// What is known of a job.
    pub(crate) fn of(&self, job: &JobId) -> Option<&JobStory> {
        self.jobs.get(job)
    }
}

/// The job that an event is about.
pub(crate) fn job_of(event: &ProgressEvent) -> Option<&JobId> {
    match event {
        ProgressEvent::JobStarted { job, .. }
        | ProgressEvent::StageEntered { job, .. }
        | ProgressEvent::Amount { job, .. }
        | ProgressEvent::TaskSeen { job, .. }
        | ProgressEvent::TaskChosen { job, .. }
        | ProgressEvent::TaskStuck { job, .. }
        | ProgressEvent::TaskAbandoned { job, .. }
        | ProgressEvent::Retrying { job, .. }
        | ProgressEvent::JobEnded { job, .. } => Some(job),
        _ => None,
    }
}

/// What a stage is about; `None` for those that take no time.
pub(crate) fn doing(stage: StageName) -> Option<&'static str> {
    match stage {
        StageName::Finding => Some("looking at the portal's tasks"),
        StageName::Posting => Some("requesting"),
        StageName::Waiting => Some("waiting"),
        StageName::Withdrawing => Some("cancelling the portal's task"),
        StageName::Downloading => Some("downloading"),
        StageName::Unpacking => Some("unpacking"),
        StageName::Building => Some("building"),
        _ => None,
    }
}

/// How a job ended, in a word.
pub(crate) fn ending(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Completed => "completed",
        JobStatus::Cached => "cached",
        JobStatus::Failed => "failed",
        JobStatus::Cancelled => "stopped",
        JobStatus::Requested => "requested",
        _ => "ended",
    }
}

/// A pause as people say it, as in `1m 20s`; below one second to the millisecond.
pub(crate) fn seconds(pause: Duration) -> String {
    let rounded = if pause < Duration::from_secs(1) {
        Duration::from_millis(pause.as_millis() as u64)
    } else {
        Duration::from_secs(pause.as_secs_f64().round() as u64)
    };
    humantime::format_duration(rounded).to_string()
}
