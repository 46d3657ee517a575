//! The right to work on a cube: taking it, and waiting for whoever has it.

use super::JobRun;
use crate::{Problem, ProblemKind, ProgressEvent, Stage, machine::Event};

impl JobRun {
    /// Takes the lease; if another process has it, waits for that one as far as wanted.
    pub(super) async fn take_lease_or_wait(&mut self) -> Event {
        let is_wanted = self.options.wait_for_others
            && matches!(self.state.stage, Stage::Leasing { cached: None });
        let mut has_waited = false;
        loop {
            let problem = match self.take_lease(has_waited).await {
                Ok(event) => return event,
                Err(problem) => problem,
            };
            if problem.kind != ProblemKind::Busy || !is_wanted {
                return Event::LeaseRefused(problem);
            }
            let pause = self.parts.poll.initial;
            if !has_waited {
                self.tell(ProgressEvent::Retrying {
                    job: self.job.clone(),
                    problem,
                    pause,
                });
            }
            has_waited = true;
            tokio::select! {
                biased;
                () = self.stop.token.cancelled() => return self.stop.event(),
                () = self.parts.clock.sleep(pause) => {}
            }
        }
    }

    async fn take_lease(&mut self, has_waited: bool) -> Result<Event, Problem> {
        let lease = self
            .parts
            .cache
            .lease(&self.request.cube, &self.parts.holder)
            .await?;
        let record = self.parts.journal.read(&self.job).await?;
        if has_waited {
            // What became of it there is what was waited for.
            match record.as_ref().map(|record| &record.state.stage) {
                Some(Stage::Failed { problem }) => {
                    return Ok(Event::LeaseRefused(problem.clone()));
                }
                Some(Stage::Cancelled) => return Ok(Event::Cancelled),
                Some(Stage::Completed { .. } | Stage::Cached { .. }) => self.state.force = false,
                _ => {}
            }
        }
        // What was said to an earlier run is not meant for this one.
        self.parts.journal.withdraw_cancellation(&self.job).await?;
        let at_work = self
            .parts
            .working
            .enter(self.job.clone(), self.stop.clone());
        self.lease = Some((lease, at_work));
        let mut remembered = self.state.knowledge.clone();
        if let Some(record) = record {
            self.created_at = record.created_at;
            let was_finished = record.is_finished();
            remembered = record.state.renewed().knowledge;
            // A process that was killed leaves more than can be used. What a finished job left was to be kept.
            if !was_finished {
                let tasks = remembered.live_tasks();
                self.scratch.keep_downloads_of(tasks, true).await;
            }
        }
        let download_on_disk = remembered
            .downloaded
            .as_ref()
            .is_some_and(|package| self.scratch.archive_len(&package.task) == Some(package.bytes));
        Ok(Event::Leased {
            remembered: Box::new(remembered),
            download_on_disk,
        })
    }
}
