//! Walks one job through clms-preload's machine, with nothing but that crate: no server, no cache, no disk.

use std::io::{self, Write as _};

use clms_preload::{
    Clock as _, ContentKey, CubeSite, JobId, JobState, Policy, PortalTask, SystemClock, TaskId,
    TaskStatus,
    machine::{Event, step},
};

fn main() -> io::Result<()> {
    let content = ContentKey::file(
        "0407d497d3c44bcd93ce8fd5bf78596a",
        "3d9e2413-46ca-4f6e-abf8-b6eb429a4e48",
    );
    let job = JobId::of("clc2018|u2018_clc2018_v2020_20u1_raster100m", &content);
    let task = TaskId::new("94519134409");
    let seen = PortalTask::new(task.clone(), content.clone(), TaskStatus::InProgress);
    let events = [
        Event::Started,
        Event::CubeLookedUp {
            cube: None,
            remains: false,
        },
        Event::Leased {
            remembered: Box::default(),
            download_on_disk: false,
        },
        Event::CubeLookedUp {
            cube: Some(CubeSite {
                location: "clms_cache/clc2018.zarr".to_owned(),
            }),
            remains: false,
        },
        Event::TasksSeen(vec![seen]),
        Event::Interrupted,
    ];

    let (policy, now) = (Policy::default(), SystemClock.now());
    let mut state = JobState::new(content, true);
    let mut out = io::stdout().lock();
    writeln!(out, "job {job}")?;
    for event in events {
        let (next, commands) = step(&policy, state, now, event);
        state = next;
        writeln!(out, "{}: {commands:?}", state.stage.name())?;
    }
    let is_remembered = state.renewed().knowledge.current_task() == Some(&task);
    writeln!(out, "task {task} is remembered: {is_remembered}")
}
