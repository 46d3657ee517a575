//! The machine's less trodden paths, step by step.

use std::time::Duration;

use clms_preload::{
    ContentKey, JobState, Policy, PortalTask, Problem, ProblemKind, Stage, StageName, TaskId,
    TaskStatus,
    machine::{Command, Event, Note, Urgency, step},
};
use jiff::{SignedDuration, Timestamp};

use crate::machine_table::{content, finished_task, portal_task};

/// A job and the time.
struct Job {
    policy: Policy,
    state: JobState,
    at: Timestamp,
    commands: Vec<Command>,
}

impl Job {
    /// A job that is about to look at the server.
    fn finding() -> Self {
        let mut state = JobState::new(content(), false);
        state.stage = Stage::Finding;
        Self {
            policy: Policy::default(),
            state,
            at: Timestamp::from_second(1_000_000).unwrap(),
            commands: Vec::new(),
        }
    }

    fn waiting_for(task: &str) -> Self {
        let mut job = Self::finding();
        job.sees(&[]);
        job.on(Event::Posted(vec![TaskId::new(task)]));
        job
    }

    fn on(&mut self, event: Event) -> StageName {
        let (state, commands) = step(&self.policy, self.state.clone(), self.at, event);
        (self.state, self.commands) = (state, commands);
        self.state.stage.name()
    }

    fn sees(&mut self, tasks: &[PortalTask]) -> StageName {
        self.on(Event::TasksSeen(tasks.to_vec()))
    }

    fn later(&mut self, seconds: i64) {
        self.at = self
            .at
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
    }

    /// Lets the pause pass and returns its length in seconds.
    fn sits_out_its_pause(&mut self) -> i64 {
        let Stage::Pausing { until } = self.state.stage else {
            panic!("{:?}", self.state.stage)
        };
        let pause = until.duration_since(self.at).as_secs();
        self.at = until;
        assert_eq!(self.on(Event::PauseOver), StageName::Finding);
        assert_eq!(self.commands, [Command::Look(Urgency::Now)]);
        pause
    }

    fn download(&self) -> Option<&TaskId> {
        self.commands.iter().find_map(|command| match command {
            Command::Download { task, .. } => Some(task),
            _ => None,
        })
    }

    fn abandons(&self, task: &str) -> bool {
        let expected = TaskId::new(task);
        self.commands
            .iter()
            .any(|command| matches!(command, Command::Tell(Note::TaskAbandoned { task, .. }) if *task == expected))
    }

    fn download_fails(&mut self, kind: ProblemKind, on_disk: u64) -> StageName {
        let problem = Problem::new(kind, "it failed");
        self.on(Event::DownloadFailed { problem, on_disk })
    }
}

fn of_others(id: &str) -> PortalTask {
    PortalTask {
        content: ContentKey::file("uid", "another file"),
        ..finished_task(id, Timestamp::UNIX_EPOCH)
    }
}

#[test]
fn tasks_of_other_files_are_no_ones_business() {
    let mut job = Job::finding();
    assert_eq!(job.sees(&[of_others("7")]), StageName::Posting);
    assert_eq!(job.commands, [Command::Post]);
}

#[test]
fn of_several_tasks_the_newest_finished_is_taken_then_the_furthest() {
    let mut job = Job::finding();
    let (old, new) = (
        finished_task("old", job.at),
        finished_task(
            "new",
            job.at.checked_add(SignedDuration::from_secs(9)).unwrap(),
        ),
    );
    let (queued, running) = (
        portal_task("q", TaskStatus::Queued),
        portal_task("r", TaskStatus::InProgress),
    );
    let mut other = Job::finding();
    job.sees(&[queued.clone(), old, running.clone(), new]);
    assert_eq!(job.download(), Some(&TaskId::new("new")));
    other.sees(&[queued, running]);
    assert_eq!(
        other.state.stage,
        Stage::Waiting {
            task: TaskId::new("r")
        }
    );
    assert_eq!(
        other.commands.last(),
        Some(&Command::Look(Urgency::NextTick))
    );
}

#[test]
fn a_twin_that_is_finished_is_taken_while_waiting() {
    let mut job = Job::waiting_for("1");
    let twin = finished_task("2", job.at);
    assert_eq!(
        job.sees(&[portal_task("1", TaskStatus::Queued), twin]),
        StageName::Downloading
    );
    assert_eq!(job.download(), Some(&TaskId::new("2")));
}

#[test]
fn a_stranger_that_failed_is_not_remembered() {
    let mut job = Job::finding();
    assert_eq!(
        job.sees(&[portal_task("7", TaskStatus::Rejected)]),
        StageName::Posting
    );
    assert!(job.state.knowledge.dead.is_empty());
}

#[test]
fn finished_is_final_whatever_the_status_says_later() {
    let mut job = Job::waiting_for("1");
    let mut backwards = finished_task("1", job.at);
    backwards.status = TaskStatus::Queued;
    assert_eq!(
        job.sees(std::slice::from_ref(&backwards)),
        StageName::Downloading
    );

    // A link without a date is not enough.
    let mut job = Job::waiting_for("1");
    backwards.finalized = None;
    assert_eq!(job.sees(&[backwards]), StageName::Waiting);
}

