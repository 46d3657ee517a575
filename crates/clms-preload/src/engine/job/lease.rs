//! The right to work on a cube: taking it, waiting for whoever has it, and stopping when it is lost.

use std::{sync::Arc, time::Duration};

use clms_cache::Lease;

use super::{super::stop::AtWork, JobRun};
use crate::{
    Problem, ProblemKind, Stage,
    machine::{Command, Event},
};

/// A job's right to work on its cube.
#[derive(Debug)]
pub(super) struct HeldLease {
    lease: Arc<Lease>,
    _at_work: AtWork,
}

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
            self.pause_before_next(problem, &mut has_waited).await;
            if self.stop.token.is_cancelled() {
                return self.stop.event();
            }
        }
    }

    async fn take_lease(&mut self, has_waited: bool) -> Result<Event, Problem> {
        let parts = &self.parts;
        let lease = self
            .sit_out(|| parts.cache.lease(&self.request.cube, &parts.holder))
            .await?;
        let record = self.sit_out(|| parts.journal.read(&self.job)).await?;
        // Another process may have worked on it meanwhile.
        if has_waited || self.written.is_some() {
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
        self.sit_out(|| parts.journal.withdraw_cancellation(&self.job))
            .await?;
        let at_work = self
            .parts
            .working
            .enter(self.job.clone(), self.stop.clone());
        self.lease = Some(HeldLease {
            lease: Arc::new(lease),
            _at_work: at_work,
        });
        let mut remembered = self.state.knowledge.clone();
        if let Some(record) = record {
            self.created_at = record.created_at;
            let was_finished = record.is_finished();
            let failed_build = match &record.state.stage {
                Stage::Failed { problem } if problem.kind == ProblemKind::BuildFailed => {
                    Some(problem.clone())
                }
                _ => None,
            };
            remembered = record.state.renewed().knowledge;
            // Who forces what could not be built wants another package.
            if let Some(problem) = failed_build.filter(|_| self.state.force) {
                remembered.give_up_package(parts.clock.now(), problem);
            }
            // A process that was killed leaves more than can be used. What a finished job left was to be kept.
            if !was_finished {
                let tasks = remembered.live_tasks();
                self.scratch.keep_downloads_of(tasks, true).await;
            }
        }
        if remembered.unclear_since.is_some() {
            // The order may have gone out long after it was written down that it would.
            let content = &self.request.order.content;
            let last = self.sit_out(|| parts.journal.last_order(content)).await?;
            let own = last.filter(|last| last.job == self.job).map(|last| last.at);
            remembered.unclear_since = remembered.unclear_since.max(own);
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

    /// True while nobody else may work on the cube, and so the journal is this job's to write.
    pub(super) fn has_lease(&self) -> bool {
        self.lease
            .as_ref()
            .is_some_and(|held| !held.lease.is_lost())
    }

    /// Executes a command; one that takes long is halted when the lease is lost.
    pub(super) async fn execute_while_leased(&mut self, command: Command) -> Event {
        let lease = match &self.lease {
            Some(held) if takes_long(&command) => Arc::clone(&held.lease),
            _ => return self.execute(command).await,
        };
        let (clock, halt) = (Arc::clone(&self.parts.clock), self.halt.clone());
        let period = self.parts.poll.initial.min(LONGEST_BLINDNESS);
        let lost = async {
            while !lease.is_lost() {
                clock.sleep(period).await;
            }
        };
        let work = self.execute(command);
        tokio::pin!(work);
        tokio::select! {
            biased;
            event = &mut work => event,
            () = lost => {
                halt.cancel();
                work.await
            }
        }
    }

    /// True if nothing more may be done, or even written down, before the job has the lease again. So it is after work was broken off for it,
    /// although it may have been renewed by now.
    pub(super) fn lacks_lease(&self) -> bool {
        let was_halted = self.halt.is_cancelled() && !self.stop.token.is_cancelled();
        self.state.stage.needs_lease() && (was_halted || !self.has_lease())
    }

    /// Lets everything be that belongs to whoever has the lease by now.
    pub(super) async fn let_lease_go(&mut self) -> Event {
        self.halt = self.stop.token.child_token();
        self.discard_staged().await;
        // If it is still ours, it has to be free before it can be taken again.
        self.give_back_lease().await;
        let message = "the right to work on the cube could not be renewed in time, and another process may have taken it";
        Event::LeaseLost(Problem::new(ProblemKind::LeaseLost, message))
    }

    pub(super) async fn give_back_lease(&mut self) {
        let Some(HeldLease { lease, _at_work }) = self.lease.take() else {
            return;
        };
        // Not merely dropped: on object storage others would have to wait until it is seen that it is not renewed.
        if let Some(lease) = Arc::into_inner(lease)
            && let Err(error) = lease.give_back().await
        {
            tracing::warn!(%error, "the right to work on the cube was not given back");
        }
    }
}

fn takes_long(command: &Command) -> bool {
    matches!(
        command,
        Command::Download { .. } | Command::Unpack { .. } | Command::Build { .. }
    )
}

/// A lost lease is seen after this time at the latest: before another process can have taken it.
const LONGEST_BLINDNESS: Duration = Duration::from_secs(5);
