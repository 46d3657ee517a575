//! All pairs of stage and event.

use std::collections::BTreeMap;

use clms_preload::{
    ContentKey, CubeSite, DownloadLink, JobState, Policy, PortalTask, Problem, ProblemKind, Stage,
    TaskId, TaskStatus,
    machine::{Command, Event, Knowledge, OwnedTask, step},
};
use jiff::Timestamp;

fn task() -> TaskId {
    TaskId::new("1")
}

fn cube() -> CubeSite {
    CubeSite {
        location: "cache/x.zarr".to_owned(),
    }
}

fn problem(kind: ProblemKind) -> Problem {
    Problem::new(kind, "it did not work")
}

pub(crate) fn content() -> ContentKey {
    ContentKey::file("uid", "file")
}

/// One of each.
pub(crate) fn stages() -> Vec<Stage> {
    vec![
        Stage::New,
        Stage::Checking,
        Stage::Leasing { cached: None },
        Stage::Leasing {
            cached: Some(cube()),
        },
        Stage::Rechecking,
        Stage::Finding,
        Stage::Posting,
        Stage::Waiting { task: task() },
        Stage::Withdrawing { task: task() },
        Stage::Pausing {
            until: Timestamp::UNIX_EPOCH,
        },
        Stage::Downloading { task: task() },
        Stage::Unpacking { task: task() },
        Stage::Building { task: task() },
        Stage::Committing { task: task() },
        Stage::CleaningUp {
            task: Some(task()),
            cube: cube(),
        },
        Stage::CleaningUp {
            task: None,
            cube: cube(),
        },
        Stage::Completed {
            task: task(),
            cube: cube(),
        },
        Stage::Cached { cube: cube() },
        Stage::Failed {
            problem: problem(ProblemKind::DiskFull),
        },
        Stage::Interrupted {
            problem: problem(ProblemKind::Interrupted),
        },
        Stage::Cancelled,
    ]
}

pub(crate) fn portal_task(id: &str, status: TaskStatus) -> PortalTask {
    PortalTask::new(TaskId::new(id), content(), status)
}

pub(crate) fn finished_task(id: &str, at: Timestamp) -> PortalTask {
    PortalTask {
        link: Some(DownloadLink::new(
            "https://host/results/1.zip".parse().unwrap(),
        )),
        finalized: Some(at),
        ..portal_task(id, TaskStatus::FinishedOk)
    }
}

