//! Standard error, shared by bars and lines.

use indicatif::{MultiProgress, ProgressBar};

use crate::printer::to_stderr;

/// The lower part of the terminal belongs to bars, lines scroll by above them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Screen(MultiProgress);

impl Screen {
    /// Nothing is drawn before there is a bar.
    pub(crate) fn new() -> Self {
        Self(MultiProgress::new())
    }

    /// Prints a line above the bars.
    pub(crate) fn line(&self, text: &str) {
        self.0.suspend(|| to_stderr(text));
    }

    /// Adds a bar below the others.
    pub(crate) fn add(&self, bar: ProgressBar) -> ProgressBar {
        self.0.add(bar)
    }
}
