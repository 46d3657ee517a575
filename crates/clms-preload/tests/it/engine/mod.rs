//! The engine, on a clock that jumps, with a server that misbehaves as told.

mod bad_tasks;
mod outages;
mod room;
mod servers;
mod side_by_side;
mod stopping;
mod storage;
mod way;

use std::path::PathBuf;

use clms_preload::{JobOutcome, JobStatus};

use crate::world::World;

/// The cube is there, nothing was ordered twice, nothing is left, and all was told in order.
#[track_caller]
pub(crate) fn assert_completed(world: &World, outcome: &JobOutcome, posts: u32) {
    assert_eq!(outcome.status, JobStatus::Completed, "{outcome:?}");
    assert_eq!(world.posts_and_doubled(), (posts, 0));
    assert_eq!(world.files_in_scratch(), Vec::<PathBuf>::new());
    assert_eq!(world.staged(), 0);
    assert_eq!(world.heard.first_wrong(), None);
}
