//! Tasks that nobody posted here: zombies, strangers, other users'.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::item::prepackaged_shown;
use super::task::Origin;
use crate::access::{OTHER_USER, OWNER};
use crate::catalogue::Catalogue;
use crate::habits::TaskOutcome;
use crate::state::State;

impl State {
    /// Makes the tasks that the habits speak of, and takes away those they no
    /// longer speak of.
    pub(crate) fn make_tasks_of_habits(&mut self) {
        let zombies = named_files(&self.catalogue, &self.habits.zombies);
        let strangers = named_files(&self.catalogue, &self.habits.strangers);
        let mut wanted: Vec<Wanted> = Vec::new();
        wanted.extend(zombies.into_iter().map(|file| Wanted {
            kind: Kind::Zombie,
            file,
        }));
        wanted.extend(strangers.into_iter().map(|file| Wanted {
            kind: Kind::Stranger,
            file,
        }));
        if self.habits.other_users_task {
            let file = named_files(&self.catalogue, &["*".to_owned()])
                .into_iter()
                .next();
            wanted.extend(file.map(|file| Wanted {
                kind: Kind::OtherUsers,
                file,
            }));
        }
        let origins: Vec<Origin> = wanted.iter().map(Wanted::origin).collect();
        self.tasks
            .retain(|task| task.origin == Origin::Posted || origins.contains(&task.origin));
        let now = self.now();
        for wanted in wanted {
            let origin = wanted.origin();
            if !self.tasks.all().any(|task| task.origin == origin) {
                self.make_wanted(wanted, origin, now);
            }
        }
    }

    fn make_wanted(&mut self, wanted: Wanted, origin: Origin, now: Timestamp) {
        let user = if wanted.kind == Kind::OtherUsers {
            OTHER_USER
        } else {
            OWNER
        };
        let task = self
            .tasks
            .make(user, json!([wanted.file.shown]), now, self.queue);
        task.origin = origin;
        task.packages = vec![wanted.file.package];
        match wanted.kind {
            Kind::Zombie => {
                let then = now - SignedDuration::from_hours(48);
                task.set_life(then, then + SignedDuration::from_mins(7));
                task.dead_link = true;
            }
            Kind::Stranger => {
                let then = now - SignedDuration::from_hours(1);
                task.set_life(then, then + SignedDuration::from_mins(7));
            }
            Kind::OtherUsers => task.outcome = TaskOutcome::Stuck,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zombie,
    Stranger,
    OtherUsers,
}

struct Wanted {
    kind: Kind,
    file: NamedFile,
}

struct NamedFile {
    data_id: String,
    shown: Value,
    package: String,
}

impl Wanted {
    fn origin(&self) -> Origin {
        Origin::Habit(format!("{:?} {}", self.kind, self.file.data_id))
    }
}

/// The files with these data ids; `*` stands for all.
fn named_files(catalogue: &Catalogue, data_ids: &[String]) -> Vec<NamedFile> {
    let wanted = |data_id: &str| data_ids.iter().any(|id| id == "*" || id == data_id);
    let files = catalogue
        .files()
        .into_iter()
        .filter(|file| wanted(&file.data_id));
    files
        .filter_map(|file| {
            let dataset = catalogue.by_uid(&file.dataset_uid)?;
            let shown = prepackaged_shown(dataset, dataset.file(&file.file_id)?);
            Some(NamedFile {
                data_id: file.data_id,
                shown,
                package: file.name,
            })
        })
        .collect()
}
