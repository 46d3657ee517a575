//! What a list of tasks means for a job: which task to wait for, to download, or to give up.

use std::cmp::Reverse;

use super::{Command, Note, Stage, step::Step};
use crate::{DownloadLink, PortalTask, Problem, ProblemKind, TaskId, TaskStatus, clock::elapsed};

/// What a task is worth.
enum Standing<'a> {
    /// Not finished.
    Live,
    /// Finished, but without a link.
    Unlinked,
    /// Finished, with a link that is worth a try.
    Ready(&'a DownloadLink),
    /// It will never give anything.
    Ended(Problem),
}

impl Step<'_> {
    /// The server showed its tasks.
    pub(super) fn choose(&mut self, tasks: &[PortalTask]) {
        let knowledge = self.knowledge();
        knowledge.has_answered = true;
        knowledge.look_outage = None;
        let content = &self.state.content;
        let ours: Vec<&PortalTask> = tasks
            .iter()
            .filter(|task| task.content == *content || self.state.knowledge.owns(&task.id))
            .collect();
        self.own_ended(&ours);
        self.bury_ended(&ours);

        let current = match &self.state.stage {
            Stage::Waiting { task } => Some(task.clone()),
            _ => self.state.knowledge.current_task().cloned(),
        };
        let current = current.filter(|task| self.state.knowledge.death(task).is_none());
        let best = ours
            .into_iter()
            .filter(|task| self.is_usable(task))
            .min_by_key(|task| self.rank(task, current.as_ref()));
        match (best, current) {
            (Some(best), _) => self.take_task(best, tasks),
            (None, Some(current)) => self.missing(current),
            (None, None) => self.none_there(),
        }
    }

    /// Takes a task that has ended since the order for the one that came of it, where the server names none. Nobody else could tell why nothing came.
    fn own_ended(&mut self, ours: &[&PortalTask]) {
        if !self.state.is_unnamed {
            return;
        }
        let is_over = |task: &&&PortalTask| matches!(self.standing(task), Standing::Ended(_));
        let ended = ours.iter().filter(is_over).map(|task| task.id.clone());
        let mut ended: Vec<TaskId> = ended.collect();
        let knowledge = self.knowledge();
        if knowledge.unclear_since.is_none() {
            knowledge.ended_before = ended;
            return;
        }
        let is_known = |id: &TaskId| knowledge.owns(id) || knowledge.ended_before.contains(id);
        ended.retain(|id| !is_known(id));
        for task in ended {
            self.order_turned_up();
            self.own(task, false);
        }
    }

    /// Gives up those of the job's own tasks that can't give anything any more. Strangers' are not worth remembering.
    fn bury_ended(&mut self, ours: &[&PortalTask]) {
        for task in ours {
            if !self.state.knowledge.owns(&task.id)
                || self.state.knowledge.death(&task.id).is_some()
            {
                continue;
            }
            match self.standing(task) {
                Standing::Ended(_) if self.state.knowledge.withdrawal(&task.id).is_some() => {
                    self.bury(task.id.clone(), self.stuck(task));
                }
                Standing::Ended(problem) => self.bury(task.id.clone(), problem),
                Standing::Ready(_) if self.is_expired(task) => {
                    let message = format!("the link of task {} is too old to be tried", task.id);
                    self.bury(
                        task.id.clone(),
                        Problem::new(ProblemKind::LinkExpired, message),
                    );
                }
                _ => {}
            }
        }
    }

    fn standing<'t>(&self, task: &'t PortalTask) -> Standing<'t> {
        let ended = |kind, what: &str| {
            let said = task
                .message
                .as_deref()
                .map(|said| format!(": {said}"))
                .unwrap_or_default();
            Standing::Ended(Problem::new(kind, format!("task {} {what}{said}", task.id)))
        };
        match (&task.status, &task.link) {
            (TaskStatus::FinishedNok, _) => ended(ProblemKind::TaskFailed, "failed on the server"),
            (TaskStatus::Rejected, _) => ended(ProblemKind::Rejected, "was rejected by the server"),
            (TaskStatus::Cancelled, _) => ended(ProblemKind::TaskCancelled, "was cancelled"),
            (TaskStatus::FinishedOk, Some(link)) => Standing::Ready(link),
            (TaskStatus::FinishedOk, None) => Standing::Unlinked,
            // The status can go backwards; the date and the link stay.
            (_, Some(link)) if task.finalized.is_some() || self.was_finished(&task.id) => {
                Standing::Ready(link)
            }
            (_, None) if self.was_finished(&task.id) => Standing::Unlinked,
            _ => Standing::Live,
        }
    }

    /// Whether the job has seen the task finished before.
    fn was_finished(&self, task: &TaskId) -> bool {
        self.state.knowledge.trouble_with(task).is_some()
    }

    fn is_expired(&self, task: &PortalTask) -> bool {
        task.finalized
            .is_some_and(|finalized| elapsed(finalized, self.at) > self.policy.max_link_age)
    }

    /// Whether the task may still give the package. One that was given up because the server lost or ended it comes back to life if the server
    /// shows it alive again; otherwise there would be two of them. One whose package was bad stays dead.
    fn is_usable(&self, task: &PortalTask) -> bool {
        let death = self
            .state
            .knowledge
            .death(&task.id)
            .map(|dead| &dead.problem.kind);
        let was_bad = death.is_some_and(|kind| {
            kind.blames_link() || kind.blames_package() || *kind == ProblemKind::BuildFailed
        });
        match self.standing(task) {
            Standing::Ended(_) => false,
            Standing::Live | Standing::Unlinked => !was_bad,
            Standing::Ready(_) => {
                !self.is_expired(task) && (!was_bad || death == Some(&ProblemKind::LinkMissing))
            }
        }
    }

    /// The smallest is the best: finished before unfinished, untroubled, in time, ours, further on, newest.
    fn rank(&self, task: &PortalTask, current: Option<&TaskId>) -> impl Ord + use<> {
        let further_on = match (self.standing(task), &task.status) {
            (Standing::Ready(_), _) => 0,
            (Standing::Unlinked, _) => 1,
            (_, TaskStatus::InProgress) => 2,
            (_, TaskStatus::Queued) => 3,
            _ => 4,
        };
        let newest = Reverse(task.finalized.or(task.registered));
        (
            further_on != 0,
            self.was_finished(&task.id),
            self.is_queued_for_too_long(task),
            current != Some(&task.id),
            !self.state.knowledge.owns(&task.id),
            further_on,
            newest,
            task.id.clone(),
        )
    }

    fn take_task(&mut self, task: &PortalTask, all: &[PortalTask]) {
        let id = task.id.clone();
        // A task that turns up after an order without an answer is what was ordered.
        let adopted = !self.order_turned_up();
        let knowledge = self.knowledge();
        knowledge.dead.retain(|dead| dead.id != id);
        knowledge.missing_looks = 0;
        self.own(id.clone(), adopted);
        let mut since = self.at;
        if let Some(owned) = self
            .knowledge()
            .owned
            .iter_mut()
            .find(|owned| owned.id == id)
        {
            owned.registered = task.registered.or(owned.registered);
            owned.finalized = task.finalized.or(owned.finalized);
            since = owned.registered.unwrap_or(owned.since);
        }
        let is_new = !self.is_waiting_for(&id)
            || self.state.knowledge.last_status.as_ref() != Some(&task.status);
        if is_new {
            let status = task.status.clone();
            self.knowledge().last_status = Some(status.clone());
            self.tell(Note::TaskSeen {
                task: id.clone(),
                status,
                since,
            });
        }
        match self.standing(task) {
            Standing::Ready(link) => {
                let command = Command::Download {
                    task: id.clone(),
                    link: link.clone(),
                    size: task.size,
                };
                self.go(Stage::Downloading { task: id }, command);
            }
            Standing::Unlinked => self.unlinked(id, all),
            Standing::Live if self.is_to_be_withdrawn(task) => self.withdraw(task),
            Standing::Live | Standing::Ended(_) => self.wait_for(id),
        }
    }

    fn unlinked(&mut self, task: TaskId, all: &[PortalTask]) {
        let attempts = self.attempt(&task);
        if self.grace_is_over(&task, attempts) {
            let message = format!("task {task} is finished but has no link");
            self.bury(task, Problem::new(ProblemKind::LinkMissing, message));
            // One candidate less, so this comes to an end.
            self.choose(all);
        } else {
            self.wait_for(task);
        }
    }

    fn is_waiting_for(&self, id: &TaskId) -> bool {
        matches!(&self.state.stage, Stage::Waiting { task } if task == id)
    }
}
