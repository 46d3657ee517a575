//! The simulated server: what it does, and what it does wrong.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use clms_preload::{
    CancelOutcome, Clock as _, ContentKey, Download, DownloadLink, Meter, Order, PortalSource,
    PortalTask, PostOutcome, Problem, ProblemKind, TaskId, TaskStatus,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::disk::View;

/// What becomes of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Good,
    LateLink(u64),
    DeadLink,
    HtmlLink,
    NoLink,
    LateLinkInList(u64),
    ShortFile,
    NoZip,
    WrongSize,
    Nok,
    Rejected,
    CancelledByOther,
    Vanishes,
    Backwards,
    UnknownWord,
    Expired,
}

/// How often each fate comes, in percent of all tasks that are made in a storm; the rest is good.
const FATES: [(Fate, &str); 15] = [
    (Fate::LateLink(150), "link alive late"),
    (Fate::DeadLink, "link dead"),
    (Fate::HtmlLink, "link gives HTML"),
    (Fate::NoLink, "finished without a link"),
    (Fate::LateLinkInList(100), "link listed late"),
    (Fate::ShortFile, "short file"),
    (Fate::NoZip, "broken zip"),
    (Fate::WrongSize, "wrong FileSize"),
    (Fate::Nok, "Finished_nok"),
    (Fate::Rejected, "Rejected"),
    (Fate::CancelledByOther, "cancelled by another"),
    (Fate::Vanishes, "task vanishes"),
    (Fate::Backwards, "status goes backwards"),
    (Fate::UnknownWord, "unknown status"),
    (Fate::Expired, "link expires"),
];

#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) id: TaskId,
    content: ContentKey,
    made: Timestamp,
    /// It is in the list from then on.
    shown_from: Timestamp,
    begins: i64,
    ends: i64,
    pub(super) fate: Fate,
    cancelled: Option<Timestamp>,
    pub(super) bytes_sent: u64,
    /// Another program has ordered it.
    pub(super) is_strangers: bool,
    /// How many lists in a row have left it out by mistake.
    left_out: u32,
}

#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) tasks: Vec<Task>,
    /// Orders of a file of which there was a live task.
    pub(super) doubled: Vec<String>,
    pub(super) posts: u64,
    /// When each process began its looks.
    pub(super) looks: Vec<(u32, Timestamp)>,
}

pub(super) fn package(name: &str) -> Vec<u8> {
    format!("PK {name} and then the rest of a package of this file").into_bytes()
}

fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs()
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_secs(seconds))
        .unwrap()
}

impl Task {
    /// As the server would show it, if it does.
    fn show(&self, now: Timestamp) -> Option<PortalTask> {
        let age = seconds_between(self.made, now);
        let mut shown = PortalTask::new(self.id.clone(), self.content.clone(), TaskStatus::Queued);
        shown.registered = Some(self.made);
        let ended = later(self.made, self.ends);
        if self.cancelled.is_some_and(|cancelled| cancelled <= now) {
            shown.status = TaskStatus::Cancelled;
        } else if age < self.begins {
        } else if age < self.ends {
            shown.status = TaskStatus::InProgress;
        } else {
            shown.finalized = Some(ended);
            shown.status = match self.fate {
                Fate::Vanishes => return None,
                Fate::Nok => TaskStatus::FinishedNok,
                Fate::Rejected => TaskStatus::Rejected,
                Fate::CancelledByOther => TaskStatus::Cancelled,
                Fate::Backwards if age % 2 == 1 => TaskStatus::Queued,
                Fate::UnknownWord => TaskStatus::Unknown("Finished_maybe".to_owned()),
                _ => TaskStatus::FinishedOk,
            };
            let is_linked = match self.fate {
                Fate::NoLink | Fate::Nok | Fate::Rejected => false,
                Fate::LateLinkInList(seconds) => age >= self.ends + seconds as i64,
                _ => true,
            };
            if is_linked {
                let url = format!("https://host/results/{}.zip", self.id);
                shown.link = Some(DownloadLink::new(url.parse().unwrap()));
                let size = package(self.file()).len() as u64;
                let error = u64::from(self.fate == Fate::WrongSize);
                shown.size = Some(size + error);
            }
        }
        Some(shown)
    }

