//! Jobs that run in the background, each with a handle.

use std::sync::{Arc, Mutex, PoisonError};

use futures::{Stream, stream};
use tokio::sync::{broadcast, watch};

use super::{Engine, JobOutcome, stop::Stop};
use crate::{
    CancelReport, CancelScope, JobId, JobState, Problem, ProblemKind, Progress, ProgressEvent,
};

/// A job that runs in the background; see [`Engine::start`].
///
/// Dropping it leaves the job running. The job ends with the runtime, and goes on the next time it is asked for.
#[derive(Debug)]
pub struct JobHandle {
    pub(super) engine: Engine,
    pub(super) job: JobId,
    pub(super) data_id: String,
    pub(super) stop: Stop,
    pub(super) state: watch::Receiver<JobState>,
    pub(super) outcome: watch::Receiver<Option<JobOutcome>>,
    /// From the job's first event on; the first one who asks gets it.
    pub(super) events: Mutex<Option<broadcast::Receiver<ProgressEvent>>>,
}

impl JobHandle {
    /// The job.
    #[must_use]
    pub fn job(&self) -> &JobId {
        &self.job
    }

    /// The data id, as users know it.
    #[must_use]
    pub fn data_id(&self) -> &str {
        &self.data_id
    }

    /// Where the job stands now, and what it has learned.
    #[must_use]
    pub fn state(&self) -> JobState {
        self.state.borrow().clone()
    }

    /// Waits for the job's end.
    pub async fn wait(&self) -> JobOutcome {
        let mut outcome = self.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await;
        let known = ended.ok().and_then(|outcome| outcome.clone());
        known.unwrap_or_else(|| {
            let problem = Problem::new(ProblemKind::Internal, "the job's task broke down");
            JobOutcome::failed(self.job.clone(), self.data_id.clone(), problem)
        })
    }

    /// Stops the job at its next safe point; it can go on later, and what was ordered stays at the server.
    pub fn interrupt(&self) {
        self.stop.token.cancel();
    }

    /// Gives the job up; see [`Engine::cancel`].
    ///
    /// # Errors
    /// As [`Engine::cancel`].
    pub async fn cancel(&self, scope: CancelScope) -> Result<CancelReport, Problem> {
        self.stop.give_up();
        self.wait().await;
        match self.engine.cancel(&self.job, scope).await {
            // It had not even begun.
            Err(problem) if problem.kind.as_str() == "no_such_job" => Ok(CancelReport {
                job: self.job.clone(),
                was_finished: false,
                tasks: Vec::new(),
            }),
            report => report,
        }
    }

    /// What the job tells, from its beginning if this is the first call, else from now on. Ends with the job.
    ///
    /// Whoever reads too slowly misses the oldest events; the work never waits.
    pub fn events(&self) -> impl Stream<Item = ProgressEvent> + Send + 'static {
        let mut first = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let events = first
            .take()
            .unwrap_or_else(|| self.engine.parts.events.subscribe());
        let job = self.job.clone();
        let is_over = self.outcome.borrow().is_some() && events.is_empty();
        stream::unfold((events, is_over), move |(mut events, is_over)| {
            let job = job.clone();
            async move {
                if is_over {
                    return None;
                }
                loop {
                    match events.recv().await {
                        Ok(event) if event.job() == Some(&job) => {
                            let is_last = matches!(event, ProgressEvent::JobEnded { .. });
                            return Some((event, (events, is_last)));
                        }
                        Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                        Err(broadcast::error::RecvError::Closed) => return None,
                    }
                }
            }
        })
    }
}

/// Tells the engine's listener and all streams of events.
#[derive(Debug)]
pub(super) struct Fan {
    pub(super) listener: Arc<dyn Progress>,
    pub(super) events: broadcast::Sender<ProgressEvent>,
}

impl Progress for Fan {
    fn event(&self, event: &ProgressEvent) {
        self.listener.event(event);
        if self.events.receiver_count() > 0 {
            // An error means that the last one has just gone.
            let _ = self.events.send(event.clone());
        }
    }
}
