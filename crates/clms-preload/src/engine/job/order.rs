//! Ordering at the server, at most once for each file, however many jobs and processes want it.

use clms_cache::Lease;

use super::JobRun;
use crate::{PostOutcome, Problem, ProblemKind, TaskId, clock::later, machine::Event};

impl JobRun {
    pub(super) async fn post(&self) -> Event {
        let _turn = tokio::select! {
            biased;
            () = self.stop.token.cancelled() => return self.stop.event(),
            turn = self.server.orders.lock() => turn,
        };
        // Two jobs, of one process or of two, may want the same file for two cubes.
        let lease = match self.lease_of_order().await {
            Ok(lease) => lease,
            Err(problem) if problem.kind == ProblemKind::Busy => return ordered_elsewhere(),
            Err(problem) => return Event::PostRefused(problem),
        };
        let event = match self.note_order().await {
            Ok(true) if !lease.is_lost() => self.order().await,
            Ok(_) => ordered_elsewhere(),
            Err(problem) => Event::Broken(problem),
        };
        if let Err(error) = lease.give_back().await {
            tracing::warn!(%error, "the right to order the file was not given back");
        }
        event
    }

    async fn lease_of_order(&self) -> Result<Lease, Problem> {
        let name = self.request.order.content.lease_name()?;
        let parts = &self.parts;
        self.sit_out(|| parts.cache.lease(&name, &parts.holder))
            .await
    }

    /// Leaves word that the file is being ordered; false if another job has done so, and this one has not looked for the task enough.
    async fn note_order(&self) -> Result<bool, Problem> {
        let (journal, content) = (&self.parts.journal, &self.request.order.content);
        let last = self.sit_out(|| journal.last_order(content)).await?;
        // Of its own orders the job knows more than that.
        if let Some(last) = last.filter(|last| last.job != self.job) {
            let policy = &self.parts.policy;
            // What was ordered shows up in the list a little later, and now and then a list leaves it out. That also is more than two clocks
            // should differ.
            let shown_from = later(last.at, self.state.patience(policy));
            let looks = self
                .looks_without
                .iter()
                .filter(|begun| **begun > shown_from);
            if looks.count() < policy.vanish_looks as usize {
                return Ok(false);
            }
        }
        let now = self.parts.clock.now();
        self.sit_out(|| journal.note_order(content, &self.job, now))
            .await?;
        Ok(true)
    }

    async fn order(&self) -> Event {
        // Not to be broken off: an order whose answer nobody hears is the worst.
        match self.server.source.post(&self.request.order).await {
            PostOutcome::Accepted(tasks) => Event::Posted(tasks),
            PostOutcome::Refused(problem) => {
                self.forget_order().await;
                Event::PostRefused(problem)
            }
            PostOutcome::Unclear(problem) => Event::PostUnclear(problem),
        }
    }

    /// The job has ordered nothing that others could wait for.
    pub(super) async fn forget_order(&self) {
        let content = &self.request.order.content;
        if let Err(error) = self.parts.journal.forget_order(content, &self.job).await {
            tracing::warn!(%error, "a note about an order was not removed");
        }
    }

    /// Asks the server to cancel a task that nobody works on.
    pub(super) async fn withdraw(&self, task: &TaskId) -> Event {
        tokio::select! {
            biased;
            () = self.stop.token.cancelled() => self.stop.event(),
            answer = self.server.source.cancel(task) => Event::Withdrawn { problem: answer.err() },
        }
    }
}

/// There may be a task soon: it is looked for.
fn ordered_elsewhere() -> Event {
    let message = "another job has just ordered the same file";
    Event::PostUnclear(Problem::new(ProblemKind::Duplicated, message))
}
