//! One process's connection to the simulated server.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use clms_preload::{
    CancelOutcome, Download, DownloadLink, Meter, Order, PortalSource, PortalTask, PostOutcome,
    Problem, ProblemKind, TaskId,
};
use tokio_util::sync::CancellationToken;

use super::{
    disk::View,
    server::{Answer, CancelHabit, Server, later},
};

#[derive(Debug, Clone)]
pub(crate) struct SimPortal {
    pub(crate) server: Arc<Mutex<Server>>,
    pub(crate) view: View,
}

/// How much arrives at a time.
pub(crate) const PIECE: usize = 16;

impl SimPortal {
    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap()
    }

    /// The way there or back.
    async fn travel(&self) {
        let slow = self.view.chance.fault("slow network", 3);
        let longest = if slow { 8000 } else { 800 };
        self.view.wait(self.view.chance.range(5, longest)).await;
    }

    fn is_out_of_order(&self) -> bool {
        let now = self.view.clock.now();
        self.server().out_until.is_some_and(|until| now < until)
    }

    fn failure(&self) -> Option<Problem> {
        let chance = &self.view.chance;
        if self.is_out_of_order() {
            let out = Problem::new(ProblemKind::ServerError, "503: out of order");
            return Some(out);
        }
        if chance.fault("connection lost", 2) {
            return Some(Problem::new(ProblemKind::Unreachable, "no route"));
        }
        if chance.fault("5xx", 2) {
            return Some(Problem::new(ProblemKind::ServerError, "502"));
        }
        chance.fault("429 with Retry-After", 2).then(|| {
            let pause = Duration::from_secs(chance.range(1, 300));
            Problem::new(ProblemKind::RateLimited, "429").with_retry_after(pause)
        })
    }

    /// What becomes of an order that has arrived.
    fn answer(&self, is_unnamed: bool) -> Answer {
        if let Some(planned) = self.server().answers.pop_front() {
            return planned;
        }
        let chance = &self.view.chance;
        if self.is_out_of_order() {
            // A gateway may be out of order before what is behind it.
            let made = chance.fault("order taken in an outage", 20);
            return if made {
                Answer::LostButMade
            } else {
                Answer::LostNotMade
            };
        }
        if chance.fault("order without an answer, nothing made", 4) {
            Answer::LostNotMade
        } else if chance.fault("order refused: 429", 2) {
            Answer::RateLimited
        } else if chance.fault("spurious DUPLICATED", 2) {
            Answer::Duplicated
        } else if chance.fault("order taken, answer lost", 4) {
            Answer::LostButMade
        } else if chance.fault("order taken late, answer 500", 4) {
            Answer::MadeLate(chance.range(1, 18))
        } else if chance.fault("order refused: the queue is full", 3) {
            Answer::QueueFull
        } else if is_unnamed {
            chance.count("order of which no task is ever named");
            match chance.fault("order of a part taken, nothing made", 10) {
                true => Answer::NothingMade,
                false => Answer::Unnamed(chance.range(0, 150)),
            }
        } else if chance.fault("order taken, no task named", 3) {
            Answer::Nameless
        } else if chance.fault("duplicate answer", 3) {
            Answer::NamedTwice
        } else {
            Answer::Accept
        }
    }

    /// Makes the task of an order; a kill may come before or after that.
    async fn make(&self, order: &Order) -> TaskId {
        let now = self.view.clock.now();
        let make = async {
            let mut server = self.server();
            let live = server
                .tasks
                .iter()
                .find(|task| task.content == order.content && task.is_live(now));
            if let Some(live) = live {
                let wrong = format!("{} ordered at {now} beside {live:?}", order.content);
                server.doubled.push(wrong);
            }
            server.make(&order.content, now, &self.view.chance)
        };
        self.view.life.write(make).await
    }
}

#[async_trait]
impl PortalSource for SimPortal {
    async fn find_tasks(&self) -> Result<Vec<PortalTask>, Problem> {
        let now = self.view.clock.now();
        self.server().looks.push((self.view.life.id, now));
        self.travel().await;
        if let Some(planned) = self.server().look_failures.pop_front() {
            return Err(planned);
        }
        if let Some(problem) = self.failure() {
            return Err(problem);
        }
        let chance = &self.view.chance;
        let mut at = self.view.clock.now();
        if self.server().hides_until.is_some_and(|until| at < until) {
            return Ok(Vec::new());
        }
        if chance.fault("stale list", 5) {
            at = later(at, -(chance.range(1, 5) as i64));
        }
        let mut seen = Vec::new();
        for task in &mut self.server().tasks {
            if !task.is_strangers && task.left_out < 2 && chance.fault("task left out of a list", 2)
            {
                task.left_out += 1;
                continue;
            }
            task.left_out = 0;
            if task.shown_from <= at {
                seen.extend(task.show(at));
            }
        }
        if chance.fault("list in another order", 10) {
            seen.reverse();
        }
        // The answer shows what was, not what is.
        self.travel().await;
        Ok(seen)
    }