    fn file(&self) -> &str {
        self.content.as_str().rsplit('/').next().unwrap()
    }

    /// Whether the server works on it, or will.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.show(now).is_some_and(|shown| {
            shown.finalized.is_none()
                && matches!(shown.status, TaskStatus::Queued | TaskStatus::InProgress)
        })
    }

    /// Why its link is no good at this moment.
    fn link_problem(&self, now: Timestamp) -> Option<Problem> {
        let age = seconds_between(self.made, now) - self.ends;
        match self.fate {
            Fate::DeadLink => Some(Problem::new(ProblemKind::LinkDead, "404")),
            Fate::LateLink(late) if age < late as i64 => {
                Some(Problem::new(ProblemKind::LinkDead, "404"))
            }
            Fate::Expired if age > 3600 => Some(Problem::new(ProblemKind::LinkDead, "403")),
            Fate::HtmlLink => Some(Problem::new(ProblemKind::LinkHtml, "an HTML page")),
            _ => None,
        }
    }
}

impl Server {
    pub(super) fn make(&mut self, content: &ContentKey, made: Timestamp, view: &View) -> TaskId {
        let id = TaskId::new(format!("{}", 100_000 + self.tasks.len()));
        let mut fate = Fate::Good;
        if view.chance.is_storm() && view.chance.percent(45) {
            let (chosen, name) = view.chance.pick(&FATES);
            view.chance.count(name);
            fate = chosen;
        }
        let begins = view.chance.range(0, 200) as i64;
        self.tasks.push(Task {
            id: id.clone(),
            content: content.clone(),
            made,
            shown_from: made,
            begins,
            ends: begins + view.chance.range(1, 600) as i64,
            fate,
            cancelled: None,
            bytes_sent: 0,
            is_strangers: false,
            left_out: 0,
        });
        id
    }

    pub(super) fn task(&mut self, id: &TaskId) -> &mut Task {
        self.tasks.iter_mut().find(|task| task.id == *id).unwrap()
    }
}

/// One process's connection to the server.
#[derive(Debug, Clone)]
pub(super) struct SimPortal {
    pub(super) server: Arc<Mutex<Server>>,
    pub(super) view: View,
}

impl SimPortal {
    /// The way there or back.
    async fn travel(&self) {
        let slow = self.view.chance.fault("slow network", 3);
        let longest = if slow { 8000 } else { 800 };
        let millis = self.view.chance.range(5, longest);
        self.view.clock.millis(millis).await;
        self.view.life.check().await;
    }

