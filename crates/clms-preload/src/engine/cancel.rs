//! Giving a job up: here at once, at the server as far as it goes.

use clms_cache::Lease;

use super::{Engine, Server};
use crate::{
    CancelOutcome, CancelReport, CancelScope, CancelVerdict, JobId, JobRecord, PortalTask, Problem,
    ProblemKind, StageName, TaskCancellation, TaskId,
    clock::later,
    machine::{Event, step},
    scratch::Scratch,
};

impl Engine {
    /// Gives up a job, whichever process works on it: its journal says so from now on, its temporary files are removed, and its tasks are cancelled
    /// on the server, as far as `scope` says and the server does it. What the server really did is in the report.
    ///
    /// A job that is given up can be given up again, to try those of its tasks once more that still go on.
    ///
    /// # Errors
    /// `no_such_job`; [`Busy`](ProblemKind::Busy) if a process works on it that does not stop within
    /// [`Policy::cancel_patience`](crate::Policy::cancel_patience), although it has been told to through the journal; or whatever the
    /// cache or the journal says.
    pub async fn cancel(&self, job: &JobId, scope: CancelScope) -> Result<CancelReport, Problem> {
        let parts = &self.parts;
        let mut report = CancelReport {
            job: job.clone(),
            was_finished: false,
            tasks: Vec::new(),
        };
        let record = self.record(job).await?;
        if is_done(&record) {
            report.was_finished = true;
            return Ok(report);
        }
        let Some(lease) = self.lease_of_stopped(&record).await? else {
            report.was_finished = true;
            parts.journal.withdraw_cancellation(job).await?;
            return Ok(report);
        };
        // Once more, now that nobody else changes it.
        let mut record = self.record(job).await?;
        if is_done(&record) {
            report.was_finished = true;
        } else {
            // First, because nobody looks for files of a job that was given up.
            Scratch::new(parts.disk.clone(), &parts.scratch, job)
                .clean_up(false)
                .await;
            let done_before = std::mem::take(&mut record.state.knowledge.cancellations);
            let now = parts.clock.now();
            record.state = step(&parts.policy, record.state.renewed(), now, Event::Cancelled).0;
            record.state.knowledge.downloaded = None;
            record.state.knowledge.cancellations = done_before;
            record.updated_at = now;
            parts.journal.write(&record).await?;
            if scope == CancelScope::Everywhere {
                report.tasks = self.cancel_tasks(&record).await;
                record
                    .state
                    .knowledge
                    .cancellations
                    .clone_from(&report.tasks);
                parts.journal.write(&record).await?;
                // As long as a task may go on, nobody else may order the file.
                let is_over = |task: &TaskCancellation| task.verdict.is_over();
                let is_clear = record.state.knowledge.unclear_since.is_none();
                if is_clear && report.tasks.iter().all(is_over) {
                    let content = &record.state.content;
                    parts.journal.forget_order(content, job).await?;
                }
            }
        }
        parts.journal.withdraw_cancellation(job).await?;
        lease.give_back().await?;
        Ok(report)
    }

    async fn record(&self, job: &JobId) -> Result<JobRecord, Problem> {
        let found = self.parts.journal.read(job).await?;
        found.ok_or_else(|| {
            let kind = ProblemKind::Other("no_such_job".to_owned());
            let cache = self.parts.cache.location();
            Problem::new(kind, format!("there is no job {job} in the cache {cache}"))
                .with_hint("`clms jobs list` shows the jobs of a cache")
        })
    }

    /// The right to work on a job's cube, after whoever has it was told to stop; `None` if that one was faster.
    async fn lease_of_stopped(&self, record: &JobRecord) -> Result<Option<Lease>, Problem> {
        let parts = &self.parts;
        let give_up_at = later(parts.clock.now(), parts.policy.cancel_patience);
        loop {
            let error = match parts.cache.lease(&record.request.cube, &parts.holder).await {
                Ok(lease) => return Ok(Some(lease)),
                Err(error) => error,
            };
            let mut problem = Problem::from(error);
            if problem.kind != ProblemKind::Busy {
                return Err(problem);
            }
            // Whoever has done all may have died before the lease was given back, and heeds no word.
            if is_done(&self.record(&record.job).await?) {
                return Ok(None);
            }
            if parts.clock.now() >= give_up_at {
                problem.message.push_str(
                    "; it has been told to stop, and will when it next looks at the journal",
                );
                return Err(problem.with_hint("try again in a minute"));
            }
            match parts.working.stop_of(&record.job) {
                Some(stop) => stop.give_up(),
                None => {
                    let now = parts.clock.now();
                    parts
                        .journal
                        .ask_to_cancel(&record.job, &parts.holder, now)
                        .await?;
                }
            }
            parts.clock.sleep(self.short_pause()).await;
        }
    }

