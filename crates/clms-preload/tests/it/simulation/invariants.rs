//! What must be true, whatever happens.

use std::{path::Path, sync::Arc};

use clms_cache::CubeName;
use clms_preload::{JobId, JobOutcome, JobStatus, Journal, Problem, ProblemKind, StageName};
use jiff::Timestamp;
use object_store::{ObjectStore, path::Path as ObjectPath};

use super::story::{MEMORY, Story};
use crate::world::{
    SCRATCH,
    portal::PIECE,
    request,
    server::{Fate, package},
};

/// True if it was the storage of cubes and journals that could not be reached.
pub(super) fn is_out_of_reach(problem: &Problem) -> bool {
    problem.is_retryable() && problem.message.contains("the storage is out of reach")
}

impl Story {
    pub(super) async fn check_outcome(&self, outcome: &JobOutcome) -> Result<(), String> {
        let name = CubeName::new(outcome.data_id.clone()).unwrap();
        let is_there = self.disks.shelf.lock().unwrap().cubes.contains_key(&name);
        let is_right = match outcome.status {
            JobStatus::Completed | JobStatus::Cached => {
                is_there && outcome.cube.is_some() && outcome.error.is_none()
            }
            JobStatus::Requested => outcome.task_id.is_some() && outcome.error.is_none(),
            JobStatus::Cancelled => outcome.cube.is_none(),
            JobStatus::Failed => {
                use ProblemKind::*;
                outcome.error.as_ref().is_some_and(|problem| {
                    is_out_of_reach(problem)
                        || !matches!(problem.kind, Internal | Journal | Interrupted | Other(_))
                })
            }
            _ => false,
        };
        if is_right && self.was_patient(outcome).await {
            Ok(())
        } else {
            Err(format!("no right end (cube: {is_there}): {outcome:?}"))
        }
    }

    /// Outages are sat out, unless the server was never there.
    async fn was_patient(&self, outcome: &JobOutcome) -> bool {
        use ProblemKind::*;
        let is_outage = |problem: &&Problem| {
            matches!(
                problem.kind,
                Unreachable | ServerError | RateLimited | Duplicated | Timeout
            )
        };
        let Some(problem) = outcome.error.as_ref().filter(is_outage) else {
            return true;
        };
        let record = self.journal().read(&outcome.job).await.unwrap();
        let has_answered = record.is_some_and(|record| record.state.knowledge.has_answered);
        let words = ["; so it has been for ", "not finished after"];
        !has_answered || words.iter().any(|words| problem.message.contains(words))
    }

    fn journal(&self) -> Journal {
        Journal::new(Arc::clone(&self.disks.records) as Arc<dyn ObjectStore>)
    }

    /// What must be true between acts as well as at the end.
    pub(super) fn check(&self) -> Result<(), String> {
        let server = self.server.lock().unwrap();
        if let Some(doubled) = server.doubled.first() {
            return Err(doubled.clone());
        }
        if let Some(wrong) = self.disks.shelf.lock().unwrap().wrongs.first() {
            return Err(wrong.clone());
        }
        if let Some(wrong) = self.heard.first_wrong() {
            return Err(format!("events out of order: {wrong}"));
        }
        for workshop in &self.workshops {
            let (_, together) = *workshop.most.lock().unwrap();
            if together > MEMORY {
                return Err(format!("builds side by side took {together} bytes"));
            }
        }
        // What a dead process staged is invisible, and swept up by the cache.
        for (owner, _) in self.disks.shelf.lock().unwrap().staged.values() {
            if !self.dead.contains(owner) {
                return Err(format!("process {owner} left a staged cube"));
            }
        }
        for looks in server.looks.windows(2) {
            let gap = looks[1].1.duration_since(looks[0].1).as_millis();
            if looks[0].0 == looks[1].0 && looks[0].0 < 1000 && gap < 900 {
                return Err(format!("two looks within {gap} ms"));
            }
        }
        // What has arrived is not fetched again: only a kill loses the piece in hand, and giving up all of it.
        for task in &server.tasks {
            let size = package("file0").len() as u64;
            let lost: u64 = self.given_up.values().sum::<u64>() * size;
            let is_good = matches!(task.fate, Fate::Good | Fate::Backwards);
            // Each cube of a file fetches it.
            let cubes = self.cubes_of(task.file());
            let most = cubes * size + lost + self.dead.len() as u64 * PIECE as u64;
            if is_good && task.bytes_sent > most {
                let (id, sent) = (&task.id, task.bytes_sent);
                return Err(format!("task {id} sent {sent} bytes, more than {most}"));
            }
        }
        Ok(())
    }

