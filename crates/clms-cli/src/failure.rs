//! Failures as the program shows them: what, on what, why, and what to do.

use std::io;

use clms_store::{Problem, ProblemKind, StoreError};
use serde::Serialize;

use crate::exit;

/// A failure, for people and for programs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    /// A stable word.
    pub(crate) kind: String,
    /// What failed, on what, and why.
    pub(crate) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// Whether the same call may succeed later.
    pub(crate) retryable: bool,
    #[serde(skip)]
    pub(crate) code: u8,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: "usage".to_owned(),
            message: message.into(),
            hint: None,
            retryable: false,
            code: exit::USAGE,
        }
    }

    /// Something that only rasters can be asked for.
    pub(crate) fn vector_only(message: String) -> Self {
        Self {
            kind: ProblemKind::VectorOnly.to_string(),
            message,
            hint: None,
            retryable: false,
            code: exit::FAILED,
        }
    }

    /// A file that can't be written; `doing` as in "write map.png".
    pub(crate) fn io(doing: &str, why: &io::Error) -> Self {
        Self {
            kind: match why.kind() {
                io::ErrorKind::StorageFull => "disk_full",
                _ => "io",
            }
            .to_owned(),
            message: format!("cannot {doing}: {why}"),
            hint: None,
            retryable: false,
            code: exit::FAILED,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<StoreError> for Failure {
    fn from(why: StoreError) -> Self {
        Self {
            kind: why.kind().to_owned(),
            message: why.to_string(),
            hint: why.hint(),
            retryable: why.is_retryable(),
            code: exit::of(why.class()),
        }
    }
}

impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        Self {
            kind: problem.kind.to_string(),
            message: problem.message.clone(),
            hint: problem.hint.clone(),
            retryable: problem.retryable,
            code: match problem.kind {
                ProblemKind::Unauthorized => exit::CREDENTIALS,
                _ => exit::FAILED,
            },
        }
    }
}