    /// Cancels what the server still works on for the job, and then looks what came of it.
    async fn cancel_tasks(&self, record: &JobRecord) -> Vec<TaskCancellation> {
        let server = self.parts.servers.of(&record.request.order.server);
        let knowledge = &record.state.knowledge;
        let before = server.source.find_tasks().await.ok();
        let mut ids: Vec<TaskId> = knowledge.live_tasks().cloned().collect();
        // An order whose answer was lost may have made a task all the same.
        if let (Some(_), Some(tasks)) = (knowledge.unclear_since, &before) {
            let unnamed = tasks
                .iter()
                .filter(|task| task.content == record.state.content && task.goes_on());
            ids.extend(unnamed.map(|task| task.id.clone()));
            ids.sort();
            ids.dedup();
        }
        let mut cancellations = Vec::new();
        for task in ids {
            let mut cancellation = TaskCancellation {
                verdict: CancelVerdict::Unconfirmed,
                status: None,
                problem: None,
                task,
            };
            if let Some(tasks) = &before {
                cancellation.seen(tasks, CancelVerdict::AlreadyOver);
            }
            if !cancellation.verdict.is_over() {
                (cancellation.verdict, cancellation.problem) =
                    match server.source.cancel(&cancellation.task).await {
                        Ok(CancelOutcome::Accepted | CancelOutcome::NoSuchTask) => {
                            (CancelVerdict::Swallowed, None)
                        }
                        Err(problem) if problem.kind == ProblemKind::Interrupted => {
                            (CancelVerdict::Unconfirmed, Some(problem))
                        }
                        Err(problem) => (CancelVerdict::Refused, Some(problem)),
                    };
            }
            cancellations.push(cancellation);
        }
        self.confirm(&server, &mut cancellations).await;
        cancellations
    }

    /// Looks whether those that the server was asked to cancel are gone.
    async fn confirm(&self, server: &Server, cancellations: &mut [TaskCancellation]) {
        let parts = &self.parts;
        let most = parts.policy.cancel_looks;
        let is_open = |all: &[TaskCancellation]| all.iter().any(|one| !one.verdict.is_over());
        let mut lists: Vec<Vec<PortalTask>> = Vec::new();
        let mut blind = None;
        for look in 0..most {
            if !is_open(cancellations) {
                return;
            }
            if look > 0 {
                parts.clock.sleep(parts.policy.pause_after(look)).await;
            }
            match server.source.find_tasks().await {
                Ok(tasks) => {
                    for open in open_ones(cancellations) {
                        open.seen(&tasks, CancelVerdict::Confirmed);
                    }
                    lists.push(tasks);
                }
                Err(problem) => blind = Some(problem),
            }
        }
        for open in open_ones(cancellations) {
            let is_shown = |tasks: &Vec<PortalTask>| tasks.iter().any(|task| task.id == open.task);
            if lists.iter().any(is_shown) {
                continue;
            }
            // One list without it proves nothing: tasks are missing in lists at times.
            if lists.len() == most as usize {
                open.verdict = CancelVerdict::Confirmed;
            } else {
                open.verdict = CancelVerdict::Unconfirmed;
                open.problem = open.problem.take().or_else(|| blind.clone());
            }
        }
    }
}

fn open_ones(all: &mut [TaskCancellation]) -> impl Iterator<Item = &mut TaskCancellation> {
    all.iter_mut().filter(|one| !one.verdict.is_over())
}

impl TaskCancellation {
    /// Takes in what the server's list says; `over` is the verdict if the task goes on no more.
    fn seen(&mut self, tasks: &[PortalTask], over: CancelVerdict) {
        if let Some(found) = tasks.iter().find(|task| task.id == self.task) {
            self.status = Some(found.status.clone());
            if !found.goes_on() {
                self.verdict = over;
            }
        }
    }
}

fn is_done(record: &JobRecord) -> bool {
    matches!(record.stage(), StageName::Completed | StageName::Cached)
}
