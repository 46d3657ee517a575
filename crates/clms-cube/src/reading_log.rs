//! Which rasters and vector data sets GDAL is looking at, kept in a file, because a crash in C code takes the process with it and can't say anything.
//!
//! The next process finds the names and tells them. A kill from outside or a power cut looks the same, so it tries again all the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::plan::Note;

/// Remembers nothing unless it has a place.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadingLog(Option<Arc<Kept>>);

#[derive(Debug)]
struct Kept {
    path: PathBuf,
    state: Mutex<State>,
}

/// What stands in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// How many readers each file has now.
    reading: BTreeMap<String, u32>,
    /// How often a process ended while it read one.
    deaths: BTreeMap<String, u32>,
}

/// A file is being read as long as this lives.
#[derive(Debug)]
pub(crate) struct Reading {
    log: ReadingLog,
    file: String,
}

impl ReadingLog {
    /// Takes over what the process before has left at this place, with notes on it.
    pub(crate) fn open(path: Option<&Path>, notes: &mut Vec<Note>) -> Self {
        let Some(path) = path else {
            return Self::default();
        };
        let found = std::fs::read(path).unwrap_or_default();
        // Half a file is that of a process which ended while it wrote: it was not GDAL then.
        let mut state: State = serde_json::from_slice(&found).unwrap_or_default();
        for (file, _) in std::mem::take(&mut state.reading) {
            let deaths = state.deaths.entry(file.clone()).or_default();
            *deaths += 1;
            let message = format!(
                "a process ended while GDAL read it ({deaths} times so far): GDAL crashed, or the process was killed"
            );
            tracing::warn!(file, deaths, "a process ended while GDAL read this");
            notes.push(Note::on(&file, message));
        }
        let kept = Kept {
            path: path.to_owned(),
            state: Mutex::new(state),
        };
        Self(Some(Arc::new(kept)))
    }

    /// Writes down that a file is read from now on.
    pub(crate) fn begin(&self, file: &str) -> Reading {
        self.change(|state| *state.reading.entry(file.to_owned()).or_default() += 1);
        Reading {
            log: self.clone(),
            file: file.to_owned(),
        }
    }

    /// The file is a help and no more: a disk that is full is told by those who need it.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let Some(kept) = &self.0 else { return };
        let mut state = kept.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let written = serde_json::to_vec(&*state).map(|bytes| std::fs::write(&kept.path, bytes));
        if !matches!(written, Ok(Ok(()))) {
            tracing::debug!(path = %kept.path.display(), "what is being read could not be written down");
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.log.change(|state| {
            if let Some(readers) = state.reading.get_mut(&self.file) {
                *readers -= 1;
                if *readers == 0 {
                    state.reading.remove(&self.file);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_leave_word() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reading");
        for deaths in 0..4 {
            let mut notes = Vec::new();
            let log = ReadingLog::open(Some(&path), &mut notes);
            let told: Vec<_> = notes
                .iter()
                .filter_map(|note| note.file.as_deref())
                .collect();
            assert_eq!(told, if deaths > 0 { vec!["bad.tif"] } else { vec![] });
            let times = format!("({deaths} times");
            assert!(
                notes.iter().all(|note| note.message.contains(&times)),
                "{notes:?}"
            );
            drop(log.begin("good.tif"));
            let first = log.begin("bad.tif");
            drop(log.begin("bad.tif"));
            // Dies.
            std::mem::forget(first);
        }
    }

    #[test]
    fn who_ends_well_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reading");
        for content in ["", "half a {", "{\"reading\":{},\"deaths\":{}}"] {
            std::fs::write(&path, content).unwrap();
            let mut notes = Vec::new();
            let log = ReadingLog::open(Some(&path), &mut notes);
            drop(log.begin("a.tif"));
            drop(log);
            ReadingLog::open(Some(&path), &mut notes);
            assert!(notes.is_empty());
        }
        drop(ReadingLog::default().begin("a.tif"));
    }
}
