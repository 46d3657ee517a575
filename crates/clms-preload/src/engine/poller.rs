//! One look at a server for all its jobs that wait.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::sync::{mpsc, oneshot};

use super::{Parts, PollPolicy, Server};
use crate::{
    PortalTask, Problem, ProblemKind, ProgressEvent, ServerName, TaskId, TaskStatus,
    clock::{elapsed, later},
    machine::Urgency,
};

/// Where jobs ask for a look.
#[derive(Debug, Clone)]
pub(super) struct Looks(mpsc::UnboundedSender<Wanted>);

/// What was seen.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// When it began.
    pub(super) begun: Timestamp,
    /// The tasks.
    pub(super) tasks: Result<Arc<[PortalTask]>, Problem>,
}

#[derive(Debug)]
struct Wanted {
    urgency: Urgency,
    reply: oneshot::Sender<Look>,
}

impl Looks {
    /// What the server shows from now on: the look begins after this call.
    pub(super) async fn look(&self, urgency: Urgency) -> Look {
        let (reply, answer) = oneshot::channel();
        // Both fail only if the poller is gone, which ends after all jobs.
        let _ = self.0.send(Wanted { urgency, reply });
        answer.await.unwrap_or_else(|_| Look {
            begun: Timestamp::MIN,
            tasks: Err(Problem::new(
                ProblemKind::Internal,
                "nobody looks at the server any more",
            )),
        })
    }
}

/// Looks at a server as often as needed and as seldom as possible.
#[derive(Debug)]
pub(super) struct Poller {
    parts: Arc<Parts>,
    server: Arc<Server>,
    wanted: mpsc::UnboundedReceiver<Wanted>,
    rhythm: Rhythm,
}

impl Poller {
    pub(super) fn new(parts: Arc<Parts>, server: &ServerName) -> (Looks, Self) {
        let (sender, wanted) = mpsc::unbounded_channel();
        let rhythm = Rhythm::new(parts.poll, parts.seed);
        (
            Looks(sender),
            Self {
                server: parts.servers.of(server),
                parts,
                wanted,
                rhythm,
            },
        )
    }

    /// Works until all [`Looks`] are dropped.
    pub(super) async fn run(mut self) {
        let mut waiting: Vec<Wanted> = Vec::new();
        let mut announced = None;
        loop {
            while let Ok(wanted) = self.wanted.try_recv() {
                waiting.push(wanted);
            }
            // Jobs that were stopped meanwhile.
            waiting.retain(|wanted| !wanted.reply.is_closed());
            if waiting.is_empty() {
                match self.wanted.recv().await {
                    Some(wanted) => waiting.push(wanted),
                    None => return,
                }
                continue;
            }
            let is_urgent = waiting.iter().any(|wanted| wanted.urgency == Urgency::Now);
            let now = self.parts.clock.now();
            let due = self.rhythm.due(now, is_urgent);
            if due > now {
                let pause = elapsed(now, due);
                if !is_urgent && announced.replace(due) != Some(due) {
                    self.parts
                        .progress
                        .event(&ProgressEvent::NextPoll { pause });
                }
                tokio::select! {
                    biased;
                    wanted = self.wanted.recv() => match wanted {
                        Some(wanted) => waiting.push(wanted),
                        None => return,
                    },
                    () = self.parts.clock.sleep(pause) => {}
                }
                continue;
            }
            let look = self.look().await;
            for wanted in waiting.drain(..) {
                // A job that was stopped meanwhile has no ear.
                let _ = wanted.reply.send(look.clone());
            }
        }
    }

    async fn look(&mut self) -> Look {
        let begun = self.parts.clock.now();
        let tasks = self.server.source.find_tasks().await;
        let now = self.parts.clock.now();
        match &tasks {
            Ok(tasks) => {
                tracing::debug!(tasks = tasks.len(), "looked at the server's tasks");
                self.rhythm.seen(now, tasks);
            }
            Err(problem) => {
                tracing::warn!(kind = %problem.kind, %problem, "could not look at the server's tasks");
                self.rhythm.failed(now, problem.retry_after);
            }
        }
        Look {
            begun,
            tasks: tasks.map(Arc::from),
        }
    }
}

