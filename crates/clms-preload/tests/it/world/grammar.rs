//! The listener that checks whether the events of each job come in the order that is promised: an automaton.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use clms_preload::{JobId, JobStatus, Progress, ProgressEvent, StageName, Unit};

/// All that was heard, by whichever listener.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    events: Mutex<Vec<ProgressEvent>>,
    wrongs: Mutex<Vec<String>>,
}

impl Heard {
    pub(crate) fn events(&self) -> Vec<ProgressEvent> {
        self.events.lock().unwrap().clone()
    }

    /// The first event that was out of order.
    pub(crate) fn first_wrong(&self) -> Option<String> {
        self.wrongs.lock().unwrap().first().cloned()
    }
}

/// Listens to one engine.
#[derive(Debug)]
pub(crate) struct Grammar {
    jobs: Mutex<BTreeMap<JobId, Place>>,
    heard: Arc<Heard>,
    keeps_events: bool,
    is_loud: bool,
}

/// Where the telling of a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Place {
    #[default]
    Untold,
    Started,
    /// In a stage, with the last amount that was told in it.
    In(StageName, Option<(Unit, u64)>),
}

impl Grammar {
    pub(crate) fn new(heard: &Arc<Heard>) -> Self {
        Self {
            jobs: Mutex::default(),
            heard: Arc::clone(heard),
            keeps_events: true,
            is_loud: false,
        }
    }

    /// For a long story: nobody wants all events, unless it is told aloud.
    pub(crate) fn of_story(heard: &Arc<Heard>, is_loud: bool) -> Self {
        Self {
            keeps_events: false,
            is_loud,
            ..Self::new(heard)
        }
    }
}

impl Place {
    /// Where it stands after an event; `None` if that does not belong there.
    fn after(self, event: &ProgressEvent) -> Option<Self> {
        use ProgressEvent::*;
        match (self, event) {
            (Self::Untold, JobStarted { .. }) => Some(Self::Started),
            (Self::Started, StageEntered { stage, .. }) => {
                (*stage == StageName::Checking).then_some(Self::In(*stage, None))
            }
            (Self::In(before, _), StageEntered { stage, .. }) => {
                may_follow(before, *stage).then_some(Self::In(*stage, None))
            }
            // Whoever is told to stop before the first stage.
            (Self::Started, JobEnded { .. }) => Some(Self::Untold),
            (Self::In(stage, _), JobEnded { status, .. }) => {
                may_end(stage, *status).then_some(Self::Untold)
            }
            (
                Self::In(stage, last),
                Amount {
                    stage: of,
                    unit,
                    done,
                    total,
                    ..
                },
            ) => {
                let fits = stage == *of
                    && matches!(
                        (stage, unit),
                        (StageName::Downloading | StageName::Unpacking, Unit::Bytes)
                            | (StageName::Building, Unit::Chunks)
                    );
                let begins_anew =
                    stage == StageName::Downloading && total.is_none_or(|t| *done <= t);
                let falls = last.is_some_and(|(_, last)| *done < last);
                (fits && (!falls || begins_anew)).then_some(Self::In(stage, Some((*unit, *done))))
            }
            (Self::In(stage, _), TaskSeen { .. } | TaskChosen { .. } | TaskStuck { .. }) => {
                use StageName::*;
                matches!(stage, Finding | Waiting | Posting).then_some(self)
            }
            (Self::In(stage, _), TaskAbandoned { .. }) => {
                use StageName::*;
                matches!(stage, Finding | Waiting | Downloading | Unpacking).then_some(self)
            }
            (Self::In(stage, _), Retrying { .. }) => (!stage.is_terminal()).then_some(self),
            _ => None,
        }
    }
}

/// The arrows of the machine's diagram.
fn may_follow(before: StageName, after: StageName) -> bool {
    use StageName::*;
    let successors: &[StageName] = match before {
        Checking => &[Cached, Leasing],
        Leasing => &[Rechecking, Cached],
        Rechecking => &[Finding, Unpacking, CleaningUp],
        Finding => &[Posting, Waiting, Withdrawing, Downloading, Pausing],
        Posting => &[Finding, Waiting, Pausing],
        Waiting => &[Finding, Posting, Withdrawing, Downloading, Pausing],
        Withdrawing => &[Finding],
        Pausing => &[Finding, Unpacking],
        Downloading => &[Unpacking, Pausing, Finding],
        Unpacking => &[Building, Pausing, Finding],
        Building => &[Committing, Pausing],
        Committing => &[CleaningUp, Pausing],
        CleaningUp => &[Completed, Cached],
        _ => &[],
    };
    let loses_lease =
        after == Leasing && !matches!(before, New | Checking | Leasing) && !before.is_terminal();
    let ends = matches!(after, Failed | Interrupted | Cancelled);
    successors.contains(&after) || loses_lease || (ends && !before.is_terminal())
}

/// How a job ends that was told to be in that stage last.
fn may_end(stage: StageName, status: JobStatus) -> bool {
    match status {
        JobStatus::Completed => stage == StageName::Completed,
        JobStatus::Cached => stage == StageName::Cached,
        JobStatus::Failed => stage == StageName::Failed,
        JobStatus::Cancelled => matches!(stage, StageName::Interrupted | StageName::Cancelled),
        // Nobody waits for the end.
        JobStatus::Requested => matches!(
            stage,
            StageName::Waiting
                | StageName::Downloading
                | StageName::Unpacking
                | StageName::Building
        ),
        _ => false,
    }
}

impl Progress for Grammar {
    fn event(&self, event: &ProgressEvent) {
        if self.is_loud {
            eprintln!("    {event:?}");
        }
        if self.keeps_events {
            self.heard.events.lock().unwrap().push(event.clone());
        }
        let Some(job) = event.job() else { return };
        let mut jobs = self.jobs.lock().unwrap();
        let place = jobs.entry(job.clone()).or_default();
        match place.after(event) {
            Some(after) => *place = after,
            None => {
                let wrong = format!("{event:?} does not belong behind {place:?}");
                self.heard.wrongs.lock().unwrap().push(wrong);
            }
        }
    }
}
