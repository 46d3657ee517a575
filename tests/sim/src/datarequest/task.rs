//! Tasks, whose state follows from the time since they were posted.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::habits::{Habits, TaskOutcome};
use crate::package::Packages;
use crate::state::{QueueTimes, later};

/// All tasks, of all users.
#[derive(Default)]
pub(crate) struct Tasks {
    all: Vec<Task>,
    made: u64,
}

/// A task as [`Sim::tasks`](crate::Sim::tasks) tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRecord {
    /// The TaskID.
    pub task_id: String,
    /// The user who posted it.
    pub user_id: String,
    /// The status at this moment, as the portal would answer it.
    pub status: String,
    /// The packages asked for, as file names without `.zip`; empty for areas.
    pub packages: Vec<String>,
    /// Whether a posted request made it, and not a habit.
    pub posted: bool,
}

/// Who brought a task into the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Posted,
    /// A habit, for the named thing.
    Habit(String),
}

/// A task's part in a CDSE request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Not a CDSE task.
    None,
    Parent,
    Child,
}

/// One download task.
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) origin: Origin,
    pub(crate) role: Role,
    /// A list of items; for CDSE children one item.
    pub(crate) datasets: Value,
    /// Further keys (of CDSE tasks).
    pub(crate) extra: Map<String, Value>,
    pub(crate) packages: Vec<String>,
    pub(crate) outcome: TaskOutcome,
    /// The engine's number of the job, which is also in the link.
    pub(crate) engine_id: u64,
    pub(crate) dead_link: bool,
    /// The engine reports the end before the portal has noted the engine's number.
    pub(crate) reported_early: bool,
    /// Times somebody saw the task after its end.
    seen_ended: u32,
    pub(crate) registered: Timestamp,
    engine_id_noted: Timestamp,
    starts: Timestamp,
    pub(crate) ends: Timestamp,
    cancelled: Option<Timestamp>,
}

impl Tasks {
    /// Makes a task that is registered now and goes through the queue; the
    /// caller may change it before anybody sees it.
    pub(crate) fn make(
        &mut self,
        user: &str,
        datasets: Value,
        now: Timestamp,
        queue: QueueTimes,
    ) -> &mut Task {
        self.made += 1;
        let after = |time: Duration| later(now, time);
        let task = Task {
            id: rand::random_range(1_000_000_000_u64..100_000_000_000).to_string(),
            user: user.to_owned(),
            origin: Origin::Posted,
            role: Role::None,
            datasets,
            extra: Map::new(),
            packages: Vec::new(),
            outcome: TaskOutcome::Ok,
            engine_id: 4050 + self.made,
            dead_link: false,
            reported_early: false,
            seen_ended: 0,
            registered: now,
            engine_id_noted: after(queue.queued / 2),
            starts: after(queue.queued),
            ends: after(queue.queued.saturating_add(queue.running)),
            cancelled: None,
        };
        let place = self.all.len();
        self.all.push(task);
        &mut self.all[place]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Task> {
        self.all.iter()
    }

    /// The tasks that are there by now.
    pub(crate) fn visible(&mut self, now: Timestamp) -> impl Iterator<Item = &mut Task> {
        self.all
            .iter_mut()
            .filter(move |task| task.registered <= now)
    }

    pub(crate) fn by_id(&mut self, id: &str, now: Timestamp) -> Option<&mut Task> {
        self.visible(now).find(|task| task.id == id)
    }

    pub(crate) fn by_engine_id(&self, engine_id: u64) -> Option<&Task> {
        self.all.iter().find(|task| task.engine_id == engine_id)
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Task) -> bool) {
        self.all.retain(keep);
    }
}

impl Task {
    /// The portal never hears the engine's number, because the engine was too slow to tell.
    pub(crate) fn stay_unnumbered(&mut self) {
        self.engine_id_noted = Timestamp::MAX;
    }

    /// Gives the task another life than the queue's: running from its registration on.
    pub(crate) fn set_life(&mut self, registered: Timestamp, ends: Timestamp) {
        self.registered = registered;
        self.engine_id_noted = registered;
        self.starts = registered;
        self.ends = ends;
    }

    /// Whether the engine has come to an end with the task, whatever the portal says.
    pub(crate) fn has_ended(&self, now: Timestamp) -> bool {
        self.ends <= now && self.outcome != TaskOutcome::Stuck
    }