/// When the next look is due.
#[derive(Debug)]
struct Rhythm {
    policy: PollPolicy,
    last: Option<Timestamp>,
    interval: Duration,
    /// The interval with its jitter.
    next: Duration,
    /// The server wants to be left alone until then.
    not_before: Option<Timestamp>,
    seen: Vec<(TaskId, TaskStatus, bool)>,
    dice: StdRng,
}

/// Urgent looks are gathered for so long, if the interval itself is not shorter.
const GATHERING: Duration = Duration::from_secs(1);

impl Rhythm {
    fn new(policy: PollPolicy, seed: u64) -> Self {
        Self {
            policy,
            last: None,
            interval: policy.initial,
            next: policy.initial,
            not_before: None,
            seen: Vec::new(),
            dice: StdRng::seed_from_u64(seed),
        }
    }

    fn due(&self, now: Timestamp, is_urgent: bool) -> Timestamp {
        let Some(last) = self.last else { return now };
        let interval = if is_urgent {
            self.policy.initial.min(GATHERING)
        } else {
            self.next
        };
        let due = later(last, interval);
        self.not_before
            .map_or(due, |not_before| due.max(not_before))
    }

    fn seen(&mut self, now: Timestamp, tasks: &[PortalTask]) {
        let mut seen: Vec<_> = tasks
            .iter()
            .map(|task| (task.id.clone(), task.status.clone(), task.link.is_some()))
            .collect();
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        let changed = std::mem::replace(&mut self.seen, seen) != self.seen;
        self.begin(now, !changed);
        self.not_before = None;
    }

    fn failed(&mut self, now: Timestamp, retry_after: Option<Duration>) {
        self.begin(now, true);
        self.not_before = retry_after.map(|pause| later(now, pause));
    }

    fn begin(&mut self, now: Timestamp, grow: bool) {
        let longest = self.policy.longest.max(self.policy.initial);
        self.interval = match self.last.replace(now) {
            Some(_) if grow => scaled(self.interval, self.policy.growth.max(1.0)).min(longest),
            _ => self.policy.initial,
        };
        let jitter = self.policy.jitter.clamp(0.0, 1.0);
        self.next = scaled(
            self.interval,
            1.0 + self.dice.random_range(-jitter..=jitter),
        );
    }
}

fn scaled(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ContentKey;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn the_interval_grows_to_its_limit_and_falls_back_on_a_change() {
        let policy = PollPolicy {
            initial: Duration::from_secs(10),
            longest: Duration::from_secs(30),
            growth: 2.0,
            jitter: 0.0,
        };
        let mut rhythm = Rhythm::new(policy, 1);
        let mut task =
            PortalTask::new(TaskId::new("1"), ContentKey::other("x"), TaskStatus::Queued);
        assert_eq!(
            rhythm.due(at(5), false),
            at(5),
            "the first look is due at once"
        );
        let mut intervals = Vec::new();
        for status in ["Queued", "Queued", "Queued", "In_progress", "In_progress"] {
            task.status = status.to_owned().into();
            rhythm.seen(at(0), std::slice::from_ref(&task));
            intervals.push(rhythm.due(at(0), false).as_second());
        }
        assert_eq!(intervals, [10, 20, 30, 10, 20]);
        assert_eq!(
            rhythm.due(at(0), true),
            at(1),
            "urgent looks wait for each other only"
        );
    }

    #[test]
    fn the_servers_retry_after_binds_urgent_looks_too() {
        let mut rhythm = Rhythm::new(PollPolicy::default(), 1);
        rhythm.failed(at(100), Some(Duration::from_secs(600)));
        assert_eq!(rhythm.due(at(100), true), at(700));
        rhythm.seen(at(700), &[]);
        assert_eq!(rhythm.due(at(700), true), at(701));
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let mut rhythm = Rhythm::new(PollPolicy::default(), 1);
        for _ in 0..100 {
            rhythm.last = None;
            rhythm.seen(at(0), &[]);
            let due = rhythm.due(at(0), false);
            assert!(
                later(at(0), Duration::from_millis(13_499)) <= due
                    && due <= later(at(0), Duration::from_millis(16_501)),
                "{due}"
            );
        }
    }
}