/// At least one of each, with a name.
pub(crate) fn events() -> Vec<(&'static str, Event)> {
    let seen = |task| Event::TasksSeen(vec![task]);
    let looked_up = |cube, remains| Event::CubeLookedUp { cube, remains };
    vec![
        ("started", Event::Started),
        ("no cube", looked_up(None, false)),
        ("cube", looked_up(Some(cube()), false)),
        ("cube, remains", looked_up(Some(cube()), true)),
        (
            "leased",
            Event::Leased {
                remembered: Box::new(Knowledge::default()),
                download_on_disk: false,
            },
        ),
        ("held", Event::LeaseRefused(problem(ProblemKind::Busy))),
        (
            "lease lost",
            Event::LeaseLost(problem(ProblemKind::LeaseLost)),
        ),
        ("no tasks", Event::TasksSeen(Vec::new())),
        ("queued", seen(portal_task("1", TaskStatus::Queued))),
        (
            "queued too long",
            seen(PortalTask {
                registered: Some(Timestamp::from_second(-100_000).unwrap()),
                ..portal_task("1", TaskStatus::Queued)
            }),
        ),
        (
            "in progress",
            seen(portal_task("1", TaskStatus::InProgress)),
        ),
        ("finished", seen(finished_task("1", Timestamp::UNIX_EPOCH))),
        ("unlinked", seen(portal_task("1", TaskStatus::FinishedOk))),
        ("failed", seen(portal_task("1", TaskStatus::FinishedNok))),
        ("cancelled", seen(portal_task("1", TaskStatus::Cancelled))),
        ("rejected", seen(portal_task("1", TaskStatus::Rejected))),
        (
            "unknown",
            seen(portal_task("1", TaskStatus::Unknown("QUEUED".to_owned()))),
        ),
        (
            "look failed",
            Event::LookFailed(problem(ProblemKind::Unreachable)),
        ),
        (
            "look refused",
            Event::LookFailed(problem(ProblemKind::Unauthorized)),
        ),
        ("posted", Event::Posted(vec![task()])),
        ("posted nameless", Event::Posted(Vec::new())),
        (
            "post refused",
            Event::PostRefused(problem(ProblemKind::Refused)),
        ),
        (
            "duplicated",
            Event::PostRefused(problem(ProblemKind::Duplicated)),
        ),
        (
            "post unclear",
            Event::PostUnclear(problem(ProblemKind::ServerError)),
        ),
        ("withdrawn", Event::Withdrawn { problem: None }),
        (
            "withdrawal refused",
            Event::Withdrawn {
                problem: Some(problem(ProblemKind::Refused)),
            },
        ),
        ("pause over", Event::PauseOver),
        ("downloaded", Event::Downloaded { bytes: 7 }),
        (
            "link dead",
            Event::DownloadFailed {
                problem: problem(ProblemKind::LinkDead),
                on_disk: 0,
            },
        ),
        (
            "line broke",
            Event::DownloadFailed {
                problem: problem(ProblemKind::Unreachable),
                on_disk: 3,
            },
        ),
        (
            "disk full",
            Event::DownloadFailed {
                problem: problem(ProblemKind::DiskFull),
                on_disk: 3,
            },
        ),
        ("unpacked", Event::Unpacked),
        ("no zip", Event::UnpackFailed(problem(ProblemKind::NotAZip))),
        (
            "vectors",
            Event::UnpackFailed(problem(ProblemKind::VectorOnly)),
        ),
        ("built", Event::Built),
        (
            "build failed",
            Event::BuildFailed(problem(ProblemKind::BuildFailed)),
        ),
        ("committed", Event::Committed(cube())),
        (
            "commit failed",
            Event::CommitFailed(problem(ProblemKind::CacheNotWritable)),
        ),
        ("cleaned up", Event::CleanedUp),
        ("broken", Event::Broken(problem(ProblemKind::Journal))),
        ("interrupted", Event::Interrupted),
        ("timed out", Event::TimedOut { seconds: 60 }),
        ("given up", Event::Cancelled),
    ]
}

fn state(stage: Stage, owns: bool) -> JobState {
    let mut state = JobState::new(content(), false);
    state.stage = stage;
    if owns {
        state.knowledge.owned.push(OwnedTask {
            id: task(),
            since: Timestamp::UNIX_EPOCH,
            adopted: false,
            registered: None,
            finalized: None,
        });
    }
    state
}

/// How many commands are waited for.
pub(crate) fn outward(commands: &[Command]) -> usize {
    commands
        .iter()
        .filter(|command| !matches!(command, Command::Tell(_) | Command::DiscardDownload { .. }))
        .count()
}

/// Which events move a job on from which stage, and where to. Not listed: those that do the same in every stage.
const TRANSITIONS: &str = "
new: started -> checking
checking: no cube -> leasing; cube -> cached; cube, remains -> leasing
leasing: leased -> rechecking; held -> failed
leasing (2): leased -> rechecking; held -> cached
rechecking: no cube -> finding; cube -> cleaning_up; cube, remains -> cleaning_up
finding: no tasks -> waiting; queued -> waiting; queued too long -> withdrawing; in progress -> waiting; finished -> downloading; unlinked -> waiting; failed -> pausing; cancelled -> pausing; rejected -> pausing; unknown -> waiting; look failed -> pausing; look refused -> failed
posting: posted -> waiting; posted nameless -> finding; post refused -> failed; duplicated -> pausing; post unclear -> finding
waiting: no tasks -> waiting; queued -> waiting; queued too long -> withdrawing; in progress -> waiting; finished -> downloading; unlinked -> waiting; failed -> pausing; cancelled -> pausing; rejected -> pausing; unknown -> waiting; look failed -> pausing; look refused -> failed
withdrawing: withdrawn -> finding; withdrawal refused -> finding
pausing: pause over -> finding
downloading: downloaded -> unpacking; link dead -> pausing; line broke -> pausing; disk full -> failed
unpacking: unpacked -> building; no zip -> pausing; vectors -> failed
building: built -> committing; build failed -> failed
committing: committed -> cleaning_up; commit failed -> failed
cleaning_up: cleaned up -> completed
cleaning_up (2): cleaned up -> cached
completed:
cached:
failed:
interrupted:
cancelled:
";

