//! The simulated server: its tasks, and what becomes of them.

use std::collections::VecDeque;

use clms_preload::{
    ContentKey, DownloadLink, PortalTask, Problem, ProblemKind, TaskId, TaskStatus,
};
use jiff::Timestamp;

use super::chance::Chance;

/// What becomes of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Good,
    /// The link comes alive so many seconds after the task is finished.
    LateLink(u64),
    DeadLink,
    HtmlLink,
    NoLink,
    /// The link is in the list so many seconds after the task is finished.
    LateLinkInList(u64),
    ShortFile,
    NoZip,
    WrongSize,
    Nok,
    Rejected,
    CancelledByOther,
    Vanishes,
    /// Finished, then queued again now and then, with link and date.
    Backwards,
    UnknownWord,
    Expired,
    /// Queued for ever.
    Stuck,
}

/// What may become of a task in a storm; the rest is good.
const FATES: [(Fate, &str); 16] = [
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
    (Fate::Stuck, "queued for ever"),
];

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Accept,
    /// The task is made, the answer is lost.
    LostButMade,
    /// The task is made and shown so many seconds later; the answer is a 500.
    MadeLate(u64),
    /// Nothing is made, and the answer does not say so.
    LostNotMade,
    /// The task is made, but not named.
    Nameless,
    /// Nothing is made although the server says so, as for an empty file id.
    NothingMade,
    NamedTwice,
    Duplicated,
    RateLimited,
    QueueFull,
    /// The task is made and shown so many seconds later; the server names none of such an order.
    Unnamed(u64),
    Unauthorized,
}

/// What becomes of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CancelHabit {
    #[default]
    Works,
    Refuses,
    Swallows,
}

#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: TaskId,
    pub(crate) content: ContentKey,
    made: Timestamp,
    /// It is in the list from then on.
    pub(crate) shown_from: Timestamp,
    begins: i64,
    ends: i64,
    pub(crate) fate: Fate,
    pub(crate) cancelled: Option<Timestamp>,
    pub(crate) bytes_sent: u64,
    /// Another program has ordered it.
    pub(crate) is_strangers: bool,
    /// How many lists in a row have left it out by mistake.
    pub(crate) left_out: u32,
}

/// What the server has and did, and what a test wants it to do next.
#[derive(Debug, Default)]
pub(crate) struct Server {
    pub(crate) tasks: Vec<Task>,
    /// What becomes of the next orders, the next tasks, and the next looks; then all is well.
    pub(crate) answers: VecDeque<Answer>,
    pub(crate) fates: VecDeque<Fate>,
    pub(crate) look_failures: VecDeque<Problem>,
    /// After how many bytes the next downloads break off; then they don't.
    pub(crate) breaks: VecDeque<usize>,
    /// Downloads stop after ten bytes, and wait.
    pub(crate) hangs: bool,
    /// So many milliseconds after they are told to, such downloads stop.
    pub(crate) stops_after: u64,
    pub(crate) cancel_habit: CancelHabit,
    /// Lists show nothing until then.
    pub(crate) hides_until: Option<Timestamp>,
    /// The most downloads that there were at a time.
    pub(crate) most_downloads: usize,
    pub(crate) downloads_now: usize,
    /// All requests fail until then.
    pub(crate) out_until: Option<Timestamp>,
    /// After how many seconds tasks begin and end, if it is not left to chance.
    pub(crate) times: Option<(i64, i64)>,

    /// Orders of a file of which there was a live task.
    pub(crate) doubled: Vec<String>,
    pub(crate) posts: u32,
    /// When each process began its looks.
    pub(crate) looks: Vec<(u32, Timestamp)>,
    pub(crate) cancels: Vec<TaskId>,
    /// For each download, from which byte it began.
    pub(crate) downloads: Vec<u64>,
}

/// The package of a file.
pub(crate) fn package(name: &str) -> Vec<u8> {
    format!("PK {name} and then the rest of a package of this file").into_bytes()
}

fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs()
}

pub(crate) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_secs(seconds))
        .unwrap()
}

impl Task {
    /// As the server would show it, if it does.
    pub(crate) fn show(&self, now: Timestamp) -> Option<PortalTask> {
        let age = seconds_between(self.made, now);
        let mut shown = PortalTask::new(self.id.clone(), self.content.clone(), TaskStatus::Queued);
        shown.registered = Some(self.made);
        let ended = later(self.made, self.ends);
        if self.cancelled.is_some_and(|cancelled| cancelled <= now) {
            shown.status = TaskStatus::Cancelled;
        } else if age < self.begins || self.fate == Fate::Stuck {
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
            if matches!(self.fate, Fate::Nok | Fate::Rejected) {
                shown.message = Some("FME says no".to_owned());
            }
            let is_linked = match self.fate {
                Fate::NoLink | Fate::Nok | Fate::Rejected => false,
                Fate::LateLinkInList(seconds) => age >= self.ends + seconds as i64,
                _ => true,
            };
            if is_linked {
                let url = format!("https://host/results/{}.zip?secret=1", self.id);
                shown.link = Some(DownloadLink::new(url.parse().unwrap()));
                let size = package(self.file()).len() as u64;
                let error = u64::from(self.fate == Fate::WrongSize);
                shown.size = Some(size + error);
            }
        }
        Some(shown)
    }

    pub(crate) fn file(&self) -> &str {
        self.content.as_str().rsplit('/').next().unwrap()
    }

    /// Whether the server works on it, or will.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.show(now).is_some_and(|shown| {
            shown.finalized.is_none()
                && matches!(shown.status, TaskStatus::Queued | TaskStatus::InProgress)
        })
    }

    /// Why its link is no good at this moment.
    pub(crate) fn link_problem(&self, now: Timestamp) -> Option<Problem> {
        let age = seconds_between(self.made, now) - self.ends;
        let dead = |status: &str| Some(Problem::new(ProblemKind::LinkDead, status));
        match self.fate {
            Fate::DeadLink => dead("404"),
            Fate::LateLink(late) if age < late as i64 => dead("404"),
            Fate::Expired if age > 3600 => dead("403"),
            Fate::HtmlLink => Some(Problem::new(
                ProblemKind::LinkHtml,
                "the link answers with an HTML page",
            )),
            _ => None,
        }
    }

    /// What its link gives.
    pub(crate) fn content(&self) -> Vec<u8> {
        let mut content = package(self.file());
        match self.fate {
            Fate::NoZip => content[..2].copy_from_slice(b"<h"),
            Fate::ShortFile => content.truncate(10),
            _ => {}
        }
        content
    }
}

impl Server {
    /// Makes a task, whose fate was planned, or is left to chance.
    pub(crate) fn make(
        &mut self,
        content: &ContentKey,
        made: Timestamp,
        chance: &Chance,
    ) -> TaskId {
        let id = TaskId::new(format!("{}", 9000 + self.tasks.len()));
        let mut fate = self.fates.pop_front().unwrap_or(Fate::Good);
        if chance.is_storm() && chance.percent(45) {
            let (chosen, name) = chance.pick(&FATES);
            chance.count(name);
            fate = chosen;
        }
        let (begins, ends) = self.times.unwrap_or_else(|| {
            let begins = chance.range(0, 200) as i64;
            (begins, begins + chance.range(1, 600) as i64)
        });
        self.tasks.push(Task {
            id: id.clone(),
            content: content.clone(),
            made,
            shown_from: made,
            begins,
            ends,
            fate,
            cancelled: None,
            bytes_sent: 0,
            is_strangers: false,
            left_out: 0,
        });
        id
    }

    pub(crate) fn task(&mut self, id: &TaskId) -> &mut Task {
        self.tasks.iter_mut().find(|task| task.id == *id).unwrap()
    }
}