#[test]
fn a_dead_link_gets_its_grace_and_is_never_tried_again() {
    let mut job = Job::waiting_for("1");
    let task = finished_task("1", job.at);
    let begin = job.at;
    loop {
        assert_eq!(
            job.sees(std::slice::from_ref(&task)),
            StageName::Downloading
        );
        match job.download_fails(ProblemKind::LinkDead, 0) {
            StageName::Pausing => assert_eq!(job.sits_out_its_pause(), 15),
            stage => {
                assert_eq!(stage, StageName::Finding);
                break;
            }
        }
    }
    assert!(job.abandons("1"));
    assert_eq!(job.at.duration_since(begin).as_secs(), 300);
    assert_eq!(
        job.sees(&[task]),
        StageName::Pausing,
        "backoff before the next order"
    );
    job.sits_out_its_pause();
    // Not even if the server calls it queued again: it was finished.
    assert_eq!(
        job.sees(&[portal_task("1", TaskStatus::Queued)]),
        StageName::Posting
    );
    assert_eq!(job.state.knowledge.requests, 2);
}

#[test]
fn a_missing_task_is_waited_for_and_comes_back_to_life() {
    let mut job = Job::waiting_for("1");
    assert_eq!(job.sees(&[]), StageName::Waiting);
    assert_eq!(
        job.sees(&[portal_task("1", TaskStatus::Queued)]),
        StageName::Waiting
    );
    assert_eq!(job.sees(&[]), StageName::Waiting);
    assert_eq!(job.sees(&[]), StageName::Waiting);
    assert_eq!(job.sees(&[]), StageName::Pausing, "the third list in a row");
    assert!(job.abandons("1"));
    job.sits_out_its_pause();
    // It is back: one more order would make two of it.
    assert_eq!(
        job.sees(&[portal_task("1", TaskStatus::InProgress)]),
        StageName::Waiting
    );
    assert!(job.state.knowledge.dead.is_empty());
}

#[test]
fn an_unclear_order_is_looked_for_before_the_next() {
    let mut job = Job::finding();
    assert_eq!(job.sees(&[]), StageName::Posting);
    let begin = job.at;
    job.later(10);
    assert_eq!(
        job.on(Event::PostUnclear(Problem::new(
            ProblemKind::ServerError,
            "500"
        ))),
        StageName::Finding
    );
    assert_eq!(job.sees(&[]), StageName::Pausing);
    assert_eq!(job.sits_out_its_pause(), 30);
    let mut found = Job {
        state: job.state.clone(),
        policy: job.policy.clone(),
        commands: Vec::new(),
        ..job
    };
    assert_eq!(
        found.sees(&[portal_task("5", TaskStatus::Queued)]),
        StageName::Waiting
    );
    assert!(
        !found.state.knowledge.owned[0].adopted,
        "it is what was ordered"
    );
    assert_eq!(found.state.knowledge.unclear_since, None);

    job.at = begin.checked_add(SignedDuration::from_secs(40)).unwrap();
    assert_eq!(job.sees(&[]), StageName::Finding, "one list proves nothing");
    assert_eq!(job.sees(&[]), StageName::Finding);
    assert_eq!(job.sees(&[]), StageName::Posting);
}

/// Found by the simulation: what was counted for the first order was counted for the second as well.
#[test]
fn each_unclear_order_is_looked_for_in_several_lists() {
    let mut job = Job::finding();
    assert_eq!(job.sees(&[]), StageName::Posting);
    for _ in 0..2 {
        job.on(Event::PostUnclear(Problem::new(
            ProblemKind::ServerError,
            "500",
        )));
        job.later(31);
        assert_eq!(job.sees(&[]), StageName::Finding);
        assert_eq!(job.sees(&[]), StageName::Finding);
        assert_eq!(job.sees(&[]), StageName::Posting);
    }
}

/// Found by the simulation: each of two such tasks made the job forget how long it had tried the other.
#[test]
fn two_finished_tasks_without_a_link_do_not_take_turns_for_ever() {
    let mut job = Job::finding();
    let tasks = [
        portal_task("1", TaskStatus::FinishedOk),
        portal_task("2", TaskStatus::FinishedOk),
    ];
    let begin = job.at;
    while job.sees(&tasks) == StageName::Waiting {
        job.later(15);
    }
    assert_eq!(job.state.stage.name(), StageName::Pausing);
    assert!(job.abandons("1") && job.abandons("2"));
    assert!(job.at.duration_since(begin).as_secs() <= 600);
}

#[test]
fn a_job_killed_while_it_ordered_looks_first() {
    let mut job = Job::finding();
    job.sees(&[]);
    job.state = job.state.clone().renewed();
    assert_eq!(job.state.stage, Stage::New);
    job.on(Event::Started);
    job.on(Event::CubeLookedUp {
        cube: None,
        remains: false,
    });
    let remembered = Box::new(job.state.knowledge.clone());
    job.on(Event::Leased {
        remembered,
        download_on_disk: false,
    });
    job.on(Event::CubeLookedUp {
        cube: None,
        remains: false,
    });
    assert_eq!(
        job.sees(&[]),
        StageName::Pausing,
        "the order may still appear"
    );
}

