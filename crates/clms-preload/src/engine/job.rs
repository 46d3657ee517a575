//! Drives one job: executes the machine's commands and keeps its journal.

mod lease;
mod memory;
mod order;
mod room;
mod storage;
mod work;

use std::sync::Arc;

use clms_cache::Staged;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::lease::HeldLease;
pub(super) use self::{memory::Memory, room::Rooms};
use super::{JobOutcome, JobStatus, Parts, RunOptions, Server, Start, poller::Looks, stop::Stop};
use crate::{
    JobId, JobRecord, JobRequest, JobState, JournalError, PortalTask, Problem, ProblemKind,
    ProgressEvent, Stage, TaskId, UnpackedPackage,
    clock::elapsed,
    machine::{Command, CubeSite, Event, Note, Urgency, step},
    scratch::Scratch,
};

/// One job on its way.
pub(super) struct JobRun {
    parts: Arc<Parts>,
    server: Arc<Server>,
    job: JobId,
    request: JobRequest,
    options: RunOptions,
    stop: Stop,
    /// Cancelled with the job, and when its lease is lost: ends what takes long.
    halt: CancellationToken,
    looks: Looks,
    scratch: Scratch,
    state: JobState,
    /// Whoever has a handle sees the state there.
    states: watch::Sender<JobState>,
    created_at: Timestamp,
    /// While it is held, the journal is this job's to write.
    lease: Option<HeldLease>,
    /// What the journal says.
    written: Option<JobState>,
    /// When the last looks at the server began, one after the other, that showed no task of the file that goes on.
    looks_without: Vec<Timestamp>,
    package: UnpackedPackage,
    staged: Option<Staged>,
}

impl JobRun {
    pub(super) fn new(parts: Arc<Parts>, start: Start, options: RunOptions, looks: Looks) -> Self {
        let Start {
            request,
            stop,
            states,
            ..
        } = start;
        let job = request.job_id();
        Self {
            scratch: Scratch::new(Arc::clone(&parts.disk), &parts.scratch, &job),
            state: JobState::of(&request),
            states,
            created_at: parts.clock.now(),
            server: parts.servers.of(&request.order.server),
            job,
            request,
            options,
            halt: stop.token.child_token(),
            stop,
            looks,
            lease: None,
            written: None,
            looks_without: Vec::new(),
            package: UnpackedPackage::default(),
            staged: None,
            parts,
        }
    }

    /// Tells that the job begins: before its task is spawned, so that jobs are heard of in the order in which they were asked for.
    pub(super) fn announce(&self) {
        self.tell(ProgressEvent::JobStarted {
            job: self.job.clone(),
            data_id: self.request.data_id.clone(),
        });
    }

    pub(super) async fn run(mut self) -> JobOutcome {
        let mut event = Event::Started;
        while let Some(command) = self.advance(event).await {
            let stage = &self.state.stage;
            let leaves = self.options.detach && stage.is_ordered();
            if leaves && !matches!(command, Command::Download { .. }) {
                break;
            }
            event = if self.stop.token.is_cancelled() && stage.is_interruptible() {
                self.stop.event()
            } else if self.lacks_lease() {
                self.let_lease_go().await
            } else if let (true, Command::Download { task, link, .. }) = (leaves, &command) {
                // Whoever leaves should know that the link is alive.
                match self.server.source.probe(link).await {
                    Ok(()) => break,
                    Err(problem) => self.download_failed(task, problem),
                }
            } else {
                self.execute_while_leased(command).await
            };
            if self.lacks_lease() {
                if matches!(event, Event::Committed(_)) {
                    // Once is enough.
                    self.state.force = false;
                }
                event = self.let_lease_go().await;
            }
        }
        self.end().await
    }

