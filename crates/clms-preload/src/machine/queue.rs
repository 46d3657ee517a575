//! Tasks that are queued for too long: the server makes tasks that it never hands to those who work on them, and never says so.

use std::time::Duration;

use super::{Command, Note, Stage, Withdrawal, order::spoken, step::Step};
use crate::{
    PortalTask, Problem, ProblemKind, TaskId, TaskStatus,
    clock::{elapsed, later},
};

impl Step<'_> {
    /// Since when the task is queued, for all that is known.
    fn queued_for(&self, task: &TaskId, registered: Option<jiff::Timestamp>) -> Duration {
        let mut owned = self.state.knowledge.owned.iter();
        let owned = owned.find(|owned| owned.id == *task);
        let since = registered.or(owned.map(|owned| owned.registered.unwrap_or(owned.since)));
        since.map_or(Duration::ZERO, |since| elapsed(since, self.at))
    }

    pub(super) fn is_queued_for_too_long(&self, task: &PortalTask) -> bool {
        task.status == TaskStatus::Queued
            && self.queued_for(&task.id, task.registered) >= self.policy.max_queued
    }

    /// Whether the server is to be asked to cancel the task, for the first time or once more.
    pub(super) fn is_to_be_withdrawn(&self, task: &PortalTask) -> bool {
        let withdrawal = self.state.knowledge.withdrawal(&task.id);
        let is_soon = withdrawal.is_some_and(|withdrawal| {
            let doublings = withdrawal.attempts.saturating_sub(1).min(20);
            let pause = self.policy.max_backoff.saturating_mul(1 << doublings);
            later(withdrawal.at, pause.min(self.policy.max_queued)) > self.at
        });
        self.is_queued_for_too_long(task) && !is_soon
    }

    /// Why a task is withdrawn.
    pub(super) fn stuck(&self, task: &PortalTask) -> Problem {
        let queued = spoken(self.queued_for(&task.id, task.registered));
        let message = format!("task {} was queued for {queued} and never begun", task.id);
        Problem::new(ProblemKind::TaskStuck, message)
            .with_hint("those who run the server may know what holds it up")
    }

    /// Has the task cancelled, so that it can be ordered anew: beside it there must be no other.
    pub(super) fn withdraw(&mut self, task: &PortalTask) {
        let (at, id) = (self.at, task.id.clone());
        let problem = self.stuck(task);
        if self.state.knowledge.requests >= self.policy.max_requests {
            return self.fail(self.given_up(problem));
        }
        let knowledge = self.knowledge();
        let before = knowledge.withdrawal(&id).map_or(0, |known| known.attempts);
        knowledge.withdrawals.retain(|known| known.task != id);
        knowledge.withdrawals.push(Withdrawal {
            task: id.clone(),
            at,
            attempts: before + 1,
            problem: None,
        });
        knowledge.last_problem = Some(problem.clone());
        let task = id.clone();
        self.tell(Note::TaskStuck { task, problem });
        self.go(
            Stage::Withdrawing { task: id.clone() },
            Command::Withdraw { task: id },
        );
    }

    /// The server has answered; what came of it is seen in its list.
    pub(super) fn withdrawn(&mut self, task: &TaskId, problem: Option<Problem>) {
        let mut withdrawals = self.knowledge().withdrawals.iter_mut();
        if let Some(withdrawal) = withdrawals.find(|known| known.task == *task) {
            withdrawal.problem = problem;
        }
        self.look();
    }

    /// What there is to say of a queued task that somebody waited for in vain.
    pub(super) fn how_long_queued(&self, task: &TaskId) -> String {
        let queued = spoken(self.queued_for(task, None));
        let mut said = format!("task {task} is {} for {queued}", TaskStatus::Queued);
        if let Some(withdrawal) = self.state.knowledge.withdrawal(task) {
            said.push_str(", and the server does not cancel it");
            if let Some(problem) = &withdrawal.problem {
                said.push_str(&format!(" ({})", problem.message));
            }
        }
        said
    }
}