#[test]
fn damage_that_shows_while_building_is_a_bad_package() {
    let mut job = Job::waiting_for("1");
    let task = TaskId::new("1");
    job.state.stage = Stage::Building { task: task.clone() };
    let problem = Problem::new(ProblemKind::DamagedZip, "its checksum is another");
    assert_eq!(job.on(Event::BuildFailed(problem)), StageName::Pausing);
    assert!(job.commands.contains(&Command::DiscardDownload { task }));
    job.sits_out_its_pause();
    // It is downloaded again, not built again.
    let finished = finished_task("1", job.at);
    assert_eq!(job.sees(&[finished]), StageName::Downloading);
}

#[test]
fn a_late_answer_is_remembered() {
    let mut job = Job::waiting_for("1");
    job.on(Event::Posted(vec![TaskId::new("2")]));
    assert_eq!(
        job.state.stage,
        Stage::Waiting {
            task: TaskId::new("1")
        }
    );
    assert!(job.state.knowledge.owns(&TaskId::new("2")));
}

#[test]
fn links_older_than_a_day_are_not_tried() {
    let mut job = Job::finding();
    let old = job.at.checked_sub(SignedDuration::from_hours(25)).unwrap();
    assert_eq!(job.sees(&[finished_task("1", old)]), StageName::Posting);

    // One's own is given up as well.
    let mut job = Job::waiting_for("1");
    assert_eq!(job.sees(&[finished_task("1", old)]), StageName::Pausing);
    assert_eq!(
        job.state.knowledge.dead[0].problem.kind,
        ProblemKind::LinkExpired
    );
}

#[test]
fn a_line_that_breaks_is_given_up_only_if_nothing_arrives() {
    let mut job = Job::waiting_for("1");
    let task = finished_task("1", job.at);
    for n in 1..50 {
        assert_eq!(
            job.sees(std::slice::from_ref(&task)),
            StageName::Downloading
        );
        assert_eq!(
            job.download_fails(ProblemKind::Unreachable, n * 100),
            StageName::Pausing
        );
        assert_eq!(job.sits_out_its_pause(), 5);
    }
    let (begin, mut pauses) = (job.at, Vec::new());
    loop {
        job.sees(std::slice::from_ref(&task));
        match job.download_fails(ProblemKind::Unreachable, 4900) {
            StageName::Pausing => pauses.push(job.sits_out_its_pause()),
            stage => {
                assert_eq!(stage, StageName::Failed);
                break;
            }
        }
    }
    assert_eq!(pauses[..7], [10, 20, 40, 80, 160, 300, 300]);
    assert!(job.at.duration_since(begin).as_hours() >= 6);
}

#[test]
fn an_outage_is_survived_while_there_is_a_task() {
    let mut job = Job::waiting_for("1");
    let begin = job.at;
    while job.on(Event::LookFailed(Problem::new(
        ProblemKind::Unreachable,
        "no route",
    ))) == StageName::Pausing
    {
        job.sits_out_its_pause();
    }
    assert_eq!(job.state.stage.name(), StageName::Failed);
    assert!(
        job.at.duration_since(begin) >= SignedDuration::try_from(job.policy.max_outage).unwrap()
    );
}

#[test]
fn the_servers_retry_after_is_kept() {
    let mut job = Job::waiting_for("1");
    let problem =
        Problem::new(ProblemKind::RateLimited, "429").with_retry_after(Duration::from_secs(600));
    assert_eq!(job.on(Event::LookFailed(problem)), StageName::Pausing);
    assert_eq!(job.sits_out_its_pause(), 600);
}

#[test]
fn unlinked_tasks_get_a_grace_too() {
    let mut job = Job::waiting_for("1");
    let task = portal_task("1", TaskStatus::FinishedOk);
    assert_eq!(job.sees(std::slice::from_ref(&task)), StageName::Waiting);
    job.later(299);
    assert_eq!(job.sees(std::slice::from_ref(&task)), StageName::Waiting);
    job.later(1);
    assert_eq!(job.sees(std::slice::from_ref(&task)), StageName::Pausing);
    assert!(job.abandons("1"));
    job.sits_out_its_pause();
    // Should the link come after all, it is used.
    let linked = finished_task("1", job.at);
    assert_eq!(job.sees(&[linked]), StageName::Downloading);
}

#[test]
fn a_new_run_remembers_tasks_and_forgets_counts() {
    let mut job = Job::waiting_for("1");
    job.sees(&[portal_task("1", TaskStatus::Rejected)]);
    job.sits_out_its_pause();
    job.sees(&[]);
    job.on(Event::Posted(vec![TaskId::new("2")]));
    assert_eq!(job.state.knowledge.requests, 2);
    let renewed = job.state.renewed();
    assert_eq!(
        (&renewed.stage, renewed.knowledge.requests),
        (&Stage::New, 0)
    );
    assert_eq!(renewed.knowledge.current_task(), Some(&TaskId::new("2")));
    assert!(renewed.knowledge.death(&TaskId::new("1")).is_some());
}