#[test]
fn every_pair_does_what_the_table_says() {
    let policy = Policy::default();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut table = String::from("\n");
    for stage in stages() {
        let count = seen.entry(stage.name().to_string()).or_default();
        *count += 1;
        let numbered = if *count > 1 {
            format!("{} ({count})", stage.name())
        } else {
            stage.name().to_string()
        };
        let mut moves = Vec::new();
        for (name, event) in events() {
            const EVERYWHERE: [&str; 5] = [
                "broken",
                "interrupted",
                "timed out",
                "given up",
                "lease lost",
            ];
            if EVERYWHERE.contains(&name) {
                continue;
            }
            let before = state(stage.clone(), true);
            let (after, commands) = step(&policy, before.clone(), Timestamp::UNIX_EPOCH, event);
            let is_move = outward(&commands) > 0 || after.stage != before.stage;
            if is_move {
                moves.push(format!(" {name} -> {}", after.stage.name()));
            } else {
                assert_eq!(
                    after, before,
                    "{numbered}: {name} changes something silently"
                );
            }
        }
        table.push_str(&format!("{numbered}:{}\n", moves.join(";")));
    }
    assert_eq!(table, TRANSITIONS, "\n{table}");
}

#[test]
fn a_step_wants_one_thing_unless_the_job_has_ended() {
    let policy = Policy::default();
    for owns in [false, true] {
        for stage in stages() {
            for (name, event) in events() {
                let before = state(stage.clone(), owns);
                let (after, commands) = step(&policy, before.clone(), Timestamp::UNIX_EPOCH, event);
                let wants = outward(&commands);
                let what = format!(
                    "{} on {name} -> {}",
                    before.stage.name(),
                    after.stage.name()
                );
                if before.stage.is_terminal() {
                    assert_eq!((&after, commands.len()), (&before, 0), "{what}");
                } else if after.stage.is_terminal() {
                    assert_eq!(wants, 0, "{what}");
                } else if after.stage != before.stage {
                    assert_eq!(wants, 1, "{what}");
                } else {
                    assert!(wants <= 1, "{what}");
                }
            }
        }
    }
}

#[test]
fn what_stops_a_job_stops_it_everywhere_but_in_the_last_two_steps() {
    let policy = Policy::default();
    for stage in stages().into_iter().filter(|stage| !stage.is_terminal()) {
        for (name, stopped) in [
            ("interrupted", "interrupted"),
            ("timed out", "failed"),
            ("given up", "cancelled"),
        ] {
            let event = events()
                .into_iter()
                .find(|(known, _)| *known == name)
                .unwrap()
                .1;
            let (after, commands) = step(
                &policy,
                state(stage.clone(), true),
                Timestamp::UNIX_EPOCH,
                event,
            );
            let expected = if stage.is_interruptible() {
                stopped.to_owned()
            } else {
                stage.name().to_string()
            };
            assert_eq!(
                (after.stage.name().to_string(), commands.len()),
                (expected, 0)
            );
        }
        let broken = Event::Broken(problem(ProblemKind::Journal));
        let (after, _) = step(&policy, state(stage, true), Timestamp::UNIX_EPOCH, broken);
        assert_eq!(after.stage.name().to_string(), "failed");
    }
}

#[test]
fn who_has_lost_the_lease_asks_for_it_again() {
    for stage in stages() {
        let lost = Event::LeaseLost(problem(ProblemKind::LeaseLost));
        let before = state(stage.clone(), true);
        let (after, commands) = step(
            &Policy::default(),
            before.clone(),
            Timestamp::UNIX_EPOCH,
            lost,
        );
        if stage.needs_lease() {
            assert_eq!(after.stage, Stage::Leasing { cached: None });
            assert!(matches!(commands[..], [_, Command::TakeLease]));
        } else {
            assert_eq!((after, commands), (before, Vec::new()));
        }
    }
}