    /// What is left on disk between two acts is what the next run can use: packages and parts of them, of tasks that are not given up.
    pub(super) async fn check_what_is_left(&self) -> Result<(), String> {
        let list = self
            .journal()
            .list()
            .await
            .map_err(|error| error.to_string())?;
        let files: Vec<_> = self.disks.files.lock().unwrap().keys().cloned().collect();
        for file in files {
            let inside = file
                .strip_prefix(SCRATCH)
                .map_err(|error| error.to_string())?;
            let mut parts = inside
                .iter()
                .map(|part| part.to_string_lossy().into_owned());
            let (job, name) = (parts.next().unwrap(), parts.next().unwrap());
            let record = list.jobs.iter().find(|record| record.job.as_str() == job);
            let Some(record) = record else {
                return Err(format!("{} is of no job", file.display()));
            };
            // Whoever has brought it to an end after that has swept up.
            let was_ended =
                |died: &Timestamp| record.updated_at > *died && record.stage().is_terminal();
            if self
                .torn
                .get(&record.job)
                .is_some_and(|died| !was_ended(died))
            {
                continue;
            }
            let mut tasks = record.state.knowledge.live_tasks();
            let is_of_use = tasks.any(|task| name.starts_with(&format!("download-{task}.zip")));
            if !is_of_use {
                let stage = record.stage();
                return Err(format!(
                    "{} is left of a job that is {stage}",
                    file.display()
                ));
            }
        }
        Ok(())
    }

    fn cubes_of(&self, file: &str) -> u64 {
        let requests = ["", "|other"].map(|cube| request(&format!("{file}{cube}")).job_id());
        let is_known = |job: &&JobId| self.asked_for.contains(*job);
        requests.iter().filter(is_known).count().max(1) as u64
    }

    /// What must be true when all is done.
    pub(super) async fn check_the_end(&self, files: &[String]) -> Result<(), String> {
        let list = self
            .journal()
            .list()
            .await
            .map_err(|error| error.to_string())?;
        if let Some(error) = list.unreadable.first() {
            return Err(error.to_string());
        }
        for file in files {
            let request = request(file);
            let shelf = self.disks.shelf.lock().unwrap();
            if !shelf.cubes.contains_key(&request.cube) {
                return Err(format!("{file} is not visible"));
            }
            let record = list.jobs.iter().find(|record| record.request == request);
            let stage = record.map(|record| record.stage());
            let was_given_up = self.given_up.contains_key(&request.job_id());
            // A commit whose answer was lost may have been given up, and so does not stand in the way of a cube.
            let is_over = match stage {
                Some(StageName::Completed | StageName::Cached) => true,
                Some(StageName::Cancelled) => was_given_up,
                _ => false,
            };
            if !is_over {
                return Err(format!("the journal says of {file}: {stage:?}"));
            }
        }
        if let Some(left) = self.disks.first_below(Path::new("/")) {
            return Err(format!("left in the scratch folder: {}", left.display()));
        }
        // Word of an order stays as long as a task of a job that was given up may go on.
        let folders = match self.given_up.is_empty() {
            true => &["cancellations", "orders"][..],
            false => &["cancellations"],
        };
        for folder in folders {
            let folder = ObjectPath::from(*folder);
            let found = self.disks.records.list_with_delimiter(Some(&folder));
            if let Some(left) = found.await.unwrap().objects.first() {
                return Err(format!("left in the journal: {}", left.location));
            }
        }
        Ok(())
    }
}
