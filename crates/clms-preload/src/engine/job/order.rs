//! Ordering at the server, at most once for each file, however many jobs and processes want it.

use clms_cache::Lease;

use super::JobRun;
use crate::{PostOutcome, Problem, ProblemKind, TaskId, clock::later, machine::Event};

impl JobRun {
    pub(super) async fn post(&self) -> Event {
        let _turn = tokio::select! {
            biased;
            () = self.stop.token.cancelled() => return self.stop.event(),
            turn = self.parts.orders.lock() => turn,
        };
        // Two jobs, of one process or of two, may want the same file for two cubes.
        let _alone = match self.order_alone().await {
            Ok(lease) => lease,
            Err(event) => return event,
        };
        // Not to be broken off: an order whose answer nobody hears is the worst.
        match self.parts.portal.post(&self.request.order).await {
            PostOutcome::Accepted(tasks) => Event::Posted(tasks),
            PostOutcome::Refused(problem) => {
                self.forget_order().await;
                Event::PostRefused(problem)
            }
            PostOutcome::Unclear(problem) => Event::PostUnclear(problem),
        }
    }

    /// The right to order the file, after word was left for others that it is being ordered; or what happened instead.
    async fn order_alone(&self) -> Result<Lease, Event> {
        let content = &self.request.order.content;
        let name = content.lease_name().map_err(Event::Broken)?;
        let lease = match self.parts.cache.lease(&name, &self.parts.holder).await {
            Ok(lease) => lease,
            Err(error) => {
                let problem = Problem::from(error);
                return Err(if problem.kind == ProblemKind::Busy {
                    ordered_elsewhere()
                } else {
                    Event::PostRefused(problem)
                });
            }
        };
        let journal = &self.parts.journal;
        let broken = |error| Event::Broken(Problem::from(error));
        let last = journal.last_order(content).await.map_err(broken)?;
        // Of its own orders the job knows more than that.
        if let Some(last) = last.filter(|last| last.job != self.job)
            // What was ordered shows up in the list a little later. That also is more than two clocks should differ.
            && later(last.at, self.parts.policy.settle) >= self.last_look
        {
            return Err(ordered_elsewhere());
        }
        let now = self.parts.clock.now();
        journal
            .note_order(content, &self.job, now)
            .await
            .map_err(broken)?;
        Ok(lease)
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
            answer = self.parts.portal.cancel(task) => Event::Withdrawn { problem: answer.err() },
        }
    }
}

/// There may be a task soon: it is looked for.
fn ordered_elsewhere() -> Event {
    let message = "another job has just ordered the same file";
    Event::PostUnclear(Problem::new(ProblemKind::Duplicated, message))
}
