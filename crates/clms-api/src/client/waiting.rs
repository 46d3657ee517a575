//! Waiting for a task.

use std::time::{Duration, Instant};

use super::Client;
use crate::error::ApiError;
use crate::model::{Task, TaskId};

/// How often to look at a task, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    /// The time between two looks. The portal turns away those who look too often: users report
    /// that every ten seconds is tolerated.
    pub interval: Duration,
    /// How long to wait in all. Tasks take from a minute to many hours.
    pub patience: Duration,
}

impl Default for Polling {
    /// Every 30 seconds, for 12 hours.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            patience: Duration::from_secs(12 * 3600),
        }
    }
}

impl Client {
    /// Waits until a task is done. A look that fails in a way that may pass is made again at the
    /// next time, so that a bad minute of the portal does not lose hours of waiting.
    ///
    /// Dropping the future stops the waiting and leaves the task alone.
    ///
    /// # Errors
    /// [`ApiError::TaskFailed`] for a task that ends in another way, or that the portal forgets;
    /// [`ApiError::NotDone`] when the patience is over; whatever can happen on the way and won't
    /// pass.
    pub async fn wait_for_task(&self, id: &TaskId, polling: Polling) -> Result<Task, ApiError> {
        let begun = Instant::now();
        let mut last = None;
        loop {
            let wait = match self.task(id).await {
                Ok(Some(task)) if task.is_ready() => return Ok(task),
                Ok(Some(task)) if task.is_final() => {
                    return Err(ApiError::TaskFailed {
                        task: Box::new(task),
                    });
                }
                Ok(Some(task)) => {
                    tracing::debug!(task = %id, status = %task.status, "not done yet");
                    last = Some(task.status.to_string());
                    polling.interval
                }
                // The list of tasks lags behind for a moment at most.
                Ok(None) if begun.elapsed() > polling.interval => {
                    return Err(ApiError::NotDone {
                        id: id.clone(),
                        status: Some("unknown to the portal".to_owned()),
                        waited: begun.elapsed(),
                    });
                }
                Ok(None) => polling.interval,
                Err(error) if error.is_retryable() => {
                    tracing::debug!(task = %id, %error, "looking again later");
                    error
                        .retry_after()
                        .unwrap_or_default()
                        .max(polling.interval)
                }
                Err(error) => return Err(error),
            };
            if begun.elapsed().saturating_add(wait) > polling.patience {
                return Err(ApiError::NotDone {
                    id: id.clone(),
                    status: last,
                    waited: begun.elapsed(),
                });
            }
            tokio::time::sleep(wait).await;
        }
    }
}
