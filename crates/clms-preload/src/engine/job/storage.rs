//! Outages of the cache's storage, which are sat out as the server's are.

use super::JobRun;
use crate::{Problem, ProblemKind, ProgressEvent, clock::elapsed};

impl JobRun {
    /// What comes of something that is asked of the cache or the journal: once these have worked, an outage of them is sat out.
    ///
    /// Before that, it is more likely that they are named wrongly.
    pub(super) async fn sit_out<T, E: Into<Problem>, A>(
        &self,
        attempt: impl Fn() -> A,
    ) -> Result<T, Problem>
    where
        A: Future<Output = Result<T, E>>,
    {
        let parts = &self.parts;
        let begun = parts.clock.now();
        let mut is_told = false;
        loop {
            let problem = match attempt().await {
                Ok(done) => return Ok(done),
                Err(error) => error.into(),
            };
            let has_worked = self.written.is_some();
            let is_over = elapsed(begun, parts.clock.now()) >= parts.policy.max_outage;
            let passes = problem.is_retryable() && problem.kind != ProblemKind::Busy;
            if !(has_worked && passes) || is_over || self.stop.token.is_cancelled() {
                return Err(problem);
            }
            self.pause_before_next(problem, &mut is_told).await;
        }
    }

    /// Lets the usual pause pass before something is tried again, or as much of it as passes until the job is stopped. Tells why the first time.
    pub(super) async fn pause_before_next(&self, problem: Problem, is_told: &mut bool) {
        let pause = self.parts.poll.initial;
        if !std::mem::replace(is_told, true) {
            self.tell(ProgressEvent::Retrying {
                job: self.job.clone(),
                problem,
                pause,
            });
        }
        tokio::select! {
            biased;
            () = self.stop.token.cancelled() => {}
            () = self.parts.clock.sleep(pause) => {}
        }
    }
}
