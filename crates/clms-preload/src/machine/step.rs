//! The transitions.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Command, DownloadedPackage, Event, JobState, Knowledge, Note, OwnedTask, Policy, Stage, Urgency,
};
use crate::{Problem, ProblemKind, TaskId, TaskStatus, clock::elapsed};

/// What becomes of a job when `event` happens at the time `at`, and what it wants done then.
#[must_use]
pub fn step(
    policy: &Policy,
    state: JobState,
    at: Timestamp,
    event: Event,
) -> (JobState, Vec<Command>) {
    if state.stage.is_terminal() {
        return (state, Vec::new());
    }
    let mut step = Step {
        policy,
        at,
        state,
        commands: Vec::new(),
    };
    step.take(event);
    (step.state, step.commands)
}

/// One step in the making.
pub(super) struct Step<'a> {
    pub(super) policy: &'a Policy,
    pub(super) at: Timestamp,
    pub(super) state: JobState,
    pub(super) commands: Vec<Command>,
}

impl Step<'_> {
    /// Events in the order in which a job meets them. Those that don't fit the stage change nothing.
    fn take(&mut self, event: Event) {
        let stage = self.state.stage.clone();
        match (event, stage) {
            (Event::Started, Stage::New) => self.go(Stage::Checking, Command::LookUpCube),
            (Event::CubeLookedUp { cube, remains }, Stage::Checking) => {
                let cached = cube.filter(|_| !self.state.force);
                match cached {
                    Some(cube) if !remains => self.end(Stage::Cached { cube }),
                    cached => self.go(Stage::Leasing { cached }, Command::TakeLease),
                }
            }
            (
                Event::Leased {
                    remembered,
                    download_on_disk,
                },
                Stage::Leasing { .. },
            ) => {
                self.state.knowledge = *remembered;
                if !download_on_disk {
                    self.state.knowledge.downloaded = None;
                }
                self.go(Stage::Rechecking, Command::LookUpCube);
            }
            (Event::LeaseRefused(problem), Stage::Leasing { cached }) => match cached {
                Some(cube) => self.end(Stage::Cached { cube }),
                None => self.fail(problem),
            },
            (Event::LeaseLost(problem), stage) if stage.needs_lease() => {
                let pause = Duration::ZERO;
                self.tell(Note::Retrying { problem, pause });
                self.go(Stage::Leasing { cached: None }, Command::TakeLease);
            }
            (Event::CubeLookedUp { cube, .. }, Stage::Rechecking) => {
                match cube.filter(|_| !self.state.force) {
                    Some(cube) => self.go(Stage::CleaningUp { task: None, cube }, Command::CleanUp),
                    None => self.obtain(),
                }
            }

            (Event::TasksSeen(tasks), Stage::Finding | Stage::Waiting { .. }) => {
                self.choose(&tasks);
            }
            (Event::LookFailed(problem), Stage::Finding | Stage::Waiting { .. }) => {
                self.look_failed(problem);
            }
            (Event::PauseOver, Stage::Pausing { .. }) => self.obtain(),

            (Event::Posted(tasks), Stage::Posting) => self.posted(tasks),
            // An answer that comes too late for anything else is still worth knowing.
            (Event::Posted(tasks), _) => tasks.into_iter().for_each(|task| self.own(task, false)),
            (Event::PostRefused(problem), Stage::Posting) => self.post_refused(problem),
            (Event::PostUnclear(problem), Stage::Posting) => self.post_unclear(problem),

            (Event::Withdrawn { problem }, Stage::Withdrawing { task }) => {
                self.withdrawn(&task, problem);
            }

            (Event::Downloaded { bytes }, Stage::Downloading { task }) => {
                let knowledge = self.knowledge();
                knowledge.download_outage = None;
                knowledge.downloaded = Some(DownloadedPackage {
                    task: task.clone(),
                    bytes,
                });
                self.unpack(task);
            }
            (Event::DownloadFailed { problem, on_disk }, Stage::Downloading { task }) => {
                self.download_failed(task, problem, on_disk);
            }
            (Event::Unpacked, Stage::Unpacking { task }) => {
                self.knowledge().troubles.clear();
                self.go(
                    Stage::Building { task: task.clone() },
                    Command::Build { task },
                );
            }
            (Event::UnpackFailed(problem), Stage::Unpacking { task }) => {
                self.unpack_failed(task, problem);
            }
            (Event::Built, Stage::Building { task }) => {
                self.go(Stage::Committing { task }, Command::Commit);
            }
            // What is left deflated is read while the cube is built, so that its damage shows only then.
            (Event::BuildFailed(problem), Stage::Building { task })
                if problem.kind.blames_link() =>
            {
                self.bad_package(task, problem);
            }
            (Event::BuildFailed(problem), Stage::Building { task })
            | (Event::CommitFailed(problem), Stage::Committing { task }) => {
                self.build_failed(task, problem);
            }
            (Event::Committed(cube), Stage::Committing { task }) => {
                let task = Some(task);
                self.go(Stage::CleaningUp { task, cube }, Command::CleanUp);
            }
            (Event::CleanedUp, Stage::CleaningUp { task, cube }) => self.end(match task {
                Some(task) => Stage::Completed { task, cube },
                None => Stage::Cached { cube },
            }),

            (Event::Broken(problem), _) => self.fail(problem),
            (Event::Interrupted, stage) if stage.is_interruptible() => self.interrupted(),
            (Event::TimedOut { seconds }, stage) if stage.is_interruptible() => {
                self.timed_out(seconds);
            }
            (Event::Cancelled, stage) if stage.is_interruptible() => self.end(Stage::Cancelled),
            _ => {}
        }
    }

    pub(super) fn knowledge(&mut self) -> &mut Knowledge {
        &mut self.state.knowledge
    }

    pub(super) fn go(&mut self, stage: Stage, command: Command) {
        self.state.stage = stage;
        self.commands.push(command);
    }

    fn end(&mut self, stage: Stage) {
        self.state.stage = stage;
    }

    pub(super) fn fail(&mut self, problem: Problem) {
        self.knowledge().last_problem = Some(problem.clone());
        self.end(Stage::Failed { problem });
    }

    pub(super) fn tell(&mut self, note: Note) {
        self.commands.push(Command::Tell(note));
    }

    /// Looks at the server's list at once.
    pub(super) fn look(&mut self) {
        self.go(Stage::Finding, Command::Look(Urgency::Now));
    }

    pub(super) fn wait_for(&mut self, task: TaskId) {
        self.go(Stage::Waiting { task }, Command::Look(Urgency::NextTick));
    }

    /// Looks at the server's list after a pause; `problem` is the reason.
    pub(super) fn pause_until(&mut self, until: Timestamp, problem: Option<Problem>) {
        if let Some(problem) = problem {
            let pause = elapsed(self.at, until);
            self.knowledge().last_problem = Some(problem.clone());
            self.tell(Note::Retrying { problem, pause });
        }
        self.go(Stage::Pausing { until }, Command::PauseUntil(until));
    }

    /// Remembers that the task is the job's, as the newest one.
    pub(super) fn own(&mut self, task: TaskId, adopted: bool) {
        if self.state.knowledge.owns(&task) {
            return;
        }
        let since = self.at;
        self.knowledge().owned.push(OwnedTask {
            id: task.clone(),
            since,
            adopted,
            registered: None,
            finalized: None,
        });
        self.tell(Note::TaskChosen { task, adopted });
    }

    /// There is no cube: uses the package that is on disk, or asks the server.
    fn obtain(&mut self) {
        match self.state.knowledge.downloaded.clone() {
            Some(package) => self.unpack(package.task),
            None => self.look(),
        }
    }

    fn unpack(&mut self, task: TaskId) {
        self.go(
            Stage::Unpacking { task: task.clone() },
            Command::Unpack { task },
        );
    }

    fn interrupted(&mut self) {
        let mut message = "stopped before it was finished".to_owned();
        if self.state.knowledge.current_task().is_some() {
            message.push_str("; the server's task stays");
        }
        let problem = Problem::new(ProblemKind::Interrupted, message)
            .with_hint("ask for it again, and it goes on from there");
        self.end(Stage::Interrupted { problem });
    }

    fn timed_out(&mut self, seconds: u64) {
        let knowledge = &self.state.knowledge;
        let last_seen = match (
            &self.state.stage,
            &knowledge.last_problem,
            &knowledge.last_status,
        ) {
            (Stage::Waiting { task }, _, Some(TaskStatus::Queued)) => self.how_long_queued(task),
            (Stage::Waiting { task }, _, Some(status)) => format!("task {task} is {status}"),
            (Stage::Waiting { task }, _, None) => {
                format!("task {task} is not yet in the server's list")
            }
            (Stage::Downloading { task }, None, _) => {
                format!("the package of task {task} was being downloaded")
            }
            (_, Some(problem), _) => problem.message.clone(),
            (stage, None, _) => format!("the job was {}", stage.name()),
        };
        let message = format!("not finished after {seconds} s; last seen: {last_seen}");
        let problem = Problem::new(ProblemKind::Timeout, message)
            .with_hint("ask for it again, and it goes on from there");
        self.end(Stage::Failed { problem });
    }
}
