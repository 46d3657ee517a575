//! Finished tasks that give no good package, and tasks that are given up.

use super::{Command, DeadTask, Note, Outage, Trouble, step::Step};
use crate::{Problem, ProblemKind, TaskId, clock::later};

impl Step<'_> {
    pub(super) fn download_failed(&mut self, task: TaskId, problem: Problem, on_disk: u64) {
        if problem.kind.blames_link() {
            return self.bad_package(task, problem);
        }
        let at = self.at;
        let knowledge = self.knowledge();
        let progressed = on_disk > knowledge.bytes_on_disk;
        let before = knowledge.download_outage.filter(|_| !progressed);
        let outage = Outage::prolonged(before, at);
        knowledge.bytes_on_disk = on_disk;
        knowledge.download_outage = Some(outage);
        self.sit_out(outage, problem);
    }

    pub(super) fn unpack_failed(&mut self, task: TaskId, problem: Problem) {
        if problem.kind.blames_link() {
            self.bad_package(task, problem);
        } else {
            self.fail_by_package(task, problem);
        }
    }

    /// Ends with the problem; if the package is its reason, the next run orders another one.
    fn fail_by_package(&mut self, task: TaskId, problem: Problem) {
        if problem.kind.blames_package() {
            self.give_up(task, problem.clone());
        }
        self.fail(problem);
    }

    /// A storage that was out of reach may be back soon.
    pub(super) fn build_failed(&mut self, task: TaskId, problem: Problem) {
        // Neither a full disk nor a person changes within a pause.
        let is_passing = problem.retryable
            && !matches!(
                problem.kind,
                ProblemKind::DiskFull | ProblemKind::Interrupted
            );
        let knowledge = self.knowledge();
        knowledge.failed_builds += 1;
        let failed = knowledge.failed_builds;
        if !is_passing || failed >= self.policy.max_build_attempts {
            return self.fail_by_package(task, problem);
        }
        let pause = self.pause_after(failed, &problem);
        self.pause_until(later(self.at, pause), Some(problem));
    }

    /// The link is dead, or gave something else than the package: removes it, and tries again for a while.
    pub(super) fn bad_package(&mut self, task: TaskId, problem: Problem) {
        let at = self.at;
        let knowledge = self.knowledge();
        knowledge.last_problem = Some(problem.clone());
        let attempts = self.attempt(&task);
        self.discard_download(&task);
        if self.grace_is_over(&task, attempts) {
            self.bury(task, problem);
            self.look();
        } else {
            let pause = self
                .policy
                .link_retry
                .max(problem.retry_after.unwrap_or_default());
            self.pause_until(later(at, pause), Some(problem));
        }
    }

    /// Removes what was downloaded of the task.
    fn discard_download(&mut self, task: &TaskId) {
        let knowledge = self.knowledge();
        knowledge
            .downloaded
            .take_if(|package| package.task == *task);
        knowledge.bytes_on_disk = 0;
        let task = task.clone();
        self.commands.push(Command::DiscardDownload { task });
    }

    /// Counts one more attempt at a finished task in vain.
    pub(super) fn attempt(&mut self, task: &TaskId) -> u32 {
        let at = self.at;
        let troubles = &mut self.knowledge().troubles;
        if let Some(trouble) = troubles.iter_mut().find(|known| known.task == *task) {
            trouble.attempts += 1;
            return trouble.attempts;
        }
        troubles.push(Trouble {
            task: task.clone(),
            since: at,
            attempts: 1,
        });
        1
    }

    /// Whether a finished task has had its time. A link that should have been alive long ago gets a few attempts only.
    pub(super) fn grace_is_over(&self, task: &TaskId, attempts: u32) -> bool {
        let knowledge = &self.state.knowledge;
        let grace = self.policy.link_grace;
        let Some(trouble) = knowledge.trouble_with(task) else {
            return false;
        };
        let finalized = knowledge
            .owned
            .iter()
            .find(|owned| owned.id == *task)
            .and_then(|owned| owned.finalized);
        let was_late = finalized.is_some_and(|finalized| later(finalized, grace) <= trouble.since);
        self.at >= later(trouble.since, grace)
            || (was_late && attempts >= self.policy.old_link_attempts)
    }

    /// Gives the task up for good and tells so.
    pub(super) fn bury(&mut self, task: TaskId, problem: Problem) {
        self.give_up(task.clone(), problem.clone());
        self.tell(Note::TaskAbandoned { task, problem });
    }

    /// Gives the task up for good, and what has come of its package; the next order has to wait a little.
    fn give_up(&mut self, task: TaskId, problem: Problem) {
        let at = self.at;
        let pause = self
            .policy
            .pause_after(self.state.knowledge.requests.max(1));
        let knowledge = self.knowledge();
        knowledge.dead.retain(|dead| dead.id != task);
        knowledge.dead.push(DeadTask {
            id: task.clone(),
            at,
            problem: problem.clone(),
        });
        knowledge.troubles.retain(|trouble| trouble.task != task);
        knowledge.missing_looks = 0;
        knowledge.last_status = None;
        knowledge.last_problem = Some(problem.clone());
        knowledge.last_loss = Some(problem);
        let until = later(at, pause);
        knowledge.no_order_before = knowledge.no_order_before.max(Some(until));
        self.discard_download(&task);
    }

    /// The task is not in the server's list (once more).
    pub(super) fn missing(&mut self, task: TaskId) {
        self.knowledge().missing_looks += 1;
        if self.state.knowledge.missing_looks < self.policy.vanish_looks {
            return self.wait_for(task);
        }
        let message = format!("task {task} is no longer in the server's list");
        self.bury(task, Problem::new(ProblemKind::TaskVanished, message));
        self.order();
    }
}