    fn failure(&self) -> Option<Problem> {
        let chance = &self.view.chance;
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
}

#[async_trait]
impl PortalSource for SimPortal {
    async fn find_tasks(&self) -> Result<Vec<PortalTask>, Problem> {
        let now = self.view.clock.now();
        self.server
            .lock()
            .unwrap()
            .looks
            .push((self.view.life.id, now));
        self.travel().await;
        if let Some(problem) = self.failure() {
            return Err(problem);
        }
        let chance = &self.view.chance;
        let mut at = self.view.clock.now();
        if chance.fault("stale list", 5) {
            at = later(at, -(chance.range(1, 5) as i64));
        }
        let mut seen = Vec::new();
        for task in &mut self.server.lock().unwrap().tasks {
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
        // The answer shows what was, not what is.
        self.travel().await;
        Ok(seen)
    }

    async fn post(&self, order: &Order) -> PostOutcome {
        self.travel().await;
        let chance = &self.view.chance;
        if let Some(problem) = self.failure() {
            return match problem.kind {
                ProblemKind::RateLimited => PostOutcome::Refused(problem),
                _ => PostOutcome::Unclear(problem),
            };
        }
        if chance.fault("spurious DUPLICATED", 2) {
            return PostOutcome::Refused(Problem::new(ProblemKind::Duplicated, "twice"));
        }
        let now = self.view.clock.now();
        let make = async {
            let mut server = self.server.lock().unwrap();
            server.posts += 1;
            let live = server
                .tasks
                .iter()
                .find(|task| task.content == order.content && task.is_live(now));
            if let Some(live) = live {
                let wrong = format!("{} ordered at {now} beside {live:?}", order.content);
                server.doubled.push(wrong);
            }
            server.make(&order.content, now, &self.view)
        };
        let id = self.view.life.write(make).await;
        if chance.fault("order taken, answer lost", 4) {
            self.travel().await;
            return PostOutcome::Unclear(Problem::new(ProblemKind::Unreachable, "reset"));
        }
        if chance.fault("order taken late, answer 500", 4) {
            let late = chance.range(1, 18) as i64;
            self.server.lock().unwrap().task(&id).shown_from = later(now, late);
            self.view.clock.millis(10_100).await;
            self.view.life.check().await;
            return PostOutcome::Unclear(Problem::new(ProblemKind::ServerError, "500"));
        }
        if chance.fault("order taken, no task named", 3) {
            return PostOutcome::Accepted(Vec::new());
        }
        self.travel().await;
        if chance.fault("duplicate answer", 3) {
            return PostOutcome::Accepted(vec![id.clone(), id]);
        }
        PostOutcome::Accepted(vec![id])
    }

    async fn cancel(&self, task: &TaskId) -> Result<CancelOutcome, Problem> {
        self.travel().await;
        let chance = &self.view.chance;
        if let Some(problem) = self.failure() {
            return Err(problem);
        }
        if chance.fault("cancel refused", 15) {
            return Err(Problem::new(ProblemKind::Refused, "the firewall says no"));
        }
        if chance.fault("cancel swallowed", 15) {
            return Ok(CancelOutcome::Accepted);
        }
        let now = self.view.clock.now();
        let effect = async { self.server.lock().unwrap().task(task).cancelled = Some(now) };
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
        let server = self.server.lock().unwrap();
        let found = server
            .tasks
            .iter()
            .find(|task| path.contains(task.id.as_str()));
        found.unwrap().link_problem(now).map_or(Ok(()), Err)
    }

    async fn download(
        &self,
        download: Download<'_>,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<u64, Problem> {
        self.travel().await;
        if let Some(problem) = self.failure() {
            return Err(problem);
        }
        let task = self.server.lock().unwrap().task(download.task).clone();
        if let Some(problem) = task.link_problem(self.view.clock.now()) {
            return Err(problem);
        }
        let mut content = package(task.file());
        match task.fate {
            Fate::NoZip => content[..2].copy_from_slice(b"<h"),
            Fate::ShortFile => content.truncate(10),
            _ => {}
        }
        let mut have = self.view.read(download.into).unwrap_or_default().len();
        if have > content.len() {
            self.view.truncate(download.into).await;
            have = 0;
        }
        while have < content.len() {
            let pause = self.view.chance.range(10, 3000);
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    return Err(Problem::new(ProblemKind::Interrupted, "stopped"));
                }
                () = self.view.clock.millis(pause) => {}
            }
            self.view.life.check().await;
            if self.view.chance.fault("connection lost in a download", 4) {
                return Err(Problem::new(ProblemKind::Unreachable, "the line broke"));
            }
            let piece = &content[have..content.len().min(have + PIECE)];
            self.server.lock().unwrap().task(download.task).bytes_sent += piece.len() as u64;
            self.view.append(download.into, piece).await;
            have += piece.len();
            meter.bytes(have as u64, download.size);
        }
        Ok(have as u64)
    }
}

/// How much arrives at a time.
pub(super) const PIECE: usize = 16;
