//! Ordering: when, how often, and what an answer (or none) means.

use jiff::Timestamp;

use super::{Command, Outage, Stage, Urgency, step::Step};
use crate::{
    Problem, ProblemKind, TaskId,
    clock::{elapsed, later},
};

impl Step<'_> {
    /// No list that was seen so far shows a task that could give the package.
    pub(super) fn none_there(&mut self) {
        if let Some(since) = self.state.knowledge.unclear_since {
            if later(since, self.state.patience(self.policy)) <= self.at {
                // There may be a task, and one list alone proves nothing: tasks are missing in lists at times.
                self.knowledge().missing_looks += 1;
                if self.state.knowledge.missing_looks < self.policy.vanish_looks {
                    return self.look();
                }
            } else if self.state.is_unnamed {
                return self.go(Stage::Finding, Command::Look(Urgency::NextTick));
            }
        }
        if std::mem::take(&mut self.knowledge().is_accepted) {
            let message = "the server accepted the order and made no task of it";
            let problem = Problem::new(ProblemKind::NoTask, message)
                .with_hint("it may have no data there or then: try another area or other days");
            return self.fail(problem);
        }
        self.order();
    }

    /// Orders the file, unless that must wait or was done too often.
    pub(super) fn order(&mut self) {
        let knowledge = &self.state.knowledge;
        let settled = knowledge
            .unclear_since
            .map(|since| later(since, self.state.patience(self.policy)));
        let is_ahead = |until: &_| *until > self.at;
        let must_wait = settled
            .filter(is_ahead)
            .or(knowledge.no_order_before.filter(is_ahead));
        if let Some(until) = must_wait {
            let outage = knowledge.order_outage.is_some();
            let problem = knowledge.last_loss.clone().filter(|_| outage);
            return self.pause_until(until, problem);
        }
        if let Some(outage) = knowledge.order_outage.filter(|outage| self.is_over(outage)) {
            return self.fail(self.worn_out(&outage, self.last_loss()));
        }
        if knowledge.requests >= self.policy.max_requests {
            return self.fail(self.given_up(self.last_loss()));
        }
        let at = self.at;
        let knowledge = self.knowledge();
        knowledge.requests += 1;
        // Until the answer is here (and if the process is killed now, it never will be), there may be a task.
        knowledge.unclear_since = Some(at);
        knowledge.no_order_before = None;
        // Its absence from lists is counted from here on.
        knowledge.missing_looks = 0;
        self.go(Stage::Posting, Command::Post);
    }

    fn last_loss(&self) -> Problem {
        let last = self.state.knowledge.last_loss.clone();
        last.unwrap_or_else(|| Problem::new(ProblemKind::NoTask, "no task was ever seen"))
    }

    /// The failure after the last allowed order: why that came to nothing, in its own kind and words.
    pub(super) fn given_up(&self, last: Problem) -> Problem {
        let times = self.policy.max_requests;
        let message = format!(
            "ordered {times} times in vain; the last time: {}",
            last.message
        );
        let hint = "ask for another file or a smaller part, or ask the portal's help desk, with the number of the task";
        Problem {
            message,
            hint: last.hint.or_else(|| Some(hint.to_owned())),
            ..last
        }
    }

    pub(super) fn posted(&mut self, tasks: Vec<TaskId>) {
        let Some(first) = tasks.first().cloned() else {
            let message = "the server accepted the order but named no task";
            let problem = Problem::new(ProblemKind::NoTask, message);
            let (at, is_unnamed) = (self.at, self.state.is_unnamed);
            let knowledge = self.knowledge();
            knowledge.is_accepted = is_unnamed;
            knowledge.last_problem = Some(problem.clone()).filter(|_| !is_unnamed);
            knowledge.last_loss = Some(problem);
            knowledge.unclear_since = Some(at);
            knowledge.order_outage = None;
            return self.look();
        };
        for task in tasks {
            self.own(task, false);
        }
        let knowledge = self.knowledge();
        knowledge.unclear_since = None;
        knowledge.order_outage = None;
        knowledge.missing_looks = 0;
        knowledge.last_status = None;
        self.wait_for(first);
    }

    /// The server said no, and made no task.
    pub(super) fn post_refused(&mut self, problem: Problem) {
        self.knowledge().unclear_since = None;
        // The server's own list tells whether a duplicate is ours or somebody's trouble with another file.
        if !problem.retryable && problem.kind != ProblemKind::Duplicated {
            return self.fail(problem);
        }
        let until = self.order_failed(&problem);
        self.pause_until(until, Some(problem));
    }

    /// The server gave no answer, and may have made a task. If one turns up, it counts.
    pub(super) fn post_unclear(&mut self, problem: Problem) {
        self.knowledge().unclear_since = Some(self.at);
        self.order_failed(&problem);
        self.look();
    }

    /// An order came to nothing for a reason that may pass; returns when the next one may be tried.
    fn order_failed(&mut self, problem: &Problem) -> Timestamp {
        let at = self.at;
        let mut outage = Outage::prolonged(self.state.knowledge.order_outage, at);
        if problem.kind == ProblemKind::QueueFull {
            // The server is well and busy: its queue is waited for as long as it takes, and it is only looked at less often.
            outage.since = at;
        }
        let until = later(at, self.pause_after(outage.failures, problem));
        let knowledge = self.knowledge();
        knowledge.requests = knowledge.requests.saturating_sub(1);
        knowledge.order_outage = Some(outage);
        knowledge.no_order_before = Some(until);
        knowledge.last_problem = Some(problem.clone());
        knowledge.last_loss = Some(problem.clone());
        until
    }

    /// A task was found that comes of an order without an answer, if there was one; returns whether.
    pub(super) fn order_turned_up(&mut self) -> bool {
        let knowledge = self.knowledge();
        let was_unclear = knowledge.unclear_since.take().is_some();
        knowledge.is_accepted = false;
        // A nameless order has been counted all along.
        if was_unclear && knowledge.order_outage.take().is_some() {
            knowledge.requests += 1;
        }
        was_unclear
    }

    /// The server did not show its tasks.
    pub(super) fn look_failed(&mut self, problem: Problem) {
        let at = self.at;
        let knowledge = self.knowledge();
        let outage = Outage::prolonged(knowledge.look_outage, at);
        knowledge.look_outage = Some(outage);
        let was_never_there = !knowledge.has_answered
            && knowledge.unclear_since.is_none()
            && knowledge.current_task().is_none();
        if was_never_there && outage.failures >= self.policy.max_first_looks {
            return self.fail(problem);
        }
        self.sit_out(outage, problem);
    }

    /// Waits for the end of an outage, and then looks at the server's list again; fails if it lasts too long or can't pass by itself.
    pub(super) fn sit_out(&mut self, outage: Outage, problem: Problem) {
        if !problem.retryable {
            return self.fail(problem);
        }
        if self.is_over(&outage) {
            return self.fail(self.worn_out(&outage, problem));
        }
        let pause = self.pause_after(outage.failures, &problem);
        self.pause_until(later(self.at, pause), Some(problem));
    }

    /// Whether an outage has lasted longer than is waited for.
    fn is_over(&self, outage: &Outage) -> bool {
        elapsed(outage.since, self.at) >= self.policy.max_outage
    }

    /// The failure after an outage that did not end.
    fn worn_out(&self, outage: &Outage, last: Problem) -> Problem {
        let message = format!(
            "{}; so it has been for {}, in {} attempts",
            last.message,
            spoken(elapsed(outage.since, self.at)),
            outage.failures
        );
        let hint = "the server or the way to it seems to be out of order; ask for it again later, and it goes on from there";
        Problem { message, ..last }.with_hint(hint)
    }

    /// The pause after the `failures`th failure in a row, and as long as the server asked for.
    pub(super) fn pause_after(&self, failures: u32, problem: &Problem) -> std::time::Duration {
        self.policy
            .pause_after(failures)
            .max(problem.retry_after.unwrap_or_default())
    }
}

/// A duration as people say it, without more digits than matter.
pub(super) fn spoken(duration: std::time::Duration) -> String {
    match duration.as_secs() {
        seconds @ ..=119 => format!("{seconds} s"),
        seconds @ ..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