    /// Takes the step, writes it down, and tells what is wanted next; `None` at the end.
    async fn advance(&mut self, event: Event) -> Option<Command> {
        let before = self.state.stage.name();
        tracing::trace!(stage = %before, ?event, "event");
        let now = self.parts.clock.now();
        let (state, commands) = step(&self.parts.policy, self.state.clone(), now, event);
        self.state = state;
        let mut wanted = None;
        for command in commands {
            match command {
                Command::Tell(note) => self.tell(self.progress_of(note)),
                Command::DiscardDownload { task } => self.scratch.discard_download(&task).await,
                command => wanted = Some(command),
            }
        }
        if self.state.stage == Stage::Cancelled && self.has_lease() {
            // Before it is written down: nobody looks for files of a job that was given up.
            self.discard_staged().await;
            self.scratch.clean_up(false).await;
            self.state.knowledge.downloaded = None;
        }
        if let Err(problem) = self.write_down(now).await {
            // What can't be written down must not be done.
            tracing::error!(%problem, "the journal can't be written");
            self.state = step(
                &self.parts.policy,
                self.state.clone(),
                now,
                Event::Broken(problem),
            )
            .0;
            wanted = None;
        }
        self.states.send_replace(self.state.clone());
        let stage = self.state.stage.name();
        if stage != before {
            tracing::debug!(%stage, task = self.state.stage.task().map(TaskId::as_str), "the job enters a stage");
            self.tell(ProgressEvent::StageEntered {
                job: self.job.clone(),
                stage,
            });
        }
        wanted
    }

    async fn write_down(&mut self, now: Timestamp) -> Result<(), Problem> {
        if self.written.as_ref() == Some(&self.state) {
            return Ok(());
        }
        let record = JobRecord::new(
            self.request.clone(),
            self.state.clone(),
            self.created_at,
            now,
        );
        let journal = &self.parts.journal;
        let write = || async {
            // It may be lost while an outage is sat out.
            let may_write = self.has_lease();
            if may_write {
                journal.write(&record).await?;
            }
            Ok::<_, JournalError>(may_write)
        };
        if self.sit_out(write).await? {
            self.written = Some(record.state);
        }
        Ok(())
    }

    async fn execute(&mut self, command: Command) -> Event {
        match command {
            Command::LookUpCube => self.look_up().await,
            Command::TakeLease => self.take_lease_or_wait().await,
            Command::Look(urgency) => self.look(urgency).await,
            Command::Post => self.post().await,
            Command::Withdraw { task } => self.withdraw(&task).await,
            Command::PauseUntil(until) => self.pause(until).await,
            Command::Download { task, link, size } => match self.download(&task, &link, size).await
            {
                Ok(bytes) => Event::Downloaded { bytes },
                Err(problem) => self.download_failed(&task, problem),
            },
            Command::Unpack { task } => match self.unpack(&task).await {
                Ok(()) => Event::Unpacked,
                Err(problem) => self.stopped_or(problem, Event::UnpackFailed),
            },
            Command::Build { task } => match self.build(&task).await {
                Ok(()) => Event::Built,
                Err(problem) => self.stopped_or(problem, Event::BuildFailed),
            },
            Command::Commit => self
                .commit()
                .await
                .map_or_else(Event::CommitFailed, Event::Committed),
            Command::CleanUp => {
                self.scratch.clean_up(self.options.keep_downloads).await;
                self.forget_order().await;
                Event::CleanedUp
            }
            // Done in `advance`; they have no answer.
            Command::DiscardDownload { .. } | Command::Tell(_) => Event::Broken(Problem::new(
                ProblemKind::Internal,
                "a command without an answer was waited for",
            )),
        }
    }

    fn download_failed(&self, task: &TaskId, problem: Problem) -> Event {
        self.stopped_or(problem, |problem| Event::DownloadFailed {
            problem,
            on_disk: self.scratch.part_len(task),
        })
    }

    /// A problem that is only the consequence of being stopped is none.
    fn stopped_or(&self, problem: Problem, failed: impl FnOnce(Problem) -> Event) -> Event {
        if problem.kind == ProblemKind::Interrupted && self.halt.is_cancelled() {
            self.stop.event()
        } else {
            failed(problem)
        }
    }

    async fn look_up(&self) -> Event {
        let (cache, cube) = (&self.parts.cache, &self.request.cube);
        match self.sit_out(|| cache.look_up(cube)).await {
            Ok(None) => Event::CubeLookedUp {
                cube: None,
                remains: false,
            },
            Ok(Some(info)) => {
                // A journal that can't be read is no reason to hide a cube that can.
                let record = self.parts.journal.read(&self.job).await.ok().flatten();
                Event::CubeLookedUp {
                    cube: Some(CubeSite {
                        location: info.location,
                    }),
                    remains: record.is_some_and(|record| !record.is_finished()),
                }
            }
            Err(problem) => Event::Broken(problem),
        }
    }

