//! Progress of preload jobs and other work on standard error: bars, lines, JSON, or nothing.

mod board;
mod line;
mod lines;
mod screen;
mod story;
mod work;

use std::{io::IsTerminal, sync::Arc};

use clms_store::progress::{NoProgress, Progress};
use schemars::JsonSchema;
use serde::Serialize;

use self::{
    board::Board,
    lines::{JobEvent, JsonLines, PlainLines},
    work::WorkEvent,
};
pub(crate) use self::{
    screen::Screen,
    story::ending,
    work::{Doing, Work},
};
use crate::args;

/// A line of `--progress json`.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ProgressLine<'a> {
    /// Of a preload job, or of all of them.
    Job(JobEvent<'a>),
    /// Of other work.
    Work(WorkEvent<'a>),
}

/// The listener that was asked for.
pub(crate) fn listener(kind: args::Progress, screen: &Screen) -> Arc<dyn Progress> {
    match kind {
        args::Progress::Auto if std::io::stderr().is_terminal() => {
            Arc::new(Board::new(screen.clone()))
        }
        args::Progress::Auto | args::Progress::Plain => Arc::new(PlainLines::new(screen.clone())),
        args::Progress::Json => Arc::new(JsonLines::new(screen.clone())),
        args::Progress::None => Arc::new(NoProgress),
    }
}