    /// Whether there is, or would be, something behind the task's link.
    pub(crate) fn has_result(&self, now: Timestamp) -> bool {
        let in_time = self.reported_early || self.cancelled.is_none_or(|time| time >= self.ends);
        self.has_ended(now) && self.outcome == TaskOutcome::Ok && in_time
    }

    /// Whether the engine's late report has undone what the portal knew (points 41 and 43).
    fn overtaken(&self, now: Timestamp) -> bool {
        self.reported_early && self.has_ended(now)
    }

    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        if self.overtaken(now) {
            return if self.seen_ended == 0 {
                "Finished_ok"
            } else {
                "Queued"
            };
        }
        match (&self.outcome, self.role) {
            _ if self.cancelled.is_some() => "Cancelled",
            (_, Role::Child) => "QUEUED",
            (TaskOutcome::Stuck, _) => "Queued",
            _ if now < self.starts => "Queued",
            _ if now < self.ends => "In_progress",
            (TaskOutcome::Ok, _) => "Finished_ok",
            (TaskOutcome::Nok(_), _) => "Finished_nok",
            (TaskOutcome::Rejected(_), _) => "Rejected",
        }
    }

    pub(crate) fn cancel(&mut self, now: Timestamp) {
        self.cancelled = Some(now);
    }

    /// The task as the portal answers it, without its id (points 39 and 40).
    pub(crate) fn shown(
        &mut self,
        now: Timestamp,
        habits: &Habits,
        packages: &Packages,
        base_url: &str,
    ) -> Value {
        let time = |time: Timestamp| {
            let offset = if habits.naive_times { "" } else { "+00:00" };
            json!(format!(
                "{}{offset}",
                time.strftime("%Y-%m-%dT%H:%M:%S.%6f")
            ))
        };
        let mut shown = self.extra.clone();
        shown.insert("Datasets".to_owned(), self.datasets.clone());
        shown.insert("RegistrationDateTime".to_owned(), time(self.registered));
        shown.insert("Status".to_owned(), json!(self.status(now)));
        shown.insert("UserID".to_owned(), json!(self.user));
        let overtaken = self.overtaken(now);
        let ended = self.role != Role::Child && self.has_ended(now);
        let noted = if overtaken {
            self.seen_ended > 0
        } else {
            now >= self.engine_id_noted
        };
        if noted && self.role == Role::None && self.outcome != TaskOutcome::Stuck {
            shown.insert("FMETaskId".to_owned(), json!(self.engine_id));
        }
        let cancelled = self.cancelled.filter(|_| !overtaken);
        if ended && cancelled.is_none_or(|time| time >= self.ends) {
            self.show_ending(&mut shown, habits, packages, base_url);
        }
        if let Some(end) = cancelled.or(ended.then_some(self.ends)) {
            shown.insert("FinalizationDateTime".to_owned(), time(end));
        }
        if ended {
            self.seen_ended += 1;
        }
        Value::Object(shown)
    }

    fn show_ending(
        &self,
        shown: &mut Map<String, Value>,
        habits: &Habits,
        packages: &Packages,
        base_url: &str,
    ) {
        let message = match &self.outcome {
            TaskOutcome::Ok => {
                let url = json!(format!(
                    "{base_url}/clmsdatadownload/results/{}.zip",
                    self.engine_id
                ));
                let url = if habits.download_url_is_list {
                    json!([url])
                } else {
                    url
                };
                shown.insert("DownloadURL".to_owned(), url);
                let size = packages
                    .of_task(&self.packages, &self.datasets)
                    .size()
                    .saturating_add_signed(habits.file_size_error);
                shown.insert("FileSize".to_owned(), json!(size));
                "Download process finished successfully"
            }
            TaskOutcome::Nok(message) | TaskOutcome::Rejected(message) => message,
            TaskOutcome::Stuck => return,
        };
        shown.insert("Message".to_owned(), json!(message));
    }

    pub(crate) fn record(&self, now: Timestamp) -> TaskRecord {
        TaskRecord {
            task_id: self.id.clone(),
            user_id: self.user.clone(),
            status: self.status(now).to_owned(),
            packages: self.packages.clone(),
            posted: self.origin == Origin::Posted,
        }
    }
}
