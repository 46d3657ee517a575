//! The machine's less trodden paths, step by step.

mod orders;
mod troubles;

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

    /// The same job, to which something else happens.
    fn again(&self) -> Self {
        Self {
            policy: self.policy.clone(),
            state: self.state.clone(),
            at: self.at,
            commands: Vec::new(),
        }
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