    async fn post(&self, order: &Order) -> PostOutcome {
        self.travel().await;
        self.server().posts += 1;
        let unclear = |kind, why| PostOutcome::Unclear(Problem::new(kind, why));
        let refused = |kind, why| PostOutcome::Refused(Problem::new(kind, why));
        match self.answer(order.is_unnamed) {
            Answer::LostNotMade => unclear(ProblemKind::ServerError, "502"),
            Answer::Duplicated => refused(ProblemKind::Duplicated, "twice"),
            Answer::Unauthorized => refused(ProblemKind::Unauthorized, "401"),
            Answer::QueueFull => {
                let problem = Problem::new(ProblemKind::QueueFull, "5 items at a time");
                PostOutcome::Refused(problem.with_retryable(true))
            }
            Answer::NothingMade => PostOutcome::Accepted(Vec::new()),
            Answer::RateLimited => {
                let problem = Problem::new(ProblemKind::RateLimited, "429");
                PostOutcome::Refused(problem.with_retry_after(Duration::from_secs(77)))
            }
            Answer::LostButMade => {
                self.make(order).await;
                self.travel().await;
                unclear(ProblemKind::Unreachable, "reset")
            }
            Answer::MadeLate(seconds) => {
                let id = self.make(order).await;
                let shown_from = later(self.view.clock.now(), seconds as i64);
                self.server().task(&id).shown_from = shown_from;
                self.view.wait(10_100).await;
                unclear(ProblemKind::ServerError, "500")
            }
            Answer::Unnamed(seconds) => {
                let id = self.make(order).await;
                self.server().task(&id).shown_from = later(self.view.clock.now(), seconds as i64);
                PostOutcome::Accepted(Vec::new())
            }
            Answer::Nameless => {
                self.make(order).await;
                PostOutcome::Accepted(Vec::new())
            }
            answer => {
                let id = self.make(order).await;
                self.travel().await;
                let times = if answer == Answer::NamedTwice { 2 } else { 1 };
                PostOutcome::Accepted(vec![id; times])
            }
        }
    }

    async fn cancel(&self, task: &TaskId) -> Result<CancelOutcome, Problem> {
        self.travel().await;
        self.server().cancels.push(task.clone());
        if let Some(problem) = self.failure() {
            return Err(problem);
        }
        let chance = &self.view.chance;
        let habit = if chance.fault("cancel refused", 15) {
            CancelHabit::Refuses
        } else if chance.fault("cancel swallowed", 15) {
            CancelHabit::Swallows
        } else {
            self.server().cancel_habit
        };
        match habit {
            CancelHabit::Refuses => {
                return Err(Problem::new(ProblemKind::Refused, "the firewall says no"));
            }
            CancelHabit::Swallows => return Ok(CancelOutcome::Accepted),
            CancelHabit::Works => {}
        }
        let now = self.view.clock.now();
        let effect = async { self.server().task(task).cancelled = Some(now) };
        self.view.life.write(effect).await;
        self.travel().await;
        if chance.fault("cancel done, answer lost", 5) {
            return Err(Problem::new(ProblemKind::Timeout, "no answer"));
        }
        Ok(CancelOutcome::Accepted)
    }

    async fn probe(&self, link: &DownloadLink) -> Result<(), Problem> {
        self.travel().await;
        if let Some(problem) = self.failure() {
            return Err(problem);
        }
        let (path, now) = (link.url().path().to_owned(), self.view.clock.now());
        let server = self.server();
        let mut tasks = server.tasks.iter();
        let found = tasks.find(|task| path.contains(task.id.as_str()));
        found.unwrap().link_problem(now).map_or(Ok(()), Err)
    }

    async fn download(
        &self,
        download: Download<'_>,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<u64, Problem> {
        let mut have = self.view.read(download.into).unwrap_or_default().len();
        let _counted = Counted::new(&self.server, have as u64);
        self.travel().await;
        if let Some(problem) = self.failure() {
            return Err(problem);
        }
        let task = self.server().task(download.task).clone();
        if let Some(problem) = task.link_problem(self.view.clock.now()) {
            return Err(problem);
        }
        let content = task.content();
        if have > content.len() {
            self.view.truncate(download.into).await;
            have = 0;
        }
        let (hangs, breaks) = {
            let mut server = self.server();
            (server.hangs, server.breaks.pop_front())
        };
        let breaks_off = if hangs {
            Some(10)
        } else {
            breaks.map(|bytes| have + bytes)
        };
        let end = content.len().min(breaks_off.unwrap_or(usize::MAX));
        while have < end {
            let pause = self.view.chance.range(10, 3000);
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(stopped()),
                () = self.view.wait(pause) => {}
            }
            if self.view.chance.fault("connection lost in a download", 4) {
                return Err(Problem::new(ProblemKind::Unreachable, "the line broke"));
            }
            let piece = &content[have..end.min(have + PIECE)];
            self.server().task(download.task).bytes_sent += piece.len() as u64;
            self.view.append(download.into, piece).await;
            have += piece.len();
            meter.bytes(have as u64, download.size);
        }
        if hangs {
            cancel.cancelled().await;
            let pause = self.server().stops_after;
            self.view.wait(pause).await;
            return Err(stopped());
        }
        match breaks_off {
            Some(_) => Err(Problem::new(ProblemKind::Unreachable, "the line broke")),
            None => Ok(have as u64),
        }
    }
}

/// A download that is going on.
struct Counted<'s>(&'s Mutex<Server>);

impl<'s> Counted<'s> {
    fn new(all: &'s Mutex<Server>, from: u64) -> Self {
        let mut server = all.lock().unwrap();
        server.downloads.push(from);
        server.downloads_now += 1;
        server.most_downloads = server.most_downloads.max(server.downloads_now);
        Self(all)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().downloads_now -= 1;
    }
}

pub(crate) fn stopped() -> Problem {
    Problem::new(ProblemKind::Interrupted, "stopped")
}