    async fn look(&mut self, urgency: Urgency) -> Event {
        let look = tokio::select! {
            biased;
            () = self.stop.token.cancelled() => return self.stop.event(),
            look = self.looks.look(urgency) => look,
        };
        match look.tasks {
            Ok(tasks) => {
                let content = &self.request.order.content;
                let is_there = |task: &PortalTask| task.content == *content && task.goes_on();
                if tasks.iter().any(is_there) {
                    self.looks_without.clear();
                } else {
                    self.looks_without.push(look.begun);
                }
                Event::TasksSeen(tasks.to_vec())
            }
            Err(problem) => Event::LookFailed(problem),
        }
    }

    async fn pause(&self, until: Timestamp) -> Event {
        let pause = elapsed(self.parts.clock.now(), until);
        tokio::select! {
            biased;
            () = self.stop.token.cancelled() => self.stop.event(),
            () = self.parts.clock.sleep(pause) => Event::PauseOver,
        }
    }

    fn tell(&self, event: ProgressEvent) {
        self.parts.progress.event(&event);
    }

    fn progress_of(&self, note: Note) -> ProgressEvent {
        let job = self.job.clone();
        match note {
            Note::TaskSeen {
                task,
                status,
                since,
            } => ProgressEvent::TaskSeen {
                job,
                task,
                status,
                since,
            },
            Note::TaskChosen { task, adopted } => ProgressEvent::TaskChosen { job, task, adopted },
            Note::TaskStuck { task, problem } => ProgressEvent::TaskStuck { job, task, problem },
            Note::TaskAbandoned { task, problem } => {
                ProgressEvent::TaskAbandoned { job, task, problem }
            }
            Note::Retrying { problem, pause } => ProgressEvent::Retrying {
                job,
                problem,
                pause,
            },
        }
    }

    /// Removes all temporary files but those that the next run can use.
    async fn sweep(&self) {
        let tasks = self.state.knowledge.live_tasks();
        self.scratch
            .keep_downloads_of(tasks, self.options.keep_downloads)
            .await;
    }

    async fn discard_staged(&mut self) {
        if let Some(staged) = self.staged.take()
            && let Err(error) = self.parts.cache.discard(staged).await
        {
            tracing::warn!(%error, "an unfinished cube was not removed");
        }
    }

    async fn end(mut self) -> JobOutcome {
        self.discard_staged().await;
        if matches!(
            self.state.stage,
            Stage::Failed { .. } | Stage::Interrupted { .. }
        ) && self.has_lease()
        {
            self.sweep().await;
        }
        if self.has_lease()
            && let Err(error) = self.parts.journal.withdraw_cancellation(&self.job).await
        {
            tracing::warn!(%error, "a message about the job was not removed");
        }
        let task = self
            .state
            .stage
            .task()
            .or_else(|| self.state.knowledge.current_task());
        let mut outcome = JobOutcome {
            job: self.job.clone(),
            data_id: self.request.data_id.clone(),
            status: JobStatus::Requested,
            cube: None,
            task_id: task.cloned(),
            bytes: None,
            error: None,
        };
        (outcome.status, outcome.cube, outcome.error) = match self.state.stage.clone() {
            Stage::Completed { cube, .. } => (JobStatus::Completed, Some(cube.location), None),
            Stage::Cached { cube } => (JobStatus::Cached, Some(cube.location), None),
            Stage::Failed { problem } => (JobStatus::Failed, None, Some(problem)),
            Stage::Interrupted { problem } => (JobStatus::Cancelled, None, Some(problem)),
            Stage::Cancelled => (JobStatus::Cancelled, None, None),
            stage if stage.is_ordered() && self.options.detach => {
                (JobStatus::Requested, None, None)
            }
            stage => {
                let message = format!("the job wants nothing more although it is {}", stage.name());
                let problem = Problem::new(ProblemKind::Internal, message);
                (JobStatus::Failed, None, Some(problem))
            }
        };
        if outcome.cube.is_some() {
            outcome.bytes = self
                .parts
                .cache
                .usage(&self.request.cube)
                .await
                .ok()
                .map(|usage| usage.bytes);
        }
        self.give_back_lease().await;
        self.tell(ProgressEvent::JobEnded {
            job: self.job.clone(),
            status: outcome.status,
            error: outcome.error.clone(),
        });
        outcome
    }
}
