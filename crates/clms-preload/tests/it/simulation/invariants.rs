//! What must be true, whatever happens.

use std::{path::Path, sync::Arc};

use clms_cache::CubeName;
use clms_preload::{JobOutcome, JobStatus, Journal, ProblemKind, StageName};
use object_store::{ObjectStore, path::Path as ObjectPath};

use super::{
    server::{Fate, PIECE, package},
    story::{Story, request},
};

impl Story {
    pub(super) fn check_outcome(&self, outcome: &JobOutcome) -> Result<(), String> {
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
                    !matches!(problem.kind, Internal | Journal | Interrupted | Other(_))
                })
            }
            _ => false,
        };
        if is_right {
            Ok(())
        } else {
            Err(format!("no right end (cube: {is_there}): {outcome:?}"))
        }
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
        if let Some(wrong) = self.wrongs.lock().unwrap().first() {
            return Err(format!("events out of order: {wrong}"));
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
            let most = size + lost + self.dead.len() as u64 * PIECE as u64;
            if is_good && task.bytes_sent > most {
                let (id, sent) = (&task.id, task.bytes_sent);
                return Err(format!("task {id} sent {sent} bytes, more than {most}"));
            }
        }
        Ok(())
    }

    /// What must be true when all is done.
    pub(super) async fn check_the_end(&self, files: &[String]) -> Result<(), String> {
        let journal = Journal::new(Arc::clone(&self.disks.records) as Arc<dyn ObjectStore>);
        let list = journal.list().await.map_err(|error| error.to_string())?;
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
        let messages = self
            .disks
            .records
            .list_with_delimiter(Some(&ObjectPath::from("cancellations")))
            .await
            .unwrap();
        match messages.objects.first() {
            Some(left) => Err(format!("left in the journal: {}", left.location)),
            None => Ok(()),
        }
    }
}
